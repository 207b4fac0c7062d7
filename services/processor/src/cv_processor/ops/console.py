"""What an operator sees: words, a moving sign of life, a question before anything changes."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Console:
    """Standard output; questions are answered on standard input."""

    assume_yes: bool = False

    def say(self, text: str) -> None:
        """A line."""
        print(text)

    def progress(self, text: str) -> None:
        """A line that the next one replaces; without a terminal, nothing."""
        if sys.stdout.isatty():
            print(f"\r\033[K{text}", end="", flush=True)

    def result(self, text: str) -> None:
        """The line after the last of a progress."""
        print(f"\n{text}" if sys.stdout.isatty() else text)

    def confirmed(self, question: str) -> bool:
        """Whether the operator agrees. Without a terminal only `--yes` does."""
        if self.assume_yes:
            return True
        if not sys.stdin.isatty():
            print(f"{question} Not done: nobody to ask; repeat with --yes.")
            return False
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
