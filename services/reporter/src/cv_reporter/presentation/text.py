"""The letter as plain text, 76 columns wide where the words allow it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from textwrap import wrap
from typing import Any

from cv_reporter.domain.report import WeeklyReport
from cv_reporter.presentation.letter import (
    Bars,
    Facts,
    GapTable,
    Lead,
    Link,
    Notice,
    Quotes,
    Steps,
    Tiles,
    letter,
    outcome_text,
)

WIDTH = 76
BAR = 24


def render_text(report: WeeklyReport, link: str | None = None) -> str:
    """The whole letter as text."""
    parts = ("\n".join(_RENDERERS[type(block)](block)) for block in letter(report, link))
    return "\n\n".join(parts) + "\n"


def _notice(block: Notice) -> Iterator[str]:
    yield from _wrapped(f"!! {block.text}", "   ")


def _lead(block: Lead) -> Iterator[str]:
    yield from (block.title, "=" * len(block.title), "", *_wrapped(block.text))


def _facts(block: Facts) -> Iterator[str]:
    yield from _headed(block.title)
    for label, value in block.facts:
        yield from _wrapped(f"{label}: {value}" if value else label, "  ")


def _link(block: Link) -> Iterator[str]:
    yield from (f"{block.text}:", block.url)


def _headed(title: str) -> Iterable[str]:
    return (title, "-" * len(title))


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _tiles(block: Tiles) -> Iterator[str]:
    for tile in block.tiles:
        change = f" [{tile.change}]" if tile.change else ""
        yield from _wrapped(f"{tile.label}: {tile.value}{change} – {tile.note}", "  ")
    if block.note:
        yield block.note


def _steps(block: Steps) -> Iterator[str]:
    yield from _headed(block.title)
    for number, step in enumerate(block.steps, 1):
        yield from _wrapped(f"{number}. {step.text}", "   ")
        yield from (f"   {line}" for line in _wrapped(f"({step.evidence})"))


def _gaps(block: GapTable) -> Iterator[str]:
    yield from _headed(block.title)
    yield block.note
    for row in block.rows:
        yield f"{row.gap:>6}  {row.skill}, {row.asked}: {outcome_text(row.outcomes)}"
        if row.note:
            yield f"        {row.note}"
    if block.more:
        yield block.more


def _quotes(block: Quotes) -> Iterator[str]:
    yield from _headed(block.title)
    for quote in block.quotes:
        yield from _wrapped(f"* {quote.label}: {quote.note}", "  ")
        for line in quote.lines:
            yield from (f"  {each}" for each in _wrapped(f"“{line}”", " "))
    if block.more:
        yield block.more


def _bars(block: Bars) -> Iterator[str]:
    yield from _headed(block.title)
    if block.note:
        yield block.note
    most = max((bar.n for bar in block.bars), default=0)
    width = max((len(bar.label) for bar in block.bars), default=0)
    for bar in block.bars:
        drawn = "#" * (-(-bar.n * BAR // most) if most else 0)
        yield f"{bar.label:<{width}} {bar.n:>5} {drawn} {bar.note}".rstrip()


_RENDERERS: dict[type[Any], Callable[[Any], Iterator[str]]] = {
    Notice: _notice,
    Lead: _lead,
    Tiles: _tiles,
    Steps: _steps,
    GapTable: _gaps,
    Quotes: _quotes,
    Bars: _bars,
    Facts: _facts,
    Link: _link,
}
