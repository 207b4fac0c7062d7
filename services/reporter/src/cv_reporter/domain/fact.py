"""A fact: one question and how it ended, as the Reporter keeps it. Everything else follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cv_reporter.domain.calendar import EARLIEST, local_day

ANONYMOUS = "anonymous"


class Outcome(StrEnum):
    """How a question ended. `unknown` is a newer writer's outcome that this version can't name."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    NO_RESPONSE = "no_response"
    UNKNOWN = "unknown"

    # An enum's own is written in Python, and is not that of the equal string.
    __hash__ = str.__hash__


MISSES = frozenset({Outcome.NONE, Outcome.NO_RESPONSE})
"""The outcomes that leave a visitor without an answer."""


class Audience(StrEnum):
    """Who asked. Only visitors count; the others are counted as excluded."""

    VISITOR = "visitor"
    BOT = "bot"
    OWNER = "owner"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill that the question names. An umbrella ("AWS") is too wide to be a gap."""

    name: str
    category: str
    umbrella: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """The word that the visitor used for a skill."""

    skill: str
    alias: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One question. Times are UTC milliseconds, `score` is 0–100, durations are milliseconds."""

    request_id: str
    revision: int
    asked_at: int
    session_id: str
    outcome: Outcome
    question: str
    audience: Audience = Audience.VISITOR
    answered_at: int | None = None
    score: int | None = None
    reasoning: str | None = None
    sources: tuple[str, ...] = ()
    total_ms: int | None = None
    cache_hit: bool = False
    skills: tuple[Skill, ...] = ()
    words: tuple[Word, ...] = ()
    intents: tuple[str, ...] = ()
    client: str = "unknown"
    referer_host: str | None = None
    clock_skewed: bool = False

    @property
    def named(self) -> bool:
        """Whether the question belongs to a session that has an id."""
        return self.session_id != ANONYMOUS

    @property
    def answered(self) -> bool:
        """Whether a response came, of whatever quality."""
        return self.outcome is not Outcome.NO_RESPONSE


class FactKey(NamedTuple):
    """Where a fact lives: its local day and shard, and its place within them."""

    partition: str
    row: str


class Placement(NamedTuple):
    """How facts are laid out: the owner's zone and the number of shards.

    A change of either is a new `generation`, with keys of its own. Days before `first_day` came
    from the generation before as counts alone: they have no facts and are not recomputed.
    """

    time_zone: str
    shards: int = 1
    generation: int = 1
    first_day: date = EARLIEST

    @property
    def rules(self) -> tuple[str, int]:
        """What an owner sets of it."""
        return self.time_zone, self.shards

    def day(self, fact: Fact) -> date:
        """The owner's day on which the question was asked."""
        return local_day(fact.asked_at, self.time_zone)

    def has_row(self, fact: Fact) -> bool:
        """Whether the fact has a row, and is not one of those that only counts are left of."""
        return self.day(fact) >= self.first_day

    def shard(self, fact: Fact) -> int:
        """A session's questions share a shard, so that its visits can be seen whole."""
        return shard_of(fact.session_id, self.shards)

    def partition(self, day: date, shard: int) -> str:
        """The partition key of a day's facts in one shard."""
        return partition(day, shard, self.generation)

    def key(self, fact: Fact) -> FactKey:
        """The fact's key; equal for every revision that keeps the time of asking."""
        return FactKey(
            self.partition(self.day(fact), self.shard(fact)), row(fact.asked_at, fact.request_id)
        )

    def holds(self, key: FactKey) -> bool:
        """Whether a key is of this generation."""
        return place_of(key.partition).generation == self.generation


def rows_at(request_id: str, asked_at: int, placement: Placement) -> list[FactKey]:
    """Where the fact of a question can be, whose session is not known: a key in each shard."""
    day = local_day(asked_at, placement.time_zone)
    place = row(asked_at, request_id)
    return [FactKey(placement.partition(day, shard), place) for shard in range(placement.shards)]


class Place(NamedTuple):
    """What the partition key of facts says."""

    day: date
    shard: int
    generation: int


def suffix(generation: int) -> str:
    """What a generation's keys end in; those of the first one are without."""
    return "" if generation == 1 else f"#{generation}"


def partition(day: date, shard: int, generation: int = 1) -> str:
    """The key of a day's facts in one shard."""
    return f"DAY#{day.isoformat()}#{shard}{suffix(generation)}"


def place_of(partition: str) -> Place:
    """What `partition` made a key of."""
    _, day, shard, *generation = partition.split("#")
    return Place(date.fromisoformat(day), int(shard), int(generation[0]) if generation else 1)


def row(asked_at: int, request_id: str) -> str:
    """The sort key within a day: by time of asking; 13 digits sort as text until the year 2286."""
    return f"{asked_at:013d}#{request_id}"


def shard_of(session_id: str, shards: int) -> int:
    """A stable spread of sessions over shards."""
    return 0 if shards == 1 else session_hash(session_id) % shards


@lru_cache(maxsize=65_536)
def session_hash(session_id: str) -> int:
    """48 bits that stand for a session in summaries, so that they carry no session ids."""
    return int.from_bytes(sha256(session_id.encode()).digest()[:6], "big")
