"""The pipelines' claims, read from the workflow files themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tools.build.bundle import LAMBDA_PYTHON
from tools.deploy import restore

from github.stack import UNITS, UPKEEP_SESSION

ROOT: Final = Path(__file__).resolve().parents[3]
FOLDER: Final = ROOT / ".github" / "workflows"
WORKFLOWS: Final = sorted(path.name for path in FOLDER.glob("*.yml"))
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
        if any(_glob(pattern).fullmatch(changed) for pattern in patterns):
            started.add(name)
    return started


def _glob(pattern: str) -> re.Pattern[str]:
    """GitHub's pattern of a path: `**` crosses folders, `*` does not."""
    return re.compile(re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*"))


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
    diff = pipeline["diff"]
    assert diff["if"].startswith("github.event_name == 'pull_request' && vars.AWS_DIFF_ROLE != ''")
    assert "head.repo.full_name == github.repository" in diff["if"]
    [assumed] = [step["with"] for step in diff["steps"] if "configure-aws" in step.get("uses", "")]
    assert assumed["role-to-assume"] == "${{ vars.AWS_DIFF_ROLE }}"
    on_main = "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert pipeline["build"]["if"] == f"{on_main} && vars.AWS_REGION != ''"
    for later, earlier in (
        ("deploy-dev", "build"),
        ("deploy-prod", "deploy-dev"),
        ("release", "deploy-prod"),
    ):
        assert pipeline[later]["needs"] == earlier


def test_a_fork_without_an_account_skips_every_job_that_needs_one() -> None:
    """A skipped job is green, and so is a run. What needs a skipped job is skipped, too."""
    for name, job, definition in jobs():
        if not any("configure-aws" in step.get("uses", "") for step in definition.get("steps", [])):
            continue
        if list(workflow(name)["on"]) == ["workflow_dispatch"]:
            continue  # started by hand only
        follows_build = name == "deployable.yml" and definition["needs"] in ("build", "deploy-dev")
        assert follows_build or "vars.AWS_" in definition.get("if", ""), (name, job)
        # Variables of an environment are not there yet when the condition of a job is evaluated.
        assert "DEPLOY_ROLE" not in definition.get("if", "")


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
        assert deploy["environment"] == f"${{{{ inputs.unit }}}}-{stage}"
        assert deploy["steps"][-1]["run"] == f'make "smoke-$UNIT" STAGE={stage}'
    assert pipeline["release"]["needs"] == "deploy-prod"


def test_a_deployment_is_never_cancelled_halfway() -> None:
    pipeline = workflow("deployable.yml")["jobs"]
    assert pipeline["deploy-dev"]["concurrency"]["cancel-in-progress"] is False
    assert workflow("rollback.yml")["concurrency"]["cancel-in-progress"] is False


def test_waiting_for_reviewers_holds_no_concurrency_group() -> None:
    assert "concurrency" not in workflow("deployable.yml")["jobs"]["deploy-prod"]
    for unit in UNITS:
        concurrency = workflow(f"{unit}.yml")["concurrency"]
        on_main = "github.event_name == 'pull_request' && github.ref || github.run_id"
        assert concurrency["group"] == f"{unit}-${{{{ {on_main} }}}}"
        assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_a_rollback_does_not_wait_for_the_deployment_that_it_undoes() -> None:
    deploying = workflow("deployable.yml")["jobs"]["deploy-dev"]["concurrency"]["group"]
    assert deploying == "${{ inputs.unit }}-dev"
    rollback = workflow("rollback.yml")
    assert rollback["concurrency"]["group"].startswith("rollback-")
    assert rollback["jobs"]["rollback"]["environment"] == (
        "${{ inputs.service }}-${{ inputs.stage }}"
    )


def test_a_rollback_is_started_by_hand_only() -> None:
    assert list(workflow("rollback.yml")["on"]) == ["workflow_dispatch"]


def test_the_night_audits_restores_and_reconciles() -> None:
    jobs = {"audit", "rehearsal", "restore", "reconciliation"}
    assert set(workflow("nightly.yml")["jobs"]) == jobs
    assert "schedule" in workflow("nightly.yml")["on"]


def test_the_restore_ends_within_its_session_and_the_session_within_its_job() -> None:
    restoring = workflow("nightly.yml")["jobs"]["restore"]
    [assumed] = [s["with"] for s in restoring["steps"] if "configure-aws" in s.get("uses", "")]
    session = UPKEEP_SESSION.to_seconds()
    assert assumed["role-duration-seconds"] == session
    assert restore.PATIENCE_SECONDS + 15 * 60 < restoring["timeout-minutes"] * 60 < session


def test_jobs_that_make_bundles_have_the_python_that_bytecode_is_compiled_for() -> None:
    making = re.compile(r'make "?(package|synth|build)-')
    found = []
    for name, job, definition in jobs():
        commands = [step.get("run", "") for step in definition.get("steps", [])]
        if any(making.match(command) for command in commands):
            [python] = [s for s in definition["steps"] if "setup-python" in s.get("uses", "")]
            assert python["with"]["python-version"] == LAMBDA_PYTHON, (name, job)
            found.append(job)
    assert found == ["check", "diff", "build"]
    # what is deployed is refused there without bytecode
    assert "tools.build.bytecode" in commands_of("processor")


# ---- which files build or deploy a unit ---------------------------------------------------------


@cache
def commands_of(unit: str) -> str:
    """All that make would run to build and deploy a unit from nothing."""
    targets = [f"{verb}-{unit}" for verb in ("build", "synth", "package", "ship", "smoke")]
    return subprocess.run(
        ["make", "--dry-run", "--always-make", "--jobs=1", "STAGE=dev", *targets],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@cache
def tracked() -> frozenset[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(answer.stdout.split())


def module_files(module: str) -> set[str]:
    """The files of a module, with those of the packages that it lies in."""
    parts = module.split(".")
    paths = {"/".join(parts[:length]) + "/__init__.py" for length in range(1, len(parts) + 1)}
    paths |= {"/".join(parts) + ".py", "/".join(parts) + "/__main__.py"}
    return paths & tracked()


def imported(file: str) -> Iterator[str]:
    """The files of this repository that a file imports, from its folder or the root."""
    for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            yield from module_files(name)
            # the CDK apps are started in infra/
            yield from (found for found in module_files(f"infra.{name}"))


def what_makes(unit: str) -> set[str]:
    """Every tracked file that the commands name, run or import, and the makefiles."""
    commands = commands_of(unit)
    folder = "shared-contracts" if unit == "contracts" else unit
    making = re.compile(rf"Makefile|tools/(.+/)?(Makefile|\w+\.mk)|services/{folder}/Makefile")
    makefiles = {path for path in tracked() if making.fullmatch(path)}
    named = {path for path in tracked() if re.search(rf"(?<![\w./-]){re.escape(path)}\b", commands)}
    waiting = {f"infra/{unit}/app.py"} | {path for path in named if path.endswith(".py")}
    for module in re.findall(r"-m (tools[\w.]*)", commands):
        waiting |= module_files(module)
    files: set[str] = set()
    while waiting:
        file = waiting.pop()
        files.add(file)
        waiting |= set(imported(file)) - files
    locks = {f"infra/{name}" for name in ("package-lock.json", "requirements.lock")}
    return files | named | makefiles | locks


@pytest.mark.parametrize("event", ["pull_request", "push"])
@pytest.mark.parametrize("unit", UNITS)
def test_whatever_builds_or_deploys_a_unit_starts_its_pipeline(unit: str, event: str) -> None:
    files = what_makes(unit)
    assert {"Makefile", "tools/build/synth.py", f"infra/{unit}/stack.py"} <= files
    assert unit == "contracts" or "tools/build/bundle.py" in files
    # A change of the contracts deploys no service: that has a test of its own.
    others = {file for file in files if not file.startswith("services/shared-contracts/")}
    missed = {file for file in others if f"{unit}.yml" not in started_by(file, event)}
    assert missed == set()


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).parent / "zizmor"
    answer = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--quiet", ROOT / ".github"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
