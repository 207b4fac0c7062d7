"""The list of erased sessions and questions, kept in memory by each ingest container a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cv_processor.adapters.aws import pages
from cv_processor.domain.erasure import (
    Session,
    Subject,
    Tombstones,
    question_mark,
    session_mark,
)

TOMBSTONES_KEY = "TOMBSTONES"


def tombstone_key(subject: Subject, *marks: str) -> dict[str, Any]:
    """The key of a subject's tombstone, or of a question's below it."""
    if isinstance(subject, Session):
        parts = ("SESSION", session_mark(subject.id), *marks)
    else:
        parts = ("QUESTION", question_mark(subject.id), *marks)
    return {"pk": {"S": TOMBSTONES_KEY}, "sk": {"S": "#".join(parts)}}


@dataclass(slots=True)
class CachedTombstones:
    """Which sessions and questions were erased, at most `settle_seconds` old.

    A read per half would double the calls of the way in. An erasure waits for longer than
    `settle_seconds` and then looks a second time, so what slipped in meanwhile goes too.
    """

    dynamodb: Any
    table: str
    clock: Callable[[], float]
    settle_seconds: float
    _tombstones: Tombstones = field(default_factory=Tombstones)
    _fresh_until: float = float("-inf")

    def covers(self, request_id: str, session_id: str | None) -> bool:
        """Whether a half of this question, or of this session, has to be dropped."""
        now = self.clock()
        if now >= self._fresh_until:
            self._tombstones = self._load()
            self._fresh_until = now + self.settle_seconds
        return self._tombstones.cover(request_id, session_id)

    def _load(self) -> Tombstones:
        items = pages(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :tombstones",
            ExpressionAttributeValues={":tombstones": {"S": TOMBSTONES_KEY}},
        )
        return Tombstones(
            frozenset(mark for item in items for mark in item["sk"]["S"].split("#")[1:])
        )
