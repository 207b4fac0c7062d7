"""Who publishes which event, who reads it, and what they may rely on.

The golden schemas, the catalogue, AsyncAPI and the compatibility gate are made from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cv_contracts._bus import BusEvent
from cv_contracts._events import (
    CorrelationCompleted,
    QuestionErased,
    ReportPublished,
    SessionErased,
    SessionErasureCompleted,
)
from cv_contracts.chatbot import QuestionAnswered, QuestionAsked

CHATBOT, PROCESSOR, REPORTER, ANYONE = "chatbot", "processor", "reporter", "anyone"


@dataclass(frozen=True, slots=True)
class Publication:
    """An event, its parties, and the assumptions that its consumers may make.

    A newer major version is a new event that `replaces` this one; both are published until
    `sunset`, the first day on which this one no longer is.
    """

    event: type[BusEvent]
    producer: str
    consumers: tuple[str, ...]
    bus: str
    ordering: str
    replay: str
    sunset: date | None = None
    replaces: str | None = None


_BY_REVISION = "None. Take a correlation only with a higher `revision` than the one you have."
_SAME_ID = "Safe. The same state has the same event id and the same bytes, whenever it is sent."

PUBLICATIONS: tuple[Publication, ...] = (
    Publication(
        QuestionAsked,
        producer=CHATBOT,
        consumers=(PROCESSOR,),
        bus=PROCESSOR,
        ordering="None. The two halves of a question may arrive in any order.",
        replay="Safe. An equal half under the same `requestId` changes nothing.",
    ),
    Publication(
        QuestionAnswered,
        producer=CHATBOT,
        consumers=(PROCESSOR,),
        bus=PROCESSOR,
        ordering="None. The two halves of a question may arrive in any order.",
        replay="Safe. An equal half under the same `requestId` changes nothing.",
    ),
    Publication(
        CorrelationCompleted,
        producer=PROCESSOR,
        consumers=(REPORTER,),
        bus=PROCESSOR,
        ordering=_BY_REVISION,
        replay=_SAME_ID,
    ),
    Publication(
        SessionErased,
        producer=PROCESSOR,
        consumers=(REPORTER,),
        bus=PROCESSOR,
        ordering="None. Keep a tombstone: correlations of the session may still arrive after it.",
        replay=_SAME_ID,
    ),
    Publication(
        QuestionErased,
        producer=PROCESSOR,
        consumers=(REPORTER,),
        bus=PROCESSOR,
        ordering="None. Keep a tombstone: revisions of the question may still arrive after it.",
        replay=_SAME_ID,
    ),
    Publication(
        ReportPublished,
        producer=REPORTER,
        consumers=(ANYONE,),
        bus=REPORTER,
        ordering="None. A later report of the same week has another `digest`.",
        replay=_SAME_ID,
    ),
    Publication(
        SessionErasureCompleted,
        producer=REPORTER,
        consumers=(PROCESSOR,),
        bus=REPORTER,
        ordering="None. One event per erasure and service.",
        replay=_SAME_ID,
    ),
)


@dataclass(frozen=True, slots=True)
class Api:
    """A service's API, who calls it, and what they may assume. A major version is a path."""

    service: str
    clients: tuple[str, ...]
    ordering: str
    replay: str
    sunset: date | None = None


APIS: tuple[Api, ...] = (
    Api(
        PROCESSOR,
        clients=(CHATBOT, REPORTER),
        ordering="Lists come oldest first; events of one submission may be stored in any order.",
        replay="Safe. The same event again, or the same erasure, changes nothing.",
    ),
    Api(
        REPORTER,
        clients=("the owner",),
        ordering="Lists of reports come newest first.",
        replay="Safe. A report is built anew from the same facts; no mail goes out twice.",
    ),
)

# Events that are no longer published, and since when: their schemas and samples stay.
RETIRED: Mapping[str, date] = {}
