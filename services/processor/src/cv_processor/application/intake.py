"""Intake from the bus: what a chatbot published joins the others in the ingest queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cv_contracts.chatbot import read_chatbot_event
from cv_contracts.errors import reasons
from pydantic import ValidationError

if TYPE_CHECKING:
    from cv_processor.application.ports import IngestQueue


class NotAChatbotEventError(ValueError):
    """A bus event's detail is no chatbot event; says why, without the detail."""


def take_in(queue: IngestQueue, bus_event: Mapping[str, Any]) -> str:
    """Queue the detail of a bus event; returns its request id.

    Raises `NotAChatbotEventError`, `UnavailableError`.
    """
    try:
        event = read_chatbot_event(bus_event["detail"])
    except ValidationError as error:
        raise NotAChatbotEventError("; ".join(reasons(error))) from None
    if queue.enqueue([event]):
        raise NotAChatbotEventError("the queue cannot carry it")
    return event.request_id
