"""The gate: everything that must hold before a change of the contracts may be merged.

Changes are judged against every golden version of the same major; files that were released must
not change; versions must say what the changes need; samples must parse; sunsets are kept;
and each declared consumer must still find what it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from pydantic import ValidationError

from cv_contracts.errors import reasons
from cv_contracts.registry import PUBLICATIONS, RETIRED, Publication
from cv_contracts_checker.compatibility import (
    Change,
    Level,
    Parties,
    Side,
    Verdict,
    check_api,
    check_event,
    violations,
)
from cv_contracts_checker.compatibility.verdicts import needed
from cv_contracts_checker.golden import Document, Folder, event_schema, version_key
from cv_contracts_checker.routes import CLIENT_OF, client_breaks
from cv_contracts_checker.tags import Tree, tag_of


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that must be mended, and how. `file` is relative to the folder, if it is one."""

    subject: str
    text: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The gate's answer. `changes` are those since the last release."""

    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def level(self) -> Level:
        """What the changes since the last release ask of the package's version."""
        return max((change.level for change in self.changes), default=Level.NONE)

    @property
    def passed(self) -> bool:
        """Whether the change may be merged."""
        return not self.problems


@dataclass(frozen=True)
class Contracts:
    """What stands in the code: the events with their parties, and the package's version."""

    version: str
    publications: Sequence[Publication] = PUBLICATIONS
    retired: Mapping[str, date] = field(default_factory=lambda: RETIRED)


def check(
    folder: Folder,
    contracts: Contracts,
    today: date,
    tagged: Mapping[str, Tree] = MappingProxyType({}),
) -> Report:
    """Compare what stands in the code and the snapshots with everything published before.

    `tagged` are the trees of the released versions that have a tag (`cv_contracts_checker.tags`).
    """
    changes = [*_event_changes(folder, contracts), *_api_changes(folder)]
    problems = [
        *_published_problems(folder, contracts),
        *_breaking_problems(folder, contracts),
        *_sunset_problems(folder, contracts, today),
        *_released_problems(folder),
        *_tagged_problems(folder, tagged),
        *_sample_problems(folder, contracts),
        *_consumer_problems(folder, contracts),
        *_client_problems(folder),
    ]
    report = Report(tuple(changes), tuple(problems))
    version = tuple(_version_problems(folder, contracts, report.level))
    return Report(report.changes, (*report.problems, *version))


def _event_changes(folder: Folder, contracts: Contracts) -> Iterator[Change]:
    """Each event against its last released version."""
    for publication in contracts.publications:
        event = publication.event
        released = _released(folder, "schemas", event.DETAIL_TYPE)
        if not released and folder.releases():
            why = "compatible: nobody read it before"
            text = f"`{event.DETAIL_TYPE}` is published"
            yield Change(event.DETAIL_TYPE, "", text, Level.MINOR, why)
        for version in released[-1:]:
            old = folder.schemas(event.DETAIL_TYPE)[version]
            yield from _compared(publication, version, old).changes


def _api_changes(folder: Folder) -> Iterator[Change]:
    """Each service's newest snapshot against its last released one."""
    for service in folder.services():
        snapshots = folder.apis(service)
        for version in _released(folder, "openapi", service)[-1:]:
            newest = snapshots[max(snapshots, key=version_key)]
            yield from check_api(service, snapshots[version], newest).changes


def _compared(publication: Publication, version: str, old: Document) -> Verdict:
    event = publication.event
    new = Side(event_schema(event), event.VERSION)
    return check_event(event.DETAIL_TYPE, Side(old, version), new)


def _published_problems(folder: Folder, contracts: Contracts) -> Iterator[Problem]:
    """The golden file of the present version must be what the class says."""
    for publication in contracts.publications:
        event = publication.event
        name, version = event.DETAIL_TYPE, event.VERSION
        file = f"schemas/{name}/{version}.json"
        golden = folder.schemas(name).get(version)
        if golden is None:
            yield Problem(name, f"{file} is missing; run `cv-contracts snapshot`", file)
        elif golden != event_schema(event):
            yield Problem(name, _stale(folder, publication, golden), file)


def _stale(folder: Folder, publication: Publication, golden: Document) -> str:
    event = publication.event
    if event.VERSION not in _released(folder, "schemas", event.DETAIL_TYPE):
        return f"its golden schema {event.VERSION} is stale; run `cv-contracts snapshot`"
    level = _compared(publication, event.VERSION, golden).level
    if level == Level.MAJOR:
        return f"{event.VERSION} is released, and the change breaks it; publish a new event"
    major, minor = event.VERSION.split(".")
    return f"{event.VERSION} is released; set VERSION to {major}.{int(minor) + 1}"


def _breaking_problems(folder: Folder, contracts: Contracts) -> Iterator[Problem]:
    """No version of the same major may be broken, released or not."""
    for publication in contracts.publications:
        event = publication.event
        for version, old in folder.schemas(event.DETAIL_TYPE).items():
            if version_key(version)[0] == version_key(event.VERSION)[0]:
                verdict = _compared(publication, version, old)
                file = f"schemas/{event.DETAIL_TYPE}/{version}.json"
                yield from _breaks(verdict.changes, file)
    for service in folder.services():
        yield from _breaking_apis(folder, service)


