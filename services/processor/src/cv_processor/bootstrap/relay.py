"""`relay`, wired."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cv_processor.adapters.aws import client
from cv_processor.adapters.bus import EventBridgeBus
from cv_processor.adapters.settings import RelaySettings
from cv_processor.application.relay import RelayReport, relay


def relaying(settings: RelaySettings) -> Callable[..., RelayReport]:
    """The use case of the relay function: called with records and `undecodable`."""
    return partial(relay, EventBridgeBus(client("events")), settings.bus_name)
