"""CSV that Excel, LibreOffice and pandas open alike: no formulas, ids stay text, UTF-8 is marked.

All text is quoted, so that a comma, a semicolon or a tab separates nothing, whatever the locale.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from cv_reporter.domain.calendar import local
from cv_reporter.domain.fact import Fact
from cv_reporter.domain.report import WeeklyReport
from cv_reporter.domain.words import shown

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
MAX_CELL = 4_000
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of its locale."""

_NUMBER = re.compile(
    r"[\d.,:/+\-\sEe%]*\d[\d.,:/+\-\sEe%]*"
    r"|\d{0,4}[-/ .]?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-/ .]?\d{0,4}"
    r"|true|false",
    re.IGNORECASE,
)
"""What a spreadsheet reads as a number, a date or a truth value, and shows as another text."""

HEADER = (
    "week",
    "skill",
    "category",
    "gap",
    "times",
    "times_before",
    "sessions",
    "full",
    "partial",
    "none",
    "no_response",
    "offered_instead",
    "status",
)


def render_csv(report: WeeklyReport) -> str:
    """The report's skill gaps, one row each."""
    rows = (
        (
            report.week,
            gap.skill,
            gap.category,
            f"{gap.gap:.2f}",
            gap.times,
            gap.before,
            gap.sessions,
            *gap.outcomes.counts[:4],
            gap.offered or "",
            gap.status,
        )
        for gap in report.findings.gaps
    )
    return table(HEADER, rows)


QUESTION_HEADER = (
    "asked_at",
    "local_time",
    "session",
    "audience",
    "question",
    "outcome",
    "score",
    "skills",
    "intents",
    "offered",
    "reasoning",
    "response_ms",
    "cached",
    "client",
    "referer_host",
    "request_id",
    "revision",
)


def questions_csv(facts: Iterable[Fact], time_zone: str) -> str:
    """Questions, one wide row each."""
    rows = (
        (
            fact.asked_at,
            local(fact.asked_at, time_zone).isoformat(timespec="seconds"),
            identifier(fact.session_id),
            fact.audience.value,
            fact.question,
            fact.outcome.value,
            fact.score,
            "; ".join(skill.name for skill in fact.skills),
            "; ".join(fact.intents),
            "; ".join(fact.sources),
            fact.reasoning,
            fact.total_ms,
            "yes" if fact.cache_hit else "no",
            fact.client,
            fact.referer_host,
            identifier(fact.request_id),
            fact.revision,
        )
        for fact in facts
    )
    return table(QUESTION_HEADER, rows)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV (RFC 4180, with CRLF) of untrusted values, with a byte order mark."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def identifier(value: str) -> str:
    """An id that stays a text: one that reads as a number gets an apostrophe, as formulas do."""
    return f"'{value}" if _NUMBER.fullmatch(value) else value


def cell(value: object) -> object:
    """A value as a harmless cell: text that would start a formula gets an apostrophe (OWASP)."""
    if not isinstance(value, str):
        return "" if value is None else value
    line = shown(value, MAX_CELL)
    return f"'{line}" if line.startswith(_FORMULA) else line
