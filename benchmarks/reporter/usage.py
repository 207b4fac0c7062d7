"""What a question uses of AWS in the Reporter, and what the schedules use.

`python -m benchmarks.reporter.usage --write` puts it to benchmarks/counted/reporter.json. What
`summarise` reads depends on how many facts a day has and how many come in one batch of the
stream, so it is counted for several of both. The stored layout is not counted: a process reads
it once in 30 seconds, whatever it does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any

from cv_contracts.events import CorrelationCompleted
from cv_reporter.adapters.aws import client
from cv_reporter.adapters.items import to_item
from cv_reporter.application.ports import Partition
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.reading import CompletedReading
from cv_reporter.bootstrap import services
from cv_reporter.entrypoints import project, report, summarise
from cv_reporter.entrypoints.observability import SERVICE
from moto import mock_aws

from benchmarks.capacity import item_size, write_units
from benchmarks.usage import COUNTED, Used, document, expect, metered, silence

# What counts is the world of the service's own tests, which are no package that is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services/reporter"))
from tests.component import world as worlds
from tests.faults.faults import clients
from tests.sample import (
    MONDAY_NOON,
    chatbot_events,
    completed,
    completed_events,
    correlations,
)

INDEXES = (("lookup", "askedAt"),)
FACTS = 20
DAY = date(2025, 11, 10)
RULES = AudienceRules(())
# Facts of a day before the new ones.
IN_A_DAY = (1, 15, 165, 1_000)
# New facts in one batch of the stream.
TOGETHER = (1, 10)


def counted() -> str:
    """The document."""
    with mock_aws():
        deployed()
        return document(
            functions={"project": _project(together=1)},
            of_ten={"project": _project(together=10)},
            summarise=[row for facts in IN_A_DAY for row in _summarise(facts)],
            report=_report(),
            item_bytes=_item_bytes(),
        )


def deployed() -> worlds.World:
    """The Reporter's resources, within a mock."""
    os.environ.update(worlds.ENVIRONMENT)
    silence(SERVICE)
    worlds.forget_clients()
    world = worlds.World()
    world.deploy()
    return world


def _project(together: int) -> Used:
    world = _empty()
    records = [
        worlds.sqs_record(number, event) for number, event in enumerate(events_of_a_day(FACTS))
    ]
    with metered(item_size, clients(), SERVICE) as used:
        for start in range(0, FACTS, together):
            project.handler({"Records": records[start : start + together]}, None)
        way_in = used()
    changes = world.changes()
    expect(len(changes) == FACTS, "a change for each fact")
    way_in.write_units = _write_units(changes)
    return way_in.per(FACTS)


def _summarise(facts: int) -> Iterator[dict[str, Any]]:
    """Of one new fact of a day with so many, by how many come together."""
    world = _empty()
    events = events_of_a_day(facts + sum(TOGETHER))
    keep(events[:facts])
    services().summariser.refresh(Partition(DAY, 0))
    world.changes()
    for together in TOGETHER:
        new, facts = events[facts : facts + together], facts + together
        yield {"facts": facts, "together": together, "used": folded(world, new)}


def folded(world: worlds.World, events: list[CorrelationCompleted]) -> Used:
    """What `summarise` uses for each of these new facts, which come together."""
    world.deliver(events)
    together = len(events)
    new = [record for record in world.changes() if worlds.pk(record).startswith("DAY#")]
    expect(len(new) == together, "a change for each new fact")
    with metered(item_size, clients(), SERVICE) as used:
        answer = summarise.handler({"Records": new}, None)
        expect(answer == {"batchItemFailures": []}, "every day is summarised")
        folding = used()
    folding.write_units = _write_units(world.changes())
    return folding.per(together)


def keep(events: list[CorrelationCompleted]) -> None:
    """Store facts as `project` does, 25 a call."""
    facts = [to_fact(CompletedReading.model_validate_json(e.to_json()).data, RULES) for e in events]
    place = services().placement
    puts = [{"PutRequest": {"Item": to_item(fact, place.key(fact), 400)}} for fact in facts]
    for start in range(0, len(puts), 25):
        chunk = puts[start : start + 25]
        client("dynamodb").batch_write_item(RequestItems={worlds.TABLE: chunk})


def _report() -> Used:
    """A week's report with its mail, whatever the number of questions."""
    world = _empty()
    world.deliver(completed_events())
    world.pump()
    with metered(item_size, clients(), SERVICE) as used:
        sent = report.handler({"week": "2025-W46"}, None)["sent"]
        expect(sent == 1, "one mail is sent")
        done = used()
    done.write_units = _write_units(world.changes())
    return done.per(1)


def _write_units(changes: Iterable[Mapping[str, Any]]) -> int:
    return sum(write_units(change, INDEXES) for change in changes)


def _empty() -> worlds.World:
    worlds.forget()
    worlds.restore(worlds.EMPTY)
    worlds.settle()
    world = worlds.World()
    world.changes()
    return world


def events_of_a_day(number: int) -> list[CorrelationCompleted]:
    """So many questions of one day: the sample's, under ids of their own."""
    sample = [document for document in correlations(chatbot_events()) if "answeredAt" in document]
    noon = MONDAY_NOON
    return [
        completed(
            document
            | {
                "requestId": f"usage-{at}",
                "sessionId": f"session-{at // 4}",
                "askedAt": noon + at,
                "answeredAt": noon + at + 1_500,
            }
        )
        for at, document in zip(range(number), cycle(sample), strict=False)
    ]


def _item_bytes() -> int:
    world = _empty()
    world.deliver(events_of_a_day(FACTS))
    sizes = [item_size(item) for item in world.facts().values()]
    return round(sum(sizes) / len(sizes))


if __name__ == "__main__":
    text = counted()
    if "--write" in sys.argv:
        COUNTED.mkdir(exist_ok=True)
        (COUNTED / "reporter.json").write_text(text)
    else:
        sys.stdout.write(text)
