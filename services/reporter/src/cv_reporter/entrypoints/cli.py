"""The operators' commands: `make ops-reporter ARGS='--help'`.

Exit codes: 0 done, 1 not done, 2 wrong usage, 130 stopped. Results go to standard output, all else
to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from time import sleep
from typing import Annotated, Final, NoReturn

import typer
from cv_contracts.events import CorrelationCompleted, QuestionErased, SessionErased
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from cv_reporter.adapters.dead_letters import DeadLetter
from cv_reporter.application.errors import UnavailableError
from cv_reporter.application.ports import Partition, Sending
from cv_reporter.application.publish import SendResult
from cv_reporter.application.redrive import redrive
from cv_reporter.application.reproject import DifferentError, ExpiredError, UnderWayError
from cv_reporter.application.wire.documents import report_json
from cv_reporter.application.wire.publication import iso_millis
from cv_reporter.bootstrap import services
from cv_reporter.domain.calendar import (
    Period,
    Week,
    countable,
    last_complete_week,
    utc_days,
)
from cv_reporter.domain.fact import Placement
from cv_reporter.domain.layout import Layout, described
from cv_reporter.domain.report import WeeklyReport, counted
from cv_reporter.presentation.csv import render_csv
from cv_reporter.presentation.mail import render_html, render_text, subject
from cv_reporter.settings import SettingsError

STOPPED = 130
RECONCILE_MS = 240_000
"""As long as the night's: what writes facts must end within `reproject.WRITER_SECONDS`."""
RECONCILE_ATTEMPTS = 3
"""Without a day compared. A Processor that just started may be slow once."""
EVENTS: Final = frozenset(
    event.DETAIL_TYPE for event in (CorrelationCompleted, QuestionErased, SessionErased)
)
NO_EVENT: Final = "no event"

RENDERERS: Final[dict[str, Callable[[WeeklyReport], str]]] = {
    ".html": render_html,
    ".json": report_json,
    ".csv": render_csv,
    ".txt": render_text,
}

