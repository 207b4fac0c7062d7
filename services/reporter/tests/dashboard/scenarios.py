"""The dashboard in every state that it can be in, over moto's AWS and with a fixed clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from unittest.mock import patch

from moto import mock_aws

from cv_reporter.application.dashboard_ports import Receipt
from cv_reporter.application.ports import LastComparison, Partition, ProcessorError
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.bootstrap import Services, services
from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.calendar import Week
from cv_reporter.domain.fact import Audience, Fact, Outcome, Skill, Word
from cv_reporter.domain.report import Comparison, GapState
from tests.component import world as worlds
from tests.sample import completed_events, fact

NOW = 1_763_370_000_000
"""Monday, 17 November 2025, 09:00 in London."""

TODAY = date(2025, 11, 17)
DAY = 86_400_000
HOUR = 3_600_000

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:/*--></title></style></textarea></script><svg/onload='+/\"/+/onmouseover=1/+alert(1)'",
    "{{7*7}} {% raw %} ${7*7} <%= 7*7 %>",
    '=HYPERLINK("http://evil.example","click")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202egnp.exe\u202c \u2066isolated\u2069 \u200bzero\u200bwidth",
    "א" * 300 + " rtl " + "ب" * 300,
    "W" * 10_000,
    "Z" + "\u0300" * 500 + "algo",
    "👩‍👩‍👧‍👦" * 400,
    "\x00\x07\x1b[31mred\x1b[0m\r\nSet-Cookie: a=b",
    "' OR 1=1; DROP TABLE facts; --",
    "&lt;b&gt;already escaped&lt;/b&gt; &amp;amp;",
)


@dataclass
class FakeErasures:
    """A Processor that erases at once, or does not answer."""

    reachable: bool = True
    asked: list[str] = field(default_factory=list)

    def request(self, session_id: str) -> Receipt:
        """Remove the session's facts here, as the Processor's event would have it."""
        if not self.reachable:
            raise ProcessorError("could not connect")
        self.asked.append(session_id)
        store = services().fact_store
        keys = store.of_session(session_id)
        days = {date.fromisoformat(each.partition.split("#")[1]) for each in keys}
        store.remove(session_id, keys)
        services().summariser.refresh_all(Partition(day, 0) for day in days)
        return Receipt(f"e-{len(self.asked)}", NOW, ())

    def request_question(self, request_id: str) -> Receipt:
        """Remove the question's fact here."""
        if not self.reachable:
            raise ProcessorError("could not connect")
        self.asked.append(request_id)
        return Receipt(f"e-{len(self.asked)}", NOW, ())

    def receipt(self, erasure_id: str) -> Receipt | None:
        """Both services have told."""
        if not self.reachable:
            raise ProcessorError("could not connect")
        if erasure_id == "unknown":
            return None
        return Receipt(erasure_id, NOW, (("processor", 4), ("reporter", 4)))


@dataclass(frozen=True)
class Scenario:
    """A state of the dashboard."""

    facts: Callable[[], Sequence[Fact]]
    prepare: Callable[[], None] = lambda: None
    reachable: bool = True


def sample_facts() -> list[Fact]:
    """The sample's two weeks, and who does not count: a test, a bot and the owner."""
    facts = [to_fact(event.data, AudienceRules()) for event in completed_events()]
    others = [
        fact(901, audience=Audience.TEST, session_id="canary", question="Is the bot up?"),
        fact(902, audience=Audience.BOT, session_id="crawler", question="Crawling your CV"),
    ]
    return facts + others


def lived_in() -> None:
    """Two reports that were sent, a note and a decision."""
    for number in (45, 46):
        report = services().report_builder.build(Week(2025, number))
        services().publisher.send(report)
    services().notes.annotate(Annotation(date(2025, 11, 13), "added a Helm project", "Kubernetes"))
    services().notes.decide("GraphQL", GapState.PLANNED, "")
    services().notes.decide("Rust", GapState.WONT, "")


def without_performance() -> list[Fact]:
    """The sample from a chatbot that reports no times."""
    return [replace(each, total_ms=None, cache_hit=False) for each in sample_facts()]


def one_question() -> list[Fact]:
    """The very first question, an hour ago."""
    return [fact(1, asked_at=NOW - 3_600_000, outcome=Outcome.PARTIAL, score=58)]


