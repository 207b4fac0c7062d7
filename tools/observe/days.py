"""What both services say of some days: the Processor's and the Reporter's API, and log lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
from cv_contracts.digest import day_digest

from tools.deploy.account import Account
from tools.observe.evidence import (
    AT_ONCE,
    EvidenceError,
    api_urls,
    ask,
    is_reading,
    lines_of,
    log_groups,
    short_name,
)
from tools.observe.funnel import Correlation, Days, Fact, Lines, days_of, utc_day
from tools.observe.trace import Line

ONE_DAY: Final = timedelta(days=1)
DEFAULT_DAYS: Final = 7
# The Reporter answers for 400 days at once; one more is read on either side.
MOST_DAYS: Final = 398
PAGE: Final = 100
ACCEPTED_BY: Final = ("processor-api", "processor-intake", "processor-ingest")
PUBLISHED_BY: Final = ("processor-relay",)
PROJECTED_BY: Final = ("reporter-project",)


def read(account: Account, first: date, last: date) -> Days:
    """Everything that the funnel of these UTC days is made of. Raises `EvidenceError`."""
    if not 0 <= (last - first).days < MOST_DAYS:
        raise EvidenceError(f"TO must be {first} or at most {MOST_DAYS - 1} days later")
    urls = dict(api_urls(account))
    if "processor" not in urls:
        raise EvidenceError(f"the Processor is not deployed in stage {account.stage}")
    days = days_of(first, last)
    with ExitStack() as open_clients:
        apis = {
            service: open_clients.enter_context(account.http(url)) for service, url in urls.items()
        }
        pool = open_clients.enter_context(ThreadPoolExecutor(AT_ONCE))
        lines = pool.submit(_lines, account, first)
        digests = list(pool.map(lambda day: ask(apis["processor"], f"/v1/days/{day}").json(), days))
        correlations = _correlations(apis["processor"], first, last)
        facts, summarised, zone = _of_reporter(apis.get("reporter"), days)
        return Days(
            days,
            lines.result(),
            correlations,
            {day: digest["correlations"] for day, digest in zip(days, digests, strict=True)},
            dict(_whole(correlations, days, digests)),
            facts,
            summarised,
            zone,
        )


def _correlations(api: httpx.Client, first: date, last: date) -> dict[str, Correlation]:
    query = {
        "from": str(_midnight(first)),
        "to": str(_midnight(last + ONE_DAY)),
        "limit": f"{PAGE}",
    }
    return {
        item["requestId"]: Correlation(item["revision"], item["askedAt"])
        for item in _items(api, "/v1/correlations", query)
    }


def _whole(
    correlations: Mapping[str, Correlation], days: Sequence[date], digests: Sequence[Any]
) -> Iterator[tuple[date, bool]]:
    """Whether the listed correlations of each day have its digest."""
    for day, digest in zip(days, digests, strict=True):
        pairs = [
            (id_, found.revision)
            for id_, found in correlations.items()
            if utc_day(found.asked_at) == day
        ]
        yield day, day_digest(pairs) == digest["digest"]


def _of_reporter(
    api: httpx.Client | None, days: Sequence[date]
) -> tuple[dict[str, Fact] | None, dict[date, int], tzinfo]:
    """Facts, visitors' questions by summary, and the zone of the owner's days.

    Whatever the zone, a question's day is the UTC day or a neighbour of it.
    """
    if api is None:
        return None, {}, UTC
    query = {
        "from": f"{days[0] - ONE_DAY}",
        "to": f"{days[-1] + ONE_DAY}",
        "everybody": "true",
        "limit": f"{PAGE}",
    }
    facts = {
        item["requestId"]: Fact(item["revision"], item["askedAt"], item["audience"] == "visitor")
        for item in _items(api, "/v1/questions", query)
    }
    period = {"from": f"{days[0]}", "to": f"{days[-1]}"}
    summary = ask(api, "/v1/summary", period).json()
    summarised = {
        date.fromisoformat(day["day"]): sum(day["outcomes"].values())
        for day in summary["findings"]["days"]
    }
    return facts, summarised, ZoneInfo(summary["timeZone"])


def _items(api: httpx.Client, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = ask(api, path, query | cursor).json()
        yield from page["items"]
        if not page.get("nextCursor"):
            return
        cursor = {"cursor": page["nextCursor"]}


# ---- log lines ----------------------------------------------------------------------------------


def _lines(account: Account, first: date) -> Lines:
    """Who was named by which function since a day; a question is never accepted before it."""
    wanted = {*ACCEPTED_BY, *PUBLISHED_BY, *PROJECTED_BY}
    groups = [group for group in log_groups(account) if short_name(account, group) in wanted]
    since_ms = _midnight(first)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda group: _of_group(account, group, since_ms), groups)
    by_function = dict(found)
    erased = (
        line.fields["requests"]
        for line in by_function.get("processor-ingest", ())
        if line.fields.get("of_erased_sessions")
    )
    return Lines(
        _last_named(by_function, ACCEPTED_BY),
        _last_named(by_function, PUBLISHED_BY),
        _last_named(by_function, PROJECTED_BY),
        frozenset(chain.from_iterable(erased)),
    )


def _of_group(account: Account, group: str, since_ms: int) -> tuple[str, list[Line]]:
    lines = lines_of(account, group, "requests", since_ms)
    return short_name(account, group), [line for line in lines if not is_reading(line)]


def _last_named(lines: Mapping[str, Sequence[Line]], functions: Sequence[str]) -> dict[str, int]:
    """When each question was last named by a line of these functions."""
    times: dict[str, int] = {}
    for line in chain.from_iterable(lines.get(name, ()) for name in functions):
        for id_ in line.fields.get("requests", ()):
            times[id_] = max(line.at_ms, times.get(id_, 0))
    return times


def _midnight(day: date) -> int:
    """The start of a UTC day, in milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
