"""Steps: on a terminal a spinner while each runs; everywhere one line when it ends."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class Step:
    """What the body of a step holds: a place to show how far it is."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self.text = ""

    def note(self, text: str) -> None:
        """Show a short text beside the step's name, and keep it at its end."""
        self.text = text
        self._progress.update(self._task, note=text)


class Steps:
    """Prints steps, several at a time if need be. Safe to use from threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._console = Console(
            file=out, stderr=out is None, highlight=False, markup=False, emoji=False, soft_wrap=True
        )
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}  {task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._lock = threading.Lock()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while its body runs; its end line has ✓ or ✗, and the time."""
        with self._lock:
            task = self._progress.add_task(name, total=None, note="")
            if self._console.is_terminal:
                self._progress.start()
        step, started, mark = Step(self._progress, task), time.monotonic(), "✗"
        try:
            yield step
            mark = "✓"
        finally:
            with self._lock:
                self._progress.remove_task(task)
                if self._console.is_terminal and not self._progress.tasks:
                    self._progress.stop()
            line = f"{mark} {name:<42} {time.monotonic() - started:6.1f} s  {step.text}"
            self.say(line.rstrip())

    def say(self, text: str) -> None:
        """Print a line of its own between the steps."""
        self._console.print(text)
