"""The contracts of CV Analytics: events, REST models, a producer and a typed client.

>>> from cv_contracts import CorrelationCompleted
>>> CorrelationCompleted.schema_name()
'urn:cv-analytics:CorrelationCompleted:1.2'

The names below are loaded on first use, so that importing one module costs that module only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cv_contracts._lazy import public_name

if TYPE_CHECKING:
    from cv_contracts.chatbot import QueryEvent, ResponseEvent, read_chatbot_event
    from cv_contracts.client import ProcessorClient
    from cv_contracts.errors import ContractsError
    from cv_contracts.events import (
        Correlation,
        CorrelationCompleted,
        QuestionErased,
        ReportPublished,
        SessionErased,
        SessionErasureCompleted,
    )
    from cv_contracts.producer import Producer

__version__ = "1.5.0"

__all__ = [
    "ContractsError",
    "Correlation",
    "CorrelationCompleted",
    "ProcessorClient",
    "Producer",
    "QueryEvent",
    "QuestionErased",
    "ReportPublished",
    "ResponseEvent",
    "SessionErased",
    "SessionErasureCompleted",
    "__version__",
    "read_chatbot_event",
]

_MODULES = ("errors", "_events", "chatbot", "client", "producer")


if not TYPE_CHECKING:  # a type checker would take any name of a module that has `__getattr__`

    def __getattr__(name: str) -> object:
        """Find a public name in the module that defines it."""
        return public_name(name, __name__, __all__, _MODULES)
