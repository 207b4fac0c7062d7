"""Containers that know different layouts of one table, and what their readers have to see.

Nothing here knows shards: what is expected comes from the items of the table, all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

from cv_contracts.digest import day_digest
from cv_contracts.rest import CorrelationQuery

from cv_processor.adapters.aws import client
from cv_processor.adapters.layout_store import LayoutTable
from cv_processor.application.expire import DeadlineMessage, expire
from cv_processor.application.ingest import Ingest, Message
from cv_processor.application.queries import ListCorrelations, read_day
from cv_processor.application.reproject import Progress, Reprojection
from cv_processor.application.republish import Republication
from cv_processor.bootstrap import Services
from cv_processor.domain.days import order_of, shard_of, utc_day
from cv_processor.settings import Settings
from tests.component.world import BUS, TABLE, World, aws
from tests.events import ASKED, query, response

DAY_MS = 86_400_000
FIRST_DAY = utc_day(ASKED)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(2)]
TODAY = DAYS[-1]
SHARDS = 4
PAGE = 3


def _sessions() -> list[str]:
    """One of each shard of four. Of three shards, they are in all three."""
    found: dict[int, str] = {}
    for name in (f"s-{number}" for number in count()):
        found.setdefault(shard_of(name, SHARDS), name)
        if len(found) == SHARDS:
            return list(found.values())
    raise AssertionError


SESSIONS = _sessions()


@dataclass
class Clock:
    """Seconds since 1970, as the containers see them."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def slow(self) -> float:
        """Of a container that reads the layout half as often: its oldest write or read is as late
        as that of a function that began with an old layout and took all of its time."""
        return self.now / 2


class Inline(Executor):
    """Does at once what it is given, so that the order of calls is known and a crash is one."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(frozen=True)
class Container:
    """A container of any function, deployed with a setting."""

    given: Services

    @classmethod
    def start(cls, shards: int, clock: Callable[[], float]) -> Container:
        """A cold one."""
        given = Services(Settings.read().model_copy(update={"shards": shards}), client)
        layouts = LayoutTable(client("dynamodb"), TABLE, shards, clock)
        vars(given)["layouts"] = layouts  # where a cached property keeps its value
        return cls(given)

    def ingest(self, *events: Mapping[str, Any]) -> None:
        """A batch."""
        given, messages = self.given, [Message(str(n), json.dumps(e)) for n, e in enumerate(events)]
        use_case = Ingest(
            given.correlations, given.deadlines, given.rejections, given.tombstones, Inline(), 1_000
        )
        assert use_case(messages).failed == {}

    def close(self, request_id: str) -> None:
        """The deadline of a question ends."""
        body = {"requestId": request_id, "askedAt": 0, "due": 1_000}
        report = expire(self.given.correlations, [DeadlineMessage("m", json.dumps(body))])
        assert report.given_up == 1

    def listed(self, days: int = len(DAYS), limit: int = PAGE) -> Iterator[str]:
        """The questions that the list shows, page by page, in its order."""
        cursor = None
        end = ASKED + 1_000 + (days - 1) * DAY_MS
        while True:
            asked = {"from": ASKED - 1, "to": end, "limit": limit, "cursor": cursor}
            given = {name: value for name, value in asked.items() if value is not None}
            lists = ListCorrelations(self.given.correlations, self.given.layouts.current())
            page = lists(CorrelationQuery.model_validate(given), today=TODAY)
            yield from (item.request_id for item in page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def digest(self, day: date) -> tuple[int, str]:
        """Number and digest of a day, which the Reporter compares with its own."""
        found = read_day(self.given.correlations, day, self.given.layouts.current())
        return found.correlations, found.digest

    def republished(self) -> Counter[str]:
        """How often an operator's `republish` publishes each question."""
        bus = Bus()
        run = Republication(
            self.given.correlations, self.given.erasures, bus, BUS, self.given.layouts.current
        )
        assert sum(part.published for part in run.days(DAYS[0], DAYS[-1])) == len(bus.entries)
        return Counter(entry["Detail"] for entry in bus.entries)

    def reproject(
        self, shards: int, wait: Callable[[int], None] = lambda _: None
    ) -> Iterator[Progress]:
        """The operator's command."""
        given = self.given
        run = Reprojection(given.layouts, given.correlations, wait)
        return run(shards)


