"""What tells events apart by their content. Apart from `intake`, which loads the taxonomy."""

from __future__ import annotations

from hashlib import sha256

from cv_contracts.chatbot import QueryEvent, ResponseEvent


def content_hash(event: QueryEvent | ResponseEvent) -> str:
    """What tells an event's content apart: 16 hexadecimal digits, equal for equal content."""
    return sha256(event.to_json().encode()).hexdigest()[:16]


def deduplication_id(event: QueryEvent | ResponseEvent) -> str:
    """The FIFO deduplication id: a hash of id, kind and content, without a clock in it."""
    key = f"{event.request_id}#{event.event_type}#{event.to_json()}"
    return sha256(key.encode()).hexdigest()
