"""Every rule reports the mistake that it is there for, and nothing in a stack of the constructs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from cdk_constructs.deployable import Deployable
from cdk_constructs.function import Package
from cdk_constructs.http_api import ServiceApi, Throttle
from cdk_constructs.queues import work_queue
from cdk_constructs.stage import STAGES, Stage
from cdk_constructs.table import KeyIndex
from testing.rules import EVERYWHERE, ON_AWS, violations
from testing.synthesis import empty_bundle, template_of
from testing.template import names_table_of, open_routes

PROD = STAGES["prod"]


class Example(Deployable):
    """A service with one of everything."""

    def __init__(self, app: cdk.App, stage: Stage, bundle: Path) -> None:
        indexes = [KeyIndex("day", "day", "at")]
        super().__init__(
            app, "example", stage, "1.0.0", indexes=indexes, publishes="cv-analytics.example"
        )
        self.package = Package(bundle, "cv_example", "1.0.0")
        api = self.function("api", {}, [self.on_table("GetItem")])
        queue = work_queue(
            self,
            self.alarms,
            "input",
            dead_letters="input-dlq",
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
def test_a_service_of_these_constructs_breaks_no_rule(stage: str, tmp_path: Path) -> None:
    assert violations(example(stage, tmp_path), STAGES[stage]) == []


def all_of(template: Any, kind: str) -> list[Any]:
    return [resource for resource in template["Resources"].values() if resource["Type"] == kind]


def with_property(kind: str, name: str, value: Any) -> Callable[[Any], None]:
    def mistake(template: Any) -> None:
        all_of(template, kind)[0]["Properties"][name] = value

    return mistake


def with_resource(name: str, kind: str) -> Callable[[Any], None]:
    def mistake(template: Any) -> None:
        template["Resources"][name] = {"Type": kind, "Properties": {}}

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


def an_impatient_queue(template: Any) -> None:
    [queue] = [q for q in all_of(template, "AWS::SQS::Queue") if "RedrivePolicy" in q["Properties"]]
    queue["Properties"]["VisibilityTimeout"] = 179


def a_silent_budget(template: Any) -> None:
    [budget] = all_of(template, "AWS::Budgets::Budget")
    budget["Properties"]["NotificationsWithSubscribers"][0]["Subscribers"] = []


def a_budget_of_everything(template: Any) -> None:
    [budget] = all_of(template, "AWS::Budgets::Budget")
    budget["Properties"]["Budget"]["FilterExpression"]["And"].pop()


def a_cheap_budget(template: Any) -> None:
    [budget] = all_of(template, "AWS::Budgets::Budget")
    budget["Properties"]["Budget"]["BudgetLimit"]["Amount"] = 1


def a_canary_that_watches_the_queues(template: Any) -> None:
    group = all_of(template, "AWS::CodeDeploy::DeploymentGroup")[0]
    alarm = next(
        name
        for name, r in template["Resources"].items()
        if "DeadLetters" in name and r["Type"] == "AWS::CloudWatch::Alarm"
    )
    group["Properties"]["AlarmConfiguration"]["Alarms"] = [{"Name": {"Ref": alarm}}]


def an_alias_that_jumps(template: Any) -> None:
    del all_of(template, "AWS::Lambda::Alias")[0]["UpdatePolicy"]


def a_canary_that_may(*actions: str) -> Callable[[Any], None]:
    """Its statement about aliases loses or gains an action."""

    def mistake(template: Any) -> None:
        [policy] = [
            resource["Properties"]
            for name, resource in template["Resources"].items()
            if name.startswith("Canary") and resource["Type"] == "AWS::IAM::Policy"
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
BROKEN: dict[str, Callable[[Any], None]] = {
    "keeps its logs 1 days": with_property(LOGS, "RetentionInDays", 1),
    "cannot be restored": with_property(TABLE, "PointInTimeRecoverySpecification", {}),
    "is not on demand": with_property(TABLE, "BillingMode", "PROVISIONED"),
    "wrong deletion protection": with_property(TABLE, "DeletionProtectionEnabled", False),
    "its policies are ('Retain', 'Retain')": with_policy(TABLE, "DeletionPolicy", "Retain"),
    "its policies are ('RetainExceptOnCreate', 'Delete')": with_policy(
        "AWS::SQS::Queue", "UpdateReplacePolicy", "Delete"
    ),
    "there are 0 budgets": without(BUDGET),
    "the budget's limit is": a_cheap_budget,
    "does not count by the tags": a_budget_of_everything,
    "the budget notifies at": a_silent_budget,
    "lacks ['product', 'service', 'stage']": with_property("AWS::SQS::Queue", "Tags", []),
    "deploys by CodeDeployDefault.LambdaAllAtOnce": with_property(
        GROUP, "DeploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce"
    ),
    "watches no alarm": with_property(GROUP, "AlarmConfiguration", {}),
    "does not roll back by itself": with_property(GROUP, "AutoRollbackConfiguration", {}),
    "moves without CodeDeploy": an_alias_that_jumps,
    "CodeDeploy's role: lambda:UpdateAlias": a_canary_that_may("GetAlias"),
    "CodeDeploy's role: lambda:DeleteAlias": a_canary_that_may(
        "GetAlias", "UpdateAlias", "DeleteAlias"
    ),
    "Past keeps what was published": with_resource("Past", "AWS::Events::Archive"),
    "which counts other versions too": a_canary_that_watches_the_queues,
    "hides a message 179 s from": an_impatient_queue,
}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"It": {"Type": kind, "Properties": properties}}}


def queue_and(**others: dict[str, Any]) -> dict[str, Any]:
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"FifoQueue": True, "SqsManagedSseEnabled": True},
    }
    return {"Resources": {"Queue": queue, **others}}


QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}

SMALL: dict[str, dict[str, Any]] = {
    "It has a batching window on a FIFO queue": queue_and(
        It={
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": QUEUE_ARN, "MaximumBatchingWindowInSeconds": 5},
        }
    ),
    "stream mapping It has no on-failure queue": resource(
        "AWS::Lambda::EventSourceMapping", EventSourceArn="arn", StartingPosition="LATEST"
    ),
    "a target of rule It has no dead-letter queue": resource(
        "AWS::Events::Rule", Targets=[{"Id": "a", "Arn": "arn"}]
    ),
    "schedule It has no dead-letter queue": resource(
        "AWS::Scheduler::Schedule", Target={"Arn": "arn"}
    ),
    "It is started by events, and its failures go nowhere": {
        "Resources": {
            "It": {"Type": "AWS::Lambda::Function"},
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "It"}}},
            "Clock": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {"Target": {"Arn": {"Ref": "Live"}, "DeadLetterConfig": {}}},
            },
        }
    },
    "Live does not permit It": {
        "Resources": {
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": "f"}},
            "It": {
                "Type": "AWS::Events::Rule",
                "Properties": {"Targets": [{"Arn": {"Ref": "Live"}, "DeadLetterConfig": {}}]},
            },
        }
    },
    "Queue does not permit It": queue_and(
        It={
            "Type": "AWS::Events::Rule",
            "Properties": {"Targets": [{"Arn": "arn", "DeadLetterConfig": {"Arn": QUEUE_ARN}}]},
        }
    ),
    "no function permits It": resource("AWS::ApiGatewayV2::Route", RouteKey="GET /health"),
    "It permits events.amazonaws.com for any account": resource(
        "AWS::Lambda::Permission", Principal="events.amazonaws.com", FunctionName="f"
    ),
    "It permits {'Service': 'events.amazonaws.com'} without a condition": resource(
        "AWS::SQS::QueuePolicy",
        Queues=["q"],
        PolicyDocument={
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sqs:SendMessage",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Resource": "q",
                }
            ]
        },
    ),
    "Queue collects failures and has no alarm": queue_and(
        It={
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {"Target": {"Arn": "arn", "DeadLetterConfig": {"Arn": QUEUE_ARN}}},
        }
    ),
    "It has no action": resource("AWS::CloudWatch::Alarm", AlarmActions=[]),
    "output Url is exported": {"Outputs": {"Url": {"Value": "x", "Export": {"Name": "url"}}}},
    "it imports another stack's export": resource(
        "AWS::SSM::Parameter", Value={"Fn::ImportValue": "url"}
    ),
    "It has no alias": resource("AWS::Lambda::Function"),
    "It pays for traces that nothing reads": resource(
        "AWS::Lambda::Function", TracingConfig={"Mode": "Active"}
    ),
    "It has no maximum concurrency": resource(
        "AWS::Lambda::EventSourceMapping", EventSourceArn="arn"
    ),
    "It is open and has no throttle of its own": resource(
        "AWS::ApiGatewayV2::Route", RouteKey="GET /health"
    ),
    "It has no subscriber": resource("AWS::SNS::Topic"),
}


@pytest.mark.parametrize("finding", BROKEN)
def test_a_mistake_in_a_whole_service_is_reported(finding: str, template: dict[str, Any]) -> None:
    broken = copy.deepcopy(template)
    BROKEN[finding](broken)
    reported = violations(broken, PROD)
    assert [line for line in reported if finding in line], reported


@pytest.mark.parametrize("finding", SMALL)
def test_a_mistake_in_a_small_template_is_reported(finding: str) -> None:
    reported = violations(SMALL[finding], PROD)
    assert [line for line in reported if finding in line], reported


def test_every_rule_has_a_mistake_that_it_reports(template: dict[str, Any]) -> None:
    lines = [line for small in SMALL.values() for line in violations(small, PROD)]
    for mistake in BROKEN.values():
        broken = copy.deepcopy(template)
        mistake(broken)
        lines += violations(broken, PROD)
    assert {line.split(":")[0] for line in lines} == {r.__name__ for r in (*EVERYWHERE, *ON_AWS)}


def test_an_open_route_is_listed() -> None:
    assert open_routes(resource("AWS::ApiGatewayV2::Route", RouteKey="GET /v1/x")) == {"GET /v1/x"}


@pytest.mark.parametrize(
    "value",
    [
        "cv-analytics-prod-reporter",
        {"Fn::Join": ["", ["arn:aws:dynamodb:", ":table/cv-analytics-dev-reporter"]]},
    ],
)
def test_the_name_of_another_services_table_is_noticed(value: Any) -> None:
    assert names_table_of(resource("AWS::SSM::Parameter", Value=value), "reporter")


def test_the_name_of_another_services_queue_is_not_a_tables() -> None:
    rule = resource("AWS::Events::Rule", Name="cv-analytics-prod-reporter-facts", Targets=[])
    assert not names_table_of(rule, "reporter")
