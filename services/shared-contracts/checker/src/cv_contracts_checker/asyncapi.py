"""The AsyncAPI 3 document of all events, made from the registry and the classes.

>>> from cv_contracts.registry import PUBLICATIONS
>>> sorted(asyncapi(PUBLICATIONS, "1.0.0")["channels"])[:2]
['CorrelationCompleted', 'QuestionAnswered']
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cv_contracts.registry import Publication
from cv_contracts_checker.golden import event_schema

_REFERENCE = "#/components/schemas/"


def asyncapi(publications: Sequence[Publication], version: str) -> dict[str, Any]:
    """The document: a channel, a message and an operation per event, and the models they share."""
    schemas: dict[str, Any] = {}
    messages = {one.event.DETAIL_TYPE: _message(one, schemas) for one in publications}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CV Analytics: events",
            "version": version,
            "description": "Every event that crosses a service's boundary, by its bus.",
        },
        "defaultContentType": "application/json",
        "channels": {one.event.DETAIL_TYPE: _channel(one) for one in publications},
        "operations": {_operation_name(one): _operation(one) for one in publications},
        "components": {"messages": messages, "schemas": schemas},
    }


def _message(publication: Publication, schemas: dict[str, Any]) -> dict[str, Any]:
    """The message, whose models go to the shared ones."""
    event = publication.event
    schema = json.loads(json.dumps(event_schema(event)).replace("#/$defs/", _REFERENCE))
    schemas.update(schema.pop("$defs", {}))
    payload = {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}
    schemas[event.DETAIL_TYPE] = payload
    return {
        "name": event.DETAIL_TYPE,
        "title": event.DETAIL_TYPE,
        "summary": (event.__doc__ or "").partition("\n")[0],
        "payload": {"$ref": _REFERENCE + event.DETAIL_TYPE},
        "x-version": event.VERSION,
        "x-event-pattern": event.event_pattern(),
    }


def _channel(publication: Publication) -> dict[str, Any]:
    name = publication.event.DETAIL_TYPE
    return {
        "address": f"{publication.bus} bus",
        "description": f"Ordering: {publication.ordering} Replay: {publication.replay}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation_name(publication: Publication) -> str:
    return f"publish{publication.event.DETAIL_TYPE}"


def _operation(publication: Publication) -> dict[str, Any]:
    name = publication.event.DETAIL_TYPE
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "x-producer": publication.producer,
        "x-consumers": list(publication.consumers),
    }
