"""Every check of the preflight, for every answer that AWS gives."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from tools.deploy.preflight import CHECKS, Finding, Level, Preflight, run, show
from tools.tests.answers import ACCOUNT_ID, REGION, account, refusal

READS = re.compile(r"\w+\.(Get|List|Describe)\w+$")
SENDER = "reports@cv.example"
TABLE = "cv-analytics-dev-processor"
QUEUE = "cv-analytics-dev-processor-deadline"
LOGS = "/aws/lambda/cv-analytics-dev-processor-api"
ROLE = f"cv-analytics-dev-processor-api-{REGION}"
MISSING_STACK = refusal("ValidationError", "Stack with id x does not exist")

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "RetainExceptOnCreate",
            "Properties": {"TableName": TABLE},
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "RetainExceptOnCreate",
            "Properties": {"QueueName": QUEUE},
        },
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": LOGS}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {
                    "Fn::Join": ["", ["cv-analytics-dev-processor-api-", {"Ref": "AWS::Region"}]]
                }
            },
        },
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": TABLE}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{TABLE}-alarms"}},
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/cv-analytics/dev/processor/bus-name"},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"FunctionName": f"{TABLE}-api", "ReservedConcurrentExecutions": 5},
        },
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "x"}},
        },
        "Unnamed": {"Type": "AWS::SQS::Queue", "Properties": {}},
        "NamedByAnother": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": {"Ref": "Queue"}},
        },
    }
}
SENDER_TEMPLATE = {
    "Resources": {
        "Sender": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": SENDER}}
    }
}

GOOD: dict[str, Any] = {
    "sts.GetCallerIdentity": {"Account": ACCOUNT_ID, "Arn": f"arn:aws:iam::{ACCOUNT_ID}:user/me"},
    "ssm.GetParameters": {"Parameters": [{"Value": "28"}]},
    "lambda.GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
    "sesv2.GetEmailIdentity": {"VerifiedForSendingStatus": True},
    "sesv2.GetAccount": {"SendingEnabled": True, "ProductionAccessEnabled": True},
    "iam.GetOpenIDConnectProvider": {"ClientIDList": ["sts.amazonaws.com"]},
    "cloudformation.DescribeStacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]},
    "cloudformation.ListStackResources": MISSING_STACK,
    "dynamodb.ListTables": {"TableNames": ["another"]},
    "sqs.ListQueues": {},
    "logs.DescribeLogGroups": {"logGroups": []},
    "iam.ListRoles": {"Roles": [{"RoleName": "another"}]},
    "events.ListEventBuses": {"EventBuses": []},
    "sns.ListTopics": {"Topics": []},
    "ssm.GetParametersByPath": {"Parameters": []},
    "lambda.ListFunctions": {"Functions": []},
    "sns.ListSubscriptionsByTopic": {"Subscriptions": [{"SubscriptionArn": "arn:aws:sns:x"}]},
    "ce.ListCostAllocationTags": {
        "CostAllocationTags": [
            {"TagKey": "service", "Status": "Active"},
            {"TagKey": "stage", "Status": "Active"},
        ]
    },
}


@pytest.fixture
def assemblies(tmp_path: Path) -> Path:
    """The assemblies of dev: one stack for each deployable, and the sender's."""
    for unit in ("contracts", "processor", "reporter"):
        folder = tmp_path / "dev" / unit
        folder.mkdir(parents=True)
        template = TEMPLATE if unit == "processor" else {"Resources": {}}
        path = folder / f"cv-analytics-{unit}-dev.template.json"
        path.write_text(json.dumps(template), "utf-8")
    path = tmp_path / "dev" / "reporter" / "cv-analytics-reporter-sender.template.json"
    path.write_text(json.dumps(SENDER_TEMPLATE), "utf-8")
    return tmp_path


def findings(
    assemblies: Path, changed: dict[str, Any] | None = None, environment: Any = None
) -> list[Finding]:
    here = Preflight(
        account(GOOD | (changed or {}))[0], assemblies=assemblies, environment=environment or {}
    )
    return run(here)


def not_ok(assemblies: Path, changed: dict[str, Any], environment: Any = None) -> list[Finding]:
    found = findings(assemblies, changed, environment)
    return [finding for finding in found if finding.level is not Level.OK]


def test_an_account_that_has_everything_is_green(assemblies: Path) -> None:
    found = findings(assemblies)
    assert {finding.level for finding in found} == {Level.OK}
    checks = {finding.check.split()[0] for finding in found}
    assert checks == {
        "identity", "region", "CDK", "Lambda", "sender", "SES", "GitHub", "stack", "names",
        "aliases", "alarms", "cost",
    }  # fmt: skip


