"""The catalogue's pages: the start, one per event, one per API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from cv_contracts.registry import APIS, Api, Publication
from cv_contracts_checker._yaml import to_yaml
from cv_contracts_checker.asyncapi import asyncapi
from cv_contracts_checker.catalogue import _html as html
from cv_contracts_checker.catalogue._fields import Field, fields
from cv_contracts_checker.compatibility import Side, check_event
from cv_contracts_checker.compatibility._operations import operations
from cv_contracts_checker.gate import Contracts
from cv_contracts_checker.golden import Document, Folder, event_schema, text

_RULE = (
    "Within a major version a change is additive: what a newer producer writes, every older "
    "consumer reads, and what was written before, a newer consumer reads. Readers ignore fields "
    "and take enum members that they do not know; writers emit declared fields only. A breaking "
    "change is a new event, published beside this one until its sunset."
)
_API_RULE = (
    "Within a major version, what an older client sends is understood, and what is answered, an "
    "older client reads. Clients ignore fields that they do not know."
)


def write_site(folder: Folder, contracts: Contracts, target: Path) -> list[Path]:
    """Write the site and the machine-readable files beside it; the paths written."""
    pages = dict(_pages(folder, contracts))
    for name, content in pages.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return [target / name for name in pages]


def _pages(folder: Folder, contracts: Contracts) -> Iterator[tuple[str, str]]:
    version = contracts.version
    yield "index.html", html.page("Contracts", version, _start(folder, contracts))
    for publication in contracts.publications:
        name = publication.event.DETAIL_TYPE
        body = _event(folder, publication)
        yield f"events/{name}.html", html.page(name, version, body, up="../")
        for minor, schema in folder.schemas(name).items():
            yield f"schemas/{name}/{minor}.json", text(schema)
    for service in folder.services():
        for minor, snapshot in folder.apis(service).items():
            yield f"openapi/{service}/{minor}.json", text(snapshot)
            page = html.page(f"{service} API", version, _api(service, minor, snapshot), up="../")
            yield f"apis/{service}.html", page
    yield "asyncapi.yaml", to_yaml(asyncapi(contracts.publications, version))


def _start(folder: Folder, contracts: Contracts) -> str:
    cards = "\n".join(_card(publication) for publication in contracts.publications)
    apis = "\n".join(_api_card(folder, service) for service in folder.services())
    return f"""
<h1>What crosses a boundary</h1>
<p class="lead">Two services share nothing but these contracts: the events on their buses and the
routes of their APIs. This page is made from the very classes that publish and read them.</p>
<h2>Events</h2>
<div class="cards">{cards}</div>
<h2>APIs</h2>
<div class="cards">{apis}</div>
<h2>The rule</h2>
<p>{_RULE}</p>
<p>For machines: <a href="asyncapi.yaml">AsyncAPI 3</a> for all events, OpenAPI 3.1 with each API,
a JSON Schema with each event.</p>
"""


def _card(publication: Publication) -> str:
    event = publication.event
    name = event.DETAIL_TYPE
    consumers = ", ".join(publication.consumers)
    return f"""<div class="card"><h3><a href="events/{name}.html">{name}</a>
<span class="tag">{event.VERSION}</span></h3>
{html.prose((event.__doc__ or "").partition(chr(10))[0])}
<div class="way">{escape(publication.producer)} → {escape(consumers)}</div></div>"""


def _api_card(folder: Folder, service: str) -> str:
    version, snapshot = list(folder.apis(service).items())[-1]
    number = len(operations(snapshot))
    return f"""<div class="card"><h3><a href="apis/{service}.html">{escape(service)}</a>
<span class="tag">{version}</span></h3>
<p>{escape(snapshot["info"]["title"])}</p><div class="way">{number} operations ·
<a href="openapi/{service}/{version}.json">OpenAPI</a></div></div>"""


def _event(folder: Folder, publication: Publication) -> str:
    event = publication.event
    name = event.DETAIL_TYPE
    samples = folder.samples(name, event.VERSION).items()
    shown = (
        html.fold(title, html.document(one), open_=not at)
        for at, (title, one) in enumerate(samples)
    )
    return f"""
