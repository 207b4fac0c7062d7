"""What tells events apart by their content. Apart from `intake`, which loads the taxonomy."""

from __future__ import annotations

from hashlib import sha256

from cv_contracts.chatbot import QueryEvent, ResponseEvent


def content_hash(event: QueryEvent | ResponseEvent) -> str:
    """What tells an event's content apart: 16 hexadecimal digits, equal for equal content."""
    return sha256(_content(event).encode()).hexdigest()[:16]


def deduplication_id(event: QueryEvent | ResponseEvent) -> str:
    """The FIFO deduplication id: a hash of id, kind and content, without a clock in it."""
    key = f"{event.request_id}#{event.event_type}#{_content(event)}"
    return sha256(key.encode()).hexdigest()


def _content(event: QueryEvent | ResponseEvent) -> str:
    """Without the caller's trace: the same event sent again may have another one."""
    return event.model_copy(update={"traceparent": None}).to_json()
