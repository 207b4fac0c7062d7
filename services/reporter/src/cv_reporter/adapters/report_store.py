"""Weekly reports, the send ledger, suppressed addresses and the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cv_reporter.adapters.table import Item, Table, integer, key, number, string, text
from cv_reporter.application.ports import OutboxEvent, Sending, Stop, StoredReport


@dataclass(frozen=True, slots=True)
class DynamoReportStore:
    """One item per ISO week, and one per version of its report that was mailed."""

    table: Table

    def put(self, report: StoredReport) -> None:
        """Keep a report."""
        self.table.put(_item(report))

    def put_first(self, report: StoredReport) -> None:
        """Keep a report unless one of its whole week is kept."""
        whole = "attribute_not_exists(pk) OR unfinished = :yes"
        self.table.put_if(_item(report), whole, {":yes": {"BOOL": True}})

    def put_letter(self, report: StoredReport) -> None:
        """Keep a version that is mailed. One that is there may have lost erased texts since."""
        self.table.put_if(_letter(report), "attribute_not_exists(pk)")

    def replace(self, report: StoredReport, seen_digest: str) -> bool:
        """Keep a report in place of one that was read, unless another came in between."""
        return self.table.put_if(_item(report), "digest = :seen", {":seen": text(seen_digest)})

    def replace_letter(self, report: StoredReport, seen_digest: str) -> bool:
        """Keep a mailed version in place of the one that was read, as `replace` does."""
        return self.table.put_if(_letter(report), "digest = :seen", {":seen": text(seen_digest)})

    def get(self, week: str) -> StoredReport | None:
        """A week's report."""
        item = self.table.get("REPORT", week)
        return _report(item, week) if item else None

    def letter(self, week: str, version: str) -> StoredReport | None:
        """A version that was mailed."""
        item = self.table.get(f"LETTER#{week}", version)
        return _report(item, week) if item else None

    def letters(self, week: str) -> list[StoredReport]:
        """Every version that was mailed, read consistently."""
        items = self.table.query(f"LETTER#{week}", ConsistentRead=True)
        return [_report(item, week) for item in items]

    def weeks(self) -> list[StoredReport]:
        """All reports without their bodies, newest first."""
        items = self.table.query(
            "REPORT",
            ScanIndexForward=False,
            ProjectionExpression="sk, digest, questions, #zone, version, builtAt, unfinished",
            ExpressionAttributeNames={"#zone": "timeZone"},  # a reserved word otherwise
        )
        return [_report(item, string(item, "sk")) for item in items]


def _item(report: StoredReport) -> Item:
    return {
        **key("REPORT", report.week),
        "kind": text("REPORT"),
        "body": text(report.body),
        "digest": text(report.digest),
        "questions": number(report.questions),
        "timeZone": text(report.time_zone),
        "version": text(report.version),
        "builtAt": number(report.built_at),
        "unfinished": {"BOOL": report.unfinished},
    }


def _letter(report: StoredReport) -> Item:
    return {**_item(report), **key(f"LETTER#{report.week}", report.version)}


def _report(item: Mapping[str, Any], week: str) -> StoredReport:
    return StoredReport(
        week=week,
        body=string(item, "body"),
        digest=string(item, "digest"),
        questions=integer(item, "questions"),
        time_zone=string(item, "timeZone"),
        version=string(item, "version"),
        built_at=integer(item, "builtAt"),
        unfinished=bool(item.get("unfinished", {}).get("BOOL")),
    )


@dataclass(frozen=True, slots=True)
class DynamoLedger:
    """One item per week and recipient, and per day if the week was not over."""

    table: Table

    def begin(self, sending: Sending) -> Sending | None:
        """Claim a sending. One that was surely refused before may be claimed again."""
        if self._claim(sending):
            return None
        item = self.table.get(*_place(sending))
        return _sending(item) if item else None

    def _claim(self, sending: Sending) -> bool:
        return self.table.put_if(
            _line(sending),
            "attribute_not_exists(pk) OR sendState = :refused",
            {":refused": text("REFUSED")},
        )

    def close(self, sending: Sending) -> None:
        """Record what became of a sending."""
        self.table.put(_line(sending))

    def resolve(self, doubtful: Sending, state: str) -> bool:
        """Record what became of one in doubt, unless it is claimed anew or closed meanwhile."""
        resolved = replace(doubtful, state=state, message_id="resolved by operator")
        return self.table.put_if(
            _line(resolved),
            "sendState = :doubt AND since = :since",
            {":doubt": text("SENDING"), ":since": number(doubtful.since)},
        )

    def lines(self, week: str) -> list[Sending]:
        """The lines of the whole week's mail."""
        return [line for line in self.every_line(week) if not line.until]

    def every_line(self, week: str) -> list[Sending]:
        """A week's lines, those of mails before it was over too."""
        return [_sending(item) for item in self.table.query(f"SEND#{week}", ConsistentRead=True)]


def _place(sending: Sending) -> tuple[str, str]:
    """Mails of unfinished weeks have a day before the address."""
    day = f"{sending.until}#" if sending.until else ""
    return f"SEND#{sending.week}", f"{day}{sending.recipient}"


def _line(sending: Sending) -> Item:
    return {
        **key(*_place(sending)),
        "kind": text("SENDING"),
        "sendState": text(sending.state),
        "messageId": text(sending.message_id),
        "since": number(sending.since),
        "version": text(sending.version),
        "until": text(sending.until),
    }


def _sending(item: Mapping[str, Any]) -> Sending:
    until = string(item, "until")  # an address may have a `#` itself
    day = f"{until}#" if until else ""
    return Sending(
        week=string(item, "pk").removeprefix("SEND#"),
        recipient=string(item, "sk").removeprefix(day),
        state=string(item, "sendState"),
        message_id=string(item, "messageId"),
        since=integer(item, "since"),
        version=string(item, "version"),
        until=until,
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

    def remove(self, address: str) -> bool:
        """Let mail go to an address again; says whether it was suppressed."""
        return self.table.delete("SUPPRESSED", address, ConditionExpression="attribute_exists(pk)")

    def all(self) -> dict[str, Stop]:
        """The addresses, each with why and since when."""
        return {
            string(item, "sk"): Stop(string(item, "reason"), integer(item, "since"))
            for item in self.table.query("SUPPRESSED")
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
