"""What the CDK command line is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.deploy import cdk, stacks
from tools.deploy.account import Account

ROLE = "arn:aws:iam::111122223333:role/cv-analytics-github-dev-processor-execution-eu-west-1"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of the last run of the command line."""
    arguments: list[str] = []

    def run(_account: Account, _command: str, _name: str, flags: list[str]) -> str:
        arguments[:] = flags
        return ""

    monkeypatch.setattr(cdk, "run", run)
    return arguments


def deploy(tmp_path: Path, unit: str, environment: dict[str, str]) -> None:
    assembly = tmp_path / "dev" / unit.removesuffix("-links")
    assembly.mkdir(parents=True)
    (assembly / "manifest.json").touch()
    stacks.deploy_stack(Account("dev", None, environment=environment), unit, tmp_path)


def test_a_person_deploys_with_their_own_permissions(tmp_path: Path, given: list[str]) -> None:
    deploy(tmp_path, "processor", {})
    assert "--role-arn" not in given
    assert "--parameters" not in given


def test_a_pipeline_names_its_execution_role_and_its_boundary(
    tmp_path: Path, given: list[str]
) -> None:
    deploy(tmp_path, "processor", {"AWS_EXECUTION_ROLE": ROLE})
    assert given[given.index("--role-arn") + 1] == ROLE
    boundary = ROLE.replace(":role/", ":policy/")
    assert given[given.index("--parameters") + 1] == f"PermissionsBoundary={boundary}"


@pytest.mark.parametrize("unit", ["contracts", "reporter-links"])
def test_a_stack_without_roles_takes_no_boundary(
    unit: str, tmp_path: Path, given: list[str]
) -> None:
    deploy(tmp_path, unit, {"AWS_EXECUTION_ROLE": ROLE})
    assert "--role-arn" in given
    assert "--parameters" not in given
