"""The operators' commands: `make ops-processor ARGS='--help'`.

Exit codes: 0 done, 1 not done, 2 wrong usage, 130 stopped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from cv_contracts.chatbot import ANONYMOUS_SESSION, canonical_id, read_chatbot_event_json
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress as ProgressLine
from rich.progress import SpinnerColumn, TextColumn

from cv_processor.adapters.dead_letters import DeadLetter
from cv_processor.application.erasure import request_erasure
from cv_processor.application.errors import UnavailableError
from cv_processor.application.redrive import redrive
from cv_processor.application.reproject import (
    Progress,
    Reprojection,
    ReprojectionStoppedError,
)
from cv_processor.application.republish import Republication
from cv_processor.application.taxonomy_report import (
    FEWEST_SESSIONS,
    asked_in,
    by_part,
    evaluate,
    unknown_words,
)
from cv_processor.bootstrap import services
from cv_processor.data import intents_document, skills_document, word_list
from cv_processor.domain.correlation import Correlation
from cv_processor.domain.enrichment import default_taxonomy
from cv_processor.domain.erasure import Question, Session, Subject
from cv_processor.domain.taxonomy_lint import lint
from cv_processor.settings import SettingsError

STOPPED = 130
WRONG_USAGE = 2
RETRIES_RAN_OUT = "its retries ran out"

console = Console(highlight=False, soft_wrap=True)
remarks = Console(highlight=False, soft_wrap=True, stderr=True)
app = typer.Typer(
    help="Operate the deployed Processor, with the AWS credentials of your shell.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
dead_letters = typer.Typer(help="Events that could not be processed.", no_args_is_help=True)
taxonomy = typer.Typer(help="Skills and intents: needs no AWS.", no_args_is_help=True)
app.add_typer(dead_letters, name="dlq")
app.add_typer(taxonomy, name="taxonomy")

Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]
_DAY = "%Y-%m-%d"


@dead_letters.command("list")
def list_dead_letters() -> None:
    """List the messages in the DLQ with their reasons; they stay."""
    queue = services().dead_letters
    waiting, letters = queue.waiting(), _looked_at()
    for letter in letters:
        reason = letter.reason or RETRIES_RAN_OUT
        line = f"{letter.message_id}  {_when(letter.sent_at)}  {_tries(letter)}  {reason}"
        console.print(line, markup=False)
    hidden = waiting - len(letters)
    more = f", and about {hidden} behind them or in somebody's hands" if hidden > 0 else ""
    console.print(f"{_counted(len(letters), 'message')} in the ingest DLQ{more}.")


@dead_letters.command("show")
def show_dead_letter(
    message_id: Annotated[str, typer.Argument(help="as `dlq list` prints it")],
) -> None:
    """Print one message, its text included."""
    for letter in _looked_at():
        if letter.message_id == message_id:
            console.print(f"sent      {_when(letter.sent_at)}")
            console.print(f"group     {letter.group}", markup=False)
            console.print(f"tries     {letter.attempt}")
            console.print(f"reason    {letter.reason or RETRIES_RAN_OUT}", markup=False)
            console.print(f"body      {letter.body}", markup=False)
            return
    _not_done("No such message in the ingest DLQ; `dlq list` names those that are.")


@dead_letters.command("redrive")
def redrive_dead_letters(
    dry_run: Annotated[bool, typer.Option(help="only say what would be sent")] = False,
    every: Annotated[bool, typer.Option("--all", help="also what is no event")] = False,
    yes: Yes = False,
) -> None:
    """Send messages back to the ingest queue; those that are no events stay, without --all.

    A message that is rejected again comes back with its reason and one more try.
    """

    def chosen(letter: DeadLetter) -> bool:
        return every or _is_event(letter)

    letters = _looked_at()
    number = sum(map(chosen, letters))
    console.print(
        f"{_counted(len(letters), 'message')} can be read. To send back: {number}. "
        f"To stay, as no chatbot events: {len(letters) - number} (--all sends these too)."
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
        f"{_counted(sent, 'message')} sent, {remaining} in the DLQ now"
        + (" (left, rejected again, or in somebody's hands)." if remaining else ".")
    )


@app.command("conflicts")
def list_conflicts() -> None:
    """List questions whose events contradict each other, the oldest event first."""
    number = 0
    for request_id, digest in services().correlations.conflicted():
        console.print(f"{request_id}  {digest}", markup=False)
        number += 1
    console.print(
        f"{_counted(number, 'parked event')}; GET /v1/correlations/<id>/conflicts shows one."
    )


@app.command("open")
def list_open_questions() -> None:
    """List questions without an outcome, and answers without a question. Reads the whole table."""
    questions = orphans = 0
    for correlation in services().correlations.unclosed():
        console.print(_open_line(correlation), markup=False)
        orphans += correlation.query is None
        questions += correlation.query is not None
    console.print(
        f"{_counted(questions, 'open question')}, {_counted(orphans, 'answer')} without a question."
    )


@app.command("republish")
def republish(
    first: Annotated[
        datetime, typer.Option("--from", formats=[_DAY], help="the first UTC day: 2025-11-03")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=[_DAY], help="the last UTC day: 2025-11-03")
    ],
    yes: Yes = False,
) -> None:
    """Publish the events of UTC days once more, and erasures that nobody confirmed.

    Consumers know the events by their ids.
    """
    days = (last - first).days + 1
    if days < 1:
        _not_done("--to must not be before --from.")
    _say_how_days_are_laid_out()
    bus = services().settings.bus_name
    _confirm(f"Publish the events of {_counted(days, 'UTC day')} on {bus} again?", yes=yes)
    published = refused = 0
    with _progress() as show:
        for part in _republication().days(first.date(), last.date()):
            published, refused = published + part.published, refused + part.refused
            show(f"{part.what}: {published} published, {refused} refused")
    console.print(f"{_counted(published, 'event')} published, {refused} refused by the bus.")
    if refused:
        raise typer.Exit(1)


@app.command("reproject")
def reproject(yes: Yes = False) -> None:
    """Lay the table out in SHARDS parts a day, as the functions are deployed with it.

    For a changed SHARDS: until this has run, the stored number holds. Repeat it if it is cut off.
    """
    given = services()
    wanted = given.layouts.wanted
    _say_how_days_are_laid_out()
    _confirm(f"Lay out every day of {given.settings.table_name} in {wanted}?", yes=yes)
    run = Reprojection(given.layouts, given.correlations, given.wait)
    last = Progress()
    with _progress() as show:
        try:
            for last in run(wanted):
                show(_how_far(last))
        except ReprojectionStoppedError as error:
            _not_done(str(error))
    console.print(f"{_counted(last.moved, 'question')} moved: each day has {wanted}.")


def _how_far(progress: Progress) -> str:
    if progress.wait:
        return f"{progress.wait} s until every function knows"
    return f"pass {progress.number}: {progress.seen} seen, {progress.moved} moved"


def _say_how_days_are_laid_out() -> None:
    """On stderr: the stored number holds, not the setting."""
    layouts = services().layouts
    layout, wanted = layouts.current(), layouts.wanted
    if layout.shards != wanted:
        remarks.print(f"SHARDS is {wanted}, the table has {layout.shards}: `reproject` changes it.")
    elif not layout.settled:
        remarks.print("A `reproject` did not end: repeat it. Lists are complete meanwhile.")


@app.command("erase")
def erase_session(
    session_id: Annotated[str, typer.Argument(help="as the chatbot sent it")], yes: Yes = False
) -> None:
    """Forget a session: here, and through `SessionErased` in every service that reads of us."""
    if session_id == ANONYMOUS_SESSION:
        _not_done("Anonymous visitors share one session; `erase-question` erases one of theirs.")
    _erase(Session(canonical_id(session_id)), "session", yes=yes)


@app.command("erase-question")
def erase_question(
    request_id: Annotated[str, typer.Argument(help="as the chatbot sent it")], yes: Yes = False
) -> None:
    """Forget one question, an anonymous one too: here, and in every service that reads of us."""
    _erase(Question(canonical_id(request_id)), "question", yes=yes)


def _erase(subject: Subject, what: str, *, yes: bool) -> None:
    _confirm(f"Erase this {what}'s text and identifiers? It cannot be undone.", yes=yes)
    given = services()
    erasure_id = request_erasure(given.erasures, given.erasure_queue, subject, given.now_ms())
    console.print(f"Asked for; GET /v1/erasures/{erasure_id} shows how far it is.")


@taxonomy.command("lint")
def lint_taxonomy() -> None:
    """Check the data files; exit code 1 if something is wrong."""
    skills, intents = skills_document(), intents_document()
    problems = lint(skills, intents, word_list("everyday-words"))
    for line in problems:
        console.print(line, markup=False)
    aliases = sum(len(entry["aliases"]) for entry in skills["skills"])
    console.print(
        f"{len(skills['skills'])} skills, {aliases} aliases, {len(skills['rules'])} rules, "
        f"{len(intents['intents'])} intents: {len(problems)} problems"
    )
    raise typer.Exit(bool(problems))


@taxonomy.command("unknown")
def list_unknown_words(
    file: Annotated[Path, typer.Argument(help="JSON lines: chatbot events or correlations")],
    sessions: Annotated[int, typer.Option(help="asked in at least so many")] = FEWEST_SESSIONS,
) -> None:
    """List words that visitors use and the taxonomy does not know; exit code 1 if there are any."""
    lines = _lines(file)
    with _readable(file):
        asked = list(asked_in(lines))
    words = unknown_words(asked, default_taxonomy(), word_list("everyday-words"), sessions)
    for word in words:
        console.print(f"{word.word}  {word.sessions} sessions  {word.questions} questions")
    console.print(f"{len(words)} unknown words asked in at least {sessions} sessions")
    raise typer.Exit(bool(words))


@taxonomy.command("evaluate")
def evaluate_taxonomy(
    file: Annotated[Path, typer.Argument(help="JSON lines of text, skills, intents, part or lang")],
    misses: Annotated[bool, typer.Option("--misses", help="print what is wrong")] = False,
) -> None:
    """Measure precision and recall of skills and intents on labelled questions."""
    lines = _lines(file)
    with _readable(file):
        parts = by_part(json.loads(line) for line in lines)
    for part, rows in parts.items():
        for name, figures in zip(("skills", "intents"), evaluate(rows), strict=True):
            console.print(
                f"{part:9} {name:7} {len(rows):4} questions  "
                f"precision {figures.precision:.3f}  recall {figures.recall:.3f}"
            )
            for line in figures.wrong if misses else ():
                console.print(f"    {line}", markup=False)


def _lines(file: Path) -> list[str]:
    with _readable(file):
        return [line for line in file.read_text("utf-8").splitlines() if line.strip()]


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        console.print(f"{file} cannot be read: {type(error).__name__}", markup=False)
        raise typer.Exit(WRONG_USAGE) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        app(arguments, prog_name="ops-processor")
    except SystemExit as left:  # typer's way to end, whatever became of the command
        return int(left.code or 0)
    except UnavailableError as error:
        console.print(f"AWS did not do it: {error}. Check credentials, region and stage.")
    except SettingsError as error:
        console.print(f"{error}. `make ops-processor` sets them from what is deployed.")
    return 1


def _republication() -> Republication:
    given = services()
    return Republication(
        given.correlations,
        given.erasures,
        given.bus,
        given.settings.bus_name,
        layout=given.layouts.current,
    )


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


def _is_event(letter: DeadLetter) -> bool:
    try:
        read_chatbot_event_json(letter.body)
    except ValidationError:
        return False
    return True


def _open_line(correlation: Correlation) -> str:
    half = correlation.query or correlation.response
    kind = "answer without a question" if correlation.query is None else "open"
    return f"{correlation.request_id}  {_when(half.at if half else 0)}  {kind}"


def _confirm(question: str, *, yes: bool) -> None:
    """Go on if the operator agrees. Without a terminal only --yes does."""
    if yes:
        return
    if not sys.stdin.isatty():
        _not_done(f"{question} Not done: nobody to ask; repeat with --yes.")
    try:
        agreed = typer.confirm(question)
    except typer.Abort:  # Ctrl-C, Ctrl-D
        console.print("\nStopped.")
        raise typer.Exit(STOPPED) from None
    if not agreed:
        raise typer.Exit(1)


def _not_done(reason: str) -> NoReturn:
    console.print(reason)
    raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that the next one replaces; without a terminal, nothing."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with ProgressLine(*columns, console=console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda text: progress.update(task, description=text)


def _tries(letter: DeadLetter) -> str:
    return "1 try" if letter.attempt == 1 else f"{letter.attempt} tries"


def _counted(number: int, thing: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _when(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


if __name__ == "__main__":
    sys.exit(main())
