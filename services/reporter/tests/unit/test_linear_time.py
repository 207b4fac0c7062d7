"""What works on visitors' text takes twice the time for twice the text, at worst.

Each place meets its worst input at one size and at four times that, by CPU time, the best of
three; sizes are such that the shorter run takes some milliseconds, which a busy machine blurs
least. A doubling may cost 2.3 times.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import date

import pytest

from cv_reporter.application.queries import Filter
from cv_reporter.application.quotes import scrubbed
from cv_reporter.data import load_policy
from cv_reporter.domain import findings
from cv_reporter.domain.fact import Outcome
from cv_reporter.domain.findings import groups
from cv_reporter.domain.summary import summarise
from cv_reporter.domain.tally import TEXT, GroupKey, GroupTally, Sample
from cv_reporter.domain.visits import visits_of
from cv_reporter.domain.words import normalised, shown, similarity, tokens
from cv_reporter.presentation.csv import cell
from tests.sample import MONDAY_NOON, fact

DAY = date(2025, 11, 10)
ZONE = "Europe/London"
PER_DOUBLING = 2.5  # linear with a busy machine beside it; quadratic is 4
PIECES = [
    *("a", "a/", "+#./", "s", "ss ", " ", "é", "e\u0301", "\u0301", "\u202e"),
    *("\ufb01", "\u2177", "=", "1 ", "x" * 23 + " "),
]


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds, the best of three; what was remembered of an earlier run is forgotten."""
    best = float("inf")
    for _ in range(3):
        tokens.cache_clear()
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def ratio(work: Callable[[int], Callable[[], object]], size: int) -> float:
    """How many times longer four times the size takes: the least of up to five measurements.

    What else runs on the machine only ever makes a linear one look worse; quadratic work takes
    16 times, far too much for a lucky measurement.
    """
    small, large = work(size), work(4 * size)
    least = float("inf")
    gc.disable()  # it runs more often the more there is
    for _ in range(5):
        least = min(least, seconds(large) / seconds(small))
        if least < PER_DOUBLING**2:
            break
    gc.enable()
    return least


def of_text(work: Callable[[str], object], piece: str) -> Callable[[int], Callable[[], object]]:
    """Work on a text of so many characters."""

    def sized(length: int) -> Callable[[], object]:
        text = (piece * length)[:length]
        return lambda: work(text)

    return sized


def search(text: str) -> object:
    """As the dashboard's search field does: nearly matching everywhere."""
    return Filter(text=text[: len(text) // 2] + "~").admits(fact(question=text))


def alike(text: str) -> object:
    return similarity(tokens(text), tokens(text[1:]))


WORK: dict[str, Callable[[str], object]] = {
    "tokens": tokens,
    "normalised": normalised,
    "shown": lambda text: shown(text, len(text)),
    "cell": cell,
    "search": search,
    "alike": alike,
}


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", WORK)
def test_work_on_a_text_grows_linearly(name: str, piece: str) -> None:
    assert ratio(of_text(WORK[name], piece), 20_000) < PER_DOUBLING**2


def group(number: int, name: str) -> tuple[GroupKey, GroupTally]:
    sample = Sample(number, f"q{number}", name, Outcome.NONE, None)
    return GroupKey(TEXT, name), GroupTally(1, number, frozenset({sample}))


def sharing(number: int) -> str:
    """No two alike, though all have seven of their 24 words in common."""
    return " ".join([*(f"common{n}" for n in range(7)), *(f"w{number}x{n}" for n in range(17))])


def chained(number: int) -> str:
    """Each shares words with its neighbours alone."""
    return " ".join(f"w{number * 8 + n}" for n in range(24))


@pytest.mark.parametrize("make", [sharing, chained, str], ids=lambda make: make.__name__)
def test_grouping_of_a_periods_texts_grows_linearly(make: Callable[[int], str]) -> None:
    """Texts are compared with one another; so no more than `MAX_TEXTS` of a period are."""
    policy, empty = load_policy(), summarise([], DAY, ZONE, load_policy()).visitors

    def sized(number: int) -> Callable[[], object]:
        tally = empty._replace(groups=dict(group(n, make(n)) for n in range(number)))
        return lambda: groups(tally, policy)

    assert ratio(sized, findings.MAX_TEXTS) < PER_DOUBLING**2


@pytest.mark.parametrize(
    ("sessions", "text"), [(1, "why {}"), (1, "why"), (2_000, "word{} in common with all")]
)
def test_a_day_of_unanswered_questions_is_summarised_in_linear_time(
    sessions: int, text: str
) -> None:
    def sized(number: int) -> Callable[[], object]:
        facts = [
            fact(
                n,
                question=text.format(n),
                session_id=f"s{n % sessions}",
                asked_at=MONDAY_NOON + n,
                outcome=Outcome.NONE,
                skills=(),
                intents=(),
            )
            for n in range(number)
        ]
        return lambda: (summarise(facts, DAY, ZONE, load_policy()), visits_of(facts, DAY, ZONE))

    assert ratio(sized, 500) < PER_DOUBLING**2


def test_a_report_is_rid_of_quotes_in_linear_time() -> None:
    def sized(number: int) -> Callable[[], object]:
        samples = ",".join(f'{{"requestId":"q{n}","text":"t{n}"}}' for n in range(number))
        body = f'{{"groups":[{{"kind":"text","label":"t0","samples":[{samples}]}}]}}'
        erased = {f"q{n}" for n in range(0, number, 2)}
        return lambda: scrubbed(body, erased)

    assert ratio(sized, 2_000) < PER_DOUBLING**2


def test_quadratic_work_is_noticed() -> None:
    def sized(number: int) -> Callable[[], object]:
        return lambda: [number for n in range(number) for _ in range(n)]

    assert ratio(sized, 200) > PER_DOUBLING**2
