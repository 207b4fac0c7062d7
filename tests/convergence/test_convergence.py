"""Both services under everything that a distributed system does: at the end they agree.

Hypothesis sends halves of questions, in any order, twice, with other content, or never; lets AWS
calls fail, messages come again and events get lost; ends grace periods early; erases.
Then the faults stop. Whatever happened, what is stored is what was sent, both services tell the
same, and doing everything once more changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.convergence.both import Both, Fault
from tests.convergence.conftest import HOME

EXAMPLES = 40
STEPS = 10
ASKED = 1_763_164_200_000  # 2025-11-14T23:50Z: answers and other days are near
STEP_MS = 7 * 3_600_000
SESSIONS = 3
FORGOTTEN = "s0"
FORGOTTEN_QUESTION = "r1"

DAYS = ("2025-11-14", "2025-11-17")
WEEKS = ("2025-W46", "2025-W47")
COUNTED = {"full": "full", "partial": "partial", "none": "none", "noResponse": "no_response"}

PROCESSOR_FAULTS = ("crash before", "crash after", "resend", "throttle", "partial")
REPORTER_FAULTS = ("CRASH_BEFORE", "CRASH_AFTER", "RESEND", "THROTTLE", "PARTIAL")

calls = st.integers(0, 5)
# Seeded once: threads decide whose write meets a fault, so how much there is to shuffle may differ
# from one run to the next, and a drawn shuffle would then be no repetition to Hypothesis.
randoms = st.randoms(use_true_random=True)
processor_faults = st.none() | st.tuples(calls, st.sampled_from(PROCESSOR_FAULTS))
reporter_faults = st.none() | st.tuples(calls, st.sampled_from(REPORTER_FAULTS))


def week_of(asked_at: int) -> str:
    """The ISO week of the owner's clock."""
    year, week, _ = datetime.fromtimestamp(asked_at / 1_000, ZoneInfo(HOME)).isocalendar()
    return f"{year}-W{week:02d}"


def session_of(number: int) -> str:
    """Which session a question belongs to."""
    return f"s{number % SESSIONS}"


def query(number: int, variant: int) -> dict[str, Any]:
    """A question; the second variant contradicts the first, and is later."""
    return {
        "eventType": "query",
        "requestId": f"r{number}",
        "timestamp": ASKED + number * STEP_MS + variant * 60_000,
        "sessionId": session_of(number),
        "query": ("Any Kubernetes?", "Any Rust?")[variant],
    }


def response(number: int, variant: int) -> dict[str, Any]:
    """An answer's quality; the second variant contradicts the first, and is later."""
    return {
        "eventType": "response",
        "requestId": f"r{number}",
        "timestamp": ASKED + number * STEP_MS + 2_000 + variant * 60_000,
        "sessionId": session_of(number),
        "matchType": ("none", "partial")[variant] if number % 2 else "full",
        "matchScore": 20 + 30 * variant if number % 2 else 95,
        "reasoning": "as measured",
    }


Half = Callable[[int, int], dict[str, Any]]
Halves = tuple[Half, ...]
HALVES: tuple[Halves, ...] = ((query, response), (response, query), (query,), (response,))
Said = list[tuple[int, int, Halves]]
sayings = st.tuples(st.integers(0, 7), st.integers(0, 1), st.sampled_from(HALVES))
said = st.lists(sayings, min_size=1, max_size=8)

Fate = Callable[[list[str]], list[str]]
FATES: tuple[Fate, ...] = (
    lambda events: events,
    lambda events: [],
    lambda events: events[::-1],
    lambda events: events * 2,
)
fates = st.sampled_from(FATES)


