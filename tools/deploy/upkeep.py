"""What runs at night: an audit of dependencies, a restored copy of each table, reconciliation."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.paths import ROOT

ADVISORIES: Final = "https://api.osv.dev/v1/querybatch"
TABLES: Final = ("processor", "reporter")
PATIENCE_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 15.0
QUERIES_AT_ONCE: Final = 1000  # OSV takes no more
_REMEDIES: Final = {
    "AccessDeniedException": "the role `cv-analytics-github-deploy` of this stage may",
    "PointInTimeRecoveryUnavailableException": "deploy the service, which switches it on",
    "TableNotFoundException": "deploy the service first",
}
_PIN: Final = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE | re.IGNORECASE)


class UpkeepError(RuntimeError):
    """Something needs a person; the message says what."""


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


def audit(folder: Path = ROOT) -> Iterator[str]:
    """Ask the OSV database about every locked package. Raises `UpkeepError` on a finding."""
    packages = sorted(locked(folder))
    found = [
        f"{package}: {', '.join(entry['id'] for entry in answer['vulns'])}"
        for start in range(0, len(packages), QUERIES_AT_ONCE)
        for package, answer in _asked(packages[start : start + QUERIES_AT_ONCE])
        if answer.get("vulns")
    ]
    if found:
        remedy = "raise each with `make lock PACKAGE=<name>` (npm: `npm update` in its folder)"
        raise UpkeepError(
            f"{len(found)} of {len(packages)} locked packages have known vulnerabilities; {remedy}:"
            "\n" + "\n".join(found)
        )
    yield f"{len(packages)} locked packages have no known vulnerability"


def _asked(packages: Sequence[Package]) -> Iterator[tuple[Package, Any]]:
    queries = [
        {"package": {"name": p.name, "ecosystem": p.ecosystem}, "version": p.version}
        for p in packages
    ]
    answers = _post(ADVISORIES, {"queries": queries})["results"]
    if len(answers) != len(packages):
        raise UpkeepError(f"{ADVISORIES} answered {len(answers)} of {len(packages)} questions")
    return zip(packages, answers, strict=True)


def restore_test(account: Account) -> Iterator[str]:
    """Restore each table to its latest point in time under another name, read it, delete the copy.

    Raises `UpkeepError`.
    """
    client = account.client("dynamodb")
    for service in TABLES:
        table = f"cv-analytics-{account.stage}-{service}"
        copy = f"{table}-restored-{datetime.now(UTC):%Y%m%d%H%M%S}"
        started = time.monotonic()
        _restore(client, table, copy)
        try:
            _wait_until_active(client, copy)
            first = client.scan(TableName=copy, Limit=1)["Count"]
            there = client.scan(TableName=table, Limit=1)["Count"]
            if there and not first:
                raise UpkeepError(f"{table} holds items, its restored copy none: do not rely on it")
        finally:
            left = _delete(client, copy)
        yield f"{table} was restored and read in {time.monotonic() - started:.0f} s{left}"


def _restore(client: Any, table: str, copy: str) -> None:
    try:
        client.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName=copy, UseLatestRestorableTime=True
        )
    except ClientError as error:
        remedy = _REMEDIES.get(error.response["Error"]["Code"], "see the message")
        raise UpkeepError(f"{table} cannot be restored: {error} ({remedy})") from error


def _delete(client: Any, copy: str) -> str:
    """A copy that is not ready cannot be deleted; then it is said, and nothing is hidden."""
    try:
        client.delete_table(TableName=copy)
    except ClientError as error:
        return f"; delete {copy} by hand: {error}"
    return ""


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


def _wait_until_active(client: Any, table: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(PAUSE_SECONDS)
    minutes = PATIENCE_SECONDS / 60
    raise UpkeepError(f"not restored within {minutes:.0f} min: delete {table} when it is ACTIVE")


def _generated(path: Path) -> bool:
    return bool({".venv", "node_modules", ".tools", ".local", "dist"} & set(path.parts))


def _post(url: str, body: object) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except (OSError, ValueError) as error:  # refused, cut off, or not JSON
        raise UpkeepError(f"{url} did not answer ({error}); the audit needs the network") from error
