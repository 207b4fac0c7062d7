"""Weekly reports, the send ledger, suppressed addresses and the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cv_reporter.adapters.table import Item, Table, integer, key, number, string, text
from cv_reporter.application.ports import Compared, ComparedDay, OutboxEvent, Sending, StoredReport
from cv_reporter.domain.report import Comparison


@dataclass(frozen=True, slots=True)
class DynamoReportStore:
    """One item per ISO week."""

    table: Table

    def put(self, report: StoredReport) -> None:
        """Keep a report."""
        self.table.put(_item(report))

    def replace(self, report: StoredReport, seen_digest: str) -> bool:
        """Keep a report in place of one that was read, unless another came in between."""
        return self.table.put_if(_item(report), "digest = :seen", {":seen": text(seen_digest)})

    def get(self, week: str) -> StoredReport | None:
        """A week's report."""
        item = self.table.get("REPORT", week)
        return _report(item) if item else None

    def weeks(self) -> list[StoredReport]:
        """All reports without their bodies, newest first."""
        items = self.table.query(
            "REPORT",
            ScanIndexForward=False,
            ProjectionExpression="sk, digest, questions, #zone",
            ExpressionAttributeNames={"#zone": "timeZone"},  # a reserved word otherwise
        )
        return [_report(item) for item in items]


def _item(report: StoredReport) -> Item:
    return {
        **key("REPORT", report.week),
        "kind": text("REPORT"),
        "body": text(report.body),
        "digest": text(report.digest),
        "questions": number(report.questions),
        "timeZone": text(report.time_zone),
    }


def _report(item: Mapping[str, Any]) -> StoredReport:
    return StoredReport(
        week=string(item, "sk"),
        body=string(item, "body"),
        digest=string(item, "digest"),
        questions=integer(item, "questions"),
        time_zone=string(item, "timeZone"),
    )


@dataclass(frozen=True, slots=True)
class DynamoComparisons:
    """One item: the last comparison with the Processor."""

    table: Table

    def put(self, compared: Compared) -> None:
        """Keep it in place of the one before."""
        found = compared.comparison
        self.table.put(
            {
                **key("COMPARISON", "LAST"),
                "at": number(compared.at),
                "days": number(found.days),
                "compared": number(found.compared),
                "healed": number(found.healed),
                "problem": text(found.problem or ""),
                "lately": {"M": {str(day): _compared(each) for day, each in compared.days.items()}},
            }
        )

    def last(self) -> Compared | None:
        """It, if there ever was one."""
        item = self.table.get("COMPARISON", "LAST")
        if item is None:
            return None
        found = Comparison(
            days=integer(item, "days"),
            compared=integer(item, "compared"),
            healed=integer(item, "healed"),
            problem=string(item, "problem") or None,
        )
        lately = item.get("lately", {"M": {}})["M"]
        days = {
            date.fromisoformat(day): ComparedDay(*(int(n["N"]) for n in each["L"]))
            for day, each in lately.items()
        }
        return Compared(found, integer(item, "at"), days)


def _compared(day: ComparedDay) -> dict[str, Any]:
    return {"L": [number(n) for n in day]}


@dataclass(frozen=True, slots=True)
class DynamoLedger:
    """One item per week and recipient."""

    table: Table

    def begin(self, week: str, recipient: str, now_ms: int) -> Sending | None:
        """Claim a sending. One that was surely refused before may be claimed again."""
        sending = Sending(week, recipient, "SENDING", since=now_ms)
        return None if self._claim(sending) else self._line(week, recipient)

    def _claim(self, sending: Sending) -> bool:
        return self.table.put_if(
            _line(sending),
            "attribute_not_exists(pk) OR sendState = :refused",
            {":refused": text("REFUSED")},
        )

    def close(self, sending: Sending) -> None:
        """Record what became of a sending."""
        self.table.put(_line(sending))

    def lines(self, week: str) -> list[Sending]:
        """A week's lines."""
        return [_sending(item) for item in self.table.query(f"SEND#{week}", ConsistentRead=True)]

    def _line(self, week: str, recipient: str) -> Sending | None:
        item = self.table.get(f"SEND#{week}", recipient)
        return _sending(item) if item else None


def _line(sending: Sending) -> Item:
    return {
        **key(f"SEND#{sending.week}", sending.recipient),
        "kind": text("SENDING"),
        "sendState": text(sending.state),
        "messageId": text(sending.message_id),
        "since": number(sending.since),
    }


def _sending(item: Mapping[str, Any]) -> Sending:
    return Sending(
        week=string(item, "pk").removeprefix("SEND#"),
        recipient=string(item, "sk"),
        state=string(item, "sendState"),
        message_id=string(item, "messageId"),
        since=integer(item, "since"),
    )


@dataclass(frozen=True, slots=True)
class DynamoSuppressions:
    """One item per address."""

    table: Table

    def add(self, address: str, reason: str, now_ms: int) -> None:
        """Suppress an address."""
        self.table.put(
            {**key("SUPPRESSED", address), "reason": text(reason), "since": number(now_ms)}
        )

    def all(self) -> dict[str, str]:
        """Address → reason."""
        return {
            string(item, "sk"): string(item, "reason") for item in self.table.query("SUPPRESSED")
        }


@dataclass(frozen=True, slots=True)
class DynamoOutbox:
    """One item per event; the table's stream carries it to the relay."""

    table: Table

    def add(self, event_key: str, event: OutboxEvent) -> bool:
        """Keep an event once."""
        item = {
            **key(f"OUTBOX#{event_key}", event.detail_type),
            "kind": text("OUTBOX"),
            "source": text(event.source),
            "detail": text(event.detail),
        }
        return self.table.put_if(item, "attribute_not_exists(pk)")
