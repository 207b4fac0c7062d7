"""dev and prod together stay within the quotas of an account that AWS has not raised."""

from __future__ import annotations

import re
from typing import Final

import pytest

from cdk_constructs.stack import REPOSITORY
from testing.quotas import (
    CODE_STORAGE_MB,
    CONCURRENCY_OF_A_NEW_ACCOUNT,
    PER_REGION,
    RULES_PER_BUS,
    exceeded,
    queue_consumers,
)
from testing.stacks import builders, on_aws, template
from testing.template import Template, of_type

# The API and what runs by a schedule need a place beside the queues.
BESIDE_THE_QUEUES: Final = 2


def everything() -> list[Template]:
    return [template(name, stage) for name, stage in on_aws()]


def constant(path: str, name: str) -> int:
    """A number that another part of the checkout keeps to."""
    [value] = re.findall(rf"^{name}(?:: Final)? = (\d+)$", (REPOSITORY / path).read_text(), re.M)
    return int(value)


def test_both_stages_fit_into_one_account() -> None:
    assert list(exceeded(everything())) == []


def test_the_versions_that_are_kept_fit_into_the_code_storage() -> None:
    functions = sum(len(list(of_type(t, "AWS::Lambda::Function"))) for t in everything())
    # What pruning keeps, the live version, the one that is being deployed, and $LATEST.
    versions = constant("tools/deploy/releases.py", "KEPT_VERSIONS") + 3
    largest = constant("tests/bundles/test_bundles.py", "MAX_ZIPPED_MB")
    assert functions * versions * largest < CODE_STORAGE_MB / 2


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_queues_of_a_stage_leave_a_new_account_room_for_its_apis(stage: str) -> None:
    consumers = sum(queue_consumers(template(name, at)) for name, at in on_aws() if at == stage)
    assert consumers + BESIDE_THE_QUEUES <= CONCURRENCY_OF_A_NEW_ACCOUNT


def test_the_guide_names_the_quota_and_what_the_queues_may_take() -> None:
    if not {"processor", "reporter"} <= set(builders()):
        pytest.skip("this checkout lacks a service")
    consumers = sum(queue_consumers(template(name, "prod")) for name in builders())
    guide = " ".join((REPOSITORY / "docs/deploy.md").read_text("utf-8").split())
    assert (
        f"A new account runs {CONCURRENCY_OF_A_NEW_ACCOUNT} functions at a time;"
        f" the queues of one stage take up to {consumers} of them" in guide
    )
    kept = constant("tools/deploy/releases.py", "KEPT_VERSIONS")
    assert f"keeps the last {kept} versions" in guide


@pytest.mark.parametrize("kind", PER_REGION)
def test_one_more_than_a_quota_is_reported(kind: str) -> None:
    quota = PER_REGION[kind]
    one = {"Type": kind, "Properties": {}}
    halves = [{"Resources": {f"R{i}": one for i in range(start, quota + 1, 2)}} for start in (0, 1)]
    assert f"{quota + 1} of {kind}, {quota} allowed" in list(exceeded(halves))


@pytest.mark.parametrize(
    ("kind", "properties", "count", "fault"),
    [
        ("AWS::Events::Rule", {"EventBusName": "b"}, RULES_PER_BUS + 1, "at b, 100 allowed"),
        ("AWS::Events::Rule", {"Targets": [{}] * 6}, 1, "R0 has more than 5 targets"),
        ("AWS::ApiGatewayV2::Route", {"ApiId": "a"}, 301, "at a, 300 allowed"),
        ("AWS::Logs::MetricFilter", {"LogGroupName": "g"}, 101, "at g, 100 allowed"),
        ("AWS::SQS::Queue", {}, 501, "a stack of 501 resources, 500 allowed"),
    ],
)
def test_a_quota_of_one_resource_is_reported(
    kind: str, properties: dict[str, object], count: int, fault: str
) -> None:
    one = {"Type": kind, "Properties": properties}
    found = list(exceeded([{"Resources": {f"R{i}": one for i in range(count)}}]))
    assert len(found) == 1
    assert found[0].endswith(fault)
