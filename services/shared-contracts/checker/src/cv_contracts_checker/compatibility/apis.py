"""The verdict on two versions of a service's OpenAPI document.

Requests: what old clients send must be understood by the new server. Responses: what the new
server answers must be understood by old clients.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cv_contracts_checker.compatibility._operations import by_template, mapping
from cv_contracts_checker.compatibility._positions import differ
from cv_contracts_checker.compatibility.schemas import Side, check_answer, check_request
from cv_contracts_checker.compatibility.verdicts import Change, Level, Verdict
from cv_contracts_checker.errors import SchemaError

_DOCUMENTATION = frozenset(
    {
        *("summary", "description", "tags", "operationId", "deprecated", "externalDocs"),
        *("example", "examples", "info"),
    }
)
_COMPARED = {
    "document": frozenset({"paths", "components", "security", "servers"}),
    "operation": frozenset({"parameters", "requestBody", "responses", "security", "servers"})
    | {"name"},
    "parameter": frozenset({"in", "name", "required", "schema", "content"}),
    "body": frozenset({"required", "content"}),
    "response": frozenset({"headers", "content"}),
    "media": frozenset({"schema"}),
}
"""What is compared by rules of its own. Other parts are documentation, or nothing is proved."""
_MODEL = "#/components/schemas/"
_FIRST_ERROR = "4"


def check_api(subject: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Verdict:
    """The changes between two OpenAPI 3.1 documents of one service, each with its reason.

    >>> old = {"info": {"version": "1.0"}, "paths": {"/health": {"get": {"responses": {}}}}}
    >>> new = {"info": {"version": "1.1"}, "paths": {}}
    >>> print(check_api("processor", old, new).changes[0])
    processor: GET /health was removed – clients of 1.0 call it
    """
    for document in (old, new):
        if "version" not in mapping(mapping(document, "the document").get("info"), "info"):
            raise SchemaError("`info` has no version")
    try:
        return Verdict(subject, tuple(_Comparison(subject, old, new).changes()))
    except (AttributeError, TypeError, RecursionError) as error:  # whatever is not of its type
        raise SchemaError(f"this is no OpenAPI document that can be read: {error}") from error


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


def _written(part: Any) -> Iterator[str]:
    """The references in a part of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _written(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _written(value)


def _without_version(part: str, document: Mapping[str, Any]) -> Any:
    value = document.get(part)
    if part == "openapi":  # 3.1.1 only says better what 3.1.0 meant
        return str(value).split(".")[:2]
    return {**value, "version": ""} if part == "info" and isinstance(value, Mapping) else value


def _without_descriptions(part: Any) -> Any:
    if isinstance(part, Mapping):
        kept = part.items()
        return {name: _without_descriptions(one) for name, one in kept if name != "description"}
    if isinstance(part, list | tuple):
        return [_without_descriptions(one) for one in part]
    return part


def _as_text(part: Any) -> str:
    return json.dumps(part, sort_keys=True)


def _by_media_type(content: Mapping[str, Any]) -> dict[str, Any]:
    """Media types as they are compared: in small letters, and JSON is UTF-8 anyway."""
    plain = {}
    for name, media in content.items():
        essence, _, parameters = name.lower().replace(" ", "").partition(";")
        kept = ";".join(one for one in parameters.split(";") if one not in ("", "charset=utf-8"))
        plain[f"{essence};{kept}" if kept else essence] = media
    return plain


class _Comparison:
    """Walks both documents operation by operation."""

    def __init__(self, subject: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._subject = subject
        self._old, self._new = old, new
        self._clients = f"clients of {old['info']['version']}"
        self._touched = _touched(old, new)

    def changes(self) -> Iterator[Change]:
        yield from self._others("the document", "document", self._old, self._new)
        before, after = by_template(self._old), by_template(self._new)
        for key in {**before, **after}:
            name = (after.get(key) or before[key])["name"]
            if key not in after:
                yield self._breaks(name, "was removed", f"{self._clients} call it")
            elif key not in before:
                yield self._adds(name, "was added", "compatible: nobody called it before")
            else:
                yield from self._same_operation(name, before[key], after[key])
        yield from self._unused(before, after)

    def _same_operation(
        self, name: str, old: dict[str, Any], new: dict[str, Any]
    ) -> Iterator[Change]:
        if old["name"] != new["name"]:
            text = "its path's parameters have other names"
            yield self._change(name, text, Level.PATCH, "compatible: clients send values alone")
        if differ({**old, "name": ""}, {**new, "name": ""}) or self._uses_touched(new):
            yield from self._operation(name, old, new)

    def _uses_touched(self, operation: dict[str, Any]) -> bool:
        """Whether models may differ that it uses; a reference to other places is followed."""
        if self._touched and self._touched & _references(operation):
            return True
        return differ(self._old.get("components"), self._new.get("components")) and any(
            not reference.startswith(_MODEL) for reference in _written(operation)
        )

    def _others(
        self, name: str, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> Iterator[Change]:
        """Changed parts that no rule compares."""
        for part in sorted({*old, *new} - _COMPARED[kind]):
            if not differ(_without_version(part, old), _without_version(part, new)):
                continue
            text = f"its {part} changed" if name != "the document" else f": its {part} changed"
            if part in _DOCUMENTATION or part.startswith("x-"):
                yield self._change(name, text, Level.PATCH, "documentation only")
            else:
                yield self._breaks(name, text, "not compared: nothing is proved about it")

    def _unused(self, before: Any, after: Any) -> Iterator[Change]:
        """Models that changed and that no route uses."""
        if not self._touched:
            return
        used = _reached(self._old, before) | _reached(self._new, after)
        for name in sorted(self._touched - used):
            text = f"the model {name} changed"
            yield Change(self._subject, name, text, Level.PATCH, "compatible: no route uses it")

    def _operation(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        yield from self._others(name, "operation", old, new)
        yield from self._security(name, old["security"], new["security"])
        yield from self._servers(name, old["servers"], new["servers"])
        yield from self._parameters(name, old["parameters"], new["parameters"])
        yield from self._body(name, old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(name, old.get("responses", {}), new.get("responses", {}))

    def _security(self, name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
        """Alternatives of schemes: each that clients may use has to stay as it was."""
        before, after = (
            {_as_text(_without_descriptions(one)) for one in side} for side in (old, new)
        )
        if _as_text([]) in after - before:
            yield self._adds(name, "may be called unsigned", "compatible: signatures are ignored")
        elif before - after and _as_text([]) not in after:
            yield self._breaks(name, "its security changed", f"{self._clients} sign as before")
        elif before != after:
            yield self._adds(name, "its security changed", "compatible: the old ways stay")

    def _servers(self, name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
        before, after = (
            {_as_text(_without_descriptions(one)) for one in side} for side in (old, new)
        )
        if before - after:
            yield self._breaks(name, "its servers changed", f"{self._clients} call the old ones")
        elif after - before:
            yield self._adds(name, "it has more servers", "compatible: the old ones stay")

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
        yield from self._others(f"{name} {key}:", "parameter", old, new)
        yield from self._schema_or_contents(f"{name} {key}", old, new)

    def _schema_or_contents(
        self, name: str, old: dict[str, Any], new: dict[str, Any]
    ) -> Iterator[Change]:
        if ("content" in old) != ("content" in new):
            yield self._breaks(name, "is written in another way", f"{self._clients} keep theirs")
        elif "content" in new:
            yield from self._contents(name, old["content"], new["content"])
        else:
            yield from self._request(name, old.get("schema", True), new.get("schema", True))

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
        yield from self._others(f"{name} body:", "body", old, new)
        yield from self._contents(f"{name} body", old.get("content", {}), new.get("content", {}))

    def _new_body(self, name: str, new: dict[str, Any]) -> Change:
        if new.get("required"):
            return self._breaks(name, "a required body was added", f"{self._clients} send none")
        return self._adds(name, "an optional body was added", "compatible: it may be omitted")

    def _contents(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        old, new = _by_media_type(old), _by_media_type(new)
        for media in {**old, **new}:
            if media not in new:
                yield self._breaks(name, f"{media} is no longer taken", f"{self._clients} send it")
            elif media not in old:
                yield self._adds(name, f"{media} is taken too", "compatible: nobody sent it before")
            else:
                yield from self._others(f"{name} {media}:", "media", old[media], new[media])
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
        yield from self._others(name, "response", old, new)
        yield from self._headers(name, old["headers"], new["headers"])
        before, after = (_by_media_type(side.get("content", {})) for side in (old, new))
        for media in {**before, **after}:
            if media not in after:
                yield self._breaks(name, f"{media} is no longer sent", f"{self._clients} want it")
            elif media not in before:
                yield self._adds(name, f"{media} is offered too", "compatible: on request only")
            else:
                yield from self._others(f"{name} {media}:", "media", before[media], after[media])
                schemas = (side[media].get("schema", True) for side in (before, after))
                yield from self._answer(name, *schemas)

    def _headers(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        for header in {**old, **new}:
            place = f"{name} header {header}"
            if header not in new:
                yield self._breaks(name, f"header {header} was removed", f"{self._clients} read it")
            elif header not in old:
                yield self._adds(name, f"header {header} was added", "compatible: it is not read")
            else:
                yield from self._header(place, old[header], new[header])

    def _header(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        yield from self._others(name, "parameter", old, new)
        if old.get("required") and not new.get("required"):
            yield self._breaks(name, "may be missing now", f"{self._clients} read it")
        if differ(old.get("content"), new.get("content")):
            yield self._breaks(name, "its content changed", "not compared: nothing is proved")
        yield from self._answer(name, old.get("schema", True), new.get("schema", True))

    def _request(self, name: str, before: Any, after: Any) -> Iterator[Change]:
        yield from self._checked(check_request, name, before, after)

    def _answer(self, name: str, before: Any, after: Any) -> Iterator[Change]:
        yield from self._checked(check_answer, name, before, after)

    def _checked(
        self, check: Callable[[str, Side, Side], Verdict], name: str, before: Any, after: Any
    ) -> Iterator[Change]:
        """The changes of one schema; one that is beyond this check is no compatible one."""
        try:
            yield from check(f"{self._subject}: {name}", *self._sides(before, after)).changes
        except SchemaError as error:
            yield self._breaks(name, "cannot be compared", f"nothing is proved: {error}")

    def _sides(self, before: Any, after: Any) -> tuple[Side, Side]:
        old = Side(self._old, self._old["info"]["version"], before)
        return old, Side(self._new, self._new["info"]["version"], after)

    def _breaks(self, name: str, what: str, why: str) -> Change:
        return self._change(name, what, Level.MAJOR, why)

    def _adds(self, name: str, what: str, why: str) -> Change:
        return self._change(name, what, Level.MINOR, why)

    def _change(self, name: str, what: str, level: Level, why: str) -> Change:
        return Change(self._subject, name, f"{name} {what}", level, why)
