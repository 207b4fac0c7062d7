"""`cv-contracts`: check the contracts, write their files, release them.

Exit codes: 0 all is well, 1 something must be mended, 2 the command was not understood or a file
can't be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cv_contracts import __version__
from cv_contracts.registry import PUBLICATIONS
from cv_contracts_checker._yaml import to_yaml
from cv_contracts_checker.asyncapi import asyncapi
from cv_contracts_checker.catalogue import write_site
from cv_contracts_checker.changelog import write_changelog
from cv_contracts_checker.compatibility import Level, Side, Verdict, check_api, check_event
from cv_contracts_checker.compatibility.schemas import check_answer, check_request
from cv_contracts_checker.errors import CheckerError, SchemaError
from cv_contracts_checker.gate import Contracts, Problem, Report, check
from cv_contracts_checker.golden import Folder
from cv_contracts_checker.tags import git_reader, tagged

_OK, _MEND, _USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except (OSError, ValueError, CheckerError) as error:
        print(f"cv-contracts: {error}", file=sys.stderr)
        return _USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cv-contracts", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    checking = commands.add_parser("check", help="what changed, who breaks, which version it needs")
    _folder_options(checking, _check)
    checking.add_argument("--format", choices=_FORMATS, default="text")
    comparing = commands.add_parser("compare", help="compare any two schemas or OpenAPI documents")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    comparing.add_argument("--as", dest="kind", choices=_KINDS, default="event")
    comparing.add_argument("--format", choices=_FORMATS, default="text")
    comparing.set_defaults(command=_compare)
    writing = commands.add_parser("snapshot", help="write golden files: see the options")
    _folder_options(writing, _snapshot)
    writing.add_argument("--api", metavar="SERVICE", help="take its OpenAPI document from stdin")
    reads = "take from stdin, by event, the JSON schemas of the models by which it reads"
    writing.add_argument("--consumer", metavar="SERVICE", help=reads)
    _folder_options(commands.add_parser("changelog", help="write CHANGELOG.md"), _changelog)
    releasing = commands.add_parser("release", help="check, then record a release")
    _folder_options(releasing, _release)
    releasing.add_argument("--wheel", type=Path, help="the wheel of this release, to keep")
    site = commands.add_parser("catalogue", help="write the catalogue, a static site")
    _folder_options(site, _catalogue)
    site.add_argument("--to", type=Path, required=True, help="the folder to write it to")
    return parser


def _folder_options(
    parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]
) -> None:
    parser.add_argument("--root", type=Path, default=Path(), help="where schemas/ is (default: .)")
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.set_defaults(command=command)


def _judged(options: argparse.Namespace) -> Report:
    """The gate's answer, with what the tags of this repository say."""
    folder = Folder(options.root)
    trees = tagged(folder.releases(), git_reader(options.root))
    return check(folder, Contracts(__version__), options.today, trees)


def _check(options: argparse.Namespace) -> int:
    report = _judged(options)
    _FORMATS[options.format](report)
    return _OK if report.passed else _MEND


def _compare(options: argparse.Namespace) -> int:
    old, new = (_document(path) for path in (options.old, options.new))
    verdict = _KINDS[options.kind](options.new.stem, old, new)
    problems = [
        Problem(change.subject, f"{change.what}: {change.why}", str(options.new))
        for change in verdict.changes
        if change.level == Level.MAJOR
    ]
    _FORMATS[options.format](Report(verdict.changes, tuple(problems)))
    return _OK if verdict.compatible else _MEND


def _document(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text("utf-8"))
    if not isinstance(document, dict):
        raise SchemaError(f"{path} is no object")
    return document