def test_all_calls_only_read(assemblies: Path) -> None:
    there, session = account(GOOD)
    run(Preflight(there, assemblies=assemblies, environment={}))
    assert len(set(session.operations)) == len(GOOD)  # none of the answers is unused
    assert [operation for operation in session.operations if not READS.match(operation)] == []


@pytest.mark.parametrize(
    ("changed", "check", "level", "fact", "remedy"),
    [
        (
            {"ssm.GetParameters": {"Parameters": []}},
            "CDK bootstrap", Level.BLOCKING, "not there", "make bootstrap STAGE=dev",
        ),
        (
            {"ssm.GetParameters": {"Parameters": [{"Value": "5"}]}},
            "CDK bootstrap", Level.BLOCKING, "version 5 is older than 6", "make bootstrap",
        ),
        (
            {"lambda.GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 10}}},
            "Lambda concurrency", Level.BLOCKING, "10 at a time; the stacks reserve 5",
            "request-service-quota-increase",
        ),
        (
            {"sesv2.GetEmailIdentity": refusal("NotFoundException")},
            "sender", Level.WARNING, f"{SENDER} is no identity", "make deploy-sender STAGE=dev",
        ),
        (
            {"sesv2.GetEmailIdentity": {"VerifiedForSendingStatus": False}},
            "sender", Level.WARNING, "not confirmed", "follow the link",
        ),
        (
            {"sesv2.GetAccount": {"SendingEnabled": True, "ProductionAccessEnabled": False}},
            "SES", Level.WARNING, "sandbox", "put-account-details",
        ),
        (
            {"sesv2.GetAccount": {"SendingEnabled": False, "ProductionAccessEnabled": True}},
            "SES", Level.WARNING, "paused", "get-account",
        ),
        (
            {"iam.GetOpenIDConnectProvider": refusal("NoSuchEntity")},
            "GitHub", Level.WARNING, "no OpenID Connect provider",
            "make deploy-github REPOSITORY=owner/name STAGE=dev",
        ),
        (
            {"iam.GetOpenIDConnectProvider": {"ClientIDList": ["other"]}},
            "GitHub", Level.WARNING, "does not know", "add-client-id-to-open-id-connect-provider",
        ),
        (
            {"ce.ListCostAllocationTags": {"CostAllocationTags": []}},
            "cost tags", Level.WARNING, "no cost allocation tag: service, stage",
            "TagKey=service,Status=Active TagKey=stage,Status=Active",
        ),
        (
            {
                "ce.ListCostAllocationTags": {
                    "CostAllocationTags": [
                        {"TagKey": "service", "Status": "Active"},
                        {"TagKey": "stage", "Status": "Inactive"},
                    ]
                }
            },
            "cost tags", Level.WARNING, "no cost allocation tag: stage",
            "update-cost-allocation-tags-status",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_remedy(
    changed: dict[str, Any], check: str, level: Level, fact: str, remedy: str, assemblies: Path
) -> None:
    [finding] = not_ok(assemblies, changed)
    assert (finding.check, finding.level) == (check, level)
    assert fact in finding.fact
    assert remedy in finding.remedy


def test_few_functions_at_a_time_are_a_warning_where_none_is_reserved(assemblies: Path) -> None:
    for path in assemblies.glob("dev/processor/*.json"):
        path.write_text(json.dumps({"Resources": {}}), "utf-8")
    limit = {"lambda.GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 10}}}
    [finding] = not_ok(assemblies, limit)
    assert finding.level is Level.WARNING
    assert finding.fact == "10 at a time: queues may take what the APIs need"


@pytest.mark.parametrize(
    ("status", "level", "remedy"),
    [
        ("UPDATE_ROLLBACK_FAILED", Level.BLOCKING, "continue-update-rollback"),
        ("ROLLBACK_FAILED", Level.BLOCKING, "delete-stack"),
        ("DELETE_FAILED", Level.BLOCKING, "delete-stack"),
        ("UPDATE_IN_PROGRESS", Level.BLOCKING, "describe-stack-events"),
        ("REVIEW_IN_PROGRESS", Level.OK, ""),
        ("ROLLBACK_COMPLETE", Level.OK, ""),
    ],
)
def test_the_state_of_a_stack(status: str, level: Level, remedy: str, assemblies: Path) -> None:
    found = findings(
        assemblies, {"cloudformation.DescribeStacks": {"Stacks": [{"StackStatus": status}]}}
    )
    states = [finding for finding in found if finding.check.startswith("stack ")]
    assert {finding.level for finding in states} == {level}
    assert all(remedy in finding.remedy for finding in states)
    assert len(states) == 3


def test_a_stack_that_is_not_there_is_no_fault(assemblies: Path) -> None:
    found = findings(assemblies, {"cloudformation.DescribeStacks": MISSING_STACK})
    states = [finding for finding in found if finding.check.startswith("stack ")]
    assert {(finding.level, finding.fact) for finding in states} == {(Level.OK, "not there yet")}


EXISTING = [
    ({"dynamodb.ListTables": {"TableNames": [TABLE]}}, TABLE, "make adopt-processor STAGE=dev"),
    ({"sqs.ListQueues": {"QueueUrls": [f"https://sqs/1/{QUEUE}"]}}, QUEUE, "make adopt-processor"),
    (
        {"logs.DescribeLogGroups": {"logGroups": [{"logGroupName": LOGS}]}},
        LOGS,
        "make remove-data-processor",
    ),
    ({"iam.ListRoles": {"Roles": [{"RoleName": ROLE}]}}, ROLE, "describe-stack-resources"),
    (
        {"events.ListEventBuses": {"EventBuses": [{"Name": TABLE}]}},
        TABLE,
        "describe-stack-resources",
    ),
    (
        {"sns.ListTopics": {"Topics": [{"TopicArn": f"arn:aws:sns:x:1:{TABLE}-alarms"}]}},
        f"{TABLE}-alarms",
        "describe-stack-resources",
    ),
    (
        {
            "ssm.GetParametersByPath": {
                "Parameters": [{"Name": "/cv-analytics/dev/processor/bus-name"}]
            }
        },
        "/cv-analytics/dev/processor/bus-name",
        "describe-stack-resources",
    ),
    (
        {"lambda.ListFunctions": {"Functions": [{"FunctionName": f"{TABLE}-api"}]}},
        f"{TABLE}-api",
        "describe-stack-resources",
    ),
]


@pytest.mark.parametrize(("changed", "name", "remedy"), EXISTING)
def test_a_name_that_exists_outside_the_stack_blocks_and_says_how_to_go_on(
    changed: dict[str, Any], name: str, remedy: str, assemblies: Path
) -> None:
    [finding] = not_ok(assemblies, changed)
    assert finding.check == "names processor"
    assert finding.level is Level.BLOCKING
    assert name in finding.fact
    assert remedy in finding.remedy


@pytest.mark.parametrize(("changed", "name", "remedy"), EXISTING)
def test_a_name_of_the_stack_itself_is_no_fault(
    changed: dict[str, Any], name: str, remedy: str, assemblies: Path
) -> None:
    own = [
        {
            "LogicalResourceId": key,
            "ResourceType": resource["Type"],
            "ResourceStatus": "CREATE_COMPLETE",
        }
        for key, resource in TEMPLATE["Resources"].items()
    ]
    resources = {"cloudformation.ListStackResources": {"StackResourceSummaries": own}}
    assert not_ok(assemblies, changed | resources) == []


def test_what_the_stack_has_deleted_is_not_its_own_any_more(assemblies: Path) -> None:
    gone = {
        "LogicalResourceId": "Table",
        "ResourceType": "AWS::DynamoDB::Table",
        "ResourceStatus": "DELETE_COMPLETE",
    }
    [finding] = not_ok(
        assemblies,
        {
            "dynamodb.ListTables": {"TableNames": [TABLE]},
            "cloudformation.ListStackResources": {"StackResourceSummaries": [gone]},
        },
    )
    assert TABLE in finding.fact


VERSION = {
    "LogicalResourceId": "Version12",
    "PhysicalResourceId": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{TABLE}-api:12",
    "ResourceType": "AWS::Lambda::Version",
    "ResourceStatus": "CREATE_COMPLETE",
}
DEPLOYED = {"cloudformation.ListStackResources": {"StackResourceSummaries": [VERSION]}}


def test_an_alias_that_a_rollback_moved_blocks_a_deployment_with_codedeploy(
    assemblies: Path,
) -> None:
    there = DEPLOYED | {"lambda.GetAlias": {"FunctionVersion": "12"}}
    assert not_ok(assemblies, there) == []
    rolled_back = DEPLOYED | {"lambda.GetAlias": {"FunctionVersion": "11"}}
    [finding] = not_ok(assemblies, rolled_back)
    assert (finding.check, finding.level) == ("aliases processor", Level.BLOCKING)
    assert f"{TABLE}-api" in finding.fact
    assert finding.remedy == "CANARY=off make deploy-processor STAGE=dev"


def test_a_deployment_without_codedeploy_may_follow_a_rollback(assemblies: Path) -> None:
    path = assemblies / "dev/processor/cv-analytics-processor-dev.template.json"
    template = json.loads(path.read_text("utf-8"))
    del template["Resources"]["Alias"]["UpdatePolicy"]  # as `CANARY=off` synthesises it
    path.write_text(json.dumps(template), "utf-8")
    assert not_ok(assemblies, DEPLOYED | {"lambda.GetAlias": {"FunctionVersion": "11"}}) == []


def test_a_stack_that_is_not_synthesised_is_a_warning(tmp_path: Path) -> None:
    warnings = {finding.check: finding.remedy for finding in not_ok(tmp_path, {})}
    assert warnings == {
        f"names {unit}": f"make synth-{unit} STAGE=dev"
        for unit in ("contracts", "processor", "reporter")
    }


@pytest.mark.parametrize(
    ("answer", "environment", "level", "fact"),
    [
        (refusal("NotFound"), {}, Level.WARNING, "ALARM_EMAIL is unset"),
        (refusal("NotFound"), {"ALARM_EMAIL": "a@cv.example"}, Level.OK, "will go to a@cv.example"),
        ({"Subscriptions": []}, {}, Level.WARNING, "nobody has subscribed"),
        (
            {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]},
            {},
            Level.WARNING,
            "not confirmed",
        ),
    ],
)
def test_who_gets_the_alarms(
    answer: Any, environment: dict[str, str], level: Level, fact: str, assemblies: Path
) -> None:
    found = findings(assemblies, {"sns.ListSubscriptionsByTopic": answer}, environment)
    alarms = [finding for finding in found if finding.check.startswith("alarms")]
    assert [finding.check for finding in alarms] == ["alarms processor", "alarms reporter"]
    assert all(finding.level is level and fact in finding.fact for finding in alarms)


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_refused_credentials_are_the_only_finding(code: str, assemblies: Path) -> None:
    [finding] = findings(assemblies, {"sts.GetCallerIdentity": refusal(code)})
    assert finding.level is Level.BLOCKING
    assert code in finding.fact
    assert "aws sso login" in finding.remedy


def test_the_root_user_is_a_warning(assemblies: Path) -> None:
    root = {"Account": ACCOUNT_ID, "Arn": f"arn:aws:iam::{ACCOUNT_ID}:root"}
    [finding] = not_ok(assemblies, {"sts.GetCallerIdentity": root})
    assert finding.level is Level.WARNING


def test_two_regions_in_the_environment_are_a_warning(assemblies: Path) -> None:
    two = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": "us-east-1"}
    [finding] = not_ok(assemblies, {}, two)
    assert finding.check == "region"
    assert f"AWS_REGION={REGION}" in finding.remedy
    assert not_ok(assemblies, {}, {"AWS_REGION": REGION}) == []


@pytest.mark.parametrize("operation", sorted(set(GOOD) - {"sts.GetCallerIdentity"}))
def test_what_may_not_be_read_is_a_warning_and_hides_nothing_else(
    operation: str, assemblies: Path
) -> None:
    denied = not_ok(assemblies, {operation: refusal("AccessDeniedException")})
    assert denied
    assert all(finding.level is Level.WARNING for finding in denied)
    assert all(operation.split(".")[1] in finding.fact for finding in denied)


@pytest.mark.parametrize("operation", sorted(set(GOOD) - {"sts.GetCallerIdentity"}))
def test_an_unexpected_error_is_no_finding(operation: str, assemblies: Path) -> None:
    with pytest.raises(ClientError, match="Throttling"):
        findings(assemblies, {operation: refusal("ThrottlingException")})


def printed(found: list[Finding]) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=60, soft_wrap=True)
    return show(found, console), out.getvalue()


def test_only_a_blocking_finding_fails_the_preflight() -> None:
    warning = Finding("a", Level.WARNING, "fact", "do it")
    blocking = Finding("b", Level.BLOCKING, "fact", "do that")
    assert printed([warning])[0] == 0
    code, text = printed([warning, blocking])
    assert code == 1
    assert "1 of these would make the deployment fail." in text


def test_a_remedy_is_one_line_as_it_is_typed() -> None:
    command = "aws x --y [z] " + "long " * 40
    assert (
        f"→ {command.strip()}\n" in printed([Finding("a", Level.WARNING, "f", command.strip())])[1]
    )


def test_every_check_says_what_it_asks() -> None:
    assert all(check.__doc__ for check in CHECKS)
