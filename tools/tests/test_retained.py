"""Data that outlived its stack is imported, or deleted after asking."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.names import NotSynthesisedError
from tools.deploy.retained import RetainedError, adopt, import_template, remove
from tools.tests.answers import ACCOUNT_ID, account, refusal

TABLE = "cv-analytics-dev-processor"
QUEUE, DEAD = f"{TABLE}-ingest", f"{TABLE}-ingest-dlq"
LOGS = f"/aws/lambda/{TABLE}-api"
KEEP = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
NO_STACK = refusal("ValidationError", "Stack with id x does not exist")

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "TableDeletionProtection": {"Type": "String", "Default": "true"},
        "PermissionsBoundary": {"Type": "String", "Default": ""},
    },
    "Conditions": {"HasBoundary": {}},
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            **KEEP,
            "Metadata": {"aws:cdk:path": "x"},
            "Properties": {
                "TableName": TABLE,
                "DeletionProtectionEnabled": {"Ref": "TableDeletionProtection"},
            },
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            **KEEP,
            "Properties": {
                "QueueName": QUEUE,
                "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}},
            },
        },
        "Dead": {"Type": "AWS::SQS::Queue", **KEEP, "Properties": {"QueueName": DEAD}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": LOGS}},
    },
}

NOTHING: dict[str, Any] = {
    "sts.GetCallerIdentity": {"Account": ACCOUNT_ID},
    "cloudformation.ListStackResources": NO_STACK,
    "cloudformation.GetTemplate": NO_STACK,
    "dynamodb.ListTables": {"TableNames": []},
    "sqs.ListQueues": {},
    "ssm.GetParametersByPath": {"Parameters": []},
    "logs.DescribeLogGroups": {"logGroups": []},
}


def _queue_urls(*names: str) -> Any:
    return {"QueueUrls": [f"https://sqs/1/{name}" for name in names]}


ALL: dict[str, Any] = NOTHING | {
    "dynamodb.ListTables": {"TableNames": [TABLE, "another"]},
    "sqs.ListQueues": _queue_urls(QUEUE, DEAD),
    "sqs.GetQueueUrl": lambda params: {"QueueUrl": f"https://sqs/1/{params['QueueName']}"},
    "logs.DescribeLogGroups": {"logGroups": [{"logGroupName": LOGS}]},
    "cloudformation.CreateChangeSet": {"Id": "arn:change-set"},
    "cloudformation.DescribeChangeSet": {"Status": "CREATE_COMPLETE"},
    "cloudformation.ExecuteChangeSet": {},
    "cloudformation.DescribeStacks": {"Stacks": [{"StackStatus": "IMPORT_COMPLETE"}]},
}


@pytest.fixture
def assemblies(tmp_path: Path) -> Path:
    for unit, template in (("processor", TEMPLATE), ("contracts", {"Resources": {}})):
        folder = tmp_path / "dev" / unit
        folder.mkdir(parents=True)
        path = folder / f"cv-analytics-{unit}-dev.template.json"
        path.write_text(json.dumps(template), "utf-8")
    return tmp_path


def import_of(session: Any) -> Any:
    [asked] = [params for name, params in session.calls if name == "cloudformation.CreateChangeSet"]
    return asked


def test_retained_data_is_imported_into_a_stack_of_its_own(assemblies: Path) -> None:
    there, session = account(ALL)
    lines = list(adopt(there, "processor", assemblies))
    asked = import_of(session)
    assert asked["ChangeSetType"] == "IMPORT"
    assert asked["StackName"] == "cv-analytics-processor-dev"
    identifiers = {
        r["LogicalResourceId"]: r["ResourceIdentifier"] for r in asked["ResourcesToImport"]
    }
    assert identifiers == {
        "Table": {"TableName": TABLE},
        "Queue": {"QueueUrl": f"https://sqs/1/{QUEUE}"},
        "Dead": {"QueueUrl": f"https://sqs/1/{DEAD}"},
    }
    assert set(json.loads(asked["TemplateBody"])["Resources"]) == set(identifiers)
    assert "cloudformation.ExecuteChangeSet" in session.operations
    assert lines[0] == f"AWS::DynamoDB::Table {TABLE} is adopted by cv-analytics-processor-dev"
    assert lines[-1] == "now: make deploy-processor STAGE=dev"


def test_a_stack_that_is_there_keeps_what_it_has(assemblies: Path) -> None:
    present = {"Resources": {"Old": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"A": {"Value": "1"}}}
    there, session = account(ALL | {"cloudformation.GetTemplate": {"TemplateBody": present}})
    list(adopt(there, "processor", assemblies))
    template = json.loads(import_of(session)["TemplateBody"])
    assert set(template["Resources"]) == {"Old", "Table", "Queue", "Dead"}
    assert template["Outputs"] == present["Outputs"]


def test_a_template_that_is_text_is_read(assemblies: Path) -> None:
    body = json.dumps({"Resources": {"Old": {"Type": "AWS::SNS::Topic"}}})
    there, session = account(ALL | {"cloudformation.GetTemplate": {"TemplateBody": body}})
    list(adopt(there, "processor", assemblies))
    assert "Old" in json.loads(import_of(session)["TemplateBody"])["Resources"]


def test_an_import_refers_to_nothing_that_it_does_not_hold() -> None:
    template = import_template(TEMPLATE, {"Queue"}, {})
    assert template == {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", **KEEP, "Properties": {"QueueName": QUEUE}}
        }
    }


def test_an_import_keeps_what_its_properties_refer_to() -> None:
    template = import_template(TEMPLATE, {"Table", "Queue", "Dead"}, {})
    assert "RedrivePolicy" in template["Resources"]["Queue"]["Properties"]
    assert set(template["Parameters"]) == {"TableDeletionProtection"}
    assert "Metadata" not in template["Resources"]["Table"]
    assert all(resource["DeletionPolicy"] for resource in template["Resources"].values())


def test_nothing_is_imported_where_nothing_was_retained(assemblies: Path) -> None:
    there, session = account(NOTHING)
    assert list(adopt(there, "processor", assemblies)) == [
        "nothing of processor waits to be adopted in dev"
    ]
    assert "cloudformation.CreateChangeSet" not in session.operations


def test_a_log_group_is_no_data_to_adopt(assemblies: Path) -> None:
    there, _ = account(NOTHING | {"logs.DescribeLogGroups": ALL["logs.DescribeLogGroups"]})
    assert "nothing" in next(adopt(there, "processor", assemblies))


def test_other_errors_of_cloudformation_are_not_swallowed(assemblies: Path) -> None:
    there, _ = account(ALL | {"cloudformation.GetTemplate": refusal("AccessDenied")})
    with pytest.raises(Exception, match="AccessDenied"):
        list(adopt(there, "processor", assemblies))


def test_a_stack_that_is_not_synthesised_cannot_be_adopted(tmp_path: Path) -> None:
    there, _ = account(ALL)
    with pytest.raises(NotSynthesisedError, match="make synth-processor STAGE=dev"):
        list(adopt(there, "processor", tmp_path))


REMOVING = {
    "dynamodb.DescribeTable": {
        "Table": {"DeletionProtectionEnabled": False, "TableStatus": "ACTIVE"}
    },
    "dynamodb.DeleteTable": {},
    "sqs.DeleteQueue": {},
    "logs.DeleteLogGroup": {},
    "ssm.DeleteParameter": {},
}
KEY = "/cv-analytics/dev/processor/webhook-keys"
PARAMETERS = {
    "ssm.GetParametersByPath": {
        "Parameters": [
            {"Name": KEY, "Type": "SecureString"},
            {"Name": "/cv-analytics/dev/processor/api-url", "Type": "String"},
        ]
    }
}


def deleting() -> tuple[dict[str, Any], Callable[[Any], Any]]:
    """A table that is protected until it is updated, and gone after it is deleted."""
    state = {"protected": True, "there": True}

    def describe(_: Any) -> Any:
        if not state["there"]:
            return refusal("ResourceNotFoundException")
        protected = {"DeletionProtectionEnabled": state["protected"], "TableStatus": "ACTIVE"}
        return {"Table": protected}

    def update(params: Any) -> Any:
        assert params["DeletionProtectionEnabled"] is False
        state["protected"] = False
        return {}

    def delete(_: Any) -> Any:
        if state["protected"]:
            return refusal("ValidationException", "protected")
        state["there"] = False
        return {}

    tables = {
        "dynamodb.DescribeTable": describe,
        "dynamodb.UpdateTable": update,
        "dynamodb.DeleteTable": delete,
    }
    return tables, describe


def test_data_is_deleted_after_its_name_was_typed(assemblies: Path) -> None:
    tables, _ = deleting()
    there, session = account(ALL | REMOVING | PARAMETERS | tables)
    typed: list[str] = []

    def confirmed(name: str) -> bool:
        typed.append(name)
        return True

    lines = list(remove(there, "processor", confirmed, assemblies))
    assert typed == ["processor-dev"]
    deleted = [line for line in lines if line.endswith("is deleted")]
    assert len(deleted) == 5
    asked = dict(session.calls)
    assert asked["dynamodb.DeleteTable"] == {"TableName": TABLE}
    assert asked["logs.DeleteLogGroup"] == {"logGroupName": LOGS}
    assert asked["ssm.DeleteParameter"] == {"Name": KEY}  # the others are their stacks'
    assert session.operations.count("sqs.DeleteQueue") == 2


def test_nothing_is_deleted_without_the_typed_name(assemblies: Path) -> None:
    there, session = account(ALL | REMOVING)
    with pytest.raises(RetainedError, match="nothing was deleted"):
        list(remove(there, "processor", lambda _: False, assemblies))
    assert not [operation for operation in session.operations if ".Delete" in operation]


def test_what_a_stack_owns_is_never_deleted(assemblies: Path) -> None:
    own = [
        {"LogicalResourceId": key, "ResourceType": r["Type"], "ResourceStatus": "CREATE_COMPLETE"}
        for key, r in TEMPLATE["Resources"].items()
    ]
    owned = {"cloudformation.ListStackResources": {"StackResourceSummaries": own}}
    there, _ = account(ALL | owned)
    assert list(remove(there, "processor", lambda _: True, assemblies)) == [
        "no data of processor is left in dev"
    ]


def buckets(**more: Any) -> dict[str, Any]:
    versions = {
        "Versions": [{"Key": "a.whl", "VersionId": "1"}],
        "DeleteMarkers": [{"Key": "b.whl", "VersionId": "2"}],
        "IsTruncated": False,
    }
    names = ("cv-analytics-contracts-dev-releases-1", "cv-analytics-contracts-prod-x", "other")
    return {
        "sts.GetCallerIdentity": {"Account": ACCOUNT_ID},
        "cloudformation.ListStackResources": NO_STACK,
        "s3.ListBuckets": {"Buckets": [{"Name": name} for name in names]},
        "s3.ListObjectVersions": versions,
        "s3.DeleteObjects": {},
        "s3.DeleteBucket": {},
        "ssm.GetParametersByPath": {"Parameters": []},
        **more,
    }


def test_the_bucket_of_releases_is_emptied_and_deleted(assemblies: Path) -> None:
    there, session = account(buckets())
    lines = list(remove(there, "contracts", lambda _: True, assemblies))
    assert lines[-1] == "AWS::S3::Bucket cv-analytics-contracts-dev-releases-1 is deleted"
    asked = dict(session.calls)
    assert asked["s3.DeleteBucket"] == {"Bucket": "cv-analytics-contracts-dev-releases-1"}
    assert len(asked["s3.DeleteObjects"]["Delete"]["Objects"]) == 2


def test_an_empty_bucket_is_deleted_without_more(assemblies: Path) -> None:
    there, session = account(buckets(**{"s3.ListObjectVersions": {"IsTruncated": False}}))
    list(remove(there, "contracts", lambda _: True, assemblies))
    assert "s3.DeleteObjects" not in session.operations


def test_a_bucket_of_a_living_stack_stays(assemblies: Path) -> None:
    own = {"LogicalResourceId": "R", "ResourceType": "AWS::S3::Bucket", "ResourceStatus": "X"}
    living = {"cloudformation.ListStackResources": {"StackResourceSummaries": [own]}}
    there, session = account(buckets(**living))
    assert "no data" in next(remove(there, "contracts", lambda _: True, assemblies))
    assert "s3.ListBuckets" not in session.operations
