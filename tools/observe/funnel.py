"""How many questions of each day came how far, and which are missing where.

`differences` decides from what was read; `tools.observe.days` reads it. No text is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from tools.observe.trace import CLOSED_WITHIN_MS

# A difference that is younger than this is a question on its way.
ON_ITS_WAY_MS: Final = 15 * 60_000
SHOWN_IDS: Final = 20
UNKNOWN: Final = "-"
HEADINGS: Final = ("accepted", "recorded", "published", "projected", "summarised")


@dataclass(frozen=True)
class Fact:
    """A question as the Reporter has it; `asked_at` in UTC milliseconds."""

    revision: int
    asked_at: int
    is_visitor: bool


@dataclass(frozen=True)
class Correlation:
    """A closed question as the Processor has it."""

    revision: int
    asked_at: int


@dataclass(frozen=True)
class Lines:
    """When log lines named each question last (UTC ms), by what the line's function does."""

    accepted: Mapping[str, int] = field(default_factory=dict)
    published: Mapping[str, int] = field(default_factory=dict)
    projected: Mapping[str, int] = field(default_factory=dict)
    # Named in a batch with events of erased sessions, which are dropped.
    of_erased: frozenset[str] = frozenset()

    def last(self, request_id: str) -> int | None:
        """When any line named the question last."""
        kinds = (self.accepted, self.published, self.projected)
        return max((kind[request_id] for kind in kinds if request_id in kind), default=None)


@dataclass(frozen=True)
class Days:
    """What both services say of the UTC days `days`, oldest first.

    `recorded` is `GET /v1/days/{day}` of each; `is_whole`: the listed correlations have the day's
    digest. `facts` and `summarised` (visitors' questions by the owner's day, in `zone`) are `None`
    without a Reporter.
    """

    days: tuple[date, ...]
    lines: Lines
    correlations: Mapping[str, Correlation]
    recorded: Mapping[date, int]
    is_whole: Mapping[date, bool]
    facts: Mapping[str, Fact] | None = None
    summarised: Mapping[date, int] = field(default_factory=dict)
    zone: tzinfo = UTC


@dataclass(frozen=True)
class Difference:
    """Questions that are at one end and not at the other; `since_ms` when that was last logged.

    It is `None` where no line tells, which is so for old questions alone.
    """

    what: str
    request_ids: tuple[str, ...]
    since_ms: int | None = None
    allowed_ms: int = ON_ITS_WAY_MS

    def is_due(self, now_ms: int) -> bool:
        """Whether it had its time."""
        return self.since_ms is None or now_ms - self.since_ms > self.allowed_ms


def differences(read: Days, now_ms: int) -> list[Difference]:
    """What is missing where: first what had its time, then what may be on its way."""
    missing = [
        *_by_age("accepted, not recorded", _unrecorded(read), read, now_ms, CLOSED_WITHIN_MS),
        *(Difference(f"{day}: the list has not the day's digest", ()) for day in _torn(read)),
    ]
    if read.facts is not None:
        for what, ids in _at_one_end(read, read.facts).items():
            missing += _by_age(what, ids, read, now_ms)
        missing += _unsummarised(read, read.facts)
    return sorted(missing, key=lambda difference: not difference.is_due(now_ms))


def _unrecorded(read: Days) -> Iterator[str]:
    """Accepted, never closed and never published: an erased one was published before."""
    known = {*read.correlations, *read.lines.published, *read.lines.of_erased, *(read.facts or ())}
    return (id_ for id_ in read.lines.accepted if id_ not in known)


def _torn(read: Days) -> Iterator[date]:
    return (day for day in read.days if not read.is_whole[day])


def _at_one_end(read: Days, facts: Mapping[str, Fact]) -> dict[str, list[str]]:
    ends: dict[str, list[str]] = {
        "recorded, not published": [],
        "published, not projected": [],
        "projected, not recorded": [],
    }
    for id_, correlation in read.correlations.items():
        if id_ not in facts or facts[id_].revision < correlation.revision:
            hop = "published, not projected" if id_ in read.lines.published else None
            ends[hop or "recorded, not published"].append(id_)
    days = set(read.days)
    ends["projected, not recorded"] += [
        id_
        for id_, fact in facts.items()
        if id_ not in read.correlations and utc_day(fact.asked_at) in days
    ]
    return ends


