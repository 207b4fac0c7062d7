"""Which sessions are erased, by hashes alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cv_reporter.adapters.items import session_lookup, tombstone_key
from cv_reporter.adapters.table import Table, key, text
from cv_reporter.domain.fact import FactKey


@dataclass(frozen=True, slots=True)
class DynamoTombstones:
    """One item per erased session; adding to its set of row hashes is idempotent."""

    table: Table

    def mark_erased(self, session_id: str, rows: Iterable[FactKey]) -> int:
        """Mark a session as erased and these rows as its own; returns how many rows in all."""
        hashes = sorted({sha256("/".join(at).encode()).hexdigest()[:24] for at in rows})
        expression = "SET kind = :kind" + (" ADD gone :gone" if hashes else "")
        values: dict[str, Any] = {":kind": text("TOMBSTONE")}
        answer = self.table.call(
            "update_item",
            Key=key(*tombstone_key(session_lookup(session_id))),
            UpdateExpression=expression,
            ExpressionAttributeValues=values | ({":gone": {"SS": hashes}} if hashes else {}),
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"].get("gone", {}).get("SS", []))