@dataclass
class Bus:
    """Takes everything."""

    entries: list[Mapping[str, str]] = field(default_factory=list)

    def publish(self, entries: Sequence[Mapping[str, str]]) -> Mapping[int, str]:
        self.entries += entries
        return {}


def seen_wrongly(world: World, reader: Container, days: int = len(DAYS)) -> list[str]:
    """What a reader does not see of some days as the items are: hidden, doubled, out of order."""
    closed = _closed(world)
    names = [request_id for order, request_id in closed if _day_of(order) in DAYS[:days]]
    wrong = []
    if (listed := list(reader.listed(days))) != names:
        wrong.append(f"listed: {listed}, stored: {names}")
    for day in DAYS[:days]:
        stored = [(name, order % 1_000) for order, name in closed if _day_of(order) == day]
        if reader.digest(day) != (len(stored), day_digest(stored)):
            wrong.append(f"digest of {day}: {reader.digest(day)} of {len(stored)}")
    return wrong


def republished_wrongly(world: World, reader: Container) -> list[str]:
    """What is wrong if an operator republishes all days."""
    each = sorted(reader.republished().values())
    return [] if each == [1] * len(_closed(world)) else [f"republished: {each}"]


def _closed(world: World) -> list[tuple[int, str]]:
    return sorted(
        (order_of(one.query.at, one.revision), request_id)
        for request_id, one in world.correlations().items()
        if one.closed and one.query
    )


def misplaced(world: World, shards: int) -> list[str]:
    """The questions that stand elsewhere than so many shards say."""
    items = {item["pk"]["S"]: item for item in world.items() if item["sk"]["S"] == "CORRELATION"}
    wrong = []
    for request_id, one in world.correlations().items():
        if one.query is not None:
            item = items[f"REQ#{request_id}"]
            place = f"#{shard_of(one.query.session_id, shards)}"
            places = [item["askedDay"]["S"], *([item["closedDay"]["S"]] if one.closed else [])]
            wrong += [f"{one.request_id}: {at}" for at in places if not at.endswith(place)]
    return wrong


def fill_first_day(container: Container) -> None:
    """A closed question of every session, of the same millisecond, and an open one."""
    for number, session in enumerate(SESSIONS):
        same = {"sessionId": session, "timestamp": ASKED}
        container.ingest(query(f"same-{number}", **same), response(f"same-{number}", **same))
    container.ingest(query("open-1", sessionId=SESSIONS[1]))


def fill(container: Container) -> None:
    """More: of two days, of an anonymous visitor, and an answer without a question."""
    fill_first_day(container)
    for number, session in enumerate(SESSIONS):
        at = {"sessionId": session, "timestamp": ASKED + number // 3 + number % 2 * DAY_MS}
        container.ingest(query(f"q-{number}", **at), response(f"q-{number}", **at))
        container.ingest(query(f"open-{number}", **at))
    container.ingest(query("anonymous", sessionId=None), response("anonymous", sessionId=None))
    container.ingest(response("orphan"))


def layout_item() -> dict[str, Any] | None:
    """The stored layout, as it is in the table."""
    key = {"pk": {"S": "LAYOUT"}, "sk": {"S": "LAYOUT"}}
    item: dict[str, Any] | None = aws("dynamodb").get_item(TableName=TABLE, Key=key).get("Item")
    return item


def stored_layout() -> tuple[int, int, int] | None:
    """`shards`, `widest` and `moving` of the table."""
    item = layout_item()
    if item is None:
        return None
    shards, widest, moving = (int(item[name]["N"]) for name in ("shards", "widest", "moving"))
    return shards, widest, moving


def _day_of(order: int) -> date:
    return utc_day(order // 1_000)
