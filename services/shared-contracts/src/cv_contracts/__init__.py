"""The contracts of CV Analytics: events, REST models, a typed client, and a checker of all three.

>>> from cv_contracts import CorrelationCompleted
>>> CorrelationCompleted.schema_name()
'urn:cv-analytics:CorrelationCompleted:1.0'

The names below are loaded on first use, so that importing one module costs that module only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cv_contracts.chatbot import QueryEvent, ResponseEvent, read_chatbot_event
    from cv_contracts.client import ProcessorClient
    from cv_contracts.errors import ContractsError
    from cv_contracts.events import (
        Correlation,
        CorrelationCompleted,
        ReportPublished,
        SessionErased,
        SessionErasureCompleted,
    )
    from cv_contracts.producer import Producer

__version__ = "1.0.0"

__all__ = [
    "ContractsError",
    "Correlation",
    "CorrelationCompleted",
    "ProcessorClient",
    "Producer",
    "QueryEvent",
    "ReportPublished",
    "ResponseEvent",
    "SessionErased",
    "SessionErasureCompleted",
    "__version__",
    "read_chatbot_event",
]

_MODULES = ("errors", "events", "chatbot", "client", "producer")


def __getattr__(name: str) -> Any:
    """Find a public name in the module that defines it."""
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"{__name__}.{module}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
