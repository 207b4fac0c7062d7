"""Every promise of a stage is broken once, in a service that is made of the constructs alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from cdk_constructs.deployable import BATCH_TIMEOUT, Deployable
from cdk_constructs.function import Package
from cdk_constructs.http_api import ServiceApi, Throttle
from cdk_constructs.queues import work_queue
from cdk_constructs.secret import generated_secret
from cdk_constructs.stage import STAGES, Stage
from cdk_constructs.table import KeyIndex
from testing.promises import PROMISES, breaches
from testing.synthesis import empty_bundle, template_of

PROD = STAGES["prod"]


class Example(Deployable):
    """A service with one of everything."""

    def __init__(self, app: cdk.App, stage: Stage, bundle: Path) -> None:
        indexes = [KeyIndex("day", "day", "at")]
        super().__init__(app, "example", stage, "1.0.0", indexes=indexes, publishes="example")
        self.package = Package(bundle, "cv_example", "1.0.0")
        generated_secret(self, "key", "Signs something")
        api = self.function("api", {}, [self.on_table("GetItem")])
        queue = work_queue(
            self,
            self.alarms,
            "input",
            dead_letters="input-dlq",
            consumer_timeout=BATCH_TIMEOUT,
            oldest=cdk.Duration.hours(1),
        )
        self.function("read", {}, []).consumes_queue(queue.queue, max_concurrency=2)
        self.complete(
            ServiceApi(self, self.alarms, api, open_routes={"GET /health": Throttle(2, 10)})
        )


def example(stage: str, folder: Path) -> dict[str, Any]:
    bundle = empty_bundle(folder)
    return template_of(lambda app, at: Example(app, at, bundle), stage)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return example("prod", tmp_path_factory.mktemp("bundle"))


@pytest.mark.parametrize("stage", list(STAGES))
def test_a_service_of_these_constructs_keeps_every_promise(stage: str, tmp_path: Path) -> None:
    assert breaches(example(stage, tmp_path), STAGES[stage]) == []


def all_of(template: Any, kind: str) -> list[Any]:
    return [it for it in template["Resources"].values() if it["Type"] == kind]


def with_property(kind: str, name: str, value: Any) -> Callable[[Any], None]:
    def mistake(template: Any) -> None:
        all_of(template, kind)[0]["Properties"][name] = value

    return mistake


def without(kind: str) -> Callable[[Any], None]:
    def mistake(template: Any) -> None:
        kept = {k: v for k, v in template["Resources"].items() if v["Type"] != kind}
        template["Resources"] = kept

    return mistake


def with_policy(kind: str, policy: str, value: str) -> Callable[[Any], None]:
    def mistake(template: Any) -> None:
        all_of(template, kind)[0][policy] = value

    return mistake


def a_silent_budget(template: Any) -> None:
    [budget] = all_of(template, "AWS::Budgets::Budget")
    budget["Properties"]["NotificationsWithSubscribers"][0]["Subscribers"] = []


def a_budget_of_everything(template: Any) -> None:
    [budget] = all_of(template, "AWS::Budgets::Budget")
    budget["Properties"]["Budget"]["FilterExpression"]["And"].pop()


def a_cheap_budget(template: Any) -> None:
    [budget] = all_of(template, "AWS::Budgets::Budget")
    budget["Properties"]["Budget"]["BudgetLimit"]["Amount"] = 1


def an_alias_that_jumps(template: Any) -> None:
    del all_of(template, "AWS::Lambda::Alias")[0]["UpdatePolicy"]


def a_canary_that_may(*actions: str) -> Callable[[Any], None]:
    """Its statement about aliases loses or gains an action."""

    def mistake(template: Any) -> None:
        [policy] = [
            it["Properties"]
            for name, it in template["Resources"].items()
            if name.startswith("Canary") and it["Type"] == "AWS::IAM::Policy"
        ]
        [statement, *_] = policy["PolicyDocument"]["Statement"]
        statement["Action"] = [f"lambda:{action}" for action in actions]

    return mistake


TABLE, LOGS, BUDGET, GROUP = (
    "AWS::DynamoDB::Table",
    "AWS::Logs::LogGroup",
    "AWS::Budgets::Budget",
    "AWS::CodeDeploy::DeploymentGroup",
)
MISTAKES: dict[str, Callable[[Any], None]] = {
    "keeps its logs 1 days": with_property(LOGS, "RetentionInDays", 1),
    "cannot be restored": with_property(TABLE, "PointInTimeRecoverySpecification", {}),
    "is not on demand": with_property(TABLE, "BillingMode", "PROVISIONED"),
    "wrong deletion protection": with_property(TABLE, "DeletionProtectionEnabled", False),
    "its policies are ('Retain', 'Retain')": with_policy(TABLE, "DeletionPolicy", "Retain"),
    "its policies are ('RetainExceptOnCreate', 'Delete')": with_policy(
        "AWS::SecretsManager::Secret", "UpdateReplacePolicy", "Delete"
    ),
    "is kept 1 days": with_property("AWS::Events::Archive", "RetentionDays", 1),
    "has no archive": without("AWS::Events::Archive"),
    "there are 0 budgets": without(BUDGET),
    "its limit is": a_cheap_budget,
    "does not count by the tags": a_budget_of_everything,
    "it rings at": a_silent_budget,
    "lacks ['product', 'service', 'stage']": with_property("AWS::SQS::Queue", "Tags", []),
    "deploys by CodeDeployDefault.LambdaAllAtOnce": with_property(
        GROUP, "DeploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce"
    ),
    "watches no alarm": with_property(GROUP, "AlarmConfiguration", {}),
    "does not go back by itself": with_property(GROUP, "AutoRollbackConfiguration", {}),
    "moves without CodeDeploy": an_alias_that_jumps,
    "('lambda:UpdateAlias', ": a_canary_that_may("GetAlias"),
    "('lambda:DeleteAlias', ": a_canary_that_may("GetAlias", "UpdateAlias", "DeleteAlias"),
    "can be reached over plain HTTP": without("AWS::SQS::QueuePolicy"),
    "Topic": without("AWS::SNS::TopicPolicy"),
}


@pytest.mark.parametrize("finding", MISTAKES)
def test_the_breach_is_found(finding: str, template: dict[str, Any]) -> None:
    broken = copy.deepcopy(template)
    MISTAKES[finding](broken)
    found = breaches(broken, PROD)
    assert [line for line in found if finding in line], found


def test_every_promise_is_seen_broken(template: dict[str, Any]) -> None:
    broken = copy.deepcopy(template)
    for mistake in MISTAKES.values():
        if mistake is not MISTAKES["there are 0 budgets"]:
            mistake(broken)
    assert {line.split(":")[0] for line in breaches(broken, PROD)} == {p.says for p in PROMISES}