def hostile_facts() -> list[Fact]:
    """The corpus in every field that a visitor or a chatbot fills."""
    outcomes = (Outcome.NONE, Outcome.PARTIAL, Outcome.NO_RESPONSE)
    return [
        fact(
            number,
            asked_at=NOW - DAY - number * 60_000,
            session_id=f"s{number % 4}",
            question=text[:4_000],
            outcome=outcomes[number % 3],
            score=None if number % 3 == 2 else 30,
            reasoning=text[:4_000],
            sources=(text[:200],),
            skills=(Skill(text[:80], text[:80]),) if number % 2 else (),
            words=(Word(text[:80], text[-80:]),) if number % 2 else (),
            intents=(text[:80],) if number % 5 == 0 else (),
            referer_host=text[:100],
        )
        for number, text in enumerate(HOSTILE)
    ]


def unverified() -> None:
    """The last comparison with the Processor failed, six hours ago."""
    lived_in()
    silent = Comparison(days=9, compared=2, problem="the Processor did not answer: circuit open")
    services().dashboard.comparisons.put(LastComparison(silent, NOW - 6 * HOUR, {}))


def long_ago() -> list[Fact]:
    """The sample's facts eight days earlier, so that nothing came lately."""
    return [replace(each, asked_at=each.asked_at - 8 * DAY) for each in sample_facts()]


def busy() -> list[Fact]:
    """A normal month: some twenty questions a day over four weeks, out of the sample's."""
    facts = sample_facts()
    start = NOW - 56 * DAY
    return [
        replace(
            facts[number * 5 % len(facts)],
            request_id=f"b{number}",
            session_id=f"v{number // 3}",
            asked_at=start + number * 4_111_000 + (number % 5) * 600_000,
        )
        for number in range(1_170)
    ]


def alike() -> list[Fact]:
    """The sample's facts, and unanswered questions that only their words join."""
    asked = ("favourite pizza topping?", "Favourite PIZZA  topping?", "pizza topping you like?",
             "your cat's name?", "pizza?")  # fmt: skip
    plain = {"skills": (), "intents": (), "outcome": Outcome.NONE, "score": 20}
    ours = [
        fact(700 + n, asked_at=NOW - 4 * DAY + n * DAY // 2, question=text, **plain)
        for n, text in enumerate(asked)
    ]
    return [*sample_facts(), *ours]


def common() -> list[Fact]:
    """The same two unanswered questions in four sessions each, and one in two, two days earlier."""
    missed = {"skills": (), "outcome": Outcome.NONE, "score": 20, "asked_at": NOW - DAY}
    pizza = {"intents": (), "question": "favourite pizza topping?"}
    return [
        fact(
            n, session_id=f"s{n % 4}", **missed, **(pizza if n < 4 else {"intents": ("location",)})
        )
        for n in range(8)
    ] + [fact(n, session_id=f"s{n}", asked_at=NOW - 3 * DAY) for n in (8, 9)]


def so_many_a_day(count: int) -> Callable[[], list[Fact]]:
    """Four weeks with so many questions on each day."""

    def facts() -> list[Fact]:
        known = sample_facts()
        return [
            replace(
                known[number % len(known)],
                request_id=f"{back}-{number}",
                asked_at=NOW - back * DAY - number * 1_000,
            )
            for back in range(28)
            for number in range(count)
        ]

    return facts


SCENARIOS = {
    "normal": Scenario(sample_facts, lived_in),
    "empty": Scenario(list),
    "one": Scenario(one_question),
    "unmeasured": Scenario(without_performance),
    "hostile": Scenario(hostile_facts),
    "unreachable": Scenario(sample_facts, unverified, reachable=False),
    "silent": Scenario(long_ago),
    "busy": Scenario(busy, lived_in),
    "alone": Scenario(sample_facts, lived_in),
    "common": Scenario(common),
    "texts": Scenario(alike),
    "quiet": Scenario(so_many_a_day(6)),
    "tenfold": Scenario(so_many_a_day(60)),
}


@contextmanager
def playing(scenario: Scenario) -> Iterator[FakeErasures]:
    """The Reporter in that state."""
    erasures = FakeErasures(scenario.reachable)
    names = worlds.ENVIRONMENT
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    played = patch.multiple(Services, now_ms=lambda _: NOW, erasures=erasures)
    with mock_aws(), played:
        worlds.forget()
        worlds.World().deploy()
        keep(scenario.facts())
        scenario.prepare()
        yield erasures
    worlds.forget()
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def keep(facts: Sequence[Fact]) -> None:
    """Write facts and their days' summaries."""
    assert services().fact_store.record(facts) == [None] * len(facts)
    placed = services().placement
    services().summariser.refresh_all({Partition(placed.day(f), placed.shard(f)) for f in facts})
