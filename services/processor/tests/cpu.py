"""CPU time of work on text. Noise only ever adds to it, so the best of some rounds counts, and
rounds are added, up to a bound, while a limit is not met: a busy machine fails no test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_FEW: Final = 5
_MANY: Final = 25
# Linear work takes 4 times as long for 4 times the text, quadratic work 16 times.
_TWO_DOUBLINGS: Final = 2.3**2
_NOISE_SECONDS: Final = 0.02

Work = Callable[[str], object]


def grows_linearly(work: Work, piece: str, length: int) -> bool:
    """Whether four times `length` characters of `piece` take at most 2.3² times the time."""
    short = long = float("inf")
    for rounds in range(1, _MANY + 1):
        short = min(short, _seconds(work, piece, length))
        long = min(long, _seconds(work, piece, 4 * length))
        if rounds >= _FEW and long < _TWO_DOUBLINGS * short + _NOISE_SECONDS:
            return True
    return False


def takes_at_most(seconds: float, work: Work, piece: str, length: int) -> bool:
    """Whether the work on `length` characters of `piece` can be done in so many CPU seconds."""
    return any(_seconds(work, piece, length) < seconds for _ in range(_MANY))


def _seconds(work: Work, piece: str, length: int) -> float:
    text = (piece * length)[:length]
    start = time.process_time()
    work(text)
    return time.process_time() - start
