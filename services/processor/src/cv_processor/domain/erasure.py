"""Erasure: what is remembered of a session that has to be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class ErasedSession:
    """A session that this service has forgotten, as the others have to be told.

    `erased_at` is in milliseconds; `correlations` is how many questions were erased.
    """

    erasure_id: str
    session_id: str
    erased_at: int
    correlations: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far an erasure is: what each service removed, by its name. It names no session."""

    erasure_id: str
    requested_at: int
    removed: Mapping[str, int]


def session_mark(session_id: str) -> str:
    """By what an erased session is recognised, without keeping its id."""
    return _mark("session", session_id)


def request_mark(request_id: str) -> str:
    """By what an erased question is recognised: a late half need not name its session."""
    return _mark("request", request_id)


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The marks of everything that was erased."""

    marks: frozenset[str] = frozenset()

    def cover(self, request_id: str, session_id: str | None) -> bool:
        """Whether a half of this question, or of this session, has to be dropped."""
        if not self.marks:
            return False
        if session_id is not None and session_mark(session_id) in self.marks:
            return True
        return request_mark(request_id) in self.marks


def _mark(kind: str, value: str) -> str:
    return sha256(f"{kind}#{value}".encode()).hexdigest()[:32]
