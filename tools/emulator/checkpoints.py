"""What the embedded AWS keeps across a kill: whole copies of its state, the newest of which counts.

The emulator writes its state as one file per service, and its buckets' objects as they come. A kill
between two of these leaves services that disagree: a bucket without the stack that made it. So the
state is used only as a whole. While it runs, a copy is made every few seconds (hard links: both
are only ever replaced, never changed); a start after a kill goes back to the newest whole copy.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PARTS: Final = ("state", "s3")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The state of the emulator in `home`, and its newest whole copy."""

    home: Path

    @property
    def latest(self) -> Path | None:
        """The folder of the newest whole copy."""
        try:
            name = self._pointer.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        folder = self._folder / name
        return folder if name and folder.is_dir() else None

    def save(self) -> None:
        """Make the present state the newest whole copy. Raises `OSError`; the old one then stays.

        The present state must be at rest: the caller has just written all of it.
        """
        before = self.latest
        fresh = self._folder / str(int(before.name) + 1 if before else 1)
        shutil.rmtree(fresh, ignore_errors=True)  # of an attempt that was cut off
        for part in PARTS:
            source = self.home / part
            source.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, fresh / part, copy_function=os.link)
        self._point_to(fresh)
        if before is not None:
            shutil.rmtree(before)

    def restore(self) -> None:
        """Go back to the newest whole copy; without one, to nothing at all."""
        latest = self.latest
        for part in PARTS:
            shutil.rmtree(self.home / part, ignore_errors=True)
            if latest is not None:
                shutil.copytree(latest / part, self.home / part, copy_function=os.link)

    def forget(self) -> None:
        """Delete state and copies."""
        for part in (*PARTS, "checkpoints"):
            shutil.rmtree(self.home / part, ignore_errors=True)

    def _point_to(self, folder: Path) -> None:
        fresh = self._pointer.with_suffix(".new")
        fresh.write_text(folder.name, "utf-8")
        fresh.replace(self._pointer)

    @property
    def _folder(self) -> Path:
        return self.home / "checkpoints"

    @property
    def _pointer(self) -> Path:
        return self._folder / "latest"
