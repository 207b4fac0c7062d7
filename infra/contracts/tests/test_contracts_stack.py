from __future__ import annotations

from typing import Any

import pytest

from contracts.stack import ContractsStack
from testing.synthesis import synthesise, template_of
from testing.template import of_type


@pytest.fixture(scope="module", params=["local", "dev", "prod"])
def template(request: pytest.FixtureRequest) -> Any:
    return template_of(lambda app, stage: ContractsStack(app, stage, "1.2.3"), request.param)


def test_it_announces_the_version_in_use(template: Any) -> None:
    values = {
        p["Name"].rsplit("/", 1)[-1]: p["Value"]
        for _, p in of_type(template, "AWS::SSM::Parameter")
    }
    assert values["version"] == "1.2.3"


def test_a_release_is_private_and_kept(template: Any) -> None:
    [(_, bucket)] = of_type(template, "AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())


def test_there_is_nothing_to_run(template: Any) -> None:
    assert not list(of_type(template, "AWS::Lambda::Function"))


def test_one_finding_of_cdk_nag_stands_and_says_why() -> None:
    result = synthesise(lambda app, stage: ContractsStack(app, stage, "1.2.3"), "prod")
    assert [(e.rule, e.since) for e in result.acknowledged] == [("AwsSolutions-S1", "2026-11-22")]
