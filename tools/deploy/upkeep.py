"""What runs at night besides the restore: an audit of dependencies, and the reconciliation."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tools.deploy.account import Account
from tools.paths import ROOT

ADVISORIES: Final = "https://api.osv.dev/v1/querybatch"
QUERIES_AT_ONCE: Final = 1000  # OSV takes no more
ACKNOWLEDGED: Final = Path("tools", "acknowledged-vulnerabilities.toml")
NO_DATA: Final = 3
"""The exit code of an audit that reached no vulnerability data."""
_PIN: Final = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE | re.IGNORECASE)


class UpkeepError(RuntimeError):
    """Something needs a person; the message says what."""


class NoDataError(UpkeepError):
    """No vulnerability data could be reached: nothing is known, neither good nor bad."""


class Acknowledgement(BaseModel):
    """A vulnerability that somebody has looked at and lives with, until a day (included)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    package: str
    reason: Annotated[str, Field(min_length=20)]
    until: date


@dataclass(frozen=True, order=True)
class Package:
    """One version of a package; `ecosystem` as OSV names it."""

    ecosystem: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.ecosystem})"


def locked(folder: Path = ROOT) -> set[Package]:
    """Every package and version that a lock file of the repository names."""
    files = [path for path in folder.glob("**/*.lock") if not _generated(path)]
    trees = [path for path in folder.glob("**/package-lock.json") if not _generated(path)]
    return {
        Package("PyPI", name.lower(), version)
        for path in files
        for name, version in _PIN.findall(path.read_text("utf-8"))
    } | {package for path in trees for package in _of_npm(json.loads(path.read_text("utf-8")))}


def _of_npm(tree: Mapping[str, Any]) -> Iterator[Package]:
    for place, entry in tree["packages"].items():
        if place and not entry.get("link"):
            yield Package("npm", place.rpartition("node_modules/")[2], entry["version"])


def audit(folder: Path = ROOT, today: date | None = None) -> Iterator[str]:
    """Ask the OSV database about every locked package, of PyPI and of npm.

    Raises `UpkeepError` on a vulnerability that nobody has acknowledged, or whose acknowledgement
    has expired or cannot be read; `NoDataError` when the database does not answer.
    """
    known = acknowledged(folder / ACKNOWLEDGED)
    day = today or datetime.now(UTC).date()
    packages = sorted(locked(folder))
    found = [
        (package, entry["id"])
        for start in range(0, len(packages), QUERIES_AT_ONCE)
        for package, answer in _asked(packages[start : start + QUERIES_AT_ONCE])
        for entry in answer.get("vulns", ())
    ]
    open_ones = [line for package, id_ in found if (line := _open(package, id_, known, day))]
    if open_ones:
        raise UpkeepError(
            f"{len(open_ones)} vulnerabilities in {len(packages)} locked packages; raise the "
            "version with `make lock PACKAGE=<name>` (npm: `npm update` in its folder), or "
            f"acknowledge it in {ACKNOWLEDGED}:\n" + "\n".join(open_ones)
        )
    reported = {(package.name, id_) for package, id_ in found}
    for entry in known:
        if (entry.package, entry.id) not in reported:
            yield f"no longer reported, delete it: {entry.id} of {entry.package}"
    yield (
        f"{len(packages)} locked packages have no known vulnerability"
        + f" but {len(found)} that are acknowledged" * bool(found)
    )


def acknowledged(path: Path) -> list[Acknowledgement]:
    """What the file says; nothing without a file. Raises `UpkeepError` when it cannot be read."""
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("acknowledged", [])
        return TypeAdapter(list[Acknowledgement]).validate_python(entries)
    except FileNotFoundError:
        return []
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UpkeepError(f"{ACKNOWLEDGED} cannot be read: {error}") from error


def _open(package: Package, id_: str, known: Sequence[Acknowledgement], day: date) -> str:
    """What is to do about a vulnerability; empty if it is acknowledged and that has not expired."""
    for entry in known:
        if (entry.package, entry.id) == (package.name, id_):
            expired = f"{package}: {id_}, acknowledged until {entry.until}: {entry.reason}"
            return "" if day <= entry.until else expired
    return f"{package}: {id_}"


def _asked(packages: Sequence[Package]) -> Iterator[tuple[Package, Any]]:
    queries = [
        {"package": {"name": p.name, "ecosystem": p.ecosystem}, "version": p.version}
        for p in packages
    ]
    answers = _post(ADVISORIES, {"queries": queries})["results"]
    if len(answers) != len(packages):
        raise NoDataError(f"{ADVISORIES} answered {len(answers)} of {len(packages)} questions")
    return zip(packages, answers, strict=True)


def reconcile(account: Account) -> Iterator[str]:
    """Let the Reporter compare itself with the Processor now. Raises `UpkeepError`."""
    function = f"cv-analytics-{account.stage}-reporter-reconcile"
    try:
        answer = account.client("lambda").invoke(FunctionName=function, Qualifier="live")
    except ClientError as error:
        raise UpkeepError(f"{function}: {error} (is the Reporter deployed there?)") from error
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise UpkeepError(f"{function} failed: {said.get('errorType', 'see its log')}")
    if said["problem"]:
        raise UpkeepError(f"not reconciled: {said['problem']} (is the Processor deployed, linked?)")
    yield f"{said['compared']} days compared, {said['healed']} questions healed"


def _generated(path: Path) -> bool:
    return bool({".venv", "node_modules", ".tools", ".local", "dist"} & set(path.parts))


def _post(url: str, body: object) -> Any:
    try:
        return httpx.post(url, json=body, timeout=60).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:  # refused, cut off, or not JSON
        raise NoDataError(
            f"no vulnerability data could be reached, nothing is known: {url} did not answer "
            f"({error}); the audit needs the network"
        ) from error
