"""What the dashboard keeps and reads by itself: share links, single facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cv_reporter.adapters.items import from_item
from cv_reporter.adapters.table import Table, integer, key, number, string, text
from cv_reporter.application.dashboard_ports import Share
from cv_reporter.domain.fact import Fact, FactKey


@dataclass(frozen=True, slots=True)
class DynamoFactReader:
    """Facts by key, a hundred a call."""

    table: Table

    def at(self, keys: Iterable[FactKey]) -> list[Fact]:
        """Those of the facts that exist, oldest first."""
        items = self.table.batch_get((at.partition, at.row) for at in keys)
        facts = [from_item(item) for item in items.values()]
        return sorted(facts, key=lambda fact: (fact.asked_at, fact.request_id))


@dataclass(frozen=True, slots=True)
class DynamoShares:
    """One item per share link; the table forgets it when it has expired."""

    table: Table

    def put(self, share: Share) -> None:
        """Keep a share."""
        self.table.put(
            {
                **key("SHARE", share.id),
                "kind": text("SHARE"),
                "label": text(share.label),
                "created": number(share.created_s),
                "ttl": number(share.expires_s),
            }
        )

    def get(self, share_id: str) -> Share | None:
        """A share that was not revoked."""
        item = self.table.get("SHARE", share_id)
        return _share(item) if item else None

    def all(self) -> list[Share]:
        """Every share, oldest first."""
        shares = map(_share, self.table.query("SHARE", ConsistentRead=True))
        return sorted(shares, key=lambda share: (share.created_s, share.id))

    def revoke(self, share_id: str) -> None:
        """Forget a share."""
        self.table.delete("SHARE", share_id)


@dataclass(frozen=True, slots=True)
class DynamoEndedSessions:
    """One item per sign-in that was ended; the table forgets it when the cookie has expired."""

    table: Table

    def end(self, session_id: str, expires_s: int) -> None:
        """End a sign-in."""
        self.table.put(
            {**key("SIGNED_OUT", session_id), "kind": text("SIGNED_OUT"), "ttl": number(expires_s)}
        )

    def has(self, session_id: str) -> bool:
        """Whether a sign-in was ended."""
        return self.table.get("SIGNED_OUT", session_id) is not None


def _share(item: Mapping[str, Any]) -> Share:
    return Share(
        id=string(item, "sk"),
        label=string(item, "label"),
        created_s=integer(item, "created"),
        expires_s=integer(item, "ttl"),
    )
