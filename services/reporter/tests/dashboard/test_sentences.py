"""The board beside an oracle: every combination of what arrived, what was compared, what waits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from itertools import product

import pytest

from cv_reporter.adapters.aws import client
from cv_reporter.application.ports import LastComparison
from cv_reporter.bootstrap import services
from cv_reporter.domain.fact import Fact
from cv_reporter.domain.report import Comparison
from tests.component.world import ENVIRONMENT
from tests.dashboard.conftest import Play
from tests.dashboard.scenarios import DAY, HOUR, NOW, SCENARIOS, Scenario, sample_facts

LONG_AGO = 40 * DAY
AT = NOW - 6 * HOUR
COMPARED_ON = "on Mon 17 Nov, 03:00"


def stopped_long_ago() -> Sequence[Fact]:
    """The sample's facts, so old that none of the last four weeks is among them."""
    return [replace(one, asked_at=one.asked_at - LONG_AGO) for one in sample_facts()]


ARRIVED = {
    "no data ever": Scenario(list),
    "usual traffic": SCENARIOS["quiet"],
    "stopped": SCENARIOS["silent"],
    "stopped long ago": Scenario(stopped_long_ago),
}
LEADS = {
    "usual traffic": r"168 questions: \d+ answered in full, \d+ not at all\.",
    "stopped": r"40 questions: 14 answered in full, 16 not at all\.",
    "stopped long ago": r"No question arrived in this period\.",
}
PULSES = {
    "usual traffic": r"The last question came on Mon 17 Nov, 0\d:\d\d\.",
    "stopped": r"No question for 10 days \(usually 3 at most\)\. The last question came on "
    r"Fri 7 Nov, 22:13\. Check that the chatbot still sends\.",
    "stopped long ago": r"No question in the last four weeks\. "
    r"Check that the chatbot still sends\.",
}
COMPARISONS = {
    "not compared": (
        None,
        "Not compared with the Processor yet: questions may be missing.",
    ),
    "compared": (
        Comparison(8, 8, 0),
        f"8 days compared with the Processor {COMPARED_ON}: no difference.",
    ),
    "healed": (
        Comparison(8, 8, 2),
        f"8 days compared with the Processor {COMPARED_ON}: 2 missing questions came back.",
    ),
    "partly compared": (
        Comparison(8, 2, 0, "the time was up"),
        f"Only 2 of 8 days were compared with the Processor {COMPARED_ON}: the time was up. "
        "Questions may be missing.",
    ),
    "unreachable": (
        Comparison(8, 0, 0, "the Processor did not answer"),
        f"Not compared with the Processor {COMPARED_ON}: the Processor did not answer. "
        "Questions may be missing.",
    ),
}
WAITING = {
    "none": "",
    "some": "37 events could not be processed and wait in the dead-letter queue: "
    "questions may be missing, or not yet erased.",
    "not known": "Whether events wait in the dead-letter queue is not known: it did not answer.",
}
UNTRUE = ("pipeline is up", "nothing was missing", "0 of 8", "proves", "Every question got",
          "all got an answer", "No skill has a gap", "no reason to change", "score of 80 or more",
          "same words as your CV")  # fmt: skip


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def pieces(page: str, start: str) -> list[str]:
    """The texts of the elements that begin so."""
    ending = "</" + start[1:].partition(" ")[0]
    return [text(piece.partition(ending)[0].partition(">")[2]) for piece in page.split(start)[1:]]


@pytest.fixture(params=list(ARRIVED))
def arrived(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setitem(SCENARIOS, name, ARRIVED[name])
    return name


def let_wait(waiting: str) -> None:
    """Fill the dead-letter queue; or delete it, so that it does not answer."""
    sqs, url = client("sqs"), ENVIRONMENT["FACTS_DLQ_URL"]
    if waiting == "some":
        for _ in range(37):
            sqs.send_message(QueueUrl=url, MessageBody="{}")
    elif waiting == "not known":
        sqs.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("waiting", WAITING)
def test_no_sentence_of_the_board_claims_what_was_not_checked(
    play: Play, arrived: str, waiting: str
) -> None:
    owner = play(arrived)
    let_wait(waiting)
    for (compared, (last, sentence)), path in product(COMPARISONS.items(), ("", "/details")):
        if last:
            services().dashboard.comparisons.put(LastComparison(last, AT, {}))
        page = owner.get(f"/dashboard{path}").text
        assert not [claim for claim in UNTRUE if claim in text(page)], compared
        assert (WAITING["some"] in pieces(page, '<p class="notice')) == (waiting == "some")
        if arrived == "no data ever":
            assert "Nothing asked yet" in page
            assert "compared" not in text(page), "of nothing, nothing is said"
        elif not path:
            board_says_what_is_known(page, arrived, (last, sentence), waiting)


def board_says_what_is_known(
    page: str, arrived: str, compared: tuple[Comparison | None, str], waiting: str
) -> None:
    last, sentence = compared
    assert re.match(LEADS[arrived], pieces(page, '<p class="lead"')[0])
    warnings = [PULSES[arrived]] if arrived != "usual traffic" else []
    warnings += [re.escape(sentence)] if last and last.problem else []
    warnings += [re.escape(WAITING[waiting])] if waiting == "some" else []
    notices = pieces(page, '<p class="notice')
    assert len(notices) == len(warnings)
    for expected, notice in zip(warnings, notices, strict=True):
        assert re.fullmatch(expected, notice)
    facts = pieces(page.partition('<ul class="facts">')[2].partition("</ul>")[0], "<li")
    known = [PULSES[arrived] + r" As of Mon 17 Nov, 09:00\."]
    known += [] if last and last.problem else [re.escape(sentence)]
    known += [re.escape(WAITING[waiting])] if waiting == "not known" else []
    few = r"With only \d+ answers, a share can be far from what it would be with more visitors\."
    known += [few] if few_answers(page) else []
    known += [r"There is no earlier period to compare with\."] if "no earlier" in page else []
    known += [r"Not counted: .*\."] if "Not counted" in page else []
    assert len(facts) == len(known)
    for expected, fact in zip(known, facts, strict=True):
        assert re.fullmatch(expected, fact)
    assert ("no earlier period" in page) == (arrived != "stopped long ago")
    assert ("Nothing is known yet" in page) == (arrived == "stopped long ago")
    assert ('class="tiles"' in page) == (arrived != "stopped long ago")


def few_answers(page: str) -> bool:
    """Whether fewer than thirty were answered: the tile says of how many the share is."""
    whole = re.findall(r"Answered in full</h2>.*?of (\d+)", page, re.DOTALL)
    return bool(whole) and int(whole[0]) < 30
