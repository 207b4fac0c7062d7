"""The published files: golden schemas, samples, API snapshots, and what was released of them.

schemas/<Event>/<major.minor>.json       the schema of that version, for ever
samples/<Event>/<major.minor>/*.json     documents that every later reader must parse
openapi/<service>/<major.minor>.json     the service's API
consumers/<service>/<Event>.json         what a consumer reads of an event
asyncapi.yaml                            all events as they stand now
releases/<version>.json                  digests of schemas, samples and openapi at that release
releases/*.whl                           the wheel of each release
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cv_contracts._bus import BusEvent
from cv_contracts_checker.compatibility._positions import Schema, rebuilt

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PUBLISHED = ("schemas", "samples", "openapi")

Document = Mapping[str, Any]


def event_schema(event: type[BusEvent]) -> dict[str, Any]:
    """The schema of an event's `detail` as its class stands now.

    >>> from cv_contracts.events import SessionErased
    >>> event_schema(SessionErased)["$id"] == SessionErased.schema_name()
    True
    """
    generated = cast("dict[str, Any]", _untitled(event.model_json_schema()))
    head = {"$schema": DIALECT, "$id": event.schema_name(), "title": event.DETAIL_TYPE}
    return {**head, **generated}


def _untitled(schema: Schema) -> Schema:
    """Without pydantic's titles, which only repeat the names."""
    if isinstance(schema, dict):
        schema = {key: value for key, value in schema.items() if key != "title"}
    return rebuilt(schema, _untitled)


def text(document: Document) -> str:
    """A document as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def version_key(version: str) -> tuple[int, ...]:
    """For sorting: 1.10 comes after 1.9."""
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder that holds the published files."""

    root: Path

    def schemas(self, event: str) -> dict[str, Document]:
        """The golden schemas of an event by version, oldest first."""
        return self._versions(self.root / "schemas" / event)

    def events(self) -> list[str]:
        """The names of all events that were ever published."""
        return sorted(path.name for path in (self.root / "schemas").glob("*") if path.is_dir())

    def apis(self, service: str) -> dict[str, Document]:
        """The API snapshots of a service by version, oldest first."""
        return self._versions(self.root / "openapi" / service)

    def services(self) -> list[str]:
        """The services that have API snapshots."""
        return sorted(path.name for path in (self.root / "openapi").glob("*") if path.is_dir())

    def samples(self, event: str, version: str) -> dict[str, Document]:
        """The samples of an event's version by name."""
        return self._documents(self.root / "samples" / event / version)

    def consumers(self) -> Iterator[tuple[str, str, Document]]:
        """(consumer, event, the schema that it reads) of each declared consumer."""
        for path in sorted((self.root / "consumers").glob("*/*.json")):
            yield path.parent.name, path.stem, _load(path)

    def write_schema(self, event: type[BusEvent]) -> Path:
        """Write the golden schema of an event's present version."""
        path = self.root / "schemas" / event.DETAIL_TYPE / f"{event.VERSION}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(event_schema(event)), "utf-8")
        return path

    def write_consumer(self, service: str, event: str, schema: Document) -> Path:
        """Write what a consumer reads of an event: the JSON schema of its own model."""
        path = self.root / "consumers" / service / f"{event}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(schema), "utf-8")
        return path

    def write_asyncapi(self, content: str) -> Path:
        """Write the AsyncAPI file."""
        path = self.root / "asyncapi.yaml"
        path.write_text(content, "utf-8")
        return path

    def api_file(self, service: str, document: Document) -> str:
        """Where the snapshot of an API belongs, by the version that it says itself."""
        return f"openapi/{service}/{document['info']['version'].rpartition('.')[0]}.json"

    def write_api(self, service: str, document: Document) -> Path:
        """Write the snapshot of a service's API."""
        path = self.root / self.api_file(service, document)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(document), "utf-8")
        return path

    def releases(self) -> dict[str, dict[str, str]]:
        """Released versions, oldest first, each with its files' digests."""
        found = {path.stem: _load(path) for path in (self.root / "releases").glob("*.json")}
        return {key: dict(found[key]["files"]) for key in sorted(found, key=version_key)}

    def digests(self) -> dict[str, str]:
        """The digest of every published file as it is now, by its path from the root."""
        files = (path for kind in _PUBLISHED for path in (self.root / kind).rglob("*.json"))
        return self._digests(files)

    def all_digests(self) -> dict[str, str]:
        """The same with the records and wheels of the releases, as a tag has them."""
        return self.digests() | self._digests((self.root / "releases").glob("*"))

    def write_release(self, version: str, date: str, wheel: Path | None = None) -> Path:
        """Record what this release publishes; from now on it can't change unnoticed.

        The wheel is kept beside the record, for the tests of old against new.
        """
        path = self.root / "releases" / f"{version}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        record: dict[str, Any] = {"version": version, "date": date}
        if wheel is not None:
            shutil.copyfile(wheel, path.parent / wheel.name)
            record["wheel"] = wheel.name
            record["sha256"] = digest(wheel.read_bytes())
        path.write_text(text({**record, "files": self.digests()}), "utf-8")
        return path

    def wheels(self) -> dict[str, tuple[str, str]]:
        """(file, digest) of each released wheel as its record has it, by version."""
        records = {path.stem: _load(path) for path in (self.root / "releases").glob("*.json")}
        return {
            version: (f"releases/{record['wheel']}", record["sha256"])
            for version, record in records.items()
            if "wheel" in record
        }

    def _digests(self, files: Iterable[Path]) -> dict[str, str]:
        return {
            path.relative_to(self.root).as_posix(): digest(path.read_bytes())
            for path in sorted(files)
        }

    def _versions(self, folder: Path) -> dict[str, Document]:
        found = self._documents(folder)
        return {version: found[version] for version in sorted(found, key=version_key)}

    def _documents(self, folder: Path) -> dict[str, Document]:
        return {path.stem: _load(path) for path in sorted(folder.glob("*.json"))}


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def digest(content: bytes) -> str:
    """Over text with one kind of line end, so that a checkout's settings don't matter."""
    binary = b"\0" in content
    return hashlib.sha256(content if binary else content.replace(b"\r\n", b"\n")).hexdigest()
