"""dev and prod fit into one account and region, and every name is as long as AWS allows."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from testing.arns import REGION
from testing.names import NAMED, Name, names_in
from testing.stacks import everywhere, on_aws, template

# Stacks that an account (or a region of it) has once, whatever the stages.
ONCE: Final = ("github-provider", "reporter-sender")


def all_names() -> list[tuple[str, Name]]:
    places = [(name, stage) for name, stage in on_aws() if not (name in ONCE and stage == "dev")]
    return [
        (f"{name}-{stage}", entry)
        for name, stage in places
        for entry in names_in(template(name, stage))
    ]


def test_no_two_stacks_of_dev_and_prod_have_a_name_in_common() -> None:
    names = Counter((entry.kind, entry.name) for _, entry in all_names() if entry.scope != "stack")
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(("name", "stage"), on_aws())
def test_what_is_global_in_an_account_is_named_by_its_region(name: str, stage: str) -> None:
    if not name.startswith("github"):  # pipelines deploy into one region of an account
        names = [e.name for e in names_in(template(name, stage)) if e.scope == "account"]
        assert [entry for entry in names if REGION not in entry] == []


@pytest.mark.parametrize(("name", "stage"), everywhere())
def test_no_name_is_longer_than_aws_allows(name: str, stage: str) -> None:
    assert [e for e in names_in(template(name, stage)) if len(e.name) > e.longest] == []


@pytest.mark.parametrize(("name", "stage"), everywhere())
def test_every_name_is_the_products_own(name: str, stage: str) -> None:
    for entry in names_in(template(name, stage)):
        own = entry.name.lstrip("/").removeprefix("aws/lambda/").removeprefix("aws/apigateway/")
        unnamed = ("AWS::IAM::OIDCProvider", "AWS::SES::EmailIdentity", "AWS::Logs::MetricFilter")
        if entry.kind not in unnamed and entry.scope != "stack":
            assert own.startswith("cv-analytics"), entry


@pytest.mark.parametrize(("name", "stage"), everywhere())
def test_every_type_that_can_have_a_name_is_known(name: str, stage: str) -> None:
    for resource in template(name, stage)["Resources"].values():
        keys = {k for k in resource.get("Properties", {}) if k == "Name" or k.endswith("Name")}
        own_name = f"{resource['Type'].split('::')[-1]}Name"
        # The stage of an API has the name that stands for none, `$default`.
        if own_name in keys - {"StageName"}:
            assert resource["Type"] in NAMED, resource["Type"]


def test_a_name_that_two_stages_share_is_noticed() -> None:
    identity = {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": "a@cv.example"}}
    dev, prod = ({"Resources": {"Sender": identity}} for _ in range(2))
    names = Counter(e.name for one in (dev, prod) for e in names_in(one) if e.scope != "stack")
    assert names == {"a@cv.example": 2}
