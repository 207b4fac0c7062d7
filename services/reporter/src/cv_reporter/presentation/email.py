"""The letter as an e-mail: one 600 px column of tables with inline CSS, light and dark.

No image, no script, no pixel, no link but the owner's own. Mail programs that know
`prefers-color-scheme` follow the reader's; the others show the light colours, which are inline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape as escaped
from typing import Any

from cv_reporter.domain.report import Variant, WeeklyReport
from cv_reporter.domain.words import shown
from cv_reporter.presentation.letter import (
    OUTCOME_WORDS,
    Bars,
    Facts,
    GapRow,
    GapTable,
    Lead,
    Link,
    Notice,
    Quotes,
    Steps,
    Tile,
    Tiles,
    dates,
    letter,
    outcome_text,
)

INK, SOFT, LINE, PAPER, PAGE = "#1b2430", "#5a6675", "#e3e7ec", "#ffffff", "#f3f5f7"
ACCENT, ALARM = "#1f5fbf", "#b3261e"
# Full, partial, none, no response, other: told apart by lightness as well as by hue.
SHADES = ("#2e7d5b", "#d9a514", "#c2452d", "#6b7684", "#b9c0c8")
SHADE_CLASSES = ("f", "p", "n", "s", "o")

DARK = """
:root{color-scheme:light dark}
@media (prefers-color-scheme:dark){
.page{background:#12161b!important}.paper{background:#1b2129!important}
.ink{color:#e8ecf1!important}.soft{color:#a3afbd!important}
.line{border-color:#333d49!important}.accent{color:#8db8ff!important}
.alarm{background:#4a1714!important;color:#ffd9d4!important}
.tile{background:#242c36!important}.button{background:#8db8ff!important;color:#0d1b30!important}
.f{background:#4fb286!important}.p{background:#e6bb45!important}.n{background:#e57560!important}
.s{background:#8995a4!important}.o{background:#5a6675!important}.bar{background:#6ea3f2!important}
}
@media (max-width:480px){.pad{padding-left:16px!important;padding-right:16px!important}
.half{width:100%!important;display:block!important;box-sizing:border-box}
.half+.half{margin-top:6px}}
"""


def escape(text: str) -> str:
    """Text between tags. Quotes stay as they are: nothing untrusted stands in an attribute."""
    return escaped(text, quote=False)


def subject(report: WeeklyReport) -> str:
    """The subject: constants, dates, counts, and the leading skill's name."""
    start = f"CV questions, {dates(report.first, report.last)} ({report.week}): "
    n = report.totals.questions
    if report.variant is Variant.QUIET:
        return start + "none asked"
    asked = start + f"{n:,} asked, {report.findings.unanswered:,} unanswered"
    if report.variant is Variant.SMALL or not report.findings.gaps:
        return asked
    return f"{asked} – {shown(report.findings.gaps[0].skill, 40)} leads"


def render_html(report: WeeklyReport, link: str | None = None) -> str:
    """The whole letter as an HTML document."""
    rows = "".join(_RENDERERS[type(block)](block) for block in letter(report, link))
    title = escape(subject(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        f"<title>{title}</title><style>{DARK}</style></head>"
        f'<body class="page" style="margin:0;padding:0;background:{PAGE}">'
        f'<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0"'
        f' style="background:{PAGE}"><tr><td align="center" style="padding:16px 0">'
        f'<table role="presentation" class="paper" cellpadding="0" cellspacing="0"'
        f' style="width:100%;max-width:600px;background:{PAPER};{FONT}{WRAP}">{rows}</table>'
        "</td></tr></table></body></html>"
    )


FONT = f"font:15px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:{INK}"
# Names and questions may be one long word, which would push the column out of a phone's window.
WRAP = ";overflow-wrap:anywhere;word-break:break-word"


def _row(content: str, *, top: int = 14, bottom: int = 10) -> str:
    return (
        f'<tr><td class="pad ink" style="padding:{top}px 28px {bottom}px;color:{INK}">'
        f"{content}</td></tr>"
    )


def _notice(block: Notice) -> str:
    return (
        f'<tr><td class="pad alarm" role="alert" style="padding:12px 28px;background:{ALARM};'
        f'color:#ffffff;font-weight:600">{escape(block.text)}</td></tr>'
    )


def _lead(block: Lead) -> str:
    told = _paragraph(block.text, "ink", "font-size:17px")
    return _row(_heading(block.title, 1) + told, top=28)


def _heading(title: str, level: int = 2) -> str:
    size = "22px" if level == 1 else "16px"
    return (
        f'<h{level} class="ink" style="margin:0 0 6px;font-size:{size};line-height:1.3;'
        f'color:{INK}">{escape(title)}</h{level}>'
    )


def _paragraph(text: str, tone: str = "soft", style: str = "font-size:13px") -> str:
    colour = INK if tone == "ink" else SOFT
    return f'<p class="{tone}" style="margin:0 0 4px;color:{colour};{style}">{escape(text)}</p>'


def _soft(text: str) -> str:
    return f'<span class="soft" style="color:{SOFT};font-size:13px">{escape(text)}</span>'


def _table(rows: Iterable[str]) -> str:
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"'
        f' style="border-collapse:collapse">{"".join(rows)}</table>'
    )


def _line(*cells: str) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _cell(content: str, style: str = "") -> str:
    return (
        f'<td class="line" style="padding:7px 0;border-top:1px solid {LINE};vertical-align:top;'
        f'{style}">{content}</td>'
    )


def _tiles(block: Tiles) -> str:
    """Two abreast, an odd last one as wide as both; one below the other on a phone."""
    pairs = [block.tiles[n : n + 2] for n in range(0, len(block.tiles), 2)]
    rows = (
        f"<tr>{''.join(_tile(tile, span=3 - len(pair)) for tile in pair)}</tr>" for pair in pairs
    )
    note = _paragraph(block.note, style="font-size:13px;margin-top:6px") if block.note else ""
    return _row(
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="6"'
        f' style="margin:0 -6px;width:calc(100% + 12px)">{"".join(rows)}</table>{note}'
    )


def _tile(tile: Tile, *, span: int) -> str:
    change = f'&nbsp; <span class="accent" style="color:{ACCENT};font-size:13px">'
    change = f"{change}{escape(tile.change)}</span>" if tile.change else ""
    return (
        f'<td class="tile half" colspan="{span}" width="{50 * span}%" style="padding:12px 14px;'
        f"background:{PAGE};"
        f'vertical-align:top;border-radius:6px"><div class="soft" style="color:{SOFT};'
        f'font-size:13px">{escape(tile.label)}</div><div class="ink" style="font-size:26px;'
        f'line-height:1.25;font-weight:700;color:{INK}">{escape(tile.value)}{change}</div>'
        f"{_soft(tile.note)}</td>"
    )


def _steps(block: Steps) -> str:
    items = (
        _line(
            _cell(f'<b class="accent" style="color:{ACCENT}">{number}</b>', "width:24px"),
            _cell(f"{escape(step.text)}<br>{_soft(step.evidence)}"),
        )
        for number, step in enumerate(block.steps, 1)
    )
    return _row(_heading(block.title) + _table(items))


def _gaps(block: GapTable) -> str:
    most = max(row.outcomes.questions for row in block.rows)
    rows = _table(_gap_row(row, most) for row in block.rows)
    more = _paragraph(block.more) if block.more else ""
    return _row(f"{_heading(block.title)}{_paragraph(block.note)}{_legend(block)}{rows}{more}")


def _legend(block: GapTable) -> str:
    """The colours that the table has."""
    present = [any(row.outcomes[place] for row in block.rows) for place in range(len(SHADES))]
    keys = "".join(
        f'<span class="{shade_class}" style="display:inline-block;width:10px;height:10px;'
        f'background:{shade}"></span> {name} &nbsp;'
        for shade, shade_class, name, there in zip(
            SHADES, SHADE_CLASSES, OUTCOME_WORDS, present, strict=True
        )
        if there
    )
    return f'<p class="soft" style="margin:0 0 6px;color:{SOFT};font-size:13px">{keys}</p>'


def _gap_row(row: GapRow, most: int) -> str:
    note = _soft(row.note) if row.note else ""
    told = (
        f"<b>{escape(row.skill)}</b> {_soft(f'{row.asked}: {outcome_text(row.outcomes)}')}"
        f"{_outcome_bar(row, most)}{note}"
    )
    number = f'<b style="font-size:17px">{escape(row.gap)}</b>'
    return _line(_cell(told), _cell(number, "width:56px;text-align:right"))


def _outcome_bar(row: GapRow, most: int) -> str:
    """As long as the skill was asked often, the most asked one fills the column."""
    total = max(1, row.outcomes.questions)
    cells = "".join(
        f'<td class="{shade_class}" width="{100 * n // total}%" style="height:8px;'
        f'background:{shade};font-size:0;line-height:0">&nbsp;</td>'
        for n, shade, shade_class in zip(row.outcomes, SHADES, SHADE_CLASSES, strict=True)
        if n
    )
    return (
        f'<table role="presentation" width="{max(4, 100 * total // most)}%" cellpadding="0"'
        f' cellspacing="0" style="margin:4px 0 2px"><tr>{cells}</tr></table>'
    )


def _quotes(block: Quotes) -> str:
    rows = (
        _line(
            _cell(
                f"<b>{escape(quote.label)}</b> {_soft(quote.note)}"
                + "".join(f"<br>“{escape(line)}”" for line in quote.lines)
            )
        )
        for quote in block.quotes
    )
    more = _paragraph(block.more) if block.more else ""
    return _row(f"{_heading(block.title)}{_table(rows)}{more}")


def _bars(block: Bars) -> str:
    most = max((bar.n for bar in block.bars), default=0) or 1
    note = _paragraph(block.note) if block.note else ""
    return _row(f"{_heading(block.title)}{note}{_table(_bar_rows(block, most))}")


def _bar_rows(block: Bars, most: int) -> Iterator[str]:
    for bar in block.bars:
        note = f", {_soft(bar.note)}" if bar.note else ""
        yield (
            f'<tr><td class="soft" style="color:{SOFT};font-size:13px;padding:2px 8px 2px 0;'
            f'width:28%">{escape(bar.label)}</td><td>{_drawn(bar.n, most)}</td><td style="padding:'
            f'2px 0 2px 8px;font-size:13px;white-space:nowrap;width:1%"><b>{bar.n:,}</b>{note}'
            "</td></tr>"
        )


def _drawn(n: int, most: int) -> str:
    """A bar; whatever is not 0 can be seen."""
    if not n:
        return ""
    return (
        f'<table role="presentation" width="{max(1, 100 * n // most)}%" cellspacing="0"><tr>'
        f'<td class="bar" style="height:10px;padding:0;background:{ACCENT};font-size:0">&nbsp;</td>'
        "</tr></table>"
    )


def _facts(block: Facts) -> str:
    rows = (_fact(label, value) for label, value in block.facts)
    return _row(_heading(block.title) + _table(rows))


def _fact(label: str, value: str) -> str:
    return _line(_cell(escape(label), "width:40%;padding-right:12px"), _cell(_soft(value)))


def _link(block: Link) -> str:
    return _row(
        f'<a class="button" href="{escaped(block.url)}" style="display:inline-block;'
        f"background:{ACCENT};color:#ffffff;padding:10px 18px;border-radius:6px;"
        f'font-weight:600;text-decoration:none">{escape(block.text)}</a>',
        bottom=28,
    )


_RENDERERS: dict[type[Any], Callable[[Any], str]] = {
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
