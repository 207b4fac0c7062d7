"""What a question uses of AWS in the Processor, and in the naive design.

`python -m benchmarks.processor.usage --write` puts it to benchmarks/counted/processor.json, for
events that come alone and for batches of ten: how many come together depends on the rate.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count as _count
from typing import Any

from moto import mock_aws

from benchmarks.capacity import item_size, write_units
from benchmarks.processor.stub import Stub, stubbed
from benchmarks.processor.workload import ENVIRONMENT, ROOT, batch, pairs
from benchmarks.usage import COUNTED, PLATFORM_LINES, Used, document, expect, metered, silence
from cv_processor.adapters.aws import client
from cv_processor.bootstrap import services
from cv_processor.entrypoints import expire, ingest, relay
from cv_processor.entrypoints.observability import SERVICE

# What counts is the world of the service's own tests, which are no package that is installed.
sys.path.insert(0, str(ROOT / "services/processor"))
from tests.component.world import World, create_resources, environment, sqs_event

INDEXES = (("closedDay", "closedOrder"), ("sessionId", "askedOrder"))
PAIRS = 20
NAIVE_LINE = 300  # Powertools' fields and a request id
SERVICES = ("dynamodb", "sqs", "events")


@dataclass(frozen=True)
class Counted:
    """What a pair uses by function; sizes in bytes: means, and the largest item."""

    functions: dict[str, Used]
    item_bytes: int
    events: float
    largest_item: int


def count(together: int) -> Counted:
    """PAIRS questions and then their answers, in batches of so many events."""
    os.environ.update(ENVIRONMENT | environment() | {"SETTLE_SECONDS": "600"})
    silence(SERVICE)
    with mock_aws():
        create_resources()
        world = World()
        made = pairs(PAIRS)
        # Once a container and time, not once an event: what was erased (`SETTLE_SECONDS`), and how
        # days are laid out (`LAYOUT_SECONDS`). `test_calls.py` counts these apart.
        now = time.time()
        services().layouts.clock = lambda: now
        ingest.handler(sqs_event([json.dumps(made[0][0])], [0]), None)
        world.clear()
        halves = [json.dumps(pair[half]) for half in (0, 1) for pair in made]
        way_in = _used(ingest.handler, [sqs_event(b, _count()) for b in _batches(halves, together)])
        changes = world.changes()
        way_in.write_units = sum(write_units(change, INDEXES) for change in changes)
        bodies = [message.body for message in world.messages("DEADLINE")]
        late = _used(expire.handler, [sqs_event(b, _count()) for b in _batches(bodies, together)])
        # Each question was answered in time: `expire` writes nothing.
        expect(world.changes(len(changes)) == [], "`expire` writes nothing")
        # The relay's mapping leaves out changes of what is still open (`infra/processor/stack.py`).
        closed = [c for c in changes if "closedDay" in c["dynamodb"]["NewImage"]]
        way_out = _used(relay.handler, [{"Records": b} for b in _batches(closed, together)])
        published = len(world.published())
    functions = {"ingest": way_in, "expire": late, "relay": way_out}
    sizes = [item_size(change["dynamodb"]["NewImage"]) for change in changes]
    return Counted(
        functions={name: used.per(PAIRS) for name, used in functions.items()},
        item_bytes=_mean(sizes[PAIRS:]),
        events=published / PAIRS,
        largest_item=max(sizes),
    )


def _used(handler: Callable[[Any, Any], Any], events: list[Any]) -> Used:
    clients = [client(service) for service in SERVICES]
    with metered(item_size, clients, SERVICE) as used:
        for event in events:
            handler(event, None)
        return used()


def _batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def writes_of_a_shared_batch() -> float:
    """Conditional writes a pair when both halves come in one batch of ten."""
    os.environ.update(ENVIRONMENT)
    event = {"Records": batch(pairs_in_batch=True)}
    logging.disable()
    with stubbed(Stub(), client("dynamodb")) as stub:
        ingest.handler(event, None)
    logging.disable(logging.NOTSET)
    return (stub.counts["PutItem"] + stub.counts["UpdateItem"]) / 5


def _mean(sizes: list[int]) -> int:
    return round(sum(sizes) / len(sizes))


def naive() -> Used:
    """The handler of `naive.py`, the halves of a question in an invocation each."""
    from benchmarks.processor import naive as design  # noqa: PLC0415 - its clients want the settings

    clients = (design.dynamodb.meta.client, design.events)
    logging.disable()
    with warnings.catch_warnings(), stubbed(Stub(), *clients) as stub:
        warnings.simplefilter("ignore")
        for half in (half for pair in pairs(PAIRS) for half in pair):
            design.handler({"Records": [_record(half)]}, None)
    logging.disable(logging.NOTSET)
    calls = {name: number / PAIRS for name, number in stub.counts.items()}
    writes = sum(calls.get(name, 0.0) for name in ("PutItem", "UpdateItem", "DeleteItem"))
    return Used(
        invocations=2.0,
        calls=calls,
        read_units=calls.get("GetItem", 0.0) / 2,
        # Every write touches an item of 1 KB; its final table has the same two indexes.
        write_units=writes + 2,
        log_bytes=2.0 * (NAIVE_LINE + PLATFORM_LINES),
    )


def _record(half: Mapping[str, Any]) -> dict[str, str]:
    return {"messageId": "m", "body": json.dumps(half)}


if __name__ == "__main__":
    text = document(**asdict(count(1)), of_ten=count(10).functions, naive=naive())
    if "--write" in sys.argv:
        COUNTED.mkdir(exist_ok=True)
        (COUNTED / "processor.json").write_text(text)
    else:
        sys.stdout.write(text)
