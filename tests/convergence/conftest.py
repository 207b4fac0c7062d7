"""Both services, side by side, with nothing in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.convergence.channel import Side
from tests.convergence.house import House

HOME = "Europe/London"


@pytest.fixture(scope="session")
def sides() -> Iterator[House]:
    """Two processes for the whole run: starting them takes longer than most tests."""
    with (
        Side("processor", "processor_side.py") as processor,
        Side("reporter", "reporter_side.py") as reporter,
    ):
        yield House(processor, reporter)


@pytest.fixture
def house(sides: House) -> House:
    """As after the first deployment, with the owner in London."""
    sides.reset(HOME)
    return sides