<h1>{name}<span class="tag">version {event.VERSION}</span></h1>
{html.prose(event.__doc__ or "")}
{html.facts(_facts(publication))}
<h2>Fields</h2>
{_fields_table(fields(event_schema(event)))}
<h2>Samples</h2>
{"".join(shown)}
<h2>What consumers may rely on</h2>
{html.facts(_promises(publication))}
<h2>Versions</h2>
{_versions(folder, publication)}
"""


def _facts(publication: Publication) -> Iterator[tuple[str, str]]:
    event = publication.event
    yield "Owner", escape(publication.producer)
    yield "Consumers", escape(", ".join(publication.consumers))
    yield "Bus", f"of the {escape(publication.bus)}"
    yield "Source", html.code(event.SOURCE)
    yield "Detail type", html.code(event.DETAIL_TYPE)
    yield "Schema", html.code(event.schema_name())


def _promises(publication: Publication) -> Iterator[tuple[str, str]]:
    yield "Compatibility", escape(_RULE)
    yield "Ordering", html.prose(publication.ordering)
    yield "Replay", html.prose(publication.replay)
    yield "Sunset", str(publication.sunset) if publication.sunset else "none set"
    if publication.replaces:
        yield "Replaces", html.code(publication.replaces)


def _versions(folder: Folder, publication: Publication) -> str:
    """Each published version with what it changed, newest first."""
    name = publication.event.DETAIL_TYPE
    versions = folder.schemas(name)
    rows = []
    for before, (version, schema) in zip([None, *versions], versions.items(), strict=False):
        link = f'<a href="../schemas/{name}/{version}.json">{version}</a>'
        rows.append((link, _changed(name, before, version, versions, schema)))
    return html.table(("schema", "changes"), reversed(rows))


def _changed(
    name: str, before: str | None, version: str, versions: Mapping[str, Document], schema: Document
) -> str:
    if before is None:
        return "first published"
    verdict = check_event(name, Side(versions[before], before), Side(schema, version))
    return "<br>".join(html.prose(f"{one.what}: {one.why}") for one in verdict.changes)


def _fields_table(listed: Iterable[Field], first: str = "field") -> str:
    rows = (
        (html.code(one.name), escape(one.kind), "yes" if one.required else "–", _meaning(one))
        for one in listed
    )
    return html.table((first, "type", "required", "meaning and limits"), rows)


def _meaning(field: Field) -> str:
    limits = ", ".join(
        html.code(limit) if limit.startswith("^") else escape(limit) for limit in field.limits
    )
    return html.prose(field.description) + (f'<div class="way">{limits}</div>' if limits else "")


def _api(service: str, version: str, snapshot: Document) -> str:
    listed = operations(snapshot).items()
    body = "\n".join(_operation(snapshot, name, operation) for name, operation in listed)
    known = next((one for one in APIS if one.service == service), None)
    promises = html.facts(_api_promises(known)) if known else html.prose(_API_RULE)
    return f"""
<h1>{escape(snapshot["info"]["title"])}<span class="tag">version {version}</span></h1>
{html.prose(snapshot["info"].get("description", ""))}
{promises}
<p><a href="../openapi/{service}/{version}.json">OpenAPI 3.1 document</a></p>
{body}
"""


def _api_promises(api: Api) -> Iterator[tuple[str, str]]:
    yield "Owner", escape(api.service)
    yield "Clients", escape(", ".join(api.clients))
    yield "Compatibility", escape(_API_RULE)
    yield "Ordering", html.prose(api.ordering)
    yield "Replay", html.prose(api.replay)
    yield "Sunset", str(api.sunset) if api.sunset else "none set"


def _operation(root: Document, name: str, operation: dict[str, Any]) -> str:
    method, _, path = name.partition(" ")
    summary = operation.get("description") or operation.get("summary", "")
    return f"""<h2><span class="method">{method}</span> <code>{escape(path)}</code></h2>
{html.prose(summary)}
{_parameters(root, operation)}
{_contents(root, "Body", operation.get("requestBody", {}))}
{"".join(_answer(root, *answer) for answer in operation.get("responses", {}).items())}"""


def _parameters(root: Document, operation: dict[str, Any]) -> str:
    """Parameters are told like fields, each with where it goes."""
    given = operation["parameters"]
    schema = {
        "properties": {
            one["name"]: {"description": one.get("description", ""), **one.get("schema", {})}
            for one in given
        },
        "required": [one["name"] for one in given if one.get("required")],
    }
    placed = {one["name"]: f"{one['in']}: " for one in given}
    listed = [
        replace(one, kind=placed.get(one.name, "") + one.kind) for one in fields(root, schema)
    ]
    return _fields_table(listed, "parameter") if listed else ""


def _answer(root: Document, status: str, answer: dict[str, Any]) -> str:
    told = f"{status} {answer.get('description', '')}"
    return _contents(root, told, answer) or f'<p class="way">{escape(told)}</p>'


def _contents(root: Document, title: str, part: dict[str, Any]) -> str:
    """The fields of a body or an answer, by its media types."""
    bodies = part.get("content", {}).items()
    return "".join(
        html.fold(f"{title} · {media}", _fields_table(found))
        for media, content in bodies
        if (found := fields(root, content.get("schema", {})))
    )
