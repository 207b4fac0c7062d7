"""Every rule finds the mistake that it is there for."""

from __future__ import annotations

from typing import Any

import pytest

from testing.never import RULES, names_table_of, open_routes, violations


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"It": {"Type": kind, "Properties": properties}}}


def policy(action: Any, on: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": on}
    return resource("AWS::IAM::Policy", PolicyDocument={"Statement": [statement]})


def queue_and(**others: dict[str, Any]) -> dict[str, Any]:
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"FifoQueue": True, "SqsManagedSseEnabled": True},
    }
    return {"Resources": {"Queue": queue, **others}}


QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}

MISTAKES: dict[str, dict[str, Any]] = {
    "One -> Other -> One": {
        "Resources": {
            "One": {"Type": "AWS::SNS::Topic", "DependsOn": "Other"},
            "Other": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "One"}}},
        }
    },
    "It allows ['dynamodb:*']": policy("dynamodb:*", "arn"),
    "It allows ['sqs:SendMessage'] on every resource": policy("sqs:SendMessage", "*"),
    "It has managed policies": resource("AWS::IAM::Role", ManagedPolicyArns=["arn"]),
    "It sets AWS_REGION": resource(
        "AWS::Lambda::Function", Environment={"Variables": {"AWS_REGION": "eu-west-2"}}
    ),
    "It has the reserved name 'aws.orders'": resource("AWS::Events::EventBus", Name="aws.orders"),
    "It has a batching window on a FIFO queue": queue_and(
        It={
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": QUEUE_ARN, "MaximumBatchingWindowInSeconds": 5},
        }
    ),
    "queue Queue has no dead-letter queue": queue_and(),
    "stream mapping It has no on-failure queue": resource(
        "AWS::Lambda::EventSourceMapping", EventSourceArn="arn", StartingPosition="LATEST"
    ),
    "a target of rule It has no dead-letter queue": resource(
        "AWS::Events::Rule", Targets=[{"Id": "a", "Arn": "arn"}]
    ),
    "schedule It has no dead-letter queue": resource(
        "AWS::Scheduler::Schedule", Target={"Arn": "arn"}
    ),
    "It is started by events, and nothing keeps what it failed on": {
        "Resources": {
            "It": {"Type": "AWS::Lambda::Function"},
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "It"}}},
            "Clock": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {"Target": {"Arn": {"Ref": "Live"}, "DeadLetterConfig": {}}},
            },
        }
    },
    "Live does not let It in": {
        "Resources": {
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": "f"}},
            "It": {
                "Type": "AWS::Events::Rule",
                "Properties": {"Targets": [{"Arn": {"Ref": "Live"}, "DeadLetterConfig": {}}]},
            },
        }
    },
    "Queue does not let It in": queue_and(
        It={
            "Type": "AWS::Events::Rule",
            "Properties": {"Targets": [{"Arn": "arn", "DeadLetterConfig": {"Arn": QUEUE_ARN}}]},
        }
    ),
    "no function lets It in": resource("AWS::ApiGatewayV2::Route", RouteKey="GET /health"),
    "It lets a whole AWS service in": resource(
        "AWS::Lambda::Permission", Principal="events.amazonaws.com", FunctionName="f"
    ),
    "It admits {'Service': 'events.amazonaws.com'} without a condition": resource(
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
    "It tells nobody": resource("AWS::CloudWatch::Alarm", AlarmActions=[]),
    "It is not encrypted": resource("AWS::SQS::Queue", RedrivePolicy={}),
    "output Url is exported": {"Outputs": {"Url": {"Value": "x", "Export": {"Name": "url"}}}},
    "it imports another stack's export": resource(
        "AWS::SSM::Parameter", Value={"Fn::ImportValue": "url"}
    ),
    "It keeps its logs for ever": resource("AWS::Logs::LogGroup"),
    "It has no alias to roll back": resource("AWS::Lambda::Function"),
    "It is not traced": resource("AWS::Lambda::Function"),
}


@pytest.mark.parametrize("finding", MISTAKES)
def test_the_mistake_is_found(finding: str) -> None:
    found = violations(MISTAKES[finding])
    assert [line for line in found if finding in line], found


def test_every_rule_is_seen_to_find_something() -> None:
    fired = {line.split(":")[0] for bad in MISTAKES.values() for line in violations(bad)}
    assert fired == {rule.says for rule in RULES}


def test_traces_may_go_to_every_resource_because_there_is_none() -> None:
    assert violations(policy(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")) == []
    assert violations(policy(["xray:PutTraceSegments", "s3:GetObject"], "*")) != []


def test_an_open_route_is_seen() -> None:
    assert open_routes(resource("AWS::ApiGatewayV2::Route", RouteKey="GET /v1/x")) == {"GET /v1/x"}


@pytest.mark.parametrize(
    "value",
    [
        "cv-analytics-prod-reporter",
        {"Fn::Join": ["", ["arn:aws:dynamodb:", ":table/cv-analytics-dev-reporter"]]},
    ],
)
def test_a_foreign_tables_name_is_seen(value: Any) -> None:
    assert names_table_of(resource("AWS::SSM::Parameter", Value=value), "reporter")


def test_a_foreign_queues_name_is_not_a_tables() -> None:
    rule = resource("AWS::Events::Rule", Name="cv-analytics-prod-reporter-facts", Targets=[])
    assert not names_table_of(rule, "reporter")
