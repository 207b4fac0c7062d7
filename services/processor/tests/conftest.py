"""An in-process AWS for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from moto import mock_aws

from cv_processor.bootstrap import services
from cv_processor.entrypoints import ingest
from tests.component.world import World, create_resources, environment

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# Taken now: a test may put another one in its place.
USE_CASE = ingest.use_case


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The Processor with nothing in it. Clients outlive a test: making one takes long."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        create_resources()
        yield World()
    forget_containers()


def forget_containers() -> None:
    """The next call of each handler starts cold."""
    services.cache_clear()
    USE_CASE.cache_clear()
