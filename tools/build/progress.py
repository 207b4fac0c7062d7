"""Steps that tell what they do: a name, a moving sign of life, and the time that each took.

On a terminal a running step is one line that moves; elsewhere (CI, a pipe) it is a line when it
ends, and one every ten seconds while it runs, so that a log never looks dead.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAME_SECONDS = 0.12
HEARTBEAT_SECONDS = 10.0


@dataclass
class _Running:
    """A step under way; `note` is what the step says of its progress."""

    name: str
    started: float
    note: str = ""
    reported: float = 0.0

    def line(self) -> str:
        text = f"{self.name}{'  ' + self.note if self.note else ''}"
        return f"{text}  {time.monotonic() - self.started:.0f} s"


class Step:
    """What the body of a step holds: a place to say how far it is."""

    def __init__(self, running: _Running) -> None:
        self._running = running

    def note(self, text: str) -> None:
        """Show a short text beside the step's name, and keep it at its end."""
        self._running.note = text


class Steps:
    """Prints steps, several at a time if need be. Safe to use from threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._terminal = self._out.isatty()
        self._lock = threading.Lock()
        self._running: list[_Running] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while its body runs; its end line tells ✓ or ✗ and the time."""
        running = _Running(name, time.monotonic(), reported=time.monotonic())
        with self._lock:
            self._running.append(running)
            if len(self._running) == 1:
                threading.Thread(target=self._animate, daemon=True).start()
        mark = "✗"
        try:
            yield Step(running)
            mark = "✓"
        finally:
            self._finish(running, mark)

    def say(self, text: str) -> None:
        """Print a line of its own between the steps."""
        with self._lock:
            self._write(text)

    def _finish(self, running: _Running, mark: str) -> None:
        seconds = time.monotonic() - running.started
        note = f"  {running.note}" if running.note else ""
        with self._lock:
            self._running.remove(running)
            self._write(f"{mark} {running.name:<42} {seconds:6.1f} s{note}")

    def _animate(self) -> None:
        for frame in itertools.cycle(FRAMES):
            with self._lock:
                if not self._running:
                    return
                self._draw(frame)
            time.sleep(FRAME_SECONDS)

    def _draw(self, frame: str) -> None:
        if self._terminal:
            line = "   ".join(running.line() for running in self._running)
            self._out.write(f"\r\033[K{frame} {line[:110]}")
            self._out.flush()
            return
        now = time.monotonic()
        for running in self._running:
            if now - running.reported >= HEARTBEAT_SECONDS:
                running.reported = now
                self._write(f"… {running.line()}")

    def _write(self, text: str) -> None:
        clear = "\r\033[K" if self._terminal else ""
        self._out.write(f"{clear}{text}\n")
        self._out.flush()
