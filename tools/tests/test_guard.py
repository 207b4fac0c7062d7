"""Requests that the embedded AWS must refuse, and those that its owner's programs send."""

from __future__ import annotations

import pytest

from tools.emulator.guard import Guard, Request

HOST = "127.0.0.1:4566"
KEY = "AKIAEXAMPLE000000001"
GUARD = Guard(hosts=frozenset({HOST}), control_key="control", root_key="root-key")
API = "/_aws/execute-api/abc/dashboard"


def signed_by(key: str) -> str:
    scope = f"{key}/20260101/eu-west-2/dynamodb/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def request(path: str = "/", *, method: str = "POST", query: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, query, {"host": HOST, **named})


PASSING = {
    "a signed call through a proxy": request(host="127.0.0.1:9", authorization=signed_by(KEY)),
    "a signed call": request(authorization=signed_by(KEY)),
    "a presigned URL": request(
        "/bucket/key", method="GET", query=f"X-Amz-Algorithm=AWS4&X-Amz-Credential={KEY}%2F2026"
    ),
    "the health check": request("/_ministack/health", method="GET"),
    "a control route with its key": request("/_ministack/reset", x_control_key="control"),
    "an API without a signature": request(API, method="GET"),
    "an API with the dashboard's form": request(
        API, origin=f"http://{HOST}", sec_fetch_site="same-origin"
    ),
    "a link to the dashboard in a mail": request(
        API,
        method="GET",
        sec_fetch_site="cross-site",
        sec_fetch_mode="navigate",
        sec_fetch_dest="document",
    ),
    "an address typed into the browser": request(API, method="GET", sec_fetch_site="none"),
}

REFUSED = {
    "DNS rebinding": ("Host", request(host="rebound.example:4566", authorization=signed_by(KEY))),
    "no Host": ("Host", Request("GET", API, "", {})),
    "another port's page": (
        "web page",
        request(API, origin="http://127.0.0.1:8000", sec_fetch_site="same-site"),
    ),
    "a sandboxed page": ("web page", request(API, origin="null")),
    "a preflight": ("web page", request(method="OPTIONS", origin="http://other.example")),
    "an image of another page": (
        "web page",
        request(API, method="GET", sec_fetch_site="cross-site", sec_fetch_mode="no-cors"),
    ),
    "a frame of another page": (
        "web page",
        request(
            API,
            method="GET",
            sec_fetch_site="cross-site",
            sec_fetch_mode="navigate",
            sec_fetch_dest="iframe",
        ),
    ),
    "a form of another page": (
        "web page",
        request(
            API, sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="document"
        ),
    ),
    "a link to anything but an API": (
        "web page",
        request(
            "/_ministack/health",
            method="GET",
            sec_fetch_site="cross-site",
            sec_fetch_mode="navigate",
            sec_fetch_dest="document",
        ),
    ),
    "two Host headers": ("Host", request(host=f"{HOST}, {HOST}")),
    "an unsigned call": ("not signed", request()),
    "another scheme": ("not signed", request(authorization="Bearer x")),
    "the old signature": ("not signed", request(authorization=f"AWS {KEY}:x")),
    "a signature without a key": (
        "not signed",
        request(authorization="AWS4-HMAC-SHA256 Signature=0"),
    ),
    "an unsigned control route": ("x-control-key", request("/_ministack/reset")),
    "a control route with a wrong key": (
        "x-control-key",
        request("/_ministack/ses/messages", method="GET", x_control_key="contro"),
    ),
    "another control route": ("x-control-key", request("/_localstack/info", method="GET")),
    "a posted health check": ("x-control-key", request("/_ministack/health")),
}
for well_known in ("test", "123456789012", "root-key"):
    REFUSED |= {
        f"key {well_known}": ("not one that", request(authorization=signed_by(well_known))),
        f"key {well_known} at an API": (
            "not one that",
            request(API, authorization=signed_by(well_known)),
        ),
        f"key {well_known}, old signature": (
            "not one that",
            request(authorization=f"AWS {well_known}:x"),
        ),
        f"key {well_known}, presigned": (
            "not one that",
            request(query=f"X-Amz-Algorithm=AWS4&X-Amz-Credential={well_known}/2026"),
        ),
        f"key {well_known}, old presigned": (
            "not one that",
            request(query=f"AWSAccessKeyId={well_known}", authorization=signed_by(KEY)),
        ),
        f"key {well_known} behind a good one": (
            "not one that",
            request(authorization=f"{signed_by(KEY)}, Credential={well_known}/x"),
        ),
    }


@pytest.mark.parametrize("passing", PASSING.values(), ids=PASSING)
def test_what_its_owner_sends_passes(passing: Request) -> None:
    assert GUARD.refusal(passing) is None


@pytest.mark.parametrize(("reason", "refused"), REFUSED.values(), ids=REFUSED)
def test_what_others_send_is_refused_with_the_reason(reason: str, refused: Request) -> None:
    assert reason in (GUARD.refusal(refused) or "")
