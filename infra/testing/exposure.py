"""The most that strangers can cost: requests to the open routes, as fast as their throttles allow.

Requests that a throttle or a missing signature refuses are free:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-pricing.html
A stranger reaches neither table nor queue nor mail: the webhook wants a signature, the dashboard a
session, before anything is read for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from testing.prices import API_REQUEST, LAMBDA_GB_SECOND, LAMBDA_REQUEST, LOG_BYTE, SENT_BYTE
from testing.template import Template, of_type, open_routes

DAY: Final = 86_400
# An HTTP API takes 10 MB, which it counts as twenty requests.
LARGEST: Final = 20
# A refusal takes a few milliseconds; this has room for cold starts.
BILLED_SECONDS: Final = 0.1
# Access log, our own line, Lambda's START, END and REPORT.
LOGGED_BYTES: Final = 2_000
# The largest answer to a stranger is the dashboard's style sheet.
ANSWER_BYTES: Final = 20_000


@dataclass(frozen=True)
class Exposure:
    """An open route, its throttle, and dollars a day with the smallest and largest requests."""

    route: str
    rate: float
    burst: int
    least: float
    most: float


def exposures(template: Template) -> Iterator[Exposure]:
    """Of every open route of a template, by name."""
    settings = {
        route: limits
        for _, stage in of_type(template, "AWS::ApiGatewayV2::Stage")
        for route, limits in stage.get("RouteSettings", {}).items()
    }
    for route in sorted(open_routes(template)):
        rate = settings[route]["ThrottlingRateLimit"]
        burst = settings[route]["ThrottlingBurstLimit"]
        yield Exposure(
            route,
            rate,
            burst,
            *(_dollars(rate, burst, units, _memory_gb(template)) for units in (1, LARGEST)),
        )


def _dollars(rate: float, burst: int, units: int, memory_gb: float) -> float:
    requests = rate * DAY + burst
    one = (
        units * API_REQUEST
        + LAMBDA_REQUEST
        + memory_gb * BILLED_SECONDS * LAMBDA_GB_SECOND
        + LOGGED_BYTES * LOG_BYTE
        + ANSWER_BYTES * SENT_BYTE
    )
    return requests * one


def _memory_gb(template: Template) -> float:
    """Of the function behind the API; it is the only one that strangers reach."""
    functions = [properties for _, properties in of_type(template, "AWS::Lambda::Function")]
    answering = [f for f in functions if str(f.get("FunctionName", "-api")).endswith("-api")]
    return float(max(f.get("MemorySize", 128) for f in answering)) / 1_024
