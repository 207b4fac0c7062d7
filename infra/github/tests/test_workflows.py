"""The pipelines' claims, read from the workflow files themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).resolve().parents[3]
FOLDER: Final = ROOT / ".github" / "workflows"
WORKFLOWS: Final = sorted(path.name for path in FOLDER.glob("*.yml"))
UNITS: Final = ("contracts", "processor", "reporter")
SERVICES: Final = ("processor", "reporter")
STAGES: Final = ("dev", "prod")
PINNED: Final = re.compile(r"uses: (?:\./[\w./-]+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
WRITES_ALLOWED: Final = {("release", "contents"), ("pipeline", "contents")}


@cache
def workflow(name: str) -> Any:
    # PyYAML reads the key `on` as the boolean of YAML 1.1.
    return yaml.safe_load((FOLDER / name).read_text("utf-8").replace("\non:", '\n"on":'))


def jobs() -> Iterator[tuple[str, str, Any]]:
    for name in WORKFLOWS:
        for job, definition in workflow(name)["jobs"].items():
            yield name, job, definition


def steps() -> Iterator[tuple[str, str, Any]]:
    for name, job, definition in jobs():
        for step in definition.get("steps", []):
            yield name, job, step


def started_by(changed: str, event: str) -> set[str]:
    """The workflows that a change of one file starts."""
    started = set()
    for name in WORKFLOWS:
        trigger = workflow(name)["on"].get(event)
        patterns = trigger.get("paths", ["**"]) if isinstance(trigger, dict) else []
        if any(fnmatchcase(changed, pattern.replace("**", "*")) for pattern in patterns):
            started.add(name)
    return started


@pytest.mark.parametrize("event", ["pull_request", "push"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_change_in_one_service_runs_only_its_pipeline(service: str, event: str) -> None:
    for changed in (f"services/{service}/src/cv_{service}/x.py", f"infra/{service}/stack.py"):
        assert started_by(changed, event) == {f"{service}.yml"}


@pytest.mark.parametrize("event", ["pull_request", "push"])
def test_a_contract_change_asks_the_consumers_and_deploys_nobody(event: str) -> None:
    assert started_by("services/shared-contracts/schemas/x.json", event) == {"contracts.yml"}
    contracts = workflow("contracts.yml")["jobs"]
    assert set(contracts) == {"consumers", "pipeline"}
    assert contracts["pipeline"]["with"] == {"unit": "contracts"}
    assert contracts["pipeline"]["needs"] == "consumers"
    assert [step["run"] for step in contracts["consumers"]["steps"] if "run" in step] == [
        "make test-contract-processor",
        "make test-contract-reporter",
        "make test-skew",
    ]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_permitted_unless_a_job_says_so(name: str) -> None:
    assert workflow(name)["permissions"] == {}
    for job, definition in workflow(name)["jobs"].items():
        assert "permissions" in definition, job


def test_only_the_release_may_write() -> None:
    writes = {
        (job, scope)
        for _, job, definition in jobs()
        for scope, access in definition["permissions"].items()
        if access == "write" and scope != "id-token"
    }
    assert writes == WRITES_ALLOWED


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_by_commit_and_say_their_version(name: str) -> None:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    used = [line.strip().removeprefix("- ") for line in lines if "uses:" in line]
    assert [line for line in used if not PINNED.match(line)] == []


def test_no_checkout_leaves_its_credentials_behind() -> None:
    checkouts = [step for *_, step in steps() if "actions/checkout" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_there_is_no_long_lived_key(name: str) -> None:
    assert "secrets." not in (FOLDER / name).read_text("utf-8")


def test_a_pull_request_runs_what_a_developer_runs_and_deploys_nothing() -> None:
    pipeline = workflow("deployable.yml")["jobs"]
    assert [step["run"] for step in pipeline["check"]["steps"] if "run" in step] == [
        'make "lint-$UNIT"',
        'make "test-$UNIT"',
        "make check-contracts",
        'make "synth-$UNIT" STAGE=prod',
    ]
    assert pipeline["diff"]["if"].startswith("github.event_name == 'pull_request'")
    on_main = "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert pipeline["build"]["if"] == on_main
    for later, earlier in (
        ("deploy-dev", "build"),
        ("deploy-prod", "deploy-dev"),
        ("release", "deploy-prod"),
    ):
        assert pipeline[later]["needs"] == earlier
        assert "if" not in pipeline[later]


def test_who_assumes_a_role_may_ask_for_a_token_and_nobody_else() -> None:
    for name, job, definition in jobs():
        assumes = any("configure-aws" in s.get("uses", "") for s in definition.get("steps", []))
        asks = definition["permissions"].get("id-token") == "write"
        assert assumes == asks or "uses" in definition, (name, job)


@cache
def make_targets() -> frozenset[str]:
    database = subprocess.run(
        ["make", "--print-data-base", "--question", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return frozenset(re.findall(r"^([\w./-]+):(?!=)", database, re.MULTILINE))


def expansions(command: str) -> Iterator[str]:
    for unit in UNITS if "$UNIT" in command else ("",):
        for service in SERVICES if "$SERVICE" in command else ("",):
            expanded = command.replace("$UNIT", unit).replace("$SERVICE", service)
            yield expanded.replace('"', "")


@pytest.mark.parametrize("command", sorted({step["run"] for *_, step in steps() if "run" in step}))
def test_every_run_is_a_make_target_that_exists(command: str) -> None:
    for expanded in expansions(command):
        program, target, *variables = expanded.split()
        assert program == "make"
        assert target in make_targets(), f"make has no target {target}"
        assert all(re.fullmatch(r"[A-Z]+=[\w$]*", variable) for variable in variables)


def test_what_is_deployed_was_built_once() -> None:
    pipeline = workflow("deployable.yml")["jobs"]
    builds = [
        job
        for job, definition in pipeline.items()
        for step in definition["steps"]
        if "package-" in step.get("run", "")
    ]
    assert builds == ["build"]
    for stage in STAGES:
        used = [step.get("uses", "") for step in pipeline[f"deploy-{stage}"]["steps"]]
        assert any("download-artifact" in action for action in used)


def test_production_comes_after_a_proven_dev_and_asks_first() -> None:
    pipeline = workflow("deployable.yml")["jobs"]
    assert pipeline["build"]["needs"] == "check"
    assert "refs/heads/main" in pipeline["build"]["if"]
    assert (pipeline["deploy-dev"]["needs"], pipeline["deploy-prod"]["needs"]) == (
        "build",
        "deploy-dev",
    )
    for stage in STAGES:
        deploy = pipeline[f"deploy-{stage}"]
        assert deploy["environment"] == stage
        assert deploy["steps"][-1]["run"] == f'make "smoke-$UNIT" STAGE={stage}'
    assert pipeline["release"]["needs"] == "deploy-prod"


def test_a_deployment_is_never_cancelled_halfway() -> None:
    pipeline = workflow("deployable.yml")["jobs"]
    for stage in STAGES:
        assert pipeline[f"deploy-{stage}"]["concurrency"]["cancel-in-progress"] is False
    assert workflow("rollback.yml")["concurrency"]["cancel-in-progress"] is False


def test_a_rollback_does_not_wait_for_the_deployment_that_it_undoes() -> None:
    pipeline = workflow("deployable.yml")["jobs"]
    groups = {pipeline[f"deploy-{stage}"]["concurrency"]["group"] for stage in STAGES}
    assert groups == {f"${{{{ inputs.unit }}}}-{stage}" for stage in STAGES}
    assert workflow("rollback.yml")["concurrency"]["group"].startswith("rollback-")


def test_a_rollback_is_started_by_hand_only() -> None:
    assert list(workflow("rollback.yml")["on"]) == ["workflow_dispatch"]


def test_the_night_audits_restores_and_reconciles() -> None:
    assert set(workflow("nightly.yml")["jobs"]) == {"audit", "restore", "reconciliation"}
    assert "schedule" in workflow("nightly.yml")["on"]


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    answer = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--quiet", ROOT / ".github"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