console = Console(highlight=False, soft_wrap=True)
remarks = Console(highlight=False, soft_wrap=True, stderr=True)
app = typer.Typer(
    help="Operate the deployed Reporter, with the AWS credentials of your shell.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
dead_letters = typer.Typer(help="Events that could not be projected.", no_args_is_help=True)
app.add_typer(dead_letters, name="dlq")


def _week(text: str) -> Week:
    try:
        return Week.parse(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no week such as 2025-W46") from None


def _day(text: str) -> date:
    try:
        return countable(date.fromisoformat(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date such as 2025-11-10") from None


Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]
WeekOption = Annotated[
    Week | None,
    typer.Option("--week", parser=_week, metavar="YYYY-Www", help="default: the last complete one"),
]
First = Annotated[
    date,
    typer.Option(
        "--from", parser=_day, metavar="YYYY-MM-DD", help="the first day, on the owner's calendar"
    ),
]
Last = Annotated[
    date,
    typer.Option("--to", parser=_day, metavar="YYYY-MM-DD", help="the last day, itself included"),
]


@app.command("preview")
def preview(
    week: WeekOption = None,
    to_file: Annotated[
        Path | None, typer.Option(help="a file that ends in .html, .txt, .json or .csv")
    ] = None,
) -> None:
    """Build a week's report without keeping or sending it."""
    render = RENDERERS.get(to_file.suffix) if to_file else None
    if to_file and render is None:
        raise typer.BadParameter(f"{to_file.name} must end in one of {', '.join(RENDERERS)}")
    _remark_on_layout()
    wanted, builder = week or _last_week(), services().report_builder
    report = builder.preview(wanted)
    if doubts := _in_doubt(services().ledger.every_line(str(wanted))):
        remarks.print(f"in doubt: {counted(len(doubts), 'mail')} of {wanted} (see resolve-send)")
    if to_file is None or render is None:
        console.print(f"Subject: {subject(report)}\n\n{render_text(report)}", markup=False, end="")
        return
    to_file.write_text(render(report), encoding="utf-8")
    console.print(f"wrote {to_file}", markup=False)


@app.command("send")
def send(week: WeekOption = None, yes: Yes = False) -> None:
    """Build a week's report and send it to those who have not got it."""
    _remark_on_layout()
    wanted = week or _last_week()
    if not services().report_builder.has_begun(wanted):
        _not_done(f"{wanted} has not begun.")
    to = counted(len(services().settings.recipients), "recipient")
    early = "" if _is_over(wanted) else " The week is not over; the mail says so."
    _confirm(f"Send the report of {wanted} to {to}?{early}", yes=yes)
    result = services().publisher.send(services().report_now(wanted))
    console.print(_result(result))
    if result.refused or result.in_doubt:
        raise typer.Exit(1)


@app.command("resume-mail")
def resume_mail(
    address: Annotated[str | None, typer.Argument(help="an address that gets no mail")] = None,
    yes: Yes = False,
) -> None:
    """List the addresses that get no more mail, and why; or let mail go to one of them again."""
    stopped = services().suppressions.all()
    if address is None:
        for at, stop in stopped.items():
            console.print(f"{at} {stop.reason} {iso_millis(stop.since)}", markup=False)
        console.print(f"nothing goes to {counted(len(stopped), 'recipient')}")
        return
    if address not in stopped:
        _not_done(f"Mail to {address} is not stopped.")
    _confirm(f"Let mail go to {address} again ({stopped[address].reason})?", yes=yes)
    services().suppressions.remove(address)
    console.print(f"mail goes to {address} again", markup=False)


def _result(result: SendResult) -> str:
    remedy = " (see resolve-send)" if result.in_doubt else ""
    return (
        f"sent in all {result.sent}, refused now {result.refused}, "
        f"in doubt {result.in_doubt}{remedy}, stopped addresses {result.suppressed}"
    )


@app.command("resolve-send")
def resolve_send(
    week: WeekOption = None,
    sent: Annotated[bool, typer.Option("--sent", help="they were sent")] = False,
    not_sent: Annotated[bool, typer.Option("--not-sent", help="they were not sent")] = False,
    yes: Yes = False,
) -> None:
    """Resolve mails that a crash left in doubt: were they sent or not?

    Without --sent or --not-sent it lists the week's mails: state, recipient, when it was begun,
    SES's id. --sent closes those in doubt; --not-sent lets the next `send` send them.
    """
    if sent and not_sent:
        raise typer.BadParameter("--sent and --not-sent exclude each other")
    wanted = str(week or _last_week())
    lines = services().ledger.every_line(wanted)
    for line in lines:
        begun = iso_millis(line.since)
        text = f"{line.state:8} {line.recipient} {begun} {line.message_id} {line.until}".rstrip()
        console.print(text, markup=False)
    if not lines:
        console.print(f"no mail of {wanted} was begun")
    if sent or not_sent:
        _resolve(_in_doubt(lines), "SENT" if sent else "REFUSED", yes=yes)


def _in_doubt(lines: Sequence[Sending]) -> list[Sending]:
    """Those that were begun and not closed: a crash lies between, or they are under way."""
    return [line for line in lines if line.state == "SENDING"]


def _resolve(doubtful: Sequence[Sending], state: str, *, yes: bool) -> None:
    if not doubtful:
        console.print("none is in doubt")
        return
    _confirm(f"Mark {len(doubtful)} as {state}?", yes=yes)
    resolved = sum(services().ledger.resolve(line, state) for line in doubtful)
    console.print(f"{resolved} resolved")


@app.command("rebuild")
def rebuild(first: First, last: Last, yes: Yes = False) -> None:
    """Recompute the day summaries of a period from their facts."""
    _remark_on_layout()
    days = _period(first, last).days
    oldest = _oldest_whole_day()
    if days[0] < oldest:
        _not_done(
            f"the facts of days before {oldest} are past the retention, so their summaries are all "
            f"that is left: --from must be {oldest} or later"
        )
    _confirm(f"Recompute {counted(len(days), 'day')}?", yes=yes)
    with _progress() as show:
        for done, day in enumerate(days, 1):
            given = services()  # the layout may change meanwhile
            for shard in range(given.placement.shards):
                given.summariser.refresh(Partition(day, shard))
            show(f"{day} recomputed ({done} of {len(days)})")
    console.print(f"{counted(len(days), 'day')} recomputed")


@app.command("reconcile")
def reconcile(first: First, last: Last) -> None:
    """Compare days with the Processor and fetch what is missing."""
    days = utc_days(_period(first, last), services().placement.time_zone)
    _remark_on_layout()
    compared = healed = attempt = 0
    while True:
        with _progress() as show:
            result = services().reconciler.reconcile(
                days[compared:], within_ms=RECONCILE_MS, progress=show
            )
        compared, healed = compared + result.compared, healed + result.healed
        attempt = 1 if result.compared else attempt + 1
        if not result.problem or attempt == RECONCILE_ATTEMPTS:
            break
        remarks.print(f"{result.problem}; going on with the days that are left", markup=False)
    console.print(f"{compared} of {len(days)} days compared, {healed} questions fetched")
    if result.problem:
        _not_done(f"{result.problem}. What was fetched is kept: repeat the command.")


@app.command("reproject")
def reproject(
    cancel: Annotated[
        bool, typer.Option("--cancel", help="give an unfinished one up, remove what it copied")
    ] = False,
    yes: Yes = False,
) -> None:
    """Follow a changed time zone or number of shards: lay all data out anew, then remove the old.

    Nothing is counted twice and nothing stands still meanwhile. Twice it waits five and a half
    minutes for functions that are running. If it is cut off, repeat it.
    """
    given = services()
    _confirm(_intention(given.layout, given.wish, cancel=cancel), yes=yes)
    try:
        with _progress() as show:
            work = given.reprojection(sleep, show)
            (work.cancel if cancel else work.run)()
    except UnderWayError as error:
        _not_done(
            f"A re-projection to {described(error.following)} is not finished, and the setting "
            f"says {described(given.wish)}. Give it up with `reproject --cancel`, or set what it "
            "leads to and repeat the command."
        )
    except ExpiredError as error:
        _not_done(f"{error}: give it up with `reproject --cancel`, then begin again.")
    except DifferentError as error:
        _not_done(
            f"{error}. Readers were not changed over. Send the dead letters back (`dlq redrive`), "
            "`reconcile` the last days, then repeat the command."
        )
    console.print(f"days are counted in {described(work.read().current)}")


def _intention(layout: Layout, wish: Placement, *, cancel: bool) -> str:
    if cancel:
        given_up = layout.next or layout.old
        return f"Give up {described(given_up)}?" if given_up else "Nothing is under way. Look?"
    return f"Re-project from {described(layout.current)} to {described(wish)}?"


@app.command("cv-skills")
def cv_skills(
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="a text file, one skill a line")
    ] = None,
    yes: Yes = False,
) -> None:
    """Show or replace the CV's list of skills."""
    known = services().notes.cv.skills()
    if file is None:
        console.print("\n".join(known) or "no skills are listed", markup=False)
        return
    lines = file.read_text(encoding="utf-8").splitlines()
    _confirm(f"Replace the list of {counted(len(known), 'skill')}?", yes=yes)
    listed = services().notes.list_skills([line.strip() for line in lines if line.strip()])
    console.print(f"{counted(len(listed), 'skill')} kept")


@app.command("dashboard-link")
def dashboard_link() -> None:
    """Print a fresh signed link to the dashboard."""
    console.print(services().dashboard_link(), markup=False)


@dead_letters.command("list")
def list_dead_letters() -> None:
    """List the messages in the DLQ without their content; they stay."""
    queue = services().dead_letters
    waiting, letters = queue.waiting(), _looked_at()
    for letter in letters:
        line = f"{letter.message_id}  {_when(letter.sent_at)}  {_tries(letter)}  {_kind(letter)}"
        console.print(line, markup=False)
    hidden = waiting - len(letters)
    more = f", and about {hidden} behind them or in somebody's hands" if hidden > 0 else ""
    console.print(f"{counted(len(letters), 'message')} in the facts DLQ{more}.")


@dead_letters.command("show")
def show_dead_letter(
    message_id: Annotated[str, typer.Argument(help="as `dlq list` prints it")],
) -> None:
    """Print one message, its text included."""
    for letter in _looked_at():
        if letter.message_id == message_id:
            console.print(f"sent      {_when(letter.sent_at)}")
            console.print(f"tries     {letter.attempt}")
            console.print(f"kind      {_kind(letter)}", markup=False)
            console.print(f"body      {letter.body}", markup=False)
            return
    _not_done("No such message in the facts DLQ; `dlq list` names those that are.")


@dead_letters.command("redrive")
def redrive_dead_letters(
    dry_run: Annotated[bool, typer.Option(help="only say what would be sent")] = False,
    every: Annotated[bool, typer.Option("--all", help="also what is no event")] = False,
    yes: Yes = False,
) -> None:
    """Send messages back to the facts queue; those that are no events stay, without --all.

    A message that fails again comes back with one more try.
    """

    def chosen(letter: DeadLetter) -> bool:
        return every or _kind(letter) != NO_EVENT

    letters = _looked_at()
    number = sum(map(chosen, letters))
    console.print(
        f"{counted(len(letters), 'message')} can be read. To send back: {number}. "
        f"To stay, as no events: {len(letters) - number} (--all sends these too)."
    )
    if dry_run or not number:
        console.print("0 messages sent.")
        return
    _confirm("Send them back, and those behind them?", yes=yes)
    _redrive(chosen)


def _redrive(chosen: Callable[[DeadLetter], bool]) -> None:
    queue, sent = services().dead_letters, 0
    with _progress() as show:
        for result in redrive(queue, chosen, started_at=services().now_ms()):
            sent += result.sent
            show(f"{sent} sent")
    remaining = queue.waiting()
    console.print(
        f"{counted(sent, 'message')} sent, {remaining} in the DLQ now"
        + (" (left, failed again, or in somebody's hands)." if remaining else ".")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        app(arguments, prog_name="ops-reporter")
    except SystemExit as left:  # typer's way to end, whatever became of the command
        return int(left.code or 0)
    except UnavailableError as error:
        remarks.print(f"AWS did not do it: {error}. Check credentials, region and stage.")
    except SettingsError as error:
        remarks.print(f"{error}. `make ops-reporter` sets them from what is deployed.")
    except OSError as error:
        remarks.print(str(error), markup=False)
    return 1


def _looked_at() -> list[DeadLetter]:
    """Those that nobody else looks at, put back at once."""
    queue = services().dead_letters
    letters: dict[str, DeadLetter] = {}
    for letter in queue.letters():
        if letter.message_id in letters:
            break
        letters[letter.message_id] = letter
    for letter in letters.values():
        queue.put_back(letter)
    return list(letters.values())


def _kind(letter: DeadLetter) -> str:
    """The detail type of an event that the Reporter takes."""
    try:
        kind = json.loads(letter.body)["detail-type"]
    except (ValueError, KeyError, TypeError):
        return NO_EVENT
    return str(kind) if kind in EVENTS else NO_EVENT


def _last_week() -> Week:
    """The newest week that is over."""
    return last_complete_week(services().now_ms(), services().placement.time_zone)


def _is_over(week: Week) -> bool:
    """Whether no question can be asked in that week any more."""
    return week <= _last_week()


def _oldest_whole_day() -> date:
    """The first day that can be recomputed: all of its facts are there."""
    given = services()
    return max(given.oldest_whole_day(given.placement.time_zone), given.placement.first_day)


def _remark_on_layout() -> None:
    """Say that a changed setting is not followed."""
    if unfollowed := services().unfollowed:
        remarks.print(f"{unfollowed} run `make ops-reporter ARGS=reproject`.", markup=False)


def _period(first: date, last: date) -> Period:
    period = Period(first, last)
    if not period.days:
        raise typer.BadParameter("--to must not be before --from")
    return period


def _confirm(question: str, *, yes: bool) -> None:
    """Go on if the operator agrees. Without a terminal only --yes does."""
    if yes:
        return
    if not sys.stdin.isatty():
        _not_done(f"{question} Not done: nobody to ask; repeat with --yes.")
    try:
        agreed = typer.confirm(question)
    except typer.Abort:  # Ctrl-C, Ctrl-D
        remarks.print("\nStopped.")
        raise typer.Exit(STOPPED) from None
    if not agreed:
        raise typer.Exit(1)


def _not_done(reason: str) -> NoReturn:
    remarks.print(reason, markup=False)
    raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that the next one replaces; without a terminal, nothing."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=remarks, transient=True) as progress:
        task = progress.add_task("")
        yield lambda text: progress.update(task, description=text)


def _tries(letter: DeadLetter) -> str:
    return "1 try" if letter.attempt == 1 else f"{letter.attempt} tries"


def _when(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


if __name__ == "__main__":
    sys.exit(main())
