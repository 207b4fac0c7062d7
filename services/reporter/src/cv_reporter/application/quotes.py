"""Quotes: where a question's text stands without its fact, in day summaries and kept reports.

A quote goes when the fact does. So an erasure, which knows a session's facts, finds every text of
it, and no text outlives the retention, which the facts' time to live keeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol

from cv_reporter.application.ports import Partition, StoredReport
from cv_reporter.application.wire.content import digest
from cv_reporter.domain.calendar import Week
from cv_reporter.domain.summary import Summary

ERASED = "[erased]"
MAX_ATTEMPTS = 8


class ContendedError(Exception):
    """Others kept writing the same item; nothing is lost, try again."""


class QuotingSummaries(Protocol):
    """The day summaries, with their versions."""

    def at(self, places: Iterable[Partition]) -> Mapping[Partition, tuple[int, Summary]]:
        """Those of these that there are, each with how often it was written."""
        ...

    def put(self, partition: Partition, summary: Summary, seen_version: int) -> bool:
        """Store the summary, unless another writer was faster (`False`)."""
        ...


class QuotingReports(Protocol):
    """The kept reports, and the versions of them that were mailed."""

    def get(self, week: str) -> StoredReport | None:
        """A week's report."""
        ...

    def letters(self, week: str) -> list[StoredReport]:
        """A week's mailed versions."""
        ...

    def replace(self, report: StoredReport, seen_digest: str) -> bool:
        """Keep a report, unless another writer was faster (`False`)."""
        ...

    def replace_letter(self, report: StoredReport, seen_digest: str) -> bool:
        """Keep a mailed version, unless another writer was faster (`False`)."""
        ...


@dataclass(frozen=True, slots=True)
class Quotes:
    """Takes texts out of summaries and reports. Each method can be repeated."""

    summaries: QuotingSummaries
    reports: QuotingReports

    def remove_from_summary(self, at: Partition) -> None:
        """Leave a past day's counts and none of its texts. Raises `ContendedError`.

        Its facts begin to expire, so it can't be recomputed from them.
        """
        for _ in range(MAX_ATTEMPTS):
            version, summary = self.summaries.at([at]).get(at, (0, Summary()))
            unquoted = summary.unquoted()
            if unquoted == summary or self.summaries.put(at, unquoted, version):
                return
        raise ContendedError(f"summary of {at.day} shard {at.shard}")

    def remove_from_report_of(self, day: date, questions: Set[str]) -> None:
        """Remove these questions, by request id, from the report of a day's week.

        A report that is kept may have been built in another time zone, in which a question of the
        week's first or last day was one of the week before or after.
        """
        around = (day - timedelta(days=1), day, day + timedelta(days=1))
        for week in sorted({Week.of(each) for each in around}):
            self.remove_from_report(str(week), questions)

    def remove_from_report(self, week: str, questions: Set[str]) -> None:
        """Remove these questions from a week's report and its mailed versions.

        Raises `ContendedError`.
        """
        for _ in range(MAX_ATTEMPTS):
            report = self.reports.get(week)
            kept = [(report, self.reports.replace)] if report else []
            kept += [(letter, self.reports.replace_letter) for letter in self.reports.letters(week)]
            if all(_remove(questions, *one) for one in kept):
                return
        raise ContendedError(f"report of {week}")


def _remove(
    questions: Set[str], report: StoredReport, keep: Callable[[StoredReport, str], bool]
) -> bool:
    """Whether the questions are not in the kept report any more."""
    body = scrubbed(report.body, questions)
    return body == report.body or keep(
        replace(report, body=body, digest=digest(body)), report.digest
    )


def scrubbed(body: str, erased: Set[str]) -> str:
    """A report's JSON without the samples of erased questions; its numbers stay as reported."""
    document = _scrub(json.loads(body), erased)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _scrub(node: Any, erased: Set[str]) -> Any:
    if isinstance(node, list):
        kept = (item for item in node if not _is_sample_of(item, erased))
        return [_scrub(item, erased) for item in kept]
    if isinstance(node, dict):
        scrubbed_node = {name: _scrub(value, erased) for name, value in node.items()}
        return _relabelled(node, scrubbed_node)
    return node


def _is_sample_of(node: Any, erased: Set[str]) -> bool:
    return isinstance(node, dict) and node.get("requestId") in erased


def _relabelled(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A group named by the text of an erased question gets another sample's, or none."""
    if before.get("kind") != "text" or before.get("samples") == after.get("samples"):
        return after
    label = after["samples"][0]["text"] if after["samples"] else ERASED
    return after | {"label": label}
