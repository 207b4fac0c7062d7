"""The operator's commands. Each explains itself and asks before it changes something."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cv_reporter import bootstrap
from cv_reporter.adapters.aws import client, error_code
from cv_reporter.adapters.fact_items import SECONDS_PER_DAY
from cv_reporter.application.ports import Partition, Sending
from cv_reporter.application.publish import SendResult
from cv_reporter.application.times import iso_millis
from cv_reporter.domain.calendar import (
    Period,
    Week,
    countable,
    last_complete_week,
    local_day,
    utc_days,
)
from cv_reporter.domain.document import to_json
from cv_reporter.domain.report import WeeklyReport, counted
from cv_reporter.ops import dead_letters
from cv_reporter.presentation.csv import render_csv
from cv_reporter.presentation.mail import render_html, render_text, subject
from cv_reporter.settings import SettingsError

OK, PROBLEM, REFUSED = 0, 1, 2
RECONCILE_MS = 600_000
PROGRESS_EVERY = 100

RENDERERS: dict[str, Callable[[WeeklyReport], str]] = {
    ".html": render_html,
    ".json": to_json,
    ".csv": render_csv,
    ".txt": render_text,
}


class UsageError(Exception):
    """What was asked for makes no sense."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    given = parser().parse_args(arguments)
    try:
        result: int = given.run(given)
    except (UsageError, SettingsError, OSError) as error:
        return refused(str(error))
    except (BotoCoreError, ClientError) as error:
        told = f"AWS did not do it: {error_code(error)}. Check credentials, region and settings."
        print(told, file=sys.stderr)
        return PROBLEM
    return result


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    whole = argparse.ArgumentParser(prog="python -m cv_reporter.ops", description=__doc__)
    commands = whole.add_subparsers(required=True, metavar="command")
    for name, run, add_options in COMMANDS:
        told = (run.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=told, description=run.__doc__)
        add_options(command)
        command.set_defaults(run=run)
    return whole


def dashboard_link(_given: argparse.Namespace) -> int:
    """Print a fresh signed link to the dashboard."""
    link = bootstrap.dashboard_link()
    if link is None:
        return refused("DASHBOARD_KEY_ARN and API_URL_PARAMETER must be set")
    print(link)
    return OK


def preview(given: argparse.Namespace) -> int:
    """Build a week's report without keeping or sending it.

    `--to-file` takes the form from the name's end: .html, .txt, .json or .csv.
    """
    week, builder = week_of(given), bootstrap.report_builder()
    report = builder.preview(week, builder.last_comparison(week) if is_over(week) else None)
    if doubts := in_doubt(bootstrap.ledger().lines(str(week))):
        print(
            f"in doubt: {counted(len(doubts), 'mail')} of {week} (see resolve-send)",
            file=sys.stderr,
        )
    if given.to_file is None:
        print(f"Subject: {subject(report)}\n\n{render_text(report)}", end="")
        return OK
    path = Path(given.to_file)
    render = RENDERERS.get(path.suffix)
    if render is None:
        return refused(f"{path.name} must end in one of {', '.join(RENDERERS)}")
    path.write_text(render(report), encoding="utf-8")
    print(f"wrote {path}")
    return OK


def send(given: argparse.Namespace) -> int:
    """Build a week's report and send it to those who have not got it."""
    week = week_of(given)
    recipients = bootstrap.settings().recipients
    early = "" if is_over(week) else " The week is not over: who gets it now gets none on Monday."
    to = counted(len(recipients), "recipient")
    if not agreed(given, f"Send the report of {week} to {to}?{early}"):
        return REFUSED
    result = bootstrap.publisher().send(bootstrap.report_now(week))
    print(told(result))
    return PROBLEM if result.refused or result.in_doubt else OK


def told(result: SendResult) -> str:
    """A sending's result in words."""
    remedy = " (see resolve-send)" if result.in_doubt else ""
    return (
        f"sent in all {result.sent}, refused now {result.refused}, "
        f"in doubt {result.in_doubt}{remedy}, stopped addresses {result.suppressed}"
    )


