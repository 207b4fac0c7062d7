"""An erasure's receipt as the stream shows it. `erasure_store` tells its attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cv_processor.domain.erasure import Erased, Question, Session, Subject

RECEIPT_SORT_KEY = "RECEIPT"
RECEIPT_PREFIX = "ERASURE#"
REQUESTED, ERASED, COMPLETED = "requested", "erased", "completed"

Item = Mapping[str, Mapping[str, Any]]


def is_erased(key: Item, old: Item | None, new: Item | None) -> bool:
    """Whether this change of a receipt is the one that says: erased here, tell the others."""
    if key["sk"]["S"] != RECEIPT_SORT_KEY or new is None:
        return False
    before = old["status"]["S"] if old else REQUESTED
    return before == REQUESTED and new["status"]["S"] == ERASED


def erasure_of(receipt: Item | None) -> Erased:
    """What others are told."""
    if receipt is None:
        raise ValueError("a removed receipt announces nothing")
    return Erased(
        erasure_id=erasure_id_of_receipt(receipt),
        subject=subject_of(receipt),
        erased_at=int(receipt["erasedAt"]["N"]),
        correlations=int(receipt["correlations"]["N"]),
        asked_at=tuple(sorted(map(int, receipt["askedAt"]["NS"]))) if "askedAt" in receipt else (),
    )


def subject_of(receipt: Item) -> Subject:
    """What an erasure is of, which its receipt says until the others are done."""
    if "requestId" in receipt:
        return Question(str(receipt["requestId"]["S"]))
    return Session(str(receipt["sessionId"]["S"]))


def erasure_id_of_receipt(item: Item) -> str:
    """The erasure that a receipt belongs to."""
    return str(item["pk"]["S"]).removeprefix(RECEIPT_PREFIX)
