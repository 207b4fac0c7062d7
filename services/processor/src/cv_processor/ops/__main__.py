"""The command line of the Processor's operators."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date

from cv_processor.application.ports import UnavailableError
from cv_processor.ops import commands
from cv_processor.ops.console import Console
from cv_processor.ops.house import House

STOPPED = 130
"""As a shell has it of a program that Ctrl-C ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 not done, 2 wrong usage, 130 stopped."""
    options = _parser().parse_args(arguments)
    console = Console(assume_yes=getattr(options, "yes", False))
    try:
        return int(options.run(House(options.stage), console, options))
    except UnavailableError as error:
        console.say(f"AWS did not do it: {error}. Check credentials, region and --stage.")
        return 1
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, Ctrl-D
        console.say("\nStopped.")
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cv_processor.ops",
        description="Operate the Processor of one stage, with your own AWS credentials.",
    )
    parser.add_argument(
        "--stage", default=os.environ.get("STAGE", "dev"), help="local, dev or prod (%(default)s)"
    )
    groups = parser.add_subparsers(required=True, metavar="command")
    _add_dlq(groups)
    _add(groups, "conflicts", commands.conflicts, "list questions with conflicting events")
    _add(groups, "open", commands.open_questions, "list questions that are open, and orphans")
    republish = _add(
        groups, "republish", commands.republish_days, "publish the events of days once more"
    )
    for option, end in (("--from", "first"), ("--to", "last")):
        meaning = f"the {end} UTC day, such as 2025-11-03"
        republish.add_argument(
            option, dest=end, metavar="DAY", type=_day, required=True, help=meaning
        )
    _add_yes(republish)
    erase = _add(groups, "erase", commands.erase_session, "forget a session, everywhere")
    erase.add_argument("session_id", help="as the chatbot sent it")
    _add_yes(erase)
    return parser


def _add_dlq(groups: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dlq = groups.add_parser("dlq", help="messages that could not be processed")
    actions = dlq.add_subparsers(required=True, metavar="action")
    _add(actions, "list", commands.dlq_list, "list them with their reasons")
    show = _add(actions, "show", commands.dlq_show, "print one of them, text included")
    show.add_argument("message_id", help="as `dlq list` prints it")
    redrive = _add(actions, "redrive", commands.dlq_redrive, "send them to the ingest queue again")
    redrive.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    redrive.add_argument(
        "--all", action="store_true", help="also those that would be rejected again"
    )
    _add_yes(redrive)


def _add(
    groups: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[House, Console, argparse.Namespace], int],
    explanation: str,
) -> argparse.ArgumentParser:
    parser = groups.add_parser(name, help=explanation, description=run.__doc__)
    parser.set_defaults(run=run)
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a day as 2025-11-03") from None


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


if __name__ == "__main__":
    sys.exit(main())
