"""Which sessions and questions are erased, by hashes alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cv_reporter.adapters.items import request_lookup, session_lookup, tombstone_key
from cv_reporter.adapters.table import Table, key, text


@dataclass(frozen=True, slots=True)
class DynamoTombstones:
    """One item per erasure; adding to its set of hashes is idempotent."""

    table: Table

    def mark_session(self, session_id: str, questions: Iterable[str]) -> int:
        """Mark a session as erased and these questions as its own; returns how many in all."""
        return self._mark(session_lookup(session_id), questions)

    def mark_question(self, request_id: str, *, known: bool) -> int:
        """Mark a question as erased, and whether it was known; returns 1 if it ever was, else 0."""
        return self._mark(request_lookup(request_id), [request_id] if known else [])

    def _mark(self, lookup: str, names: Iterable[str]) -> int:
        hashes = sorted({sha256(name.encode()).hexdigest()[:24] for name in names})
        expression = "SET kind = :kind" + (" ADD gone :gone" if hashes else "")
        values: dict[str, Any] = {":kind": text("TOMBSTONE")}
        answer = self.table.call(
            "update_item",
            Key=key(*tombstone_key(lookup)),
            UpdateExpression=expression,
            ExpressionAttributeValues=values | ({":gone": {"SS": hashes}} if hashes else {}),
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"].get("gone", {}).get("SS", []))
