from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from tools.__main__ import app, main
from tools.deploy import account as accounts
from tools.deploy import cdk, stacks
from tools.deploy.account import Account, NotReachableError, account_of, embedded, region_of
from tools.deploy.stacks import stacks_of, stacks_to_destroy

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = embedded("http://127.0.0.1:1", "test", "secret")


def test_the_embedded_aws_must_be_up(tmp_path: Path) -> None:
    with pytest.raises(NotReachableError, match="make up"):
        account_of("local", tmp_path)


def test_local_commands_never_reach_the_callers_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody-elses")
    account = embedded("http://127.0.0.1:1", "test", "secret")
    assert account.client("lambda").meta.endpoint_url == "http://127.0.0.1:1"
    assert account.environment["AWS_ACCESS_KEY_ID"] == "test"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & account.environment.keys()


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ({}, None),
    ],
)
def test_the_region_is_aws_region_else_aws_default_region_else_the_profiles(
    environment: dict[str, str], region: str | None
) -> None:
    assert region_of(environment) == region


@pytest.mark.parametrize("named", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_boto3_and_the_cdk_cli_work_in_the_same_region(
    named: str, credentials: pytest.MonkeyPatch
) -> None:
    credentials.setenv(named, "eu-west-1")
    account = account_of("dev")
    assert account.client("sqs").meta.region_name == "eu-west-1"
    assert {account.environment[name] for name in accounts.REGION_VARIABLES} == {"eu-west-1"}


def test_a_profiles_region_reaches_the_cdk_cli(
    credentials: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-north-1\n")
    credentials.setenv("AWS_CONFIG_FILE", str(config))
    assert account_of("dev").environment["AWS_REGION"] == "eu-north-1"


def test_without_a_region_the_remedy_is_named(credentials: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReachableError, match="set AWS_REGION"):
        account_of("dev")


def test_without_credentials_the_remedy_is_named(credentials: pytest.MonkeyPatch) -> None:
    credentials.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(NotReachableError, match="set AWS_PROFILE"):
        account_of("dev")


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A shell with credentials and nothing else of AWS."""
    for name in ("AWS_PROFILE", *accounts.REGION_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return monkeypatch


def test_an_expected_failure_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as failure:
        main(["smoke", "--stage", "local", "--home", str(tmp_path)])
    assert str(failure.value) == "error: the embedded AWS is not running: `make up` starts it"


def test_the_links_deploy_last_and_go_first() -> None:
    assert stacks_of("reporter") == ["reporter", "reporter-links"]
    assert stacks_to_destroy("processor") == ["reporter-links", "processor"]


@pytest.mark.parametrize("typed", ["", "no\n", "cv-analytics-processor-local\n"])
def test_a_stack_is_deleted_by_its_own_name_only(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def destroy(*_: object) -> str:
        raise AssertionError("deleted all the same")

    monkeypatch.setattr("tools.__main__.account_of", lambda *_: LOCAL)
    monkeypatch.setattr(stacks, "is_deployed", lambda *_: True)
    monkeypatch.setattr(stacks, "is_protected", lambda *_: False)
    monkeypatch.setattr(stacks, "destroy", destroy)
    done = CliRunner().invoke(app, ["destroy", "processor", "--stage", "local"], input=typed)
    assert done.exit_code == 1
    # The links go first; what was typed is the name of another stack.
    assert "Type cv-analytics-reporter-links-local" in done.output
    assert typed != "no\n" or "Nothing was deleted. YES=1" in done.output


OUTPUT = """
cv-analytics-processor-dev |  15 | 5:06:37 PM | DELETE_SKIPPED   | AWS::Lambda::Version | Ingest
cv-analytics-processor-dev |  16 | 5:06:37 PM | DELETE_SKIPPED   | AWS::Lambda::Version | Relay
cv-analytics-processor-dev |  16 | 5:06:37 PM | DELETE_COMPLETE | AWS::Lambda::Alias | Ingest/Live
cv-analytics-processor-dev |  17 | 5:06:37 PM | DELETE_SKIPPED   | AWS::DynamoDB::Table | Table
"""


def test_a_deletion_says_what_stayed() -> None:
    assert stacks.stayed_behind("") == "nothing stays"
    kept = "what stays: 1 AWS::DynamoDB::Table, 2 AWS::Lambda::Version"
    assert stacks.stayed_behind(OUTPUT) == kept


@pytest.fixture
def cdk_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Let the CDK command line end with a code, and an assembly be there."""
    monkeypatch.setattr(cdk, "assembly", lambda *_: ("--app", "assembly"))
    monkeypatch.setattr(cdk, "LOGS", tmp_path)
    monkeypatch.setattr(cdk, "node", lambda: "node")

    def ends_with(code: int) -> None:
        done = subprocess.CompletedProcess([], code, OUTPUT)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)

    return ends_with


def test_a_deletion_shows_what_stays_and_not_what_cdk_prints(cdk_says: Any) -> None:
    cdk_says(0)
    line = stacks.destroy(LOCAL, "processor")
    assert line.startswith("cv-analytics-processor-local is deleted, in 0 s; what stays: 1 AWS")
    assert "Ingest/Live" not in line


def test_a_deletion_that_failed_shows_what_cdk_prints_and_the_remedy(cdk_says: Any) -> None:
    cdk_says(1)
    with pytest.raises(cdk.DeployError, match=r"Ingest/Live(?s:.*)see the runbook, `Take away`"):
        stacks.destroy(LOCAL, "processor")


def test_without_an_assembly_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(cdk.DeployError, match="run `make synth-reporter STAGE=dev` first"):
        cdk.assembly("dev", "reporter-links", tmp_path)


class FakeClient:
    """An AWS service that answers one thing, or raises it."""

    exceptions = type("Exceptions", (), {"ClientError": ClientError})

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __getattr__(self, _: str) -> Any:
        def call(**__: Any) -> Any:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def account_with(answer: Any) -> Account:
    return Account("dev", type("Session", (), {"client": lambda *_, **__: FakeClient(answer)})())


def refusal(code: str) -> Exception:
    error: Any = {"Error": {"Code": code, "Message": ""}}
    refused: Exception = ClientError(error, "DescribeStacks")
    return refused


def test_a_stack_that_cloudformation_does_not_know_is_not_deployed() -> None:
    assert not stacks.is_deployed(account_with(refusal("ValidationError")), "processor")
    gone = {"Stacks": [{"StackStatus": "DELETE_COMPLETE"}]}
    assert not stacks.is_deployed(account_with(gone), "processor")
    there = {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}
    assert stacks.is_deployed(account_with(there), "processor")


@pytest.mark.parametrize("ask", [stacks.linkable, lambda account: stacks.is_deployed(account, "x")])
def test_a_refused_question_is_no_answer(ask: Any) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        ask(account_with(refusal("AccessDenied")))


@pytest.mark.parametrize(("count", "can"), [(0, False), (1, False), (2, True)])
def test_the_links_need_both_ends(count: int, can: bool) -> None:
    assert stacks.linkable(account_with({"Parameters": [{}] * count})) == can
