"""The demonstration: two weeks of sample questions through the real pipeline, to the weekly report.

The first week goes straight into the SQS queue, as the original chatbot sends it; the second goes
through the HTTP API. Both come shuffled, partly twice, partly answer first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx

from tools.demo import samples
from tools.demo.system import DeployedSystem, dashboard_link, is_of_week
from tools.paths import HOME, SAMPLE_DATA, shown

if TYPE_CHECKING:
    from tools.build.progress import Step, Steps
    from tools.demo.samples import Plan
    from tools.deploy.account import Account

ZONE = ZoneInfo("Europe/London")
DRAIN_SECONDS = 120.0
POLL_SECONDS = 0.4
API_BATCH = 20


class DemoError(Exception):
    """The demonstration got stuck; the message says where to look."""


@dataclass(frozen=True)
class Snapshot:
    """What the system knows of the demonstration's weeks: to tell whether anything changed."""

    revisions: dict[str, int]
    reports: tuple[str, ...]


def show(outputs: dict[str, str], account: Account, steps: Steps) -> None:
    """Send, follow, report, print. Raises `DemoError`."""
    plan = samples.plan(samples.load(SAMPLE_DATA), datetime.now(UTC), ZONE)
    with DeployedSystem(outputs, account) as system:
        _show(system, plan, steps)


def _show(system: DeployedSystem, plan: Plan, steps: Steps) -> None:
    before = _snapshot(system, plan)
    started = int(time.time() * 1000)
    with steps.step(f"send {plan.first_week} to the SQS queue") as step:
        for event in plan.by_queue:
            system.send_to_queue(event)
        step.note(f"{len(plan.by_queue)} events")
    with steps.step(f"send {plan.second_week} to POST /v1/events") as step:
        step.note(f"{_send_to_api(system, plan)} events")
    with steps.step("follow them") as step:
        _follow(system, plan, started, step)
    for week, report_before in zip(plan.weeks, before.reports, strict=True):
        with steps.step(f"weekly report {week}") as step:
            system.build_report(week, send=True)
            step.note(_mailed(system, week, earlier=bool(report_before)))
    _tell(system, plan, unchanged=before == _snapshot(system, plan), steps=steps)


def _send_to_api(system: DeployedSystem, plan: Plan) -> int:
    events = plan.by_api
    batches = [events[at : at + API_BATCH] for at in range(0, len(events), API_BATCH)]
    return sum(system.send_to_api(batch) for batch in batches)


def _mailed(system: DeployedSystem, week: str, *, earlier: bool) -> str:
    """Who got the week's mail. `earlier`: its report was there before, so it may be sent already.

    The outbox is empty after a restart; the Reporter's record of what was sent is not.
    """
    mails = [mail for mail in system.mails() if is_of_week(mail, week)]
    if not mails and earlier:
        return "mailed before the embedded AWS was last started"
    if not mails:
        raise DemoError(f"the report of {week} is not in the outbox; `make logs` tells why")
    return f"mailed to {', '.join(mails[-1]['To'])}"


def _days(plan: Plan) -> tuple[str, str]:
    year, week = plan.first_week.split("-W")
    first = datetime.strptime(f"{year} {week} 1", "%G %V %u").astimezone(UTC).date()
    year, week = plan.second_week.split("-W")
    last = datetime.strptime(f"{year} {week} 7", "%G %V %u").astimezone(UTC).date()
    return first.isoformat(), last.isoformat()


def _follow(system: DeployedSystem, plan: Plan, started: int, step: Step) -> None:
    days = _days(plan)
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        correlated, projected = len(system.correlations(*days)), system.projected(*days)
        counts = f"correlated {correlated} → published {system.published(started)}"
        step.note(f"sent {plan.sent} → {counts} → projected {projected}")
        if min(correlated, projected) >= plan.questions and system.waiting() == 0:
            return
        if time.monotonic() > deadline:
            raise DemoError(
                f"{plan.questions} questions were asked, only {correlated} correlated and "
                f"{projected} projected; `make status` and `make logs` tell where the rest is"
            )
        time.sleep(POLL_SECONDS)


def _snapshot(system: DeployedSystem, plan: Plan) -> Snapshot:
    reports = tuple(system.report(week, "text/plain") for week in plan.weeks)
    return Snapshot(system.correlations(*_days(plan)), reports)


def _tell(system: DeployedSystem, plan: Plan, *, unchanged: bool, steps: Steps) -> None:
    print(f"\n{system.report(plan.second_week, 'text/plain').rstrip()}\n", flush=True)
    page = HOME / "reports" / f"{plan.second_week}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(system.report(plan.second_week, "text/html"), encoding="utf-8")
    mails = system.mails()
    subject = f"  “{mails[-1]['Subject']}”" if mails else ""
    for line in (
        _verdict(plan, unchanged=unchanged),
        f"e-mails sent      {len(mails)}{subject}",
        f"as HTML           {shown(page)}",
        f"dashboard         {_way_in(mails)}",
        "interactive docs  make run-processor, make run-reporter",
        f"for your programs {shown(HOME / 'outputs.json')}",
    ):
        steps.say(line)


def _way_in(mails: list[dict[str, Any]]) -> str:
    """The newest mail's signed link while it opens; else how to get another."""
    link = dashboard_link(mails)
    if link and httpx.get(link, trust_env=False).status_code == httpx.codes.SEE_OTHER:
        return link
    return "`make dashboard-link` prints a signed link"


def _verdict(plan: Plan, *, unchanged: bool) -> str:
    how = (
        f"{plan.sent} events ({plan.repeats} twice, {plan.overtaken} answers before their question)"
    )
    if unchanged:
        return f"nothing changed:  {how} were all known; same questions, same reports"
    return f"sent              {how} → {plan.questions} questions"
