"""From a correlation, as an event or the API tells it, to the Reporter's own fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cv_contracts.events import ClientClass

from cv_reporter.domain.fact import Audience, Fact, Outcome, Skill, Word

if TYPE_CHECKING:
    from cv_contracts.events import Correlation

    from cv_reporter.application.wire.reading import CorrelationReading

Told: TypeAlias = "CorrelationReading | Correlation"
"""From the bus by the Reporter's own model, from the API by the typed client's."""


@dataclass(frozen=True, slots=True)
class AudienceRules:
    """Who is not a visitor. `owner_sessions` are session ids; one that ends in `*` is a prefix."""

    owner_sessions: tuple[str, ...] = ()

    def audience(self, correlation: Told) -> Audience:
        """Who asked: a flagged test first, then the owner, then what the client class tells."""
        if correlation.synthetic:
            return Audience.TEST
        if any(_matches(pattern, correlation.session_id) for pattern in self.owner_sessions):
            return Audience.OWNER
        return Audience.BOT if correlation.client == ClientClass.BOT else Audience.VISITOR


def _matches(pattern: str, session_id: str) -> bool:
    if pattern.endswith("*"):
        return session_id.startswith(pattern[:-1])
    return session_id == pattern


def _outcome(value: str) -> Outcome:
    """The Reporter's own name of an outcome; what a newer contract adds is `unknown` to it."""
    return Outcome(value) if value in {one.value for one in Outcome} else Outcome.UNKNOWN


def to_fact(correlation: Told, rules: AudienceRules) -> Fact:
    """What the Reporter keeps of a correlation."""
    times = correlation.response_times
    return Fact(
        request_id=correlation.request_id,
        revision=correlation.revision,
        asked_at=correlation.asked_at,
        session_id=correlation.session_id,
        outcome=_outcome(correlation.outcome),
        question=correlation.question,
        audience=rules.audience(correlation),
        answered_at=correlation.answered_at,
        score=correlation.match_score,
        reasoning=correlation.reasoning,
        sources=correlation.sources,
        total_ms=times.total_ms if times else None,
        cache_hit=times.cache_hit if times else False,
        skills=tuple(Skill(s.name, s.category, s.umbrella) for s in correlation.skills),
        words=tuple(Word(word.skill, word.alias) for word in correlation.aliases_used),
        intents=correlation.intents,
        client=str(correlation.client),
        referer_host=correlation.referer_host,
        clock_skewed=correlation.clock_skewed,
    )
