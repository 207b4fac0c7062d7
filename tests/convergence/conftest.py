"""Both services, side by side, with nothing in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.convergence.both import Both
from tests.convergence.channel import Side

HOME = "Europe/London"


@pytest.fixture(scope="session")
def sides() -> Iterator[Both]:
    """Two processes for the whole run: starting them takes longer than most tests."""
    with (
        Side("processor", "processor_side.py") as processor,
        Side("reporter", "reporter_side.py") as reporter,
    ):
        yield Both(processor, reporter)


@pytest.fixture
def both(sides: Both) -> Both:
    """As after the first deployment, with the owner in London."""
    sides.reset(HOME)
    return sides
