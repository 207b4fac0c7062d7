"""What a process knows of the stored layout: it is read again when that is half a minute old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cv_reporter.domain.fact import Placement
from cv_reporter.domain.layout import Layout

LAYOUT_SECONDS: Final = 30
"""So long a process follows a layout without reading it again."""


class Layouts(Protocol):
    """The one item that says how the data is laid out."""

    def read(self) -> Layout | None:
        """The stored layout; `None` before the first fact."""
        ...

    def put(self, layout: Layout) -> bool:
        """Store a layout in place of the version before it; `False` if another is there."""
        ...


class LayoutChangedError(Exception):
    """Another process stored the layout first; the next try follows that one."""


@dataclass(slots=True)
class KnownLayout:
    """The layout of a process. `clock` gives seconds; `wish` holds as long as nothing is stored."""

    layouts: Layouts
    wish: Placement
    clock: Callable[[], float]
    _last: tuple[float, Layout] | None = field(default=None)

    def now(self) -> Layout:
        """The layout as it was within the last `LAYOUT_SECONDS`."""
        # A clock that was set back makes what is known neither young nor old: it is read again.
        if self._last and 0 <= self.clock() - self._last[0] < LAYOUT_SECONDS:
            return self._last[1]
        began = self.clock()
        layout = self.layouts.read() or Layout(self.wish)
        self._last = began, layout
        return layout

    def expire(self) -> None:
        """Have it read again, however young what is known is."""
        self._last = None

    def settle(self, layout: Layout) -> None:
        """Store a layout that no item says yet, before a fact is written by it.

        Raises `LayoutChangedError` if another process stored another one.
        """
        if layout.version:
            return
        self.layouts.put(layout.stored())
        self.expire()
        if self.now().current != layout.current:
            raise LayoutChangedError("the layout was stored by another process")
