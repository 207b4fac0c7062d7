"""What the CDK command line is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.deploy import cdk, stacks
from tools.deploy.account import Account
from tools.tests.answers import account, refusal

ROLE = "arn:aws:iam::111122223333:role/cv-analytics-github-dev-processor-execution-eu-west-1"
NO_STACK = refusal("ValidationError", "Stack with id x does not exist")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of every run of the command line."""
    arguments: list[list[str]] = []

    def run(_account: Account, _command: str, _name: str, flags: list[str]) -> str:
        arguments.append(flags)
        return ""

    monkeypatch.setattr(cdk, "run", run)
    return arguments


def described(status: str) -> Any:
    return {"Stacks": [{"StackStatus": status, "EnableTerminationProtection": True}]}


def deploy(tmp_path: Path, unit: str, environment: dict[str, str], stack: Any = None) -> None:
    assembly = tmp_path / "dev" / unit.removesuffix("-links")
    assembly.mkdir(parents=True)
    (assembly / "manifest.json").touch()
    there, _ = account({"cloudformation.DescribeStacks": stack or described("UPDATE_COMPLETE")})
    stacks.deploy_stack(replace(there, environment=environment), unit, tmp_path)


def parameters(flags: list[str]) -> list[str]:
    return [flags[at + 1] for at, flag in enumerate(flags) if flag == "--parameters"]


def test_a_person_deploys_with_their_own_permissions(tmp_path: Path, runs: list[list[str]]) -> None:
    deploy(tmp_path, "processor", {})
    [flags] = runs
    assert "--role-arn" not in flags
    assert parameters(flags) == ["TableDeletionProtection=true"]


def test_a_pipeline_names_its_execution_role_and_its_boundary(
    tmp_path: Path, runs: list[list[str]]
) -> None:
    deploy(tmp_path, "processor", {"AWS_EXECUTION_ROLE": ROLE})
    [flags] = runs
    assert flags[flags.index("--role-arn") + 1] == ROLE
    boundary = ROLE.replace(":role/", ":policy/")
    assert f"PermissionsBoundary={boundary}" in parameters(flags)


@pytest.mark.parametrize("unit", ["contracts", "reporter-links"])
def test_a_stack_without_roles_takes_no_parameters(
    unit: str, tmp_path: Path, runs: list[list[str]]
) -> None:
    deploy(tmp_path, unit, {"AWS_EXECUTION_ROLE": ROLE}, NO_STACK)
    [flags] = runs
    assert "--role-arn" in flags
    assert parameters(flags) == []


@pytest.mark.parametrize("stack", [NO_STACK, described("ROLLBACK_COMPLETE")])
def test_a_first_creation_protects_the_table_only_after_it_succeeded(
    stack: Any, tmp_path: Path, runs: list[list[str]]
) -> None:
    deploy(tmp_path, "processor", {}, stack)
    assert [parameters(flags) for flags in runs] == [
        ["TableDeletionProtection=false"],
        ["TableDeletionProtection=true"],
    ]


def test_adopted_data_is_protected_at_once(tmp_path: Path, runs: list[list[str]]) -> None:
    deploy(tmp_path, "reporter", {}, described("IMPORT_COMPLETE"))
    assert [parameters(flags) for flags in runs] == [["TableDeletionProtection=true"]]


def test_a_stack_says_whether_it_is_protected_and_can_be_unprotected() -> None:
    there, session = account(
        {
            "cloudformation.DescribeStacks": described("CREATE_COMPLETE"),
            "cloudformation.UpdateTerminationProtection": {},
        }
    )
    assert stacks.is_protected(there, "processor")
    stacks.unprotect(there, "processor")
    assert dict(session.calls)["cloudformation.UpdateTerminationProtection"] == {
        "StackName": "cv-analytics-processor-dev",
        "EnableTerminationProtection": False,
    }
    missing, _ = account({"cloudformation.DescribeStacks": NO_STACK})
    assert not stacks.is_protected(missing, "processor")
