"""What runs at night besides the restore: an audit of dependencies, and the reconciliation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.paths import ROOT

ADVISORIES: Final = "https://api.osv.dev/v1/querybatch"
QUERIES_AT_ONCE: Final = 1000  # OSV takes no more
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
        raise UpkeepError(f"{url} did not answer ({error}); the audit needs the network") from error
