"""Old and new meet: producer N with consumer N-1 and back, for events and for the API."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from tests.skew.conftest import parsed, produced, run
from tests.skew.versions import CONTRACTS, Version, released

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
    assert set(last["fields"]) == set(places(declared["properties"]["data"], "data"))


def places(schema: dict[str, Any], place: str) -> list[str]:
    """The places of all fields that a declaration names."""
    found = []
    for branch in (schema, *schema.get("anyOf", ())):
        for name, own in branch.get("properties", {}).items():
            inner = f"{place}.{name}"
            found += [inner, *places(own, inner), *places(own.get("items", {}), f"{inner}[]")]
    return found