def _snapshot(options: argparse.Namespace) -> int:
    folder = Folder(options.root)
    released = {file for files in folder.releases().values() for file in files}
    if options.api:
        return _snapshot_api(folder, options.api, json.load(sys.stdin), released)
    if options.consumer:
        for event, schema in json.load(sys.stdin).items():
            written = folder.write_consumer(options.consumer, event, schema)
            print(f"written  {written.relative_to(options.root)}")
        return _OK
    for publication in PUBLICATIONS:
        event = publication.event
        file = f"schemas/{event.DETAIL_TYPE}/{event.VERSION}.json"
        if file in released:
            print(f"kept     {file} (released)")
        else:
            folder.write_schema(event)
            print(f"written  {file}")
    written = folder.write_asyncapi(to_yaml(asyncapi(PUBLICATIONS, __version__)))
    print(f"written  {written.name}")
    return _OK


def _snapshot_api(
    folder: Folder, service: str, document: dict[str, Any], released: set[str]
) -> int:
    """Keep what was released: a changed API is a new version of its document."""
    file = folder.api_file(service, document)
    if file in released and folder.apis(service).get(Path(file).stem) != document:
        print(f"{file} is released; raise the service's minor version", file=sys.stderr)
        return _MEND
    folder.write_api(service, document)
    print(f"written  {file}")
    return _OK


def _changelog(options: argparse.Namespace) -> int:
    changes = _judged(options).changes
    path = write_changelog(Folder(options.root), __version__, options.today, changes)
    print(f"written  {path.name}")
    return _OK


def _catalogue(options: argparse.Namespace) -> int:
    written = write_site(Folder(options.root), Contracts(__version__), options.to)
    print(f"written  {len(written)} files; open {options.to / 'index.html'}")
    return _OK


def _release(options: argparse.Namespace) -> int:
    folder = Folder(options.root)
    if __version__ in folder.releases():
        print(f"{__version__} is released already; raise __version__ for another", file=sys.stderr)
        return _MEND
    report = _judged(options)
    _text(report)
    if not report.passed:
        return _MEND
    write_changelog(folder, __version__, options.today, report.changes)
    record = folder.write_release(__version__, str(options.today), options.wheel)
    print(f"written  {record.name}")
    return _OK


def _text(report: Report) -> None:
    for change in report.changes:
        print(f"{change.level.name.lower():<6} {change}")
    for problem in report.problems:
        print(f"MEND   {problem.subject}: {problem.text}")
    verdict = "may be merged" if report.passed else f"{len(report.problems)} to mend"
    print(f"{len(report.changes)} changes since the last release; {verdict}")


def _json(report: Report) -> None:
    changes = [
        {
            "subject": change.subject,
            "place": change.place,
            "what": change.what,
            "level": change.level.name.lower(),
            "why": change.why,
        }
        for change in report.changes
    ]
    problems = [
        {"subject": one.subject, "text": one.text, "file": one.file} for one in report.problems
    ]
    needs = report.level.name.lower()
    document = {"passed": report.passed, "needs": needs, "changes": changes, "problems": problems}
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _github(report: Report) -> None:
    """Workflow commands, which GitHub shows as annotations of the pull request."""
    for change in report.changes:
        kind = "warning" if change.level == Level.MAJOR else "notice"
        print(f"::{kind} title=contract {change.level.name.lower()}::{_escaped(str(change))}")
    for problem in report.problems:
        place = f"file={problem.file}," if problem.file else ""
        print(f"::error {place}title={problem.subject}::{_escaped(problem.text)}")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _as_event(name: str, old: dict[str, object], new: dict[str, object]) -> Verdict:
    return check_event(name, Side(old, "old"), Side(new, "new"))


def _as_request(name: str, old: dict[str, object], new: dict[str, object]) -> Verdict:
    return check_request(name, Side(old, "old"), Side(new, "new"))


def _as_answer(name: str, old: dict[str, object], new: dict[str, object]) -> Verdict:
    return check_answer(name, Side(old, "old"), Side(new, "new"))


_FORMATS: dict[str, Callable[[Report], None]] = {"text": _text, "json": _json, "github": _github}
_KINDS: dict[str, Callable[..., Verdict]] = {
    "event": _as_event,
    "request": _as_request,
    "response": _as_answer,
    "api": check_api,
}

__all__ = ["main"]
