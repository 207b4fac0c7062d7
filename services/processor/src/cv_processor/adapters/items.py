"""How a correlation is laid down in the table. Attribute values are DynamoDB's own (`{"S": …}`).

| attribute | meaning |
|---|---|
| `query`, `response` | the halves, each as JSON: one attribute, one condition, few bytes |
| `version` | `Correlation.version`, the guard of every later write |
| `askedDay`, `askedOrder` | where the day index will have it; the response copies them, unread |
| `closedDay`, `closedOrder` | keys of the index `day`, present once the correlation is closed |
| | (two partitions of that index are lists: `PARKED` and `UNCONFIRMED`) |
| `sessionId`, `askedOrder` | keys of the index `session`; absent for anonymous visitors |
| `graceMs` | the grace period that ended without a response |
| `parked` | content hashes of the halves that lost a conflict |
| `ttl` | end of retention, seconds |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cv_processor.domain.correlation import Correlation, Half, Query, Response
from cv_processor.domain.days import asked_day, order_of
from cv_processor.domain.values import ANONYMOUS_SESSION

Item = dict[str, dict[str, Any]]
ReadItem = Mapping[str, Mapping[str, Any]]
HalfT = TypeVar("HalfT", Query, Response)


class UnreadableItemError(ValueError):
    """A stored half is not what this version writes; names the places, never the text."""


CORRELATION_SORT_KEY = "CORRELATION"
CONFLICT_PREFIX = "CONFLICT#"
REQUEST_PREFIX = "REQ#"
LAYOUT_KEY = "LAYOUT"

# Partitions of the day index beside the days: what operators list without reading the whole table.
PARKED = "PARKED"
UNCONFIRMED = "UNCONFIRMED"

_query = TypeAdapter(Query)
_response = TypeAdapter(Response)


def request_key(request_id: str) -> str:
    """The partition of a question."""
    return REQUEST_PREFIX + request_id


def correlation_key(request_id: str) -> Item:
    """The primary key of a correlation."""
    return {"pk": {"S": request_key(request_id)}, "sk": {"S": CORRELATION_SORT_KEY}}


def layout_key() -> Item:
    """The primary key of the layout (`layout_store`)."""
    return {"pk": {"S": LAYOUT_KEY}, "sk": {"S": LAYOUT_KEY}}


def dump_half(half: Half) -> str:
    """A half's JSON; what has its default is left out.

    A response's session is told by the item's `sessionId` alone: where the question names another
    one, that of the response is nowhere, so that erasing the question's leaves none.
    """
    if isinstance(half, Query):
        return _query.dump_json(half, exclude_defaults=True).decode()
    return _response.dump_json(half, exclude_defaults=True, exclude={"session_id"}).decode()


def load_query(text: str) -> Query:
    """The query half of its JSON. Raises `UnreadableItemError`."""
    return _load(_query, text)


def load_response(text: str) -> Response:
    """The response half of its JSON. Raises `UnreadableItemError`."""
    return _load(_response, text)


def _load(adapter: TypeAdapter[HalfT], text: str) -> HalfT:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:  # its message quotes the text
        places = {".".join(map(str, fault["loc"])) for fault in error.errors()}
        raise UnreadableItemError(", ".join(sorted(places)) or "not JSON") from None


def load_half(item: ReadItem) -> Half:
    """The half that a conflict's item keeps."""
    if "query" in item:
        return load_query(item["query"]["S"])
    return replace(load_response(item["response"]["S"]), session_id=_session_of(item))


def to_item(correlation: Correlation, *, shards: int, ttl: int) -> Item:
    """The whole item of a correlation."""
    item = correlation_key(correlation.request_id)
    item["version"] = number(correlation.version)
    item["ttl"] = number(ttl)
    item["askedOrder"] = number(_order(correlation))
    if correlation.session_id != ANONYMOUS_SESSION:
        item["sessionId"] = {"S": correlation.session_id}
    if correlation.response is not None:
        item["response"] = {"S": dump_half(correlation.response)}
    if correlation.gave_up_after is not None:
        item["graceMs"] = number(correlation.gave_up_after)
    if correlation.parked:
        item["parked"] = {"SS": sorted(correlation.parked)}
    if correlation.query is not None:
        item["query"] = {"S": dump_half(correlation.query)}
        item["askedDay"] = {"S": asked_day(correlation.query, shards)}
        if correlation.closed:
            item["closedDay"] = item["askedDay"]
            item["closedOrder"] = number(order_of(correlation.query.at, correlation.revision))
    return item


def from_item(item: ReadItem) -> Correlation:
    """The correlation that an item (or a stream image) holds."""
    query = load_query(item["query"]["S"]) if "query" in item else None
    response = load_response(item["response"]["S"]) if "response" in item else None
    if response is not None:
        asked_in = query.session_id if query else None
        response = replace(response, session_id=None if asked_in else _session_of(item))
    return Correlation(
        request_id=request_id_of(item),
        query=query,
        response=response,
        gave_up_after=int(item["graceMs"]["N"]) if "graceMs" in item else None,
        parked=frozenset(item["parked"]["SS"]) if "parked" in item else frozenset(),
    )


def _session_of(item: ReadItem) -> str | None:
    return item["sessionId"]["S"] if "sessionId" in item else None


def request_id_of(item: ReadItem) -> str:
    """The question that a key belongs to."""
    return str(item["pk"]["S"]).removeprefix(REQUEST_PREFIX)


def number(value: int) -> dict[str, str]:
    """A DynamoDB number."""
    return {"N": str(value)}


def _order(correlation: Correlation) -> int:
    """By the question; a response that waits for its question stands at its own time."""
    half = correlation.query or correlation.response
    return order_of(half.at) if half else 0
