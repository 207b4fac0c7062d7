"""The preflight as a whole on the embedded AWS: green, and red for each fault that is put there."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from rich.console import Console

from tools.deploy.account import Account, administrator
from tools.deploy.preflight import BOOTSTRAP_PARAMETER, Preflight, run, show
from tools.emulator.emulator import SAVE_RARELY, Emulator, free_port
from tools.paths import ASSEMBLIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PREFIX = "cv-analytics-local-processor"
LIMIT_SECONDS = 10


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that is bootstrapped and else empty."""
    emulator = Emulator(tmp_path_factory.mktemp("preflight"), SAVE_RARELY)
    try:
        made = administrator(emulator.start(free_port()))
        bootstrap(made, "33")
        yield made
    finally:
        emulator.stop()


def bootstrap(account: Account, version: str) -> None:
    account.client("ssm").put_parameter(
        Name=BOOTSTRAP_PARAMETER, Value=version, Type="String", Overwrite=True
    )


def printed(here: Preflight) -> tuple[int, str]:
    """The exit code of the whole preflight and what it prints; it must be quick."""
    started = time.monotonic()
    output = io.StringIO()
    code = show(run(here), Console(file=output, width=400))
    assert time.monotonic() - started < LIMIT_SECONDS
    return code, output.getvalue()


def test_a_bootstrapped_and_empty_account_lets_everything_be_deployed(account: Account) -> None:
    code, text = printed(Preflight(account, ["processor", "reporter"], environment={}))
    assert (code, "✗" in text) == (0, False)
    assert "✓ CDK bootstrap        version 33" in text
    assert "✓ names processor      all free" in text
    assert "✓ names reporter       all free" in text


def _no_bootstrap(account: Account) -> Callable[[], object]:
    account.client("ssm").delete_parameter(Name=BOOTSTRAP_PARAMETER)
    return lambda: bootstrap(account, "33")


def _old_bootstrap(account: Account) -> Callable[[], object]:
    bootstrap(account, "5")
    return lambda: bootstrap(account, "33")


def _table_of_an_earlier_stack(account: Account) -> Callable[[], object]:
    client = account.client("dynamodb")
    client.create_table(
        TableName=PREFIX,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return lambda: client.delete_table(TableName=PREFIX)


def _log_group_of_an_earlier_stack(account: Account) -> Callable[[], object]:
    client, name = account.client("logs"), f"/aws/lambda/{PREFIX}-ingest"
    client.create_log_group(logGroupName=name)
    return lambda: client.delete_log_group(logGroupName=name)


def _role_of_somebody_else(account: Account) -> Callable[[], object]:
    client, name = account.client("iam"), f"{PREFIX}-ingest"
    client.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    return lambda: client.delete_role(RoleName=name)


def _topic_without_subscriber(account: Account) -> Callable[[], object]:
    client = account.client("sns")
    arn = client.create_topic(Name=f"{PREFIX}-alarms")["TopicArn"]
    return lambda: client.delete_topic(TopicArn=arn)


FAULTS: dict[str, tuple[Callable[[Account], Callable[[], object]], int, str, str]] = {
    "no bootstrap": (
        _no_bootstrap,
        1,
        "✗ CDK bootstrap        not there",
        "→ make bootstrap STAGE=local",
    ),
    "an old bootstrap": (
        _old_bootstrap,
        1,
        "✗ CDK bootstrap        version 5 is older than 6",
        "→ make bootstrap STAGE=local",
    ),
    "a table that an earlier stack kept": (
        _table_of_an_earlier_stack,
        1,
        f"✗ names processor      AWS::DynamoDB::Table {PREFIX} is there, and not of this stack",
        "→ find its owner: aws cloudformation describe-stack-resources"
        f" --physical-resource-id {PREFIX}",
    ),
    "a log group that was left": (
        _log_group_of_an_earlier_stack,
        1,
        f"✗ names processor      AWS::Logs::LogGroup /aws/lambda/{PREFIX}-ingest is there",
        "→ make remove-data-processor STAGE=local deletes it",
    ),
    "a role of somebody else": (
        _role_of_somebody_else,
        1,
        f"✗ names processor      AWS::IAM::Role {PREFIX}-ingest is there",
        "→ find its owner: aws cloudformation describe-stack-resources",
    ),
    "a topic without a subscriber": (
        _topic_without_subscriber,
        1,  # the name is taken, too
        "! alarms processor     nobody has subscribed",
        "→ ALARM_EMAIL=you@your-domain make deploy-processor STAGE=local",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_account_is_named_with_its_remedy(account: Account, fault: str) -> None:
    put, expected, line, remedy = FAULTS[fault]
    undo = put(account)
    try:
        code, text = printed(Preflight(account, ["processor"], environment={}))
    finally:
        undo()
    assert code == expected, text
    lines = text.splitlines()
    [at] = [at for at, candidate in enumerate(lines) if candidate.startswith(line)]
    assert lines[at + 1].strip().startswith(remedy)


def test_a_data_resource_that_its_stack_retains_can_be_adopted(
    account: Account, tmp_path: Path
) -> None:
    template = _template("processor")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            resource["DeletionPolicy"] = "RetainExceptOnCreate"  # as in dev and prod
    _synthesised(tmp_path, template)
    undo = _table_of_an_earlier_stack(account)
    try:
        here = Preflight(account, ["processor"], tmp_path, environment={})
        code, text = printed(here)
    finally:
        undo()
    assert code == 1
    assert "→ make adopt-processor STAGE=local keeps it; make remove-data-processor" in text


def test_more_reserved_concurrency_than_the_account_has_is_named(
    account: Account, tmp_path: Path
) -> None:
    template = _template("processor")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["ReservedConcurrentExecutions"] = 500
    _synthesised(tmp_path, template)
    code, text = printed(Preflight(account, ["processor"], tmp_path, environment={}))
    assert code == 1
    assert "✗ Lambda concurrency" in text
    assert "→ aws service-quotas request-service-quota-increase" in text


def test_a_stack_that_was_not_synthesised_is_named(account: Account, tmp_path: Path) -> None:
    code, text = printed(Preflight(account, ["processor"], tmp_path, environment={}))
    assert code == 0
    assert "! names processor      the stack of processor is not synthesised" in text
    assert "→ make synth-processor STAGE=local" in text


def test_credentials_that_aws_refuses_are_the_only_line(account: Account) -> None:
    stranger = boto3.Session("AKIAIOSFODNN7EXAMPLE", "wrong", region_name="eu-west-2")
    code, text = printed(Preflight(replace(account, session=stranger, _clients={})))
    assert code == 1
    assert text.startswith("✗ identity             AWS refuses these credentials")
    assert text.splitlines()[1].strip().startswith("→ sign in again")


def _template(unit: str) -> Any:
    path = ASSEMBLIES / "local" / unit / f"cv-analytics-{unit}-local.template.json"
    return json.loads(path.read_text("utf-8"))


def _synthesised(folder: Path, template: Any) -> None:
    target = folder / "local" / "processor"
    target.mkdir(parents=True)
    (target / "cv-analytics-processor-local.template.json").write_text(json.dumps(template))
