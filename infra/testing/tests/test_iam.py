"""Every policy says what AWS understands, and every power over data has a reason."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest

from testing.arns import text
from testing.iam import faults
from testing.stacks import builders, on_aws, published, template
from testing.template import Template, as_list, statements

READ: Final = {"BatchGetItem", "GetItem", "GetRecords", "Query", "Scan"}
POWERS: Final = {
    "reads the table": {f"dynamodb:{action}" for action in READ},
    "sends mail": {"ses:SendEmail", "ses:SendRawEmail"},
    "deploys": {
        "cloudformation:ExecuteChangeSet",
        "iam:PassRole",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode",
        "sts:AssumeRole",
    },
}
# Why a role has a power, by stack and policy. A new one needs a line here.
REASONS: Final = {
    "processor": {
        ("Api", "reads the table"): "answers GET /v1/correlations, /v1/days and /v1/erasures",
        ("Erase", "reads the table"): "finds all that it erases of a session",
        ("Expire", "reads the table"): "closes what is still open, by batch",
        ("Ingest", "reads the table"): "knows the sessions that were erased lately",
        ("Relay", "reads the table"): "its stream is the outbox",
        ("Canary", "deploys"): "CodeDeploy moves this service's aliases",
    },
    "reporter": {
        ("Api", "reads the table"): "the dashboard, reports and questions",
        ("Api", "sends mail"): "POST /v1/reports/{week} with send=true",
        ("Project", "reads the table"): "compares a fact with the one that is there",
        ("Reconcile", "reads the table"): "compares days with the Processor's",
        ("Relay", "reads the table"): "its stream holds the outbox",
        ("Report", "reads the table"): "builds the weekly report",
        ("Report", "sends mail"): "sends the weekly report",
        ("Summarise", "reads the table"): "summarises the facts of a day",
        ("Canary", "deploys"): "CodeDeploy moves this service's aliases",
    },
}


def parameters(stage: str) -> dict[str, str]:
    return {name: text(owner, value) for name, (owner, value) in published(stage).items()}


def powers(of: Template) -> set[tuple[str, str]]:
    """The policies' constructs, and which powers each has."""
    return {
        (policy.split("Role")[0], power)
        for policy, statement in statements(of)
        for power, actions in POWERS.items()
        if actions & set(as_list(statement["Action"]))
    }


@pytest.mark.parametrize(("name", "stage"), on_aws())
def test_every_action_exists_and_is_authorised_on_its_resources(name: str, stage: str) -> None:
    assert faults(template(name, stage), parameters(stage)) == []


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("name", [name for name in builders() if not name.startswith("github")])
def test_every_power_over_data_mail_and_deployments_has_a_reason(name: str, stage: str) -> None:
    assert powers(template(name, stage)) == set(REASONS.get(name, {}))


STATEMENTS: Final[dict[str, dict[str, Any]]] = {
    "lambda:MoveAlias is no action": {"Action": "lambda:MoveAlias", "Resource": "*"},
    "lambda:* is a wildcard": {"Action": "lambda:*", "Resource": "*"},
    "lambda:UpdateAlias is not authorised on "
    "arn:aws:lambda:ap-southeast-2:111122223333:function:f:live, but on ['function']": {
        "Action": "lambda:UpdateAlias",
        "Resource": "arn:aws:lambda:ap-southeast-2:111122223333:function:f:live",
    },
    "sqs:SendMessage is allowed on every resource": {"Action": "sqs:SendMessage", "Resource": "*"},
    "sqs:SendMessage has no condition key events:source": {
        "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:ap-southeast-2:111122223333:queue",
        "Condition": {"StringEquals": {"events:source": "x"}},
    },
    "dynamodb:ListStreams is not authorised on "
    "arn:aws:dynamodb:ap-southeast-2:111122223333:table/t/stream/label, but on ['*']": {
        "Action": "dynamodb:ListStreams",
        "Resource": "arn:aws:dynamodb:ap-southeast-2:111122223333:table/t/stream/label",
    },
    "sqs:SendMessage is not authorised on "
    "arn:aws:sns:ap-southeast-2:111122223333:topic, but on ['queue']": {
        "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sns:ap-southeast-2:111122223333:topic",
    },
}


@pytest.mark.parametrize("roles", [["R"], []])
def test_a_managed_policy_is_read_if_roles_have_it(roles: list[str]) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}]}
    properties = {"PolicyDocument": document, "Roles": roles}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    expected = ["It: lambda:* is a wildcard"] if roles else []
    assert faults({"Resources": {"It": policy}}) == expected


@pytest.mark.parametrize("fault", STATEMENTS)
def test_a_policy_that_aws_would_not_honour_is_reported(fault: str) -> None:
    document = {"Statement": [{"Effect": "Allow", **STATEMENTS[fault]}]}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document}}
    assert faults({"Resources": {"It": policy}}) == [f"It: {fault}"]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("lambda:InvokeFunction", "arn:aws:lambda:ap-southeast-2:111122223333:function:f:live"),
        ("dynamodb:Query", "arn:aws:dynamodb:ap-southeast-2:111122223333:table/t/index/day"),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-2:111122223333:log-group:/aws/lambda/f:*"),
        (
            "execute-api:Invoke",
            "arn:aws:execute-api:eu-west-2:111122223333:a/$default/GET/v1/x",
        ),
        ("lambda:ListFunctions", "*"),
    ],
)
def test_a_policy_that_aws_honours_is_not_reported(action: str, resource: str) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document}}
    assert faults({"Resources": {"It": policy}}) == []


def test_the_grant_on_an_alias_that_codedeploy_once_had_is_reported() -> None:
    if "processor" not in builders():
        pytest.skip("this checkout lacks the Processor")
    broken = copy.deepcopy(dict(template("processor", "prod")))
    [(_, move)] = [
        (policy, statement)
        for policy, statement in statements(broken)
        if "lambda:UpdateAlias" in as_list(statement["Action"])
    ]
    aliases = [i for i, r in broken["Resources"].items() if r["Type"] == "AWS::Lambda::Alias"]
    move["Resource"] = [{"Ref": alias} for alias in aliases]  # type: ignore[index]
    assert len(faults(broken)) == 2 * len(aliases)
