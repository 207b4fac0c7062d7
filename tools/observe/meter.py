"""The meter of the embedded AWS: follows logs and queues, puts metrics, evaluates the alarms.

On AWS none of this is needed: CloudWatch does it.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tools.deploy.account import Account
from tools.emulator.administrator import write_private
from tools.observe import alarms
from tools.observe.evidence import api_urls, short_name
from tools.observe.measure import (
    LogEvent,
    Point,
    Readers,
    Waiting,
    of_api,
    of_embedded,
    of_function,
    of_queues,
)

# Queues are measured once a minute, as AWS does, and whenever a number changed.
MINUTE: Final = 60
# How often the templates are asked whether a deployment changed the alarms.
DEFINITIONS_SECONDS: Final = 60.0
# An invocation's lines come at once, but two invocations in any order.
OVERLAP_MS: Final = 5_000
POINTS_AT_ONCE: Final = 1_000
READERS: Final = ("processor-relay", "reporter-relay", "reporter-summarise")


@dataclass
class Progress:
    """How far the logs are read: `read_ms` by group, and when the meter began (UTC ms)."""

    began_ms: int
    read_ms: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, now_ms: int) -> Progress:
        """As it was saved last; a beginning now if it was not, or cannot be read."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return cls(now_ms)


class Meter:
    """One stage of the embedded AWS. `path` keeps the progress; what was read is never lost, and
    after a kill counted twice at most for the seconds of one `tick`.

    `clock` gives UTC. Events get its time: a clock that is ahead of the events' moves them along.
    """

    def __init__(
        self,
        account: Account,
        path: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account
        self._path = path
        self._clock = clock
        self._progress = Progress.load(path, _ms(clock()))
        self._bytes: dict[str, int] = {}
        self._seen: dict[str, dict[tuple[int, str, str], int]] = defaultdict(dict)
        self._queues: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, int]] = {}
        self._sent_ms: dict[str, int] = {}
        self._readers = Readers()
        self._definitions: list[alarms.Definition] = []
        self._defined_at = float("-inf")
        self._evaluated = 0

    def tick(self) -> dict[str, str]:
        """Read what is new, put it, evaluate; returns the alarms that changed and their states."""
        self._define()
        now = self._clock()
        points = [*self._of_logs(), *self._of_queues(now)]
        self._put(points)
        if points or not self._path.exists():
            write_private(self._path, json.dumps(asdict(self._progress)))
        minute = int(now.timestamp()) // MINUTE
        if not points and minute == self._evaluated:
            return {}
        self._evaluated = minute
        began = datetime.fromtimestamp(self._progress.began_ms / 1000, UTC)
        return alarms.evaluate(self.account, self._definitions, now, began)

    def _define(self) -> None:
        """Make the alarms as the deployed templates have them."""
        if time.monotonic() - self._defined_at < DEFINITIONS_SECONDS:
            return
        wanted = alarms.definitions(self.account)
        names = {definition.name for definition in wanted}
        if wanted != self._definitions or names != set(alarms.states(self.account)):
            alarms.put(self.account, wanted)
            self._definitions, self._evaluated = wanted, 0
        self._defined_at = time.monotonic()

    # ---- logs -----------------------------------------------------------------------------------

    def _of_logs(self) -> Iterator[Point]:
        apis: dict[str, str] | None = None
        for group in list(self._changed_groups()):
            events = list(self._new_events(group))
            name = short_name(self.account, group)
            function = group.rsplit("/", 1)[-1]
            yield from (point for event in events for point in of_embedded(event))
            yield from of_function(function, events)
            if name in READERS:
                yield from self._readers.of_reader(function, events)
            if name.endswith("-api"):
                apis = apis or dict(api_urls(self.account))
                service = name.removesuffix("-api")
                if service in apis:
                    yield from of_api(apis[service].rsplit("/", 1)[-1], events)

    def _changed_groups(self) -> Iterator[str]:
        """Those whose size is another than the last time."""
        sizes = dict(_sizes(self.account))
        yield from (group for group, size in sizes.items() if size != self._bytes.get(group))
        self._bytes = sizes

    def _new_events(self, group: str) -> Iterator[LogEvent]:
        """What was not read before, at the clock's time. On its first sight a group is read from
        when the meter began."""
        ahead_ms = _ms(self._clock()) - _ms(datetime.now(UTC))
        read_ms = self._progress.read_ms.get(group, self._progress.began_ms - ahead_ms - 1)
        seen = self._seen[group]
        start = read_ms - OVERLAP_MS if seen else read_ms + 1
        pages = self.account.client("logs").get_paginator("filter_log_events")
        occurrences: dict[tuple[int, str, str], int] = defaultdict(int)
        for page in pages.paginate(logGroupName=group, startTime=start):
            for event in page["events"]:
                key = (event["timestamp"], event["logStreamName"], event["message"])
                occurrences[key] += 1
                read_ms = max(read_ms, event["timestamp"])
                if occurrences[key] > seen.get(key, 0):
                    yield LogEvent(event["timestamp"] + ahead_ms, key[1], key[2])
        self._seen[group] = {k: n for k, n in occurrences.items() if k[0] >= read_ms - OVERLAP_MS}
        self._progress.read_ms[group] = read_ms

    # ---- queues ---------------------------------------------------------------------------------

    def _of_queues(self, now: datetime) -> Iterator[Point]:
        """Numbers that are not 0, once a minute and when they change; and their return to 0."""
        minute = int(now.timestamp()) // MINUTE
        for measured in of_queues(self._waiting(now), _ms(now)):
            key = (measured.name, measured.dimensions)
            value, at = self._queues.get(key, (0.0, minute))
            is_age = measured.name.endswith("OldestMessage")
            changed = measured.value != value and not (is_age and measured.value and value)
            if changed or (measured.value and minute != at):
                self._queues[key] = (measured.value, minute)
                yield measured

    def _waiting(self, now: datetime) -> dict[str, list[Waiting]]:
        """What is in each queue of the stage, at the clock's time; no body is looked at."""
        listed = self.account.control("/_ministack/sqs/messages")["messages"]
        prefix = f"cv-analytics-{self.account.stage}-"
        queues = {
            url.rsplit("/", 1)[-1]: messages
            for regions in listed.values()
            for by_url in regions.values()
            for url, messages in by_url.items()
            if url.rsplit("/", 1)[-1].startswith(prefix)
        }
        real_ms, before, self._sent_ms = _ms(datetime.now(UTC)), self._sent_ms, {}
        for message in (message for messages in queues.values() for message in messages):
            age_ms = real_ms - message["SentTimestamp"] * 1000
            id_ = message["MessageId"]
            self._sent_ms[id_] = before.get(id_, _ms(now) - age_ms)
        return {
            name: [Waiting(m["IsVisible"], self._sent_ms[m["MessageId"]]) for m in messages]
            for name, messages in queues.items()
        }

    def _put(self, points: Iterable[Point]) -> None:
        by_namespace: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for measured in points:
            by_namespace[measured.namespace].append(
                {
                    "MetricName": measured.name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in measured.dimensions],
                    "Timestamp": datetime.fromtimestamp(measured.at_ms / 1000, UTC),
                    "Value": measured.value,
                }
            )
        client = self.account.client("cloudwatch")
        for namespace, data in by_namespace.items():
            for at in range(0, len(data), POINTS_AT_ONCE):
                client.put_metric_data(
                    Namespace=namespace, MetricData=data[at : at + POINTS_AT_ONCE]
                )


def _sizes(account: Account) -> Iterator[tuple[str, int]]:
    pages = account.client("logs").get_paginator("describe_log_groups")
    for page in pages.paginate(logGroupNamePrefix=f"/aws/lambda/cv-analytics-{account.stage}-"):
        for group in page["logGroups"]:
            yield group["logGroupName"], group["storedBytes"]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
