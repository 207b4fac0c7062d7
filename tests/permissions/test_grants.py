"""No role may do more than it does, and none is refused what it needs: exactly, both ways.

Compared are role, action and resource of every statement, as deployed with IAM enforced.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.permissions.grants import (
    PREFIX,
    Grant,
    granted,
    left_to_services,
    refused,
    refused_without,
    taken_away,
    used,
)
from tests.permissions.scenario import question
from tools.demo.system import DeployedSystem
from tools.deploy.account import administrator
from tools.emulator import outputs

if TYPE_CHECKING:
    from tests.permissions.conftest import RecordingEmulator

SETTLING_SECONDS = 60.0


@pytest.fixture(scope="session")
def grants(played: RecordingEmulator) -> list[Grant]:
    running = played.running()
    assert running is not None
    with administrator(running) as admin:
        return granted(admin.client("iam"))


@pytest.fixture(scope="session")
def wired(played: RecordingEmulator) -> set[Grant]:
    running = played.running()
    assert running is not None
    with administrator(running) as admin:
        return left_to_services(admin.client("lambda"), admin.client("scheduler"))


# Whichever function needs the key first makes it; the other's grant lies idle then.
MAKING_A_KEY: Final = "ssm:PutParameter"


def test_no_role_is_refused_what_its_function_asks(played: RecordingEmulator) -> None:
    assert sorted(refused(played.decisions)) == []


def test_nothing_is_granted_twice(grants: list[Grant]) -> None:
    assert [grant for grant, times in Counter(grants).items() if times > 1] == []


def test_what_the_services_do_with_our_roles_is_granted(
    grants: list[Grant], wired: set[Grant]
) -> None:
    assert sorted(wired - set(grants)) == []


def test_without_any_one_grant_a_call_that_was_made_would_be_refused(
    played: RecordingEmulator, grants: list[Grant], wired: set[Grant]
) -> None:
    """The grants of functions, one by one: an unused grant, or one that another covers, fails."""
    asked = sorted(set(grants) - wired)
    assert asked

    def without_consequence() -> list[Grant]:
        calls = used(played.decisions)
        made = {call.resource for call in calls if call.action == MAKING_A_KEY}
        return [
            grant
            for grant in asked
            if not refused_without(grant, grants, calls)
            and not (grant.action == MAKING_A_KEY and grant.resource in made)
        ]

    deadline = time.monotonic() + SETTLING_SECONDS
    while without_consequence() and time.monotonic() < deadline:
        time.sleep(1)  # the last events are still on their way through the streams
    assert without_consequence() == []


def test_every_call_is_covered_by_a_grant_of_its_own_role(
    played: RecordingEmulator, grants: list[Grant]
) -> None:
    calls = used(played.decisions)
    assert [call for call in sorted(calls) if not any(g.allows(call) for g in grants)] == []


@pytest.mark.parametrize(
    ("role", "action", "service", "path"),
    [
        ("processor-api", "sqs:SendMessage", "processor", "/v1/events"),
        ("processor-api", "dynamodb:GetItem", "processor", "/v1/correlations/p-bus"),
        ("reporter-api", "dynamodb:Query", "reporter", "/v1/reports"),
    ],
)
def test_a_permission_taken_away_for_real_is_missed_at_once(
    played: RecordingEmulator, role: str, action: str, service: str, path: str
) -> None:
    """IAM of the running system refuses what the comparison above says that it would."""
    running = played.running()
    assert running is not None
    with (
        administrator(running) as admin,
        DeployedSystem(outputs.collect(admin), admin) as system,
    ):
        api = system.processor if service == "processor" else system.reporter

        def works() -> bool:
            if path.endswith("/events"):
                return not api.post(path, json=question("p-taken")).is_server_error
            return not api.get(path).is_server_error

        assert works()
        with taken_away(admin.client("iam"), f"{PREFIX}{role}", action):
            assert not works()
        assert works()
