"""What an account needs once is made once, and taken away when nothing builds on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.deploy import cdk
from tools.deploy.account import Account
from tools.deploy.foundation import FoundationError, bootstrap, deploy_github, deploy_sender, remove
from tools.tests.answers import ACCOUNT_ID, REGION, account, refusal

WHO = {"sts.GetCallerIdentity": {"Account": ACCOUNT_ID}}
NO_STACK = refusal("ValidationError", "Stack with id x does not exist")
PROVIDER_THERE = {"iam.GetOpenIDConnectProvider": {"ClientIDList": ["sts.amazonaws.com"]}}
NO_PROVIDER = {"iam.GetOpenIDConnectProvider": refusal("NoSuchEntity")}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Every run of the CDK command line: its command and arguments."""
    done: list[tuple[str, list[str]]] = []

    def run(_account: Account, command: str, _name: str, flags: list[str]) -> str:
        done.append((command, list(flags)))
        return ""

    monkeypatch.setattr(cdk, "run", run)
    return done


@pytest.fixture
def assemblies(tmp_path: Path) -> Path:
    for unit in ("reporter", "github"):
        folder = tmp_path / "dev" / unit
        folder.mkdir(parents=True)
        (folder / "manifest.json").touch()
    return tmp_path


def outputs(**values: str) -> dict[str, Any]:
    pairs = [{"OutputKey": key, "OutputValue": value} for key, value in values.items()]
    return {"cloudformation.DescribeStacks": {"Stacks": [{"Outputs": pairs}]}}


ROLES = {
    f"{unit}{kind}Role": f"arn:{unit}:{kind}"
    for unit in ("Contracts", "Processor", "Reporter")
    for kind in ("Deploy", "Execution")
} | {"UpkeepRole": "arn:upkeep", "DiffRole": "arn:diff"}


def test_an_account_is_bootstrapped_once(runs: list[tuple[str, list[str]]]) -> None:
    there, _ = account(WHO | {"ssm.GetParameters": {"Parameters": []}})
    list(bootstrap(there))
    assert runs == [("bootstrap", [f"aws://{ACCOUNT_ID}/{REGION}"])]
    bootstrapped, _ = account(WHO | {"ssm.GetParameters": {"Parameters": [{"Value": "28"}]}})
    assert list(bootstrap(bootstrapped)) == ["CDK's bootstrap is there"]
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ({}, ["AWS has sent a mail to the sender's address: follow its link"]),
        ({"Cname1": "a b"}, ["publish the DNS record a b"]),
    ],
)
def test_the_sender_says_what_the_owner_does_next(
    records: dict[str, str], says: list[str], assemblies: Path, runs: list[tuple[str, list[str]]]
) -> None:
    there, _ = account(outputs(**records))
    assert list(deploy_sender(there, assemblies)) == says
    [(command, flags)] = runs
    assert command == "deploy"
    assert flags[-1] == "cv-analytics-reporter-sender"


def test_the_embedded_aws_needs_no_sender_of_its_own(runs: list[tuple[str, list[str]]]) -> None:
    there = Account("local", None, "http://127.0.0.1:1")
    assert "in the Reporter's stack" in next(deploy_sender(there))
    assert runs == []


def test_roles_are_deployed_and_github_is_given_all_of_them(
    assemblies: Path, runs: list[tuple[str, list[str]]]
) -> None:
    there, _ = account(WHO | PROVIDER_THERE | outputs(**ROLES))
    lines = list(deploy_github(there, "owner@1/name@2", assemblies))
    [(_, flags)] = runs
    assert "Repository=owner@1/name@2" in flags
    assert flags[-1] == "cv-analytics-github-dev"
    text = "\n".join(lines)
    assert all(role in text for role in ROLES.values())
    assert "gh api --method PUT repos/owner/name/environments/processor-dev" in lines
    assert "gh variable set --repo owner/name AWS_DIFF_ROLE --body arn:diff" in lines
    assert f"gh variable set --repo owner/name AWS_REGION --body {REGION}" in lines


def test_the_provider_is_deployed_only_where_there_is_none(
    assemblies: Path, runs: list[tuple[str, list[str]]]
) -> None:
    there, _ = account(WHO | NO_PROVIDER | outputs(**ROLES))
    list(deploy_github(there, "owner/name", assemblies))
    assert [flags[-1] for _, flags in runs] == [
        "cv-analytics-github-provider",
        "cv-analytics-github-dev",
    ]


def test_nothing_is_removed_while_a_deployable_of_any_stage_is_there() -> None:
    def describe(params: Any) -> Any:
        return {"Stacks": [{}]} if params["StackName"] == "cv-analytics-reporter-prod" else NO_STACK

    there, session = account(WHO | {"cloudformation.DescribeStacks": describe})
    with pytest.raises(FoundationError, match="destroy first: cv-analytics-reporter-prod"):
        list(remove(there))
    assert "cloudformation.DeleteStack" not in session.operations


def test_everything_is_removed_and_the_provider_named() -> None:
    present = {
        "cv-analytics-github-dev",
        "cv-analytics-github-provider",
        "cv-analytics-reporter-sender",
        "CDKToolkit",
    }

    def describe(params: Any) -> Any:
        if params["StackName"] in present:
            return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}
        return NO_STACK

    def delete(params: Any) -> Any:
        present.remove(params["StackName"])
        return {}

    bucket = {"StackResourceDetail": {"PhysicalResourceId": "cdk-assets"}}
    there, session = account(
        WHO
        | PROVIDER_THERE
        | {
            "cloudformation.DescribeStacks": describe,
            "cloudformation.DeleteStack": delete,
            "cloudformation.DescribeStackResource": bucket,
            "s3.ListObjectVersions": {"IsTruncated": False},
            "s3.DeleteBucket": {},
        }
    )
    lines = list(remove(there))
    assert present == set()
    assert dict(session.calls)["s3.DeleteBucket"] == {"Bucket": "cdk-assets"}
    assert "delete-open-id-connect-provider" in lines[-1]


def test_an_empty_account_has_nothing_to_remove() -> None:
    there, _ = account(WHO | NO_PROVIDER | {"cloudformation.DescribeStacks": NO_STACK})
    assert list(remove(there)) == []


def test_other_errors_are_not_taken_for_a_missing_stack() -> None:
    there, _ = account({"cloudformation.DescribeStacks": refusal("AccessDenied")})
    with pytest.raises(ClientError, match="AccessDenied"):
        list(remove(there))
