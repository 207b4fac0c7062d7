"""The two services and what is on its way between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cv_contracts.events import SessionErasureCompleted

from tests.convergence.channel import Side

MAX_ROUNDS = 12
BATCH = 10
Fault = Sequence[Any] | None


@dataclass
class Both:
    """The queues in front of the services; everything else is in the services themselves.

    A fault is `(number of the AWS call, kind)` and meets one handler once. `days` are the UTC days
    that are republished and reconciled, both inclusive.
    """

    processor: Side
    reporter: Side
    days: tuple[str, str] = ("2025-11-02", "2025-11-17")
    incoming: list[str] = field(default_factory=list)
    facts_queue: list[str] = field(default_factory=list)
    erased_queue: list[str] = field(default_factory=list)

    def reset(self, time_zone: str) -> None:
        """Nothing stored, nothing under way."""
        self.processor.ask("reset")
        self.reporter.ask("reset")
        self.reporter.ask("configure", time_zone=time_zone, processor=self.processor.ask("address"))
        for queue in (self.incoming, self.facts_queue, self.erased_queue):
            queue.clear()

    def ingest(self, fault: Fault = None) -> None:
        """The next batch of what chatbots sent."""
        _take(self.incoming, lambda batch: self.processor.ask("ingest", bodies=batch, fault=fault))

    def expire(self, fault: Fault = None) -> bool:
        """The grace period of all questions ends; whether every deadline was dealt with."""
        return not self.processor.ask("expire", fault=fault)

    def erase(self, fault: Fault = None) -> bool:
        """The passes of the erasures asked for; whether all are done."""
        return not self.processor.ask("erasures", fault=fault)

    def relay(self, fault: Fault = None) -> int:
        """The Processor's stream → its bus → the Reporter's queue; how many changes are left."""
        answer = self.processor.ask("relay", fault=fault)
        self.facts_queue += answer["events"]
        return int(answer["left"])

    def republish(self) -> None:
        """The operator's command."""
        self.facts_queue += self.processor.ask("republish", **self._days)

    def project(self, fault: Fault = None) -> None:
        """The next batch of the Reporter's queue."""
        _take(
            self.facts_queue, lambda batch: self.reporter.ask("project", bodies=batch, fault=fault)
        )

    def summarise(self, fault: Fault = None) -> int:
        """The Reporter's summaries; how many changes are left."""
        return int(self.reporter.ask("summarise", fault=fault))

    def confirm(self, fault: Fault = None) -> int:
        """The Reporter's outbox → its bus → the Processor's queue; how many changes are left."""
        answer = self.reporter.ask("relay", fault=fault)
        self.erased_queue += [
            body for body in answer["events"]
            if json.loads(body)["detail-type"] == SessionErasureCompleted.DETAIL_TYPE
        ]  # fmt: skip
        return int(answer["left"])

    def note_erased(self, fault: Fault = None) -> None:
        """The Processor notes what the Reporter erased."""
        _take(
            self.erased_queue,
            lambda batch: self.processor.ask("note_erased", bodies=batch, fault=fault),
        )

    def reconcile(self, fault: Fault = None) -> Any:
        """What the Reporter found when it compared itself with the Processor."""
        return self.reporter.ask("reconcile", **self._days, fault=fault)

    @property
    def _days(self) -> dict[str, str]:
        return dict(zip(("first", "last"), self.days, strict=True))

    def drain(self) -> None:
        """No faults any more: everything under way arrives. Fails if it does not."""
        for _ in range(MAX_ROUNDS):
            while self.incoming:
                self.ingest()
            done = self.expire() & self.erase()
            left = self.relay()
            while self.facts_queue:
                self.project()
            left += self.summarise() + self.confirm()
            while self.erased_queue:
                self.note_erased()
            if done and not left and not self.relay() and not self.facts_queue:
                return
        raise AssertionError("what is under way does not drain")

    def state(self) -> dict[str, Any]:
        """What both services have."""
        return {"processor": self.processor.ask("state"), "facts": self.reporter.ask("facts")}


def _take(queue: list[str], deliver: Callable[[list[str]], list[int]]) -> None:
    """Deliver a batch; what failed goes to the end, as after a visibility timeout."""
    batch, queue[:] = queue[:BATCH], queue[BATCH:]
    if batch:
        queue += [batch[place] for place in deliver(batch)]
