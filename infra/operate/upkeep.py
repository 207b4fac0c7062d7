"""What runs at night: an audit of dependencies, a restored copy of each table, reconciliation."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from operate.account import REPOSITORY, Account

ADVISORIES: Final = "https://api.osv.dev/v1/querybatch"
TABLES: Final = ("processor", "reporter")
PATIENCE_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 15.0
_PIN: Final = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE | re.IGNORECASE)


class UpkeepError(RuntimeError):
    """Something needs a person; the message says what."""


def locked(folder: Path = REPOSITORY) -> set[tuple[str, str]]:
    """Every package and version in the lock files of the repository."""
    files = [path for path in folder.glob("**/*.lock") if not _generated(path)]
    return {
        (name.lower(), version)
        for path in files
        for name, version in _PIN.findall(path.read_text("utf-8"))
    }


def audit() -> Iterator[str]:
    """Ask the OSV database about every locked package. Raises `UpkeepError` on a finding."""
    packages = sorted(locked())
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages
    ]
    answers = _post(ADVISORIES, {"queries": queries})["results"]
    found = [
        f"{name} {version}: {', '.join(entry['id'] for entry in answer['vulns'])}"
        for (name, version), answer in zip(packages, answers, strict=True)
        if answer.get("vulns")
    ]
    if found:
        raise UpkeepError("known vulnerabilities:\n" + "\n".join(found))
    yield f"{len(packages)} locked packages have no known vulnerability"


def restore_test(account: Account) -> Iterator[str]:
    """Restore each table to five minutes ago under another name, read it, delete the copy."""
    client = account.client("dynamodb")
    for service in TABLES:
        table = f"cv-analytics-{account.stage}-{service}"
        copy = f"{table}-restored-{datetime.now(UTC):%Y%m%d%H%M%S}"
        client.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName=copy, UseLatestRestorableTime=True
        )
        try:
            _wait_until_active(client, copy)
            first = client.scan(TableName=copy, Limit=1)["Count"]
            there = client.scan(TableName=table, Limit=1)["Count"]
            if there and not first:
                raise UpkeepError(f"the copy of {table} is empty")
        finally:
            client.delete_table(TableName=copy)
        yield f"{table} was restored and could be read"


def reconcile(account: Account) -> Iterator[str]:
    """Let the Reporter compare itself with the Processor now. Raises `UpkeepError`."""
    function = f"cv-analytics-{account.stage}-reporter-reconcile"
    answer = account.client("lambda").invoke(FunctionName=function, Qualifier="live")
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise UpkeepError(f"{function} failed: {said.get('errorType', 'see its log')}")
    yield f"{function}: {json.dumps(said)}"


def _wait_until_active(client: Any, table: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(PAUSE_SECONDS)
    raise UpkeepError(f"{table} was not restored within {PATIENCE_SECONDS / 60:.0f} min")


def _generated(path: Path) -> bool:
    return bool({".venv", "node_modules", ".tools", ".local", "dist"} & set(path.parts))


def _post(url: str, body: object) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.URLError as error:
        raise UpkeepError(f"{url} did not answer ({error}); the audit needs the network") from error
