"""Bounded stand-ins for things too many to keep: exact while small, with a stated error beyond.

Both kinds merge like sets: associative, commutative, and no order of merging changes the result.
They are cut to size only where a day is summarised, never by a merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, log
from types import MappingProxyType
from typing import Any, NamedTuple

HASH_SPACE = 1 << 48
EXACT_DURATIONS = 400
RELATIVE_ERROR = 0.01
_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = log(_GAMMA)

NOTHING: Mapping[Any, Any] = MappingProxyType({})
"""No counts: what many empty values may share, for nobody can put anything in."""


@dataclass(frozen=True, slots=True)
class Distinct:
    """A set of 48-bit hashes, thinned to those below `theta` (a theta sketch).

    While nothing was thinned (`theta` = the whole space) the count is exact. A day that keeps k of
    its hashes estimates with a standard error of 1/√k. Merging takes the smaller theta.
    """

    hashes: frozenset[int] = frozenset()
    theta: int = HASH_SPACE

    @property
    def exact(self) -> bool:
        """Whether `count` is a count and not an estimate."""
        return self.theta == HASH_SPACE

    @property
    def count(self) -> int:
        """How many distinct members, rounded when estimated."""
        return self.estimate(len(self.hashes))

    def estimate(self, kept: int) -> int:
        """Scale a number of kept hashes up to the whole."""
        return kept if self.exact else (kept * HASH_SPACE + self.theta // 2) // self.theta

    def thinned(self, keep: int) -> Distinct:
        """The `keep` smallest hashes, if there are more."""
        if len(self.hashes) <= keep:
            return self
        theta = sorted(self.hashes)[keep]
        return self.below(theta)

    def below(self, theta: int) -> Distinct:
        """What is left under a smaller theta."""
        if theta >= self.theta:
            return self
        return Distinct(frozenset([member for member in self.hashes if member < theta]), theta)

    def merge(self, *others: Distinct) -> Distinct:
        """The union, thinned to the coarsest of all."""
        sketches = (self, *others)
        thetas = {sketch.theta for sketch in sketches}
        theta = min(thetas)
        united = frozenset().union(*[sketch.hashes for sketch in sketches])
        return Distinct(united, max(thetas)).below(theta)


class Durations(NamedTuple):
    """How often each duration (ms) occurred; beyond 400 distinct ones, in 2 % wide buckets.

    `percentile` is nearest-rank. It is exact while `exact`; else its relative error is ≤ 1 %
    (DDSketch: Masson, Rim, Lee, 2019).
    """

    counts: Mapping[int, int] = NOTHING
    exact: bool = True

    @classmethod
    def of(cls, durations: Iterable[int]) -> Durations:
        """Count durations, and fall back to buckets if there are too many distinct ones."""
        counts: dict[int, int] = {}
        for duration in durations:
            counts[duration] = counts.get(duration, 0) + 1
        counted = cls(counts)
        return counted if len(counts) <= EXACT_DURATIONS else counted.bucketed()

    @property
    def n(self) -> int:
        """How many durations."""
        return sum(self.counts.values())

    def percentile(self, percent: int) -> int | None:
        """The smallest duration that at least `percent` % do not exceed; `None` of nothing."""
        n = self.n
        if not n:
            return None
        rank = max(1, -(-n * percent // 100))
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= rank:
                return value if self.exact else _representative(value)
        raise AssertionError("a rank is never beyond the count")

    def bucketed(self) -> Durations:
        """The same durations by bucket: i holds what lies in (γ^(i-1), γ^i], 0 holds 0."""
        if not self.exact:
            return self
        buckets: dict[int, int] = {}
        for value, n in self.counts.items():
            bucket = _bucket(value)
            buckets[bucket] = buckets.get(bucket, 0) + n
        return Durations(buckets, exact=False)

    def merge(self, *others: Durations) -> Durations:
        """The sum; exact only if all are."""
        parts = (self, *others)
        exact = all(durations.exact for durations in parts)
        counts: dict[int, int] = {}
        for durations in parts:
            for value, n in (durations if exact else durations.bucketed()).counts.items():
                counts[value] = counts.get(value, 0) + n
        return Durations(counts, exact)


def _bucket(value: int) -> int:
    return 0 if value <= 0 else 1 + ceil(log(value) / _LOG_GAMMA - 1e-9)


def _representative(bucket: int) -> int:
    return 0 if bucket == 0 else round(2 * _GAMMA ** (bucket - 1) / (_GAMMA + 1))
