"""The operations of an OpenAPI document with everything that a reference or a default supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cv_contracts_checker.compatibility._references import resolved
from cv_contracts_checker.errors import SchemaError

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_TEMPLATE = re.compile(r"\{([^}]*)\}")
_ANYWHERE = [{"url": "/"}]

Operations = dict[str, dict[str, Any]]


def operations(document: Mapping[str, Any]) -> Operations:
    """`GET /v1/days/{day}` → operation, with the parameters of its path."""
    return dict(_operations(document))


def by_template(document: Mapping[str, Any]) -> Operations:
    """`GET /v1/days/{}` → operation as `operations` has it: what a path's parameters are called
    is nothing that a client sends. `name` keeps the operation's written name."""
    found: Operations = {}
    for name, operation in operations(document).items():
        names = _TEMPLATE.findall(name)
        for parameter in operation["parameters"]:
            if parameter["in"] == "path" and parameter["name"] in names:
                parameter["name"] = f"{{{names.index(parameter['name']) + 1}}}"
        key = _TEMPLATE.sub("{}", name)
        if key in found:
            raise SchemaError(f"two paths that differ in their parameters' names alone: {name}")
        found[key] = {**operation, "name": name}
    return found


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, written in mapping(document.get("paths", {}), "paths").items():
        item = mapping(resolved(document, written), path)
        for method in _METHODS:
            if method in item:
                name = f"{method.upper()} {path}"
                yield name, _operation(document, item, mapping(item[method], name))


def _operation(
    document: Mapping[str, Any], item: Mapping[str, Any], written: Mapping[str, Any]
) -> dict[str, Any]:
    operation = dict(written)
    operation["parameters"] = _parameters(document, item, written)
    if "requestBody" in operation:
        operation["requestBody"] = resolved(document, operation["requestBody"])
    operation["responses"] = {
        str(status): _response(document, response)
        for status, response in mapping(written.get("responses", {}), "responses").items()
    }
    operation["security"] = _security(document, written.get("security", document.get("security")))
    operation["servers"] = (
        written.get("servers") or item.get("servers") or document.get("servers") or _ANYWHERE
    )
    return operation


def _parameters(
    document: Mapping[str, Any], item: Mapping[str, Any], written: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Those of the operation before those of its path, which it overrides."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in (*item.get("parameters", ()), *written.get("parameters", ())):
        parameter = dict(mapping(resolved(document, one), "parameters"))
        if "in" not in parameter or "name" not in parameter:
            raise SchemaError("a parameter without a name or a place")
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].lower()
        found[parameter["in"], parameter["name"]] = parameter
    return list(found.values())


def _response(document: Mapping[str, Any], written: Any) -> dict[str, Any]:
    response = dict(mapping(resolved(document, written), "responses"))
    response["headers"] = {
        name.lower(): resolved(document, header)
        for name, header in mapping(response.get("headers", {}), "headers").items()
    }
    return response


def _security(document: Mapping[str, Any], required: Any) -> list[list[tuple[str, Any, Any]]]:
    """The alternatives, each with its schemes as they are defined; none is one without any."""
    defined = document.get("components", {}).get("securitySchemes", {})
    return [
        [
            (name, scopes, resolved(document, defined.get(name, {"undefined": name})))
            for name, scopes in sorted(mapping(alternative, "security").items())
        ]
        for alternative in required or [{}]
    ]


def mapping(part: Any, name: str) -> Mapping[str, Any]:
    """A part that has to be an object. Raises `SchemaError` otherwise."""
    if not isinstance(part, Mapping):
        raise SchemaError(f"`{name}` is no object")
    return part
