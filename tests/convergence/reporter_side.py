"""The Reporter, run in its own environment: its handlers, and what it makes of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from channel import serve
from cv_contracts.events import REPORTER_SOURCE
from cv_reporter.adapters.aws import client, session
from cv_reporter.adapters.items import from_item
from cv_reporter.application.wire.documents import Document
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.findings import Totals, totals
from cv_reporter.domain.summary import merged
from cv_reporter.entrypoints import project, relay, summarise
from moto import mock_aws
from moto.sqs.models import sqs_backends

from tests.component import world as worlds
from tests.faults.faults import Crash, Fault, Injector, injected

ACCOUNT = "123456789012"
ADDRESS = "/cv-analytics/test/processor/api-url"
PROBE = "probe"
WITHIN_MS = 60_000

Injected = Sequence[Any] | None


class ReporterSide:
    """What a test may do with the Reporter. A fault is `[number of the call, kind]`."""

    def __init__(self) -> None:
        self.facts_at = self.outbox_at = self.taken = 0
        world = worlds.World()
        world.deploy()
        _listen_to_the_bus()

    def operations(self) -> dict[str, Callable[..., Any]]:
        """By the names that a test uses."""
        names = ("reset", "configure", "project", "summarise", "relay", "reconcile", "facts")
        return {name: getattr(self, name) for name in (*names, "totals")}

    def reset(self) -> None:
        """As after the first deployment."""
        worlds.restore(worlds.EMPTY)
        _probe()._messages.clear()
        self.facts_at = self.outbox_at = self.taken = 0

    def configure(self, time_zone: str, processor: str) -> None:
        """The owner's time zone, and where the Processor is."""
        os.environ["TIME_ZONE"] = time_zone
        session().client("ssm").put_parameter(
            Name=ADDRESS, Value=processor, Type="String", Overwrite=True
        )
        worlds.forget()

    def project(self, bodies: Sequence[str], fault: Injected = None) -> list[int]:
        """A batch of the facts queue; the places of those that come again."""
        records = [{"messageId": str(at), "body": body} for at, body in enumerate(bodies)]
        failed = _attempt(lambda: project.handler({"Records": records}, None), fault)
        return list(range(len(bodies))) if failed is None else [int(each) for each in failed]

    def summarise(self, fault: Injected = None) -> int:
        """Facts' changes, from where they were read last; how many are left."""
        self.facts_at = _feed(summarise.handler, ("DAY#", "LOCATOR#"), self.facts_at, fault)
        return len(worlds.stream_records()) - self.facts_at

    def relay(self, fault: Injected = None) -> dict[str, Any]:
        """The outbox's changes; what is new on the bus."""
        self.outbox_at = _feed(relay.handler, ("OUTBOX#",), self.outbox_at, fault)
        bodies = [message.body for message in _probe()._messages]
        fresh, self.taken = bodies[self.taken :], len(bodies)
        return {"events": fresh, "left": len(worlds.stream_records()) - self.outbox_at}

    def reconcile(self, first: str, last: str, fault: Injected = None) -> dict[str, Any] | None:
        """Compare UTC days with the Processor; `None` if it died of the fault."""
        days = list(Period(date.fromisoformat(first), date.fromisoformat(last)).days)
        reconciler = services().reconciler
        try:
            with injected(_injector(fault)):
                found = reconciler.reconcile(days, within_ms=WITHIN_MS)
        except (Crash, Exception):  # noqa: BLE001 (the schedule tries again, whatever it was)
            return None
        return {"compared": found.compared, "healed": found.healed, "problem": found.problem}

    def facts(self) -> dict[str, Any]:
        """Request → revision, outcome, of every fact."""
        facts = map(from_item, worlds.World().facts().values())
        return {fact.request_id: [fact.revision, str(fact.outcome)] for fact in facts}

    def totals(self, week: str) -> dict[str, Any]:
        """A week's totals from the stored day summaries."""
        days = Period.of_week(Week.parse(week))
        summaries = services().summary_store.between(days.first, days.last)
        week_totals = Document[Totals](totals(merged(summaries.values()).visitors))
        document: dict[str, Any] = week_totals.model_dump()
        return document


def _listen_to_the_bus() -> None:
    aws = session()
    aws.client("sqs").create_queue(QueueName=PROBE)
    events = aws.client("events")
    pattern = json.dumps({"source": [REPORTER_SOURCE]})
    events.put_rule(Name=PROBE, EventBusName=worlds.BUS, EventPattern=pattern)
    arn = f"arn:aws:sqs:{worlds.REGION}:{ACCOUNT}:{PROBE}"
    events.put_targets(Rule=PROBE, EventBusName=worlds.BUS, Targets=[{"Id": PROBE, "Arn": arn}])


def _probe() -> Any:
    return sqs_backends[ACCOUNT][worlds.REGION].queues[PROBE]


def _feed(handler: Any, prefixes: tuple[str, ...], start: int, fault: Injected) -> int:
    """Hand over what a stream's filter lets through; where to read on."""
    records = worlds.stream_records()
    wanted = [each for each in records[start:] if worlds.pk(each).startswith(prefixes)]
    if not wanted:
        return len(records)
    failed = _attempt(lambda: handler({"Records": wanted}, None), fault)
    if failed is None:
        return start
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    return min((numbers.index(each) for each in failed), default=len(records))


def _attempt(call: Callable[[], Any], fault: Injected) -> list[str] | None:
    """What failed; `None` = all of it, for the process died or raised."""
    with injected(_injector(fault)):
        try:
            return [each["itemIdentifier"] for each in call()["batchItemFailures"]]
        except (Crash, Exception):  # noqa: BLE001 (Lambda delivers again, whatever it was)
            return None


def _injector(fault: Injected) -> Injector:
    at, kind = fault or (None, None)
    return Injector(at, Fault[kind] if kind else None)


if __name__ == "__main__":
    os.environ.update(worlds.ENVIRONMENT | {"PROCESSOR_API_PARAMETER": ADDRESS, "SHARDS": "2"})
    client.cache_clear()
    with mock_aws():
        serve(ReporterSide().operations())