def _breaking_apis(folder: Folder, service: str) -> Iterator[Problem]:
    snapshots = folder.apis(service)
    newest = max(snapshots, key=version_key)
    for version, old in snapshots.items():
        if version_key(version)[0] == version_key(newest)[0]:
            changes = check_api(service, old, snapshots[newest]).changes
            yield from _breaks(changes, f"openapi/{service}/{newest}.json")


def _breaks(changes: Sequence[Change], file: str) -> Iterator[Problem]:
    for change in changes:
        if change.level == Level.MAJOR:
            yield Problem(change.subject, f"{change.what}: {change.why}", file)


def _sunset_problems(folder: Folder, contracts: Contracts, today: date) -> Iterator[Problem]:
    present = {one.event.DETAIL_TYPE: one for one in contracts.publications}
    for name in folder.events():
        if name not in present and not _gone(contracts.retired.get(name), today):
            text = "is no longer published before its sunset; its consumers break"
            yield Problem(name, text, f"schemas/{name}")
    for name, publication in present.items():
        if _gone(publication.sunset, today):
            yield Problem(name, f"its sunset was {publication.sunset}; retire it")
        older = publication.replaces
        if older and (older in present) and present[older].sunset is None:
            yield Problem(older, f"{name} replaces it; set its sunset date")


def _gone(sunset: date | None, today: date) -> bool:
    return sunset is not None and sunset <= today


def _released_problems(folder: Folder) -> Iterator[Problem]:
    """What was released is immutable, the wheels too."""
    now = folder.all_digests()
    wheels = folder.wheels()
    for version, files in folder.releases().items():
        for file, digest in (*files.items(), *filter(None, (wheels.get(version),))):
            if file not in now:
                yield Problem(file, f"was released with {version} and is missing", file)
            elif now[file] != digest:
                yield Problem(file, f"was released with {version} and has changed", file)


def _tagged_problems(folder: Folder, tagged: Mapping[str, Tree]) -> Iterator[Problem]:
    """Nor can the records of the releases be rewritten along with the files."""
    now = folder.all_digests()
    for version, tree in tagged.items():
        for file, digest in tree.items():
            if not file.startswith(_IMMUTABLE):
                continue
            if file not in now:
                yield Problem(file, f"is in the tag {tag_of(version)} and is missing", file)
            elif now[file] != digest:
                yield Problem(file, f"differs from the tag {tag_of(version)}", file)


def _sample_problems(folder: Folder, contracts: Contracts) -> Iterator[Problem]:
    """Every sample of the same major parses with the present reader, and there is one each."""
    for publication in contracts.publications:
        event = publication.event
        for version in folder.schemas(event.DETAIL_TYPE):
            if version_key(version)[0] != version_key(event.VERSION)[0]:
                continue
            place = f"samples/{event.DETAIL_TYPE}/{version}"
            samples = folder.samples(event.DETAIL_TYPE, version)
            if not samples:
                yield Problem(event.DETAIL_TYPE, "has no sample", place)
            for name, sample in samples.items():
                try:
                    event.read(sample)
                except ValidationError as error:
                    text = f"sample {name} is not read: {'; '.join(reasons(error))}"
                    yield Problem(event.DETAIL_TYPE, text, f"{place}/{name}.json")


def _consumer_problems(folder: Folder, contracts: Contracts) -> Iterator[Problem]:
    """What a consumer reads must be in everything that the producer may write."""
    present = {one.event.DETAIL_TYPE: one.event for one in contracts.publications}
    for consumer, name, reader in folder.consumers():
        file = f"consumers/{consumer}/{name}.json"
        if name not in present:
            yield Problem(consumer, f"reads {name}, which nobody publishes", file)
            continue
        event = present[name]
        parties = Parties(f"writers of {event.VERSION}", consumer)
        written, _ = Side(event_schema(event), event.VERSION).written()
        for finding in violations(written, reader, parties):
            yield Problem(consumer, f"would break on {name}: {finding.message}", file)


def _client_problems(folder: Folder) -> Iterator[Problem]:
    """The typed client must read whatever the newest API of its service may answer."""
    snapshots = folder.apis(CLIENT_OF)
    for version, document in list(snapshots.items())[-1:]:
        file = f"openapi/{CLIENT_OF}/{version}.json"
        for route, text in client_breaks(document, version):
            yield Problem("ProcessorClient", f"would break on {route}: {text}", file)


def _version_problems(folder: Folder, contracts: Contracts, level: Level) -> Iterator[Problem]:
    """The package's version must say what the changes since the last release need."""
    releases = folder.releases()
    if not releases:
        return
    last = list(releases)[-1]
    wanted = needed(last, level)
    if version_key(contracts.version) < version_key(wanted):
        kind = level.name.lower()
        text = f"the changes since {last} are {kind}: they need {wanted}, not {contracts.version}"
        yield Problem("version", text, "src/cv_contracts/__init__.py")


def _released(folder: Folder, kind: str, name: str) -> list[str]:
    """The versions of an event or API that a release contains, oldest first."""
    prefix = f"{kind}/{name}/"
    files = {file for release in folder.releases().values() for file in release}
    versions = {
        file.removeprefix(prefix).removesuffix(".json") for file in files if file.startswith(prefix)
    }
    return sorted(versions, key=version_key)


_IMMUTABLE = ("schemas/", "samples/", "openapi/", "releases/")

__all__ = ["Contracts", "Problem", "Report", "check"]