def resolve_send(given: argparse.Namespace) -> int:
    """Resolve mails that a crash left in doubt: were they sent or not?

    Without `--sent` or `--not-sent` it lists the week's mails: state, recipient, when it was begun,
    SES's id. `--sent` closes those in doubt; `--not-sent` lets the next `send` send them.
    """
    week = str(week_of(given))
    lines = bootstrap.ledger().lines(week)
    for line in lines:
        begun = iso_millis(line.since)
        print(f"{line.state:8} {line.recipient} {begun} {line.message_id}".rstrip())
    if not lines:
        print(f"no mail of {week} was begun")
    state = "SENT" if given.sent else "REFUSED" if given.not_sent else None
    return OK if state is None else _resolve(given, in_doubt(lines), state)


def in_doubt(lines: Sequence[Sending]) -> list[Sending]:
    """Those that were begun and not closed: a crash lies between, or they are under way."""
    return [line for line in lines if line.state == "SENDING"]


def _resolve(given: argparse.Namespace, doubtful: Sequence[Sending], state: str) -> int:
    if not doubtful:
        print("none is in doubt")
        return OK
    if not agreed(given, f"Mark {len(doubtful)} as {state}?"):
        return REFUSED
    for line in doubtful:
        resolved = line._replace(state=state, message_id="resolved by operator")
        bootstrap.ledger().close(resolved)
    print(f"{len(doubtful)} resolved")
    return OK


def rebuild(given: argparse.Namespace) -> int:
    """Recompute the day summaries of a period from their facts."""
    days = period_of(given).days
    oldest = oldest_whole_day()
    if days[0] < oldest:
        raise UsageError(
            f"the facts of days before {oldest} are past the retention, so their summaries are all "
            f"that is left: --from must be {oldest} or later"
        )
    if not agreed(given, f"Recompute {counted(len(days), 'day')}?"):
        return REFUSED
    shards = bootstrap.settings().shards
    for done, day in enumerate(days, 1):
        for shard in range(shards):
            bootstrap.summariser().refresh(Partition(day, shard))
        progress(f"{day} recomputed ({done} of {len(days)})")
    return OK


def reconcile(given: argparse.Namespace) -> int:
    """Compare days with the Processor and fetch what is missing."""
    compare = bootstrap.reconciler()
    if compare is None:
        return refused("PROCESSOR_API_PARAMETER must be set")
    days = utc_days(period_of(given), bootstrap.settings().time_zone)
    result = compare.reconcile(days, within_ms=RECONCILE_MS, progress=progress)
    print(f"{result.compared} of {result.days} days compared, {result.healed} questions fetched")
    if result.problem:
        print(result.problem, file=sys.stderr)
    return PROBLEM if result.problem else OK


def cv_skills(given: argparse.Namespace) -> int:
    """Show or replace the CV's list of skills: `--file` has one name a line."""
    known = bootstrap.notes().cv.skills()
    if given.file is None:
        print("\n".join(known) or "no skills are listed")
        return OK
    lines = Path(given.file).read_text(encoding="utf-8").splitlines()
    if not agreed(given, f"Replace the list of {counted(len(known), 'skill')}?"):
        return REFUSED
    listed = bootstrap.notes().list_skills([line.strip() for line in lines if line.strip()])
    print(f"{counted(len(listed), 'skill')} kept")
    return OK


def dlq(given: argparse.Namespace) -> int:
    """List, show or redrive events that could not be projected (needs FACTS_DLQ_URL)."""
    url = bootstrap.settings().facts_dlq_url
    if not url:
        return refused("FACTS_DLQ_URL must be set")
    queue = dead_letters.DeadLetterQueue(client("sqs"), url)
    if given.action == "redrive":
        return _redrive(given, queue)
    messages = list(queue.look(given.limit))
    for message in messages:
        print(message.body if given.action == "show" else message.line)
    if not messages:
        print("no messages")
    return OK


def _redrive(given: argparse.Namespace, queue: dead_letters.DeadLetterQueue) -> int:
    n = queue.count()
    about = f"about {counted(n, 'message')}"
    if given.dry_run:
        print(f"{about} would be moved")
        return OK
    if not agreed(given, f"Move {about} back to the facts queue?"):
        return REFUSED
    moved = 0
    for letter in queue.look(n):
        queue.redrive(letter)
        moved += 1
        if moved % PROGRESS_EVERY == 0:
            progress(f"{moved} of {about} moved")
    print(f"{counted(moved, 'message')} moved")
    return OK


