"""The role that deploys may do what `operate` asks of AWS, and nothing that nobody asks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from tools.deploy import releases, smoke, stacks, upkeep, wheel
from tools.deploy.account import Account

from github.stack import GithubStack
from testing.synthesis import template_of
from testing.template import as_list, statements

# DynamoDB fills the restored copy in the caller's name.
ASKED_BY_A_RESTORE: Final = {
    f"dynamodb:{action}"
    for action in ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
}
# Only when a version is there already, to compare.
ASKED_TO_COMPARE: Final = {"s3:GetObject"}
# cdk deploy, cdk diff: with CDK's own bootstrap roles.
ASKED_BY_CDK: Final = {"sts:AssumeRole"}
ACTIONS: Final = {"lambda:Invoke": "lambda:InvokeFunction"}
FUNCTION: Final = "cv-analytics-dev-processor-api"


def reply(operation: str) -> Any:
    """What AWS answers, as far as `operate` looks at it."""
    return {
        "DeleteTable": {},
        "DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]},
        "DescribeTable": {"Table": {"TableStatus": "ACTIVE"}},
        "GetAlias": {"FunctionVersion": "2"},
        "GetParameters": {"Parameters": [{"Value": "https://api.example"}]},
        "Invoke": {
            "Payload": io.BytesIO(
                json.dumps({"compared": 1, "healed": 0, "problem": None}).encode()
            )
        },
        "ListDeploymentGroups": {"deploymentGroups": ["group"]},
        "ListDeployments": {"deployments": ["d-1"]},
        "ListFunctions": {"Functions": [{"FunctionName": FUNCTION}]},
        "ListVersionsByFunction": {
            "Versions": [
                {"Version": "1", "Description": "1.0.0 a"},
                {"Version": "2", "Description": "1.1.0 b"},
            ]
        },
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

    def client(self, service: str, endpoint_url: str | None) -> Any:
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


def everything(account: Account) -> Iterator[object]:
    """All that the workflows run with this role."""
    yield from releases.move(account, "processor", releases.plan(account, "processor", None))
    yield from smoke.run(account)
    yield stacks.linkable(account)
    yield from upkeep.restore_test(account)
    yield from upkeep.reconcile(account)
    yield from wheel.upload(account)


def test_the_deploying_role_may_do_exactly_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()

    def call(_account: Account, url: str, body: bytes | None, **_: Any) -> Any:
        recorder.asked.add("execute-api:Invoke")
        health = {"version": "1.0.0", "commit": "a", "contracts": "1.0.0"}
        return {**health, "outcome": "full", "synthetic": True, "items": [1]}

    monkeypatch.setattr(smoke, "_call", call)
    account = Account("dev", recorder)
    assert list(everything(account))
    allowed = {
        action
        for policy, statement in statements(template_of(GithubStack, "dev"))
        if policy.startswith("Deploy")
        for action in as_list(statement["Action"])
    }
    not_by_us = ASKED_BY_A_RESTORE | ASKED_BY_CDK | ASKED_TO_COMPARE
    assert recorder.asked == allowed - not_by_us
    assert allowed >= not_by_us
