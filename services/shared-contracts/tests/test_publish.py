"""Publishing keeps EventBridge's limits and loses sight of no entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cv_contracts.publish import Entry, entry_bytes, publish


class Bus:
    """Answers like PutEvents; refuses the entries whose detail is in `refused`."""

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.calls: list[list[Entry]] = []
        self._refused = refused

    def __call__(self, *, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803 (AWS's name)
        self.calls.append(list(Entries))
        results = [self._result(entry) for entry in Entries]
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedEntryCount": failed, "Entries": results}

    def _result(self, entry: Entry) -> dict[str, str]:
        if entry["Detail"] in self._refused:
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        return {"EventId": "1"}


def entry(detail: str) -> dict[str, str]:
    return {"Source": "s", "DetailType": "t", "Detail": detail}


def test_nothing_to_publish_is_no_call() -> None:
    bus = Bus()
    assert publish(bus, []) == []
    assert bus.calls == []


def test_exactly_the_refused_entries_are_returned() -> None:
    entries = [entry(str(number)) for number in range(23)]
    failed = publish(Bus(refused=["3", "11", "22"]), entries)
    assert [(one.index, one.entry["Detail"]) for one in failed] == [
        (3, "3"),
        (11, "11"),
        (22, "22"),
    ]
    assert {one.code for one in failed} == {"ThrottlingException"}


def test_an_entry_that_can_never_fit_is_returned_and_the_others_are_sent() -> None:
    bus = Bus()
    failed = publish(bus, [entry("a"), entry("x" * 1_000_001), entry("b")])
    assert [(one.index, one.code) for one in failed] == [(1, "EntryTooLarge")]
    assert [one["Detail"] for call in bus.calls for one in call] == ["a", "b"]


def test_an_entry_without_a_result_counts_as_refused() -> None:
    def forgetful(*, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803 (AWS's name)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    assert [one.index for one in publish(forgetful, [entry("a"), entry("b")])] == [1]


def test_what_the_call_raises_goes_through() -> None:
    def down(*, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803 (AWS's name)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        publish(down, [entry("a")])


@given(st.lists(st.integers(0, 400_000), max_size=40))
def test_every_call_keeps_both_limits_and_the_order(sizes: list[int]) -> None:
    bus = Bus()
    entries = [entry("é" * (size // 2)) for size in sizes]
    assert publish(bus, entries) == []
    assert [one for call in bus.calls for one in call] == entries
    assert all(len(call) <= 10 for call in bus.calls)
    assert all(sum(map(entry_bytes, call)) <= 1_000_000 for call in bus.calls)
