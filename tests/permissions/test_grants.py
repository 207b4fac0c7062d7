"""No role may do more than it does, and none is refused what it needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local.aws import administrator

from tests.permissions.grants import Grant, granted, left_to_lambda, refused, used

if TYPE_CHECKING:
    from local.emulator import Running

    from tests.permissions.conftest import RecordingEmulator

SETTLING_SECONDS = 60.0


def running(emulator: RecordingEmulator) -> Running:
    found = emulator.running()
    assert found is not None
    return found


def test_no_role_is_refused_what_its_function_asks(played: RecordingEmulator) -> None:
    assert sorted(refused(played.decisions)) == []


def test_every_grant_is_used(played: RecordingEmulator) -> None:
    grants = set(granted(administrator(running(played)).client("iam")))
    theirs = {grant for grant in grants if not left_to_lambda(grant, grants)}

    def unused() -> list[Grant]:
        calls = used(played.decisions)
        return sorted(grant for grant in theirs if not any(map(grant.allows, calls)))

    deadline = time.monotonic() + SETTLING_SECONDS
    while unused() and time.monotonic() < deadline:
        time.sleep(1)  # the last events are still on their way through the streams
    assert unused() == []
