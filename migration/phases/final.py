"""The final accounts, when no question comes any more: what an owner sees.

Nothing here reads a table: reports come from the Reporter's API, mails from the mailbox.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cv_reporter.domain.calendar import Week

from migration.before.deploy import GOLDEN_WEEKS, ZONE, differences
from migration.phases.checks import Check, mailed_twice, mails
from migration.phases.context import Context
from migration.phases.evidence import faults
from tools.emulator import outputs


def accounts(context: Context) -> Iterator[Check]:
    """Reports and mails; the system is in the last state."""
    with context.account.http(outputs.collect(context.account)["reporterApi"]) as api:
        yield from _golden(context, api)
        yield from _counted(context, api)
    yield mailed(context)
    yield from faults(context)


def _golden(context: Context, api: Any) -> Iterator[Check]:
    """The sample weeks' reports have the totals that they had in the beginning."""
    for week, golden in zip(context.kept("sample-weeks"), GOLDEN_WEEKS, strict=True):
        report = api.get(f"/v1/reports/{week}").raise_for_status().json()
        wrong = [*differences(report["totals"], golden)]
        yield Check(f"totals of {week}", "; ".join(wrong) or "golden", not wrong)


def asked(context: Context) -> Mapping[str, tuple[str, int]]:
    """What both senders asked: request id → sender, time of asking (ms)."""
    questions = {}
    for entry in context.journal.entries():
        if entry.event["eventType"] == "query":
            questions[entry.event["requestId"]] = ("sender", entry.event["timestamp"])
    for line in (context.home / "independent.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        if event["eventType"] == "query":
            questions[event["requestId"]] = ("independent", event["timestamp"])
    return questions


def _counted(context: Context, api: Any) -> Iterator[Check]:
    """Each week's last report counts exactly what was asked in it, by both senders."""
    questions = asked(context)
    by_week = Counter(week_of(at) for _, at in questions.values())
    for week, number in by_week.items():
        report = api.post(f"/v1/reports/{week}").raise_for_status().json()
        counted = report["totals"]["questions"]
        value = f"{counted} counted, {number} asked"
        yield Check(f"last report of {week}", value, counted == number)
    own = {id_ for id_, (name, _) in questions.items() if name == "independent"}
    listed = _listed(api, {week_of(at) for _, at in questions.values()})
    value = f"{len(own & listed)} of {len(own)} questions reported"
    yield Check("independent sender", value, bool(own) and own <= listed)


def week_of(at_ms: int) -> str:
    """The owner's ISO week of a moment."""
    return str(Week.of(datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(ZONE)).date()))


def _listed(api: Any, weeks: set[str]) -> set[str]:
    """All questions that the Reporter lists of some weeks."""
    listed: set[str] = set()
    for week in map(Week.parse, weeks):
        query: dict[str, str] = {"from": str(week.first), "to": str(week.last)}
        while True:
            page = api.get("/v1/questions", params=query).raise_for_status().json()
            listed |= {one["requestId"] for one in page["items"]}
            if not page.get("nextCursor"):
                break
            query["cursor"] = page["nextCursor"]
    return listed


def mailed(context: Context) -> Check:
    """One mail for each week and recipient through all phases."""
    sent, twice = mails(context), mailed_twice(context)
    weeks = len(context.kept("sample-weeks"))
    value = f"{len(sent) + twice} mails of {weeks} weeks"
    return Check("one mail a week and recipient", value, twice == 0 and len(sent) == weeks)
