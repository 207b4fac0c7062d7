"""What makes an event or a report the same one again: fixed ids, digests of content."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID, uuid5

EVENT_IDS = UUID("6f0d3a52-3d9e-5d2b-9a3e-0f2a6c1b7e11")


def event_id(detail_type: str, subject: str) -> str:
    """The id of the one event of that type about a subject."""
    return str(uuid5(EVENT_IDS, f"{detail_type}/{subject}"))


def digest(body: str) -> str:
    """32 hexadecimal digits that stand for a report's bytes."""
    return sha256(body.encode()).hexdigest()[:32]
