"""`python -m tools.deploy <command> [service] [--stage STAGE]`; `--help` lists the commands."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import publish, releases, restore, smoke, stacks, upkeep, wheel
from tools.deploy.account import LOCAL_OUTPUTS, Account, NotReachableError, account_of

SERVICES: Final = ("contracts", "processor", "reporter")


def _diff(account: Account, options: argparse.Namespace) -> int:
    return stacks.diff(account, options.service)


def _rollback(account: Account, options: argparse.Namespace) -> int:
    started = time.monotonic()
    moves = releases.plan(account, options.service, options.version)
    for step in releases.move(account, options.service, moves):
        print(step)
    took = time.monotonic() - started
    moved = sum(not step.stays for step in moves)
    print(f"{options.service} in {account.stage}: {moved} functions moved in {took:.1f} s.")
    print("The next deployment of another version moves them forward again.")
    return 0


def _destroy(account: Account, options: argparse.Namespace) -> int:
    for stack in stacks.stacks_to_destroy(options.service):
        if not stacks.is_deployed(account, stack):
            continue
        if not options.yes and not _confirmed(stacks.stack_name(stack, account.stage)):
            print("Nothing was deleted. YES=1 deletes without asking.")
            return 1
        code = stacks.destroy(account, stack)
        if code:
            return code
    return 0


def _confirmed(name: str) -> bool:
    try:
        return input(f"Type {name} to delete this stack: ") == name
    except EOFError:  # nobody is there to type
        return False


def _told(steps: Iterator[str]) -> int:
    for step in steps:
        print(step, flush=True)
    return 0


def _linkable(account: Account, _options: argparse.Namespace) -> int:
    if stacks.linkable(account):
        return 0
    print("reporter-links waits: it needs both services' stacks, and one is not deployed yet.")
    return NOT_YET


NOT_YET: Final = 3
COMMANDS: Final[dict[str, tuple[Callable[[Account, argparse.Namespace], int], str]]] = {
    "diff": (_diff, "show what deploying the synthesised assembly would change"),
    "rollback": (_rollback, "move the aliases of a service to an earlier version"),
    "linkable": (_linkable, f"exit code 0 if the links can be deployed, else {NOT_YET}"),
    "destroy": (_destroy, "delete a service's stack, and first the links to it"),
    "smoke": (
        lambda account, options: _told(
            smoke.announced(account) if options.of == "contracts" else smoke.run(account)
        ),
        "send a flagged question through the deployed system",
    ),
    "upload-wheel": (
        lambda account, _: _told(wheel.upload(account)),
        "put the contracts' released wheel into the account's place for releases",
    ),
    "restore-test": (
        lambda account, _: _told(restore.restore_test(account)),
        "restore a copy of each table, read it, delete it",
    ),
    "reconciliation-test": (
        lambda account, _: _told(upkeep.reconcile(account)),
        "let the Reporter compare itself with the Processor",
    ),
}
WITHOUT_ACCOUNT: Final[dict[str, tuple[Callable[[argparse.Namespace], int], str]]] = {
    "audit": (lambda _: _told(upkeep.audit()), "ask the OSV database about every locked package"),
    "publish": (
        lambda options: _told(publish.release(options.service)),
        "tag and release the present version on GitHub",
    ),
}
ABOUT_A_SERVICE: Final = ("diff", "rollback", "destroy", "publish")
EXPECTED: Final = (
    BotoCoreError,
    ClientError,
    NotReachableError,
    publish.PublishError,
    releases.NoSuchReleaseError,
    smoke.SmokeError,
    upkeep.UpkeepError,
    wheel.WheelError,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.deploy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, says) in {**COMMANDS, **WITHOUT_ACCOUNT}.items():
        command = commands.add_parser(name, help=says, description=says)
        command.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
        command.add_argument(
            "--outputs", type=Path, default=LOCAL_OUTPUTS, help="of another embedded AWS"
        )
        if name in ABOUT_A_SERVICE:
            command.add_argument("service", choices=SERVICES)
        if name == "smoke":
            command.add_argument("of", nargs="?", choices=SERVICES, help="what was deployed")
        if name == "rollback":
            command.add_argument("--version", help="semver, commit or number; default: previous")
        if name == "destroy":
            command.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. Expected failures are one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        if options.command in WITHOUT_ACCOUNT:
            return WITHOUT_ACCOUNT[options.command][0](options)
        return COMMANDS[options.command][0](account_of(options.stage, options.outputs), options)
    except EXPECTED as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