def week_of(given: argparse.Namespace) -> Week:
    """The week asked for; the last complete one by default."""
    if given.week:
        named: Week = given.week
        return named
    return last_week()


def last_week() -> Week:
    """The newest week that is over."""
    return last_complete_week(bootstrap.clock()(), bootstrap.settings().time_zone)


def is_over(week: Week) -> bool:
    """Whether no question can be asked in that week any more."""
    return week <= last_week()


def oldest_whole_day() -> date:
    """The first day of which no fact is past the retention."""
    settings = bootstrap.settings()
    kept_since = bootstrap.clock()() - settings.retention_days * SECONDS_PER_DAY * 1_000
    return local_day(kept_since, settings.time_zone) + timedelta(days=1)


def period_of(given: argparse.Namespace) -> Period:
    """The days asked for."""
    period = Period(given.first, given.last)
    if not period.days:
        raise UsageError("--to must not be before --from")
    return period


def agreed(given: argparse.Namespace, question: str) -> bool:
    """Whether the operator agrees; `--yes` agrees beforehand, no terminal means no."""
    if given.yes:
        return True
    if not sys.stdin.isatty():
        print(f"{question} Say --yes.", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def refused(why: str) -> int:
    """Say why nothing was done."""
    print(why, file=sys.stderr)
    return REFUSED


def progress(line: str) -> None:
    """A sign of life."""
    print(f"  {line}", file=sys.stderr, flush=True)


def no_options(_command: argparse.ArgumentParser) -> None:
    """A command without options."""


def week_named(text: str) -> Week:
    """An ISO week as it is typed."""
    try:
        return Week.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no week such as 2025-W46") from None


def day_named(text: str) -> date:
    """A date as it is typed."""
    try:
        return countable(date.fromisoformat(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2025-11-10") from None


def week_option(command: argparse.ArgumentParser) -> None:
    """Which week."""
    command.add_argument(
        "--week",
        type=week_named,
        metavar="YYYY-Www",
        help="2025-W46; default: the last one",
    )


def preview_options(command: argparse.ArgumentParser) -> None:
    """Which week, and where to."""
    week_option(command)
    command.add_argument("--to-file", help="a file that ends in .html, .txt, .json or .csv")


def yes_option(command: argparse.ArgumentParser) -> None:
    """Agree beforehand."""
    command.add_argument("--yes", action="store_true", help="do not ask")


def send_options(command: argparse.ArgumentParser) -> None:
    """Which week, and agreement."""
    week_option(command)
    yes_option(command)


def resolve_options(command: argparse.ArgumentParser) -> None:
    """What became of the mails in doubt."""
    send_options(command)
    outcome = command.add_mutually_exclusive_group()
    outcome.add_argument("--sent", action="store_true", help="they were sent")
    outcome.add_argument("--not-sent", action="store_true", help="they were not sent")


def period_options(command: argparse.ArgumentParser) -> None:
    """Which days, and agreement."""
    for name, target, help_ in (
        ("--from", "first", "the first day, on the owner's calendar"),
        ("--to", "last", "the last day, itself included"),
    ):
        command.add_argument(
            name, dest=target, type=day_named, required=True, metavar="YYYY-MM-DD", help=help_
        )
    yes_option(command)


def file_option(command: argparse.ArgumentParser) -> None:
    """Where the list is, and agreement."""
    command.add_argument("--file", help="a text file, one skill a line")
    yes_option(command)


def dlq_options(command: argparse.ArgumentParser) -> None:
    """What to do with dead letters."""
    command.add_argument("action", choices=("list", "show", "redrive"))
    command.add_argument("--limit", type=int, default=10, help="how many to list or show")
    command.add_argument("--dry-run", action="store_true", help="only say what would happen")
    yes_option(command)


Run = Callable[[argparse.Namespace], int]
AddOptions = Callable[[argparse.ArgumentParser], None]

COMMANDS: tuple[tuple[str, Run, AddOptions], ...] = (
    ("preview", preview, preview_options),
    ("send", send, send_options),
    ("resolve-send", resolve_send, resolve_options),
    ("rebuild", rebuild, period_options),
    ("reconcile", reconcile, period_options),
    ("cv-skills", cv_skills, file_option),
    ("dashboard-link", dashboard_link, no_options),
    ("dlq", dlq, dlq_options),
)
