"""Erasure: what is remembered of a session or a question that has to be forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from cv_processor.domain.correlation import Correlation, Half, merge_all


@dataclass(frozen=True, slots=True)
class Session:
    """A session to be forgotten: every question that it asked."""

    id: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question to be forgotten: every half of its id, whichever session sent it."""

    id: str


Subject = Session | Question


@dataclass(frozen=True, slots=True)
class Erased:
    """A subject that this service has forgotten, as the others have to be told.

    `erased_at` is in milliseconds; `correlations` is how many questions were erased. `asked_at` has
    every time at which a single question may have been asked; it is empty for a session.
    """

    erasure_id: str
    subject: Subject
    erased_at: int
    correlations: int
    asked_at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far an erasure is: what each service removed, by its name. It does not say of what."""

    erasure_id: str
    requested_at: int
    removed: Mapping[str, int]


def session_mark(session_id: str) -> str:
    """By what an erased session is recognised, without keeping its id."""
    return _mark("session", session_id)


def question_mark(request_id: str) -> str:
    """By what a question is recognised that was erased as such, whatever session a half names."""
    return _mark("question", request_id)


def request_mark(request_id: str) -> str:
    """By what an erased session's question is recognised: a late half need not name its session."""
    return _mark("request", request_id)


def shared_mark(request_id: str) -> str:
    """By what a question is counted that another session has, too: its late halves are taken."""
    return _mark("shared", request_id)


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The marks of everything that was erased."""

    marks: frozenset[str] = frozenset()

    def cover(self, request_id: str, session_id: str | None) -> bool:
        """Whether a half has to be dropped: by the session that it names, else by its question.

        Of a question that was erased as such, every half is.
        """
        if not self.marks:
            return False
        if question_mark(request_id) in self.marks:
            return True
        if session_id is not None:
            return session_mark(session_id) in self.marks
        return request_mark(request_id) in self.marks


def without_session(
    correlation: Correlation, parked: Iterable[Half], session_id: str
) -> Correlation | None:
    """What is left of a question once a session is erased; `None` if it was that session's alone.

    Two sessions may have sent the same id. `parked` are the halves that lost a conflict. Where the
    erased session's question stood, the earliest of the others stands now, at a higher version:
    the digests of what is erased stay, and with them the session's mark. Closed stays closed.
    """
    others = [half for half in parked if half.session_id not in {None, session_id}]
    if correlation.session_id != session_id:
        return correlation if others or correlation.version else None
    if not others:
        return None
    left = merge_all(Correlation(correlation.request_id), others)
    gone = correlation.parked | _digests(correlation) | {session_mark(session_id)}
    left = replace(left, parked=(gone | left.parked) - _digests(left))
    if left.query is None or left.response is not None:
        return left
    return replace(left, gave_up_after=_waited(correlation))


def _digests(correlation: Correlation) -> frozenset[str]:
    return frozenset(h.digest for h in (correlation.query, correlation.response) if h)


def _waited(correlation: Correlation) -> int | None:
    """How long (ms) a question had been asked when it was closed."""
    if correlation.query is None or correlation.concluded_at is None:
        return correlation.gave_up_after
    return max(0, correlation.concluded_at - correlation.query.at)


def _mark(kind: str, value: str) -> str:
    return sha256(f"{kind}#{value}".encode()).hexdigest()[:32]
