"""The verdict on two versions of a service's OpenAPI document.

Requests: what old clients send must be understood by the new server. Responses: what the new
server answers must be understood by old clients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cv_contracts_checker.compatibility._positions import differ
from cv_contracts_checker.compatibility.schemas import Side, check_answer, check_request
from cv_contracts_checker.compatibility.verdicts import Change, Level, Verdict

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_DOCUMENTATION = ("summary", "description", "tags", "operationId", "deprecated", "externalDocs")
_FIRST_ERROR = "4"


def check_api(subject: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Verdict:
    """The changes between two OpenAPI 3.1 documents of one service, each with its reason.

    >>> old = {"info": {"version": "1.0"}, "paths": {"/health": {"get": {"responses": {}}}}}
    >>> new = {"info": {"version": "1.1"}, "paths": {}}
    >>> print(check_api("processor", old, new).changes[0])
    processor: GET /health was removed – clients of 1.0 call it
    """
    return Verdict(subject, tuple(_Comparison(subject, old, new).changes()))


def operations(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`GET /v1/days/{day}` → operation, with the parameters of its path."""
    found = {}
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                shared = item.get("parameters", [])
                operation = {**item[method]}
                operation["parameters"] = [*shared, *operation.get("parameters", [])]
                found[f"{method.upper()} {path}"] = operation
    return found


