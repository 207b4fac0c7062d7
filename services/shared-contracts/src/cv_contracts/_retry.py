"""When to try again, and when not to try at all: full jitter and a circuit breaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cv_contracts.errors import CircuitOpenError


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: before retry n, wait a random time in [0, min(cap, base · 2ⁿ)] seconds.

    The random wait spreads the clients that failed together; see "Exponential Backoff And Jitter",
    AWS Architecture Blog.
    """

    attempts: int = 3
    base: float = 0.2
    cap: float = 5.0

    def delay(self, retry: int, random: Callable[[], float]) -> float:
        """The seconds to wait before a retry (0 = the first); `random` returns [0, 1)."""
        return random() * min(self.cap, self.base * 2.0**retry)


class CircuitBreaker:
    """Stops calling after `threshold` failures in a row, for `cool_down` seconds, then tries once.

    A service that is down should cost its callers one fast error, not a timeout each.
    """

    def __init__(
        self, clock: Callable[[], float], *, threshold: int = 5, cool_down: float = 30.0
    ) -> None:
        self._clock = clock
        self._threshold = threshold
        self._cool_down = cool_down
        self._failures = 0
        self._retry_at = 0.0

    def check(self) -> None:
        """Raise `CircuitOpenError` while open; after the cool-down let one trial through."""
        if self._failures < self._threshold:
            return
        wait = self._retry_at - self._clock()
        if wait > 0:
            raise CircuitOpenError(wait)
        self._retry_at = self._clock() + self._cool_down

    def record(self, *, healthy: bool) -> None:
        """Learn how a call ended: a healthy one closes, the `threshold`-th failure opens."""
        self._failures = 0 if healthy else self._failures + 1
        if self._failures >= self._threshold:
            self._retry_at = self._clock() + self._cool_down
