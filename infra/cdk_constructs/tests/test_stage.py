from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_budgets as budgets

from cdk_constructs.app import service_app
from cdk_constructs.bus import ServiceBus
from cdk_constructs.emulator import (
    ADDED,
    ALSO_ASKED,
    ASKED_OF_ANY_RESOURCE,
    LEFT_OUT,
    PUT_BY_THE_METER,
    WITHOUT_EFFECT,
    Gap,
)
from cdk_constructs.stack import REPOSITORY, MissingBundleError, ServiceStack, bundle_of, version_of
from cdk_constructs.stage import STAGES, UnknownStageError, stage_named
from testing import rules


def types_in(stage: str) -> set[str]:
    app = service_app(stage_named(stage))
    stack = ServiceStack(app, "example", stage_named(stage))
    ServiceBus(stack, publishes="example")
    budgets.CfnBudget(stack, "Budget", budget={"budgetType": "COST", "timeUnit": "MONTHLY"})
    template = app.synth().get_stack_by_name(stack.stack_name).template
    return {resource["Type"] for resource in template["Resources"].values()}


def test_an_unknown_stage_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UnknownStageError, match="local, dev, prod"):
        stage_named("staging")


def test_production_keeps_its_data_and_logs_longest() -> None:
    assert STAGES["prod"].keeps_data
    assert (STAGES["dev"].log_retention_days, STAGES["prod"].log_retention_days) == (14, 90)


def test_the_emulator_gets_the_same_template_without_what_it_lacks() -> None:
    assert types_in("prod") - types_in("local") == {"AWS::Budgets::Budget"}


def test_the_readme_lists_all_that_the_emulator_lacks_and_what_covers_it_instead() -> None:
    readme = (REPOSITORY / "infra" / "README.md").read_text("utf-8")
    heading = "| | there | covered on AWS by |\n|---|---|---|\n"
    listed = readme.split(heading)[1].split("\n\n")[0].splitlines()
    assert listed == [
        *(f"| `{k}` | left out: {gap.there} | {gap.covered_by} |" for k, gap in LEFT_OUT.items()),
        *(
            f"| `{k}` | not created: {gap.there} | {gap.covered_by} |"
            for k, gap in PUT_BY_THE_METER.items()
        ),
        *(
            f"| {k} | no effect: {gap.there} | {gap.covered_by} |"
            for k, gap in WITHOUT_EFFECT.items()
        ),
        *(f"| `{k}` | added: {gap.there} | {gap.covered_by} |" for k, gap in ADDED.items()),
        *(
            f"| `{extra}` | granted beside `{action}`, which is enough on AWS | `test_iam` |"
            for action, extra in ALSO_ASKED.items()
        ),
        *(
            f"| `{action}` | granted on every resource: the sender is not looked at | `test_iam` |"
            for action in ASKED_OF_ANY_RESOURCE
        ),
    ]


@pytest.mark.parametrize(
    "gap",
    [g for gaps in (LEFT_OUT, PUT_BY_THE_METER, WITHOUT_EFFECT, ADDED) for g in gaps.values()],
)
def test_what_covers_a_gap_is_there(gap: Gap) -> None:
    for name in re.findall(r"`(test_\w+)`", gap.covered_by):
        assert (REPOSITORY / "infra" / "testing" / "tests" / f"{name}.py").is_file()
    for name in re.findall(r"`rules\.(\w+)`", gap.covered_by):
        assert callable(getattr(rules, name))
    assert "`" in gap.covered_by or "no check" in gap.covered_by or "cdk-nag" in gap.covered_by


@pytest.fixture
def no_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CV_BUNDLES", str(tmp_path))
    yield tmp_path


def test_code_that_was_not_built_is_named_with_the_remedy(no_bundles: Path) -> None:
    with pytest.raises(MissingBundleError, match="make build-processor"):
        bundle_of("processor", stage_named("dev"))


def test_the_emulator_gets_the_bundle_for_this_machine(no_bundles: Path) -> None:
    (no_bundles / "processor-local").mkdir()
    assert bundle_of("processor", stage_named("local")) == no_bundles / "processor-local"


def test_the_deployed_version_is_the_packages_own() -> None:
    assert version_of("contracts").count(".") == 2


def test_every_stage_is_deployed_to_with_the_callers_credentials() -> None:
    """CDK's bootstrap roles reach every stack of the account, an administrator's role included."""
    app = cdk.App()
    for stage in STAGES.values():
        stack = ServiceStack(app, "example", stage)
        assert isinstance(stack.synthesizer, cdk.CliCredentialsStackSynthesizer)
