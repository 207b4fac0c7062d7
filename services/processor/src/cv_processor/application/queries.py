"""What the API reads: single correlations, pages of them, and the digests of days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from heapq import merge as merge_sorted
from typing import Any, Self

from cv_contracts.chatbot import ANONYMOUS_SESSION
from cv_contracts.digest import day_digest
from cv_contracts.events import Correlation as PublishedCorrelation
from cv_contracts.events import Skill
from cv_contracts.rest import CorrelationPage, CorrelationQuery, DayDigest

from cv_processor.application.cursors import Cursors
from cv_processor.application.ports import CorrelationReader, DayEntry
from cv_processor.domain.correlation import Correlation
from cv_processor.domain.days import revision_of, utc_day
from cv_processor.domain.publication import published

MAX_CHUNKS = 60
"""Reads of an index for one page: a filter that nothing passes must not read the whole table."""
DEFAULT_REACH = timedelta(days=400)

After = tuple[int, str]


def read_day(reader: CorrelationReader, day: date, shards: int) -> DayDigest:
    """The closed correlations of a UTC day, counted and digested from the index's keys alone."""
    pairs = [
        (entry.request_id, revision_of(entry.order))
        for shard in range(shards)
        for entry in reader.day(day, shard)
    ]
    return DayDigest(day=day.isoformat(), correlations=len(pairs), digest=day_digest(pairs))


def read_correlation(reader: CorrelationReader, request_id: str) -> PublishedCorrelation | None:
    """A closed correlation; `None` while it is open or unknown."""
    found = reader.get(request_id)
    return published(found) if found is not None and found.closed else None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on: in which day, and behind which entry of each shard."""

    day: date
    places: Mapping[int, After] = field(default_factory=dict)

    def behind(self, entry: DayEntry) -> Position:
        """The position behind an entry of the same day."""
        return replace(self, places={**self.places, entry.shard: (entry.order, entry.request_id)})

    def to_json(self) -> Any:
        """For a cursor."""
        return [self.day.isoformat(), [[shard, *place] for shard, place in self.places.items()]]

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Of a cursor that we signed."""
        day, places = document
        return cls(
            date.fromisoformat(day),
            {shard: (order, request_id) for shard, order, request_id in places},
        )


Chunks = Iterator[tuple[Position, Sequence[DayEntry]]]
"""Entries in order, some at a time, each with the position before them."""


@dataclass(frozen=True, slots=True)
class ListCorrelations:
    """The use case of `GET /v1/correlations`."""

    reader: CorrelationReader
    cursors: Cursors
    shards: int

    def __call__(self, query: CorrelationQuery, *, today: date) -> CorrelationPage:
        """A page, oldest first. Raises `InvalidCursorError`. `today` is the current UTC day.

        A page may be short, even empty, and still have a next one: the work for a page is bounded.
        """
        first, last = _bounds(query, today)
        start = Position(first)
        if query.cursor:
            start = Position.from_json(self.cursors.read(query.cursor, query))
        if query.session_id in (None, ANONYMOUS_SESSION):
            return self._page(query, self._days(start, last, query.limit))
        return self._page(query, self._session(start, str(query.session_id), query.limit))

    def _page(self, query: CorrelationQuery, chunks: Chunks) -> CorrelationPage:
        items: list[PublishedCorrelation] = []
        for number, (start, entries) in enumerate(chunks, 1):
            position = start
            found = self.reader.get_many([entry.request_id for entry in entries]) if entries else {}
            for entry in entries:
                position = position.behind(entry)
                correlation = found.get(entry.request_id)
                if correlation is not None and _selected(correlation, query):
                    items.append(published(correlation))
                if len(items) == query.limit:
                    return self._cut(items, position, query)
            if number == MAX_CHUNKS:
                return self._cut(items, position, query)
        return CorrelationPage(items=tuple(items))

    def _cut(
        self, items: list[PublishedCorrelation], position: Position, query: CorrelationQuery
    ) -> CorrelationPage:
        cursor = self.cursors.sign(position.to_json(), query)
        return CorrelationPage(items=tuple(items), next_cursor=cursor)

    def _session(self, position: Position, session_id: str, limit: int) -> Chunks:
        while entries := self.reader.session_page(
            session_id, after=position.places.get(0), limit=limit
        ):
            yield position, entries
            position = position.behind(entries[-1])

    def _days(self, position: Position, last: date, limit: int) -> Chunks:
        while position.day <= last:
            entries = self._merged(position, limit)
            yield position, entries
            for entry in entries:
                position = position.behind(entry)
            if len(entries) < limit:
                position = Position(position.day + timedelta(days=1))

    def _merged(self, position: Position, limit: int) -> Sequence[DayEntry]:
        """The next entries of a day, of all its shards; fewer than `limit` means its end."""
        pages = [
            self.reader.day_page(position.day, shard, after=position.places.get(shard), limit=limit)
            for shard in range(self.shards)
        ]
        return list(merge_sorted(*pages, key=lambda entry: entry.order))[:limit]


def _bounds(query: CorrelationQuery, today: date) -> tuple[date, date]:
    last = utc_day(query.to - 1) if query.to is not None else today
    first = utc_day(query.from_) if query.from_ is not None else last - DEFAULT_REACH
    return first, last


def _selected(correlation: Correlation, query: CorrelationQuery) -> bool:
    asked = correlation.query
    if asked is None or not correlation.closed:
        return False
    return all(
        (
            query.from_ is None or asked.at >= query.from_,
            query.to is None or asked.at < query.to,
            query.outcome is None or correlation.outcome == query.outcome,
            query.session_id is None or correlation.session_id == query.session_id,
            query.skill is None or _names(asked.skills, query.skill),
        )
    )


def _names(skills: Sequence[Skill], wanted: str) -> bool:
    return any(skill.name.casefold() == wanted.casefold() for skill in skills)
