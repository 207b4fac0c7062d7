"""The events that the services publish: one class each, and everything that is said of an event.

A class owns its source, detail-type and version, makes the pattern of a consumer's rule, the entry
that a publisher puts on the bus, and reads what arrives. No other place spells these names.

>>> from cv_contracts.events import CorrelationCompleted
>>> CorrelationCompleted.event_pattern()
{'source': ['cv-analytics.processor'], 'detail-type': ['CorrelationCompleted']}

Like pydantic's own names, the names below are loaded on first use, so that importing this module
costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cv_contracts._lazy import public_name

if TYPE_CHECKING:
    from cv_contracts._bus import CHATBOT_SOURCE, PROCESSOR_SOURCE, REPORTER_SOURCE
    from cv_contracts._events import (
        AliasUse,
        Correlation,
        CorrelationCompleted,
        Event,
        QuestionErased,
        QuestionErasure,
        ReportPublication,
        ReportPublished,
        ResponseTimes,
        SessionErased,
        SessionErasure,
        SessionErasureCompleted,
        SessionErasureCount,
        Skill,
    )
    from cv_contracts._types import ClientClass, Outcome

__all__ = [
    "CHATBOT_SOURCE",
    "PROCESSOR_SOURCE",
    "REPORTER_SOURCE",
    "AliasUse",
    "ClientClass",
    "Correlation",
    "CorrelationCompleted",
    "Event",
    "Outcome",
    "QuestionErased",
    "QuestionErasure",
    "ReportPublication",
    "ReportPublished",
    "ResponseTimes",
    "SessionErased",
    "SessionErasure",
    "SessionErasureCompleted",
    "SessionErasureCount",
    "Skill",
]

_MODULES = ("_events", "_bus", "_types")

if not TYPE_CHECKING:  # a type checker would take any name of a module that has `__getattr__`

    def __getattr__(name: str) -> object:
        """Find a public name in the module that defines it."""
        return public_name(name, __name__, __all__, _MODULES)
