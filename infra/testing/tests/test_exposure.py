"""What strangers can cost is computed from the throttles of the templates, and documented."""

from __future__ import annotations

import copy

import pytest

from cdk_constructs.stack import REPOSITORY
from testing.exposure import ANSWER_BYTES, DAY, exposures
from testing.prices import PRICES_AS_OF
from testing.stacks import builders, template
from testing.template import open_routes

SERVICES = [name for name in ("processor", "reporter") if name in builders()]
HEADING = "| open route | a second | dollars a day, smallest requests | largest |"


def table(service: str) -> list[str]:
    """The lines of the guide about one service."""
    return [
        f"| {service}: `{e.route}` | {e.rate} | {e.least:.2f} | {e.most:.2f} |"
        for e in exposures(template(service, "prod"))
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_the_guide_says_what_the_throttles_of_the_templates_allow(service: str) -> None:
    guide = (REPOSITORY / "docs/deploy.md").read_text("utf-8")
    listed = guide.split(HEADING)[1].split("\n\n")[0].splitlines()
    assert [line for line in listed if line.startswith(f"| {service}: ")] == table(service)
    assert PRICES_AS_OF in guide


def test_the_guides_sum_is_that_of_all_open_routes() -> None:
    if len(SERVICES) < 2:
        pytest.skip("this checkout lacks a service")
    every = [e for service in SERVICES for e in exposures(template(service, "prod"))]
    least, most = sum(e.least for e in every), sum(e.most for e in every)
    guide = (REPOSITORY / "docs/deploy.md").read_text("utf-8")
    assert f"| together | {sum(e.rate for e in every)} | {least:.2f} | {most:.2f} |" in guide


@pytest.mark.parametrize("service", SERVICES)
def test_every_open_route_counts_and_a_wider_throttle_costs_more(service: str) -> None:
    of = template(service, "prod")
    before = {e.route: e.most for e in exposures(of)}
    assert set(before) == open_routes(of)
    wider = copy.deepcopy(dict(of))
    for resource in wider["Resources"].values():
        for limits in resource.get("Properties", {}).get("RouteSettings", {}).values():
            limits["ThrottlingRateLimit"] *= 10
    assert all(e.most > 5 * before[e.route] for e in exposures(wider))


def test_a_route_by_hand() -> None:
    settings = {"GET /x": {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 0}}
    of = {
        "Resources": {
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {"RouteSettings": settings},
            },
            "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"RouteKey": "GET /x"}},
            "ApiFunction": {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 1024}},
        }
    }
    [one] = exposures(of)
    # API, Lambda's requests and duration, logs, traffic
    by_hand = DAY * (1e-6 + 0.2e-6 + 1.33334e-6 + 1e-6 + 1.8e-6)
    assert one.least == pytest.approx(by_hand)
    assert one.most == pytest.approx(by_hand + DAY * 19e-6)


def test_no_file_that_strangers_get_is_larger_than_counted() -> None:
    folder = REPOSITORY / "services/reporter/src/cv_reporter/presentation"
    if not folder.is_dir():
        pytest.skip("this checkout lacks the Reporter")
    assert max(path.stat().st_size for path in folder.rglob("*.css")) <= ANSWER_BYTES
