"""Old and new meet: producer N with consumer N-1 and back, for events and for the API."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from itertools import permutations
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.skew.conftest import parsed, produced, run, service_python
from tests.skew.versions import CONTRACTS, PROJECT, Version, released

NAMES = [*(version.name for version in released()), "current", "next"]
PAIRS = [(one, other) for one, other in permutations(NAMES, 2)]


def test_there_is_a_release_to_compare_with() -> None:
    assert released()


@pytest.mark.parametrize(("producer", "consumer"), PAIRS)
def test_what_one_version_writes_the_other_reads(
    versions: dict[str, Version], producer: str, consumer: str
) -> None:
    written = produced(versions[producer])
    read = parsed(run("consumer.py", versions[consumer], written))
    events = [line["document"]["data"] for line in parsed(written) if line["kind"] == "event"]
    items = next(line["document"]["items"] for line in parsed(written) if line["kind"] == "page")
    assert [kept(line["read"]) for line in read if line["kind"] == "event"] == [
        understood(one, consumer) for one in events
    ]
    assert len([line for line in read if line["kind"] == "page"]) == len(items)


def kept(read: dict[str, Any]) -> dict[str, Any]:
    """What a reader has of the fields that the oldest version knows; absent is null."""
    return {
        key: present(value) for key, value in read.items() if value is not None and key != "mood"
    }


def present(value: Any) -> Any:
    """The value without its own absent fields."""
    return (
        {key: one for key, one in value.items() if one is not None}
        if isinstance(value, dict)
        else value
    )


def understood(written: dict[str, Any], consumer: str) -> dict[str, Any]:
    """What a reader must make of it: members that it does not know become `unknown`."""
    known = {key: value for key, value in written.items() if key != "mood"}
    if consumer != "next":
        added = {"deflected": "unknown", "kiosk": "unknown"}
        known |= {key: added.get(known[key], known[key]) for key in ("outcome", "client")}
    return known


@pytest.mark.parametrize("producer", NAMES)
@pytest.mark.parametrize("consumer", NAMES)
def test_the_reporter_takes_in_what_any_version_of_the_producer_writes(
    versions: dict[str, Version], producer: str, consumer: str
) -> None:
    written = produced(versions[producer])
    *facts, _ = parsed(run("reporter_reads.py", versions[consumer], written, service="reporter"))
    assert len(facts) == len([line for line in parsed(written) if line["kind"] == "event"])


def test_the_reporter_reads_no_field_that_it_has_not_declared(
    versions: dict[str, Version],
) -> None:
    written = produced(versions["current"])
    *_, last = parsed(run("reporter_reads.py", versions["current"], written, service="reporter"))
    declared = json.loads(
        (CONTRACTS / "consumers/reporter/CorrelationCompleted.json").read_text("utf-8")
    )
    assert set(last["fields"]) == {*places(declared, declared)} - {"data"}


def places(root: dict[str, Any], schema: dict[str, Any], place: str = "") -> list[str]:
    """The places of all fields that a declaration names."""
    found = []
    for branch in (schema, *schema.get("anyOf", ())):
        model = root["$defs"][branch["$ref"].rpartition("/")[2]] if "$ref" in branch else branch
        for name, own in model.get("properties", {}).items():
            inner = f"{place}{name}"
            found += [inner, *places(root, own, f"{inner}.")]
            found += places(root, own.get("items", {}), f"{inner}[].")
    return found


CONTRACT_TESTS = {
    "processor": ["tests/contract"],
    "reporter": ["tests/contract"],
}


def admitted(service: str) -> list[str]:
    """The released versions that the service's own requirement admits, oldest first."""
    project = tomllib.loads((PROJECT / "services" / service / "pyproject.toml").read_text("utf-8"))
    [wanted] = [
        requirement
        for requirement in map(Requirement, project["project"]["dependencies"])
        if requirement.name == "cv-contracts"
    ]
    names = [one.name for one in released()]
    return [name for name in names if wanted.specifier.contains(name.partition("-")[2])]


@pytest.mark.parametrize("service", CONTRACT_TESTS)
def test_a_service_admits_the_newest_release_of_the_contracts(service: str) -> None:
    assert released()[-1].name in admitted(service)


@pytest.mark.parametrize(
    ("service", "version"),
    [(one, version) for one in CONTRACT_TESTS for version in (*admitted(one), "current")],
)
def test_a_services_own_contract_tests_hold_with_each_version(
    versions: dict[str, Version], service: str, version: str
) -> None:
    done = contract_tests(service, versions[version])
    assert done.returncode == 0, f"{service} with {version}:\n{done.stdout[-3000:]}{done.stderr}"
    assert f"contracts {versions[version].path}" in done.stdout


def contract_tests(service: str, version: Version) -> subprocess.CompletedProcess[str]:
    """Run a service's own contract tests with a version of the contracts in its environment."""
    script = (
        "import sys, cv_contracts, pytest; "
        "print('contracts', cv_contracts.__path__[0].rpartition('/')[0], flush=True); "
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    return subprocess.run(  # noqa: S603 (our own interpreters)
        [service_python(service), "-c", script, "-p", "no:cacheprovider", *CONTRACT_TESTS[service]],
        cwd=PROJECT / "services" / service,
        env={**os.environ, "PYTHONPATH": str(version.path)},
        capture_output=True,
        text=True,
        check=False,
    )
