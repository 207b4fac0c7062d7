"""What the API reads: single correlations, pages of them, and the digests of days."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self

from cv_contracts.chatbot import ANONYMOUS_SESSION, RequestId
from cv_contracts.digest import day_digest
from cv_contracts.events import Correlation as PublishedCorrelation
from cv_contracts.rest import CorrelationPage, CorrelationQuery, DayDigest
from pydantic import TypeAdapter

from cv_processor.application.values import DayEntry
from cv_processor.application.wire.publication import published
from cv_processor.domain.correlation import Correlation
from cv_processor.domain.days import Layout, revision_of, utc_day
from cv_processor.domain.values import Skill

if TYPE_CHECKING:
    from cv_processor.application.ports import CorrelationReader

MAX_CHUNKS = 60
"""Reads of an index for one page: a filter that nothing passes must not read the whole table."""
DEFAULT_REACH = timedelta(days=400)

After = tuple[int, str]
_POSITION = TypeAdapter(tuple[date, list[tuple[int, int, RequestId]]])


class InvalidCursorError(ValueError):
    """What was given as a cursor is none of this API's."""


def orders_of_day(reader: CorrelationReader, day: date, layout: Layout) -> Mapping[str, int]:
    """The closed correlations of a UTC day, each once, with its newest place in the index."""
    orders: dict[str, int] = {}
    for shard in layout.reading:
        for order, request_id in reader.day(day, shard):
            orders[request_id] = max(order, orders.get(request_id, order))
    return orders


def read_day(reader: CorrelationReader, day: date, layout: Layout) -> DayDigest:
    """The closed correlations of a UTC day, counted and digested from the index's keys alone."""
    orders = orders_of_day(reader, day, layout)
    pairs = [(request_id, revision_of(order)) for request_id, order in orders.items()]
    return DayDigest(day=day.isoformat(), correlations=len(pairs), digest=day_digest(pairs))


def read_correlation(reader: CorrelationReader, request_id: str) -> PublishedCorrelation | None:
    """A closed correlation; `None` while it is open or unknown."""
    found = reader.get(request_id)
    return published(found) if found is not None and found.closed else None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on: in which day, and behind which entry, whatever shard that was in."""

    day: date
    after: After | None = None

    def behind(self, entry: DayEntry) -> Position:
        """The position behind an entry of the same day."""
        return replace(self, after=(entry.order, entry.request_id))

    @property
    def cursor(self) -> str:
        """The position as an opaque text. It is not signed: it says no more than `from` does.

        Older versions put one place for each shard, with the shard's number.
        """
        places = [[0, *self.after]] if self.after else []
        text = json.dumps([self.day.isoformat(), places], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def of_cursor(cls, cursor: str) -> Self:
        """The position of a cursor. Raises `InvalidCursorError` for what is none."""
        try:
            text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            day, places = _POSITION.validate_json(text)
        except ValueError:  # of base64, of the encoding, or of pydantic
            raise InvalidCursorError("not a cursor of this API") from None
        return cls(day, max(((order, id_) for _, order, id_ in places), default=None))


MAX_PAGE_BYTES = 5_000_000
"""A page ends behind the item that exceeds this: Lambda answers with at most 6 MB."""
OTHER_BYTES = 20_000
"""Room for what is not text: ids, 40 skills, their words, times."""

Chunks = Iterator[tuple[Position, Sequence[DayEntry]]]
"""Entries in order, some at a time, each with the position before them."""


@dataclass(frozen=True, slots=True)
class ListCorrelations:
    """The use case of `GET /v1/correlations`."""

    reader: CorrelationReader
    layout: Layout

    def __call__(self, query: CorrelationQuery, *, today: date) -> CorrelationPage:
        """A page, oldest first. Raises `InvalidCursorError`. `today` is the current UTC day.

        A page may be short, even empty, and still have a next one: the work for a page is bounded.
        """
        first, last = _bounds(query, today)
        start = Position(first)
        if query.cursor:
            start = Position.of_cursor(query.cursor)
        if query.session_id in (None, ANONYMOUS_SESSION):
            return self._page(query, self._days(start, last, query.limit))
        return self._page(query, self._session(start, str(query.session_id), query.limit))

    def _page(self, query: CorrelationQuery, chunks: Chunks) -> CorrelationPage:
        items: list[PublishedCorrelation] = []
        size = 0
        for number, (start, entries) in enumerate(chunks, 1):
            position = start
            found = self.reader.get_many([entry.request_id for entry in entries]) if entries else {}
            for entry in entries:
                position = position.behind(entry)
                correlation = found.get(entry.request_id)
                if correlation is not None and _selected(correlation, query):
                    items.append(published(correlation))
                    size += most_bytes(correlation)
                if len(items) == query.limit or size > MAX_PAGE_BYTES:
                    return CorrelationPage(items=tuple(items), next_cursor=position.cursor)
            if number == MAX_CHUNKS:
                return CorrelationPage(items=tuple(items), next_cursor=position.cursor)
        return CorrelationPage(items=tuple(items))

    def _session(self, position: Position, session_id: str, limit: int) -> Chunks:
        while entries := self.reader.session_page(session_id, after=position.after, limit=limit):
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
        """The next entries of a day, of all its shards; fewer than `limit` means its end.

        One that moves may be seen in both of its shards, but never behind its own place.
        """
        pages = (
            self.reader.day_page(position.day, shard, after=position.after, limit=limit)
            for shard in self.layout.reading
        )
        return sorted({entry for page in pages for entry in page})[:limit]


def most_bytes(correlation: Correlation) -> int:
    """At most how large a correlation is in an answer, whatever is in its texts.

    A character takes four bytes, be it as UTF-8 or as a quotation mark that is escaped twice.
    """
    query, response = correlation.query, correlation.response
    texts = [query.text] if query else []
    if response is not None:
        texts += [response.reasoning or "", *response.sources]
    return OTHER_BYTES + 4 * sum(map(len, texts))


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
            query.outcome is None or str(correlation.outcome) == str(query.outcome),
            query.session_id is None or correlation.session_id == query.session_id,
            query.skill is None or _names(asked.skills, query.skill),
        )
    )


def _names(skills: Sequence[Skill], wanted: str) -> bool:
    return any(skill.name.casefold() == wanted.casefold() for skill in skills)