def _touched(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """The models that differ, and those that refer to one that does."""
    before, after = (side.get("components", {}).get("schemas", {}) for side in (old, new))
    touched = {name for name in {**before, **after} if differ(before.get(name), after.get(name))}
    if not touched:
        return set()
    uses = {name: _references(schema) for name, schema in {**before, **after}.items()}
    while more := {name for name, used in uses.items() if used & touched} - touched:
        touched |= more
    return touched


def _reached(document: Mapping[str, Any], routes: Any) -> set[str]:
    """The models that the routes refer to, directly or through others."""
    models = document.get("components", {}).get("schemas", {})
    reached = _references(routes)
    while more := _references([models.get(name) for name in reached]) - reached:
        reached |= more
    return reached


def _references(part: Any) -> set[str]:
    """The names of the models that a part of a document refers to directly."""
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


class _Comparison:
    """Walks both documents operation by operation."""

    def __init__(self, subject: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._subject = subject
        self._old, self._new = old, new
        self._clients = f"clients of {old['info']['version']}"
        self._touched = _touched(old, new)

    def changes(self) -> Iterator[Change]:
        before, after = operations(self._old), operations(self._new)
        for name in {**before, **after}:
            if name not in after:
                yield self._breaks(name, "was removed", f"{self._clients} call it")
            elif name not in before:
                yield self._adds(name, "was added", "compatible: nobody called it before")
            elif differ(before[name], after[name]) or self._uses_touched(after[name]):
                yield from self._operation(name, before[name], after[name])
        yield from self._unused(before, after)

    def _uses_touched(self, operation: dict[str, Any]) -> bool:
        return bool(self._touched) and bool(self._touched & _references(operation))

    def _unused(self, before: Any, after: Any) -> Iterator[Change]:
        """Models that changed and that no route uses."""
        if not self._touched:
            return
        used = _reached(self._old, before) | _reached(self._new, after)
        for name in sorted(self._touched - used):
            text = f"the model {name} changed"
            yield Change(self._subject, name, text, Level.PATCH, "compatible: no route uses it")

    def _operation(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        for keyword in _DOCUMENTATION:
            if old.get(keyword) != new.get(keyword):
                text = f"its {keyword} changed"
                yield self._change(name, text, Level.PATCH, "documentation only")
        if old.get("security") != new.get("security"):
            yield self._breaks(name, "its security changed", f"{self._clients} sign as before")
        yield from self._parameters(name, old["parameters"], new["parameters"])
        yield from self._body(name, old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(name, old.get("responses", {}), new.get("responses", {}))

    def _parameters(
        self, name: str, old: list[dict[str, Any]], new: list[dict[str, Any]]
    ) -> Iterator[Change]:
        before = {f"{one['in']} {one['name']}": one for one in old}
        after = {f"{one['in']} {one['name']}": one for one in new}
        for key in {**before, **after}:
            if key not in after:
                why = f"{self._clients} send it, and would be answered as if they had not"
                yield self._breaks(name, f"{key} was removed", why)
            elif key not in before:
                yield self._new_parameter(name, key, after[key])
            else:
                yield from self._parameter(name, key, before[key], after[key])

    def _new_parameter(self, name: str, key: str, new: dict[str, Any]) -> Change:
        if new.get("required"):
            return self._breaks(name, f"{key} was added, required", f"{self._clients} omit it")
        return self._adds(name, f"{key} was added", "compatible: it is optional")

    def _parameter(
        self, name: str, key: str, old: dict[str, Any], new: dict[str, Any]
    ) -> Iterator[Change]:
        if new.get("required") and not old.get("required"):
            yield self._breaks(name, f"{key} became required", f"{self._clients} may omit it")
        if old.get("required") and not new.get("required"):
            yield self._adds(name, f"{key} became optional", "compatible: it may still be sent")
        for keyword in ("style", "explode", "allowReserved"):
            if old.get(keyword) != new.get(keyword):
                yield self._breaks(
                    name, f"{key}: {keyword} changed", f"{self._clients} keep theirs"
                )
        if old.get("description") != new.get("description"):
            text = f"{key}: its description changed"
            yield self._change(name, text, Level.PATCH, "documentation only")
        yield from self._request(f"{name} {key}", old.get("schema", True), new.get("schema", True))

    def _body(
        self, name: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> Iterator[Change]:
        if old is None or new is None:
            if new is not None:
                yield self._new_body(name, new)
            elif old is not None:
                yield self._breaks(name, "its body was removed", f"{self._clients} send one")
            return
        if new.get("required") and not old.get("required"):
            yield self._breaks(name, "its body became required", f"{self._clients} may omit it")
        elif old.get("required") and not new.get("required"):
            yield self._adds(name, "its body became optional", "compatible: it may still be sent")
        yield from self._contents(f"{name} body", old.get("content", {}), new.get("content", {}))

    def _new_body(self, name: str, new: dict[str, Any]) -> Change:
        if new.get("required"):
            return self._breaks(name, "a required body was added", f"{self._clients} send none")
        return self._adds(name, "an optional body was added", "compatible: it may be omitted")

    def _contents(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        for media in {**old, **new}:
            if media not in new:
                yield self._breaks(name, f"{media} is no longer taken", f"{self._clients} send it")
            elif media not in old:
                yield self._adds(name, f"{media} is taken too", "compatible: nobody sent it before")
            else:
                before, after = (side[media].get("schema", True) for side in (old, new))
                yield from self._request(name, before, after)

    def _responses(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        for status in {**old, **new}:
            if status not in new:
                yield self._status_removed(name, status)
            elif status not in old:
                yield self._status_added(name, status)
            else:
                place = f"{name} → {status}"
                yield from self._response(place, old[status], new[status])

    def _status_removed(self, name: str, status: str) -> Change:
        if status >= _FIRST_ERROR:
            return self._adds(name, f"{status} is no longer answered", "compatible: one error less")
        return self._breaks(name, f"{status} is no longer answered", f"{self._clients} expect it")

    def _status_added(self, name: str, status: str) -> Change:
        if status >= _FIRST_ERROR:
            why = "compatible: clients treat an error that they do not know by its class"
            return self._adds(name, f"{status} may be answered", why)
        return self._breaks(name, f"{status} may be answered", f"{self._clients} do not know it")

    def _response(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        if old.get("description") != new.get("description"):
            yield self._change(name, "its description changed", Level.PATCH, "documentation only")
        for header in old.get("headers", {}):
            if header not in new.get("headers", {}):
                yield self._breaks(name, f"header {header} was removed", f"{self._clients} read it")
        before, after = old.get("content", {}), new.get("content", {})
        for media in {**before, **after}:
            if media not in after:
                yield self._breaks(name, f"{media} is no longer sent", f"{self._clients} want it")
            elif media not in before:
                yield self._adds(name, f"{media} is offered too", "compatible: on request only")
            else:
                schemas = (side[media].get("schema", True) for side in (before, after))
                yield from self._answer(name, *schemas)

    def _request(self, name: str, before: Any, after: Any) -> Iterator[Change]:
        yield from check_request(self._named(name), *self._sides(before, after)).changes

    def _answer(self, name: str, before: Any, after: Any) -> Iterator[Change]:
        yield from check_answer(self._named(name), *self._sides(before, after)).changes

    def _named(self, name: str) -> str:
        return f"{self._subject}: {name}"

    def _sides(self, before: Any, after: Any) -> tuple[Side, Side]:
        old = Side(self._old, self._old["info"]["version"], before)
        return old, Side(self._new, self._new["info"]["version"], after)

    def _breaks(self, name: str, what: str, why: str) -> Change:
        return self._change(name, what, Level.MAJOR, why)

    def _adds(self, name: str, what: str, why: str) -> Change:
        return self._change(name, what, Level.MINOR, why)

    def _change(self, name: str, what: str, level: Level, why: str) -> Change:
        return Change(self._subject, name, f"{name} {what}", level, why)