class Agreement(RuleBasedStateMachine):
    """The world does what it likes; `teardown` stops the faults and judges."""

    both: ClassVar[Both]

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, dict[str, Any]] = {}
        self.erased: set[str] = set()
        self.erased_questions: set[str] = set()

    @initialize(said=said, order=randoms, fate=fates, fault=processor_faults)
    def first_hour(self, said: Said, order: Random, fate: Fate, fault: Fault) -> None:
        """Nothing is there yet; then the first questions come."""
        self.both.reset(HOME)
        self.talk(said, order, fault)
        self.publish(fate, fault)

    @rule(said=said, order=randoms, fault=processor_faults)
    def talk(self, said: Said, order: Random, fault: Fault) -> None:
        """Questions and answers; a chatbot sends some of them again, and the queue mixes them."""
        bodies = [
            json.dumps(half(number, variant)) for number, variant, halves in said for half in halves
        ]
        self.sent |= {body: json.loads(body) for body in bodies}
        self.both.incoming += bodies + bodies[: order.randrange(3)]
        order.shuffle(self.both.incoming)
        self.both.ingest(fault)

    @rule(fate=fates, fault=processor_faults)
    def publish(self, fate: Fate, fault: Fault) -> None:
        """Changes become events; these arrive, twice, in another order, or never."""
        self.both.relay(fault)
        self.both.facts_queue = fate(self.both.facts_queue)

    @rule(fault=reporter_faults, later=reporter_faults)
    def report(self, fault: Fault, later: Fault) -> None:
        """A batch of events becomes facts and summaries; confirmations of erasures go back."""
        self.both.project(fault)
        self.both.summarise(later)
        self.both.confirm(later)

    @rule(fault=processor_faults)
    def expire(self, fault: Fault) -> None:
        """Whoever has not answered by now does so too late; and what failed comes again."""
        self.both.expire(fault)
        self.both.ingest()
        self.both.note_erased(fault)

    @rule(fate=fates, fault=processor_faults)
    def forget(self, fate: Fate, fault: Fault) -> None:
        """One visitor asks to be forgotten; what fails of it comes again later."""
        self.erased.add(FORGOTTEN)
        self.both.processor.ask("request_erasure", session=FORGOTTEN)
        self.both.erase(fault)
        self.both.erase()
        self.publish(fate, None)

    @rule(fate=fates, fault=processor_faults)
    def forget_question(self, fate: Fate, fault: Fault) -> None:
        """The owner erases one question of another session."""
        self.erased_questions.add(FORGOTTEN_QUESTION)
        self.both.processor.ask("request_erasure", question=FORGOTTEN_QUESTION)
        self.both.erase(fault)
        self.both.erase()
        self.publish(fate, None)

    @rule(fault=reporter_faults)
    def repair(self, fault: Fault) -> None:
        """A careful operator, and a night's reconciliation."""
        self.both.republish()
        self.both.reconcile(fault)

    def teardown(self) -> None:
        """The faults stop: everything drains, gaps heal, and both agree."""
        both = self.both
        both.drain()
        assert both.reconcile()["problem"] is None
        both.drain()
        self.judge_reconciled(both.state())
        both.republish()  # tells again of erasures whose event was lost
        both.drain()
        settled = both.state()
        self.judge(settled)
        both.incoming += list(self.sent) * 2
        both.republish()
        both.drain()
        assert both.reconcile() == {"compared": 4, "healed": 0, "problem": None}
        both.drain()
        assert both.state() == settled, "replaying everything changed something"

    def judge_reconciled(self, state: dict[str, Any]) -> None:
        """Every question that events lost is back, in its last revision."""
        closed, facts = state["processor"]["closed"], state["facts"]
        assert {name: facts.get(name) for name in closed} == closed, "a gap did not heal"

    def judge(self, state: dict[str, Any]) -> None:
        """What both services have, against what was sent."""
        processor, facts = state["processor"], state["facts"]
        closed = processor["closed"]
        outcomes = dict(self.expected_outcomes())
        assert {name: outcome for name, (_, outcome) in closed.items()} == outcomes
        assert processor["open"] == []
        assert set(processor["orphans"]) == self.expected_orphans()
        assert facts == closed, "the services do not agree"
        assert processor["unconfirmed"] == 0, "an erasure was not confirmed"
        for week in WEEKS:
            told = self.both.reporter.ask("totals", week=week)
            assert {name: told[name] for name in COUNTED} == self.expected_totals(week)

    def halves(self, kind: str) -> dict[str, dict[str, Any]]:
        """The half that counts, per question that was not erased, by its session or alone."""
        sent = (half for half in self.sent.values() if half["eventType"] == kind)
        kept = [
            half
            for half in sent
            if half["sessionId"] not in self.erased
            and half["requestId"] not in self.erased_questions
        ]
        later_first = sorted(kept, key=lambda half: -half["timestamp"])
        return {half["requestId"]: half for half in later_first}

    def expected_outcomes(self) -> Iterator[tuple[str, str]]:
        answers = self.halves("response")
        for name in self.halves("query"):
            yield name, answers[name]["matchType"] if name in answers else "no_response"

    def expected_totals(self, week: str) -> dict[str, int]:
        """The owner's week, counted from what was sent."""
        asked = {name: half["timestamp"] for name, half in self.halves("query").items()}
        outcomes = [
            outcome for name, outcome in self.expected_outcomes() if week_of(asked[name]) == week
        ]
        return {name: outcomes.count(outcome) for name, outcome in COUNTED.items()}

    def expected_orphans(self) -> set[str]:
        return set(self.halves("response")) - set(self.halves("query"))


@pytest.mark.usefixtures("both")
def test_whatever_happens_both_services_agree_in_the_end(sides: Both) -> None:
    Agreement.both = replace(sides, days=DAYS)
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