def _unsummarised(read: Days, facts: Mapping[str, Fact]) -> Iterator[Difference]:
    """Days whose summary counts other questions than there are facts. A summary names none."""
    for day in read.days:
        ids = _visitors_of(read, facts, day)
        if len(ids) != read.summarised.get(day, 0):
            projected = [read.lines.projected[id_] for id_ in ids if id_ in read.lines.projected]
            since = max(projected, default=None)
            yield Difference(
                f"{day}: {len(ids)} projected, {read.summarised.get(day, 0)} summarised",
                tuple(sorted(ids, key=lambda id_: -read.lines.projected.get(id_, 0))),
                since,
            )


def _by_age(
    what: str, ids: Iterable[str], read: Days, now_ms: int, longer_ms: int = 0
) -> Iterator[Difference]:
    """One difference of all that had their time, one of all others."""
    allowed = ON_ITS_WAY_MS + longer_ms
    each = [Difference(what, (id_,), read.lines.last(id_), allowed) for id_ in sorted(ids)]
    for due in (True, False):
        same = [one for one in each if one.is_due(now_ms) is due]
        if same:
            times = [one.since_ms for one in same if one.since_ms is not None]
            all_known = len(times) == len(same)
            yield Difference(
                what,
                tuple(one.request_ids[0] for one in same),
                min(times) if all_known else None,
                allowed,
            )


def utc_day(millis: int) -> date:
    """The UTC day of a time."""
    return datetime.fromtimestamp(millis / 1000, UTC).date()


def _visitors_of(read: Days, facts: Mapping[str, Fact], day: date) -> list[str]:
    return [
        id_
        for id_, fact in facts.items()
        if fact.is_visitor and datetime.fromtimestamp(fact.asked_at / 1000, read.zone).date() == day
    ]


# ---- one screen ---------------------------------------------------------------------------------


def page(read: Days, missing: Iterable[Difference], now_ms: int) -> Iterator[str]:
    """A line a day, then the differences with the ids of their questions."""
    yield f"{'day':<12}" + "".join(f"{name:>14}" for name in HEADINGS)
    for row in _rows(read):
        yield "".join(f"{cell:>14}" if at else f"{cell:<12}" for at, cell in enumerate(row))
    none = True
    for difference in missing:
        none = False
        due = "missing" if difference.is_due(now_ms) else "waits"
        count = f"  {len(difference.request_ids)}" if difference.request_ids else ""
        yield f"{due:<9} {difference.what}{count}"
        yield from (f"{'':9} {id_}" for id_ in difference.request_ids[:SHOWN_IDS])
        if len(difference.request_ids) > SHOWN_IDS:
            yield f"{'':9} and {len(difference.request_ids) - SHOWN_IDS} others"
    if none:
        yield "no differences"


def _rows(read: Days) -> Iterator[tuple[str, ...]]:
    asked = {id_: utc_day(found.asked_at) for id_, found in read.correlations.items()}
    accepted = _by_day(read.lines.accepted, asked)
    published = Counter(day for id_, day in asked.items() if id_ in read.lines.published)
    projected = Counter(utc_day(fact.asked_at) for fact in (read.facts or {}).values())
    for day in read.days:
        recorded = read.recorded[day]
        yield (
            f"{day}",
            _logged(accepted[day], recorded),
            f"{recorded}",
            _logged(published[day], recorded),
            *_of_reporter(read, projected[day], day),
        )


def _of_reporter(read: Days, projected: int, day: date) -> tuple[str, str]:
    if read.facts is None:
        return UNKNOWN, UNKNOWN
    visitors = len(_visitors_of(read, read.facts, day))
    return f"{projected}", f"{read.summarised.get(day, 0)} of {visitors}"


def _by_day(named: Mapping[str, int], asked: Mapping[str, date]) -> Counter[date]:
    """Of a question that is not recorded nobody says when it was asked: the line's day counts."""
    return Counter(asked.get(id_) or utc_day(at_ms) for id_, at_ms in named.items())


def _logged(count: int, recorded: int) -> str:
    """A number from the logs; they may be over for days on which something was recorded."""
    return UNKNOWN if recorded and not count else f"{count}"


def days_of(first: date, last: date) -> tuple[date, ...]:
    """All days from the first to the last one."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
