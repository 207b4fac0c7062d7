"""The roles of the pipelines may do what the tools ask of AWS, and nothing that nobody asks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from tools.deploy import releases, restore, smoke, stacks, upkeep, wheel
from tools.deploy.account import Account

from github import permissions
from github.permissions import Grant, Names, operating

# DynamoDB fills the restored copy in the caller's name.
ASKED_BY_A_RESTORE: Final = {
    f"dynamodb:{action}"
    for action in ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
}
# Only when a version is there already, to compare.
ASKED_TO_COMPARE: Final = {"s3:GetObject"}
ACTIONS: Final = {"lambda:Invoke": "lambda:InvokeFunction"}
FUNCTIONS: Final = [
    {"FunctionName": f"cv-analytics-dev-{unit}-api"} for unit in ("processor", "reporter")
]


def reply(operation: str) -> Any:
    """What AWS answers, as far as the tools look at it."""
    return {
        "DeleteFunction": {},
        "DeleteTable": {},
        "DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]},
        "DescribeTable": {"Table": {"TableStatus": "ACTIVE", "ItemCount": 1}},
        "GetAlias": {"FunctionVersion": "2"},
        "GetParameters": {"Parameters": [{"Value": "https://api.example"}]},
        "Invoke": {
            "Payload": io.BytesIO(
                json.dumps({"compared": 1, "healed": 0, "problem": None}).encode()
            )
        },
        "ListDeploymentGroups": {"deploymentGroups": ["group"]},
        "ListDeployments": {"deployments": ["d-1"]},
        "ListFunctions": {"Functions": FUNCTIONS},
        "ListVersionsByFunction": {
            "Versions": [
                {"Version": "1", "Description": "1.0.0 a"},
                {"Version": "2", "Description": "1.1.0 b"},
            ]
        },
        "ListTables": {"TableNames": []},
        "PutObject": {},
        "RestoreTableToPointInTime": {},
        "Scan": {"Count": 1},
        "StopDeployment": {},
        "UpdateAlias": {},
    }[operation]


class Recorder:
    """An account's session that answers everything and writes down what was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def client(self, service: str, **_: Any) -> Any:
        return Client(self, service)


class Client:
    exceptions = type("Exceptions", (), {"ClientError": ClientError})

    def __init__(self, recorder: Recorder, service: str) -> None:
        self._recorder, self._service = recorder, service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = "".join(word.capitalize() for word in method.split("_"))

        def ask(**_: Any) -> Any:
            action = f"{self._service}:{operation}"
            self._recorder.asked.add(ACTIONS.get(action, action))
            return reply(operation)

        return ask

    def get_paginator(self, method: str) -> Any:
        ask = getattr(self, method)
        return type("Pages", (), {"paginate": lambda _, **asked: [ask(**asked)]})()


def shipped(account: Account, unit: str) -> Iterator[object]:
    """All that the workflows of a deployable run besides `cdk deploy`."""
    if unit == "contracts":
        yield from wheel.upload(account)
        yield from smoke.announced(account)
        return
    yield from releases.move(account, unit, releases.plan(account, unit, None))
    yield from releases.prune(account, unit, keep=1)
    yield from smoke.run(account)
    if unit == "reporter":
        yield stacks.linkable(account)


def at_night(account: Account) -> Iterator[object]:
    yield from restore.restore_test(account)
    yield from upkeep.reconcile(account)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()

    def call(_account: Account, url: str, body: bytes | None, **_: Any) -> Any:
        recorder.asked.add("execute-api:Invoke")
        health = {"version": "1.0.0", "commit": "a", "contracts": "1.0.0"}
        return {**health, "outcome": "full", "synthetic": True, "items": [1]}

    monkeypatch.setattr(smoke, "_call", call)
    monkeypatch.setattr(smoke, "version_of", lambda _: "https://api.example")
    return recorder


def granted(grants: Iterator[Grant]) -> set[str]:
    return {action for grant in grants for action in grant.full_actions}


@pytest.mark.parametrize("unit", ["contracts", "processor", "reporter"])
def test_a_deploy_role_may_do_exactly_what_its_pipeline_asks(recorder: Recorder, unit: str) -> None:
    assert list(shipped(Account("dev", recorder), unit))
    allowed = granted(operating(Names("dev", unit)))
    not_by_us = ASKED_TO_COMPARE if unit == "contracts" else set()
    assert recorder.asked == allowed - not_by_us
    assert allowed >= not_by_us


def test_the_upkeep_role_may_do_exactly_what_the_night_asks(recorder: Recorder) -> None:
    assert list(at_night(Account("dev", recorder)))
    allowed = granted(permissions.upkeep("dev"))
    assert recorder.asked == allowed - ASKED_BY_A_RESTORE
    assert allowed >= ASKED_BY_A_RESTORE
