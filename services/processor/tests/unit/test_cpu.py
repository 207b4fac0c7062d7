"""The measure of linear work: it must not pass what is quadratic."""

from __future__ import annotations

import time

from tests.cpu import grows_linearly, takes_at_most


def test_quadratic_work_is_not_linear() -> None:
    assert not grows_linearly(lambda text: [text.count(piece) for piece in text], "ab", 3_000)


def test_linear_work_is_linear() -> None:
    assert grows_linearly(lambda text: [ord(character) for character in text], "ab", 3_000)


def test_slow_work_takes_longer_than_its_limit() -> None:
    def busy(_: str) -> None:
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass

    assert not takes_at_most(0.005, busy, "a", 1)
    assert takes_at_most(0.05, busy, "a", 1)
