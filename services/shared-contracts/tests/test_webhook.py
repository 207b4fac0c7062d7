"""Webhook signatures: who signed, when, and with which key."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from cv_contracts.errors import (
    MalformedSignatureError,
    StaleSignatureError,
    WrongSignatureError,
)
from cv_contracts.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign, verify

NOW = 1_762_161_120
CURRENT, PREVIOUS = "c" * 64, "p" * 64


def test_the_signature_is_hmac_sha256_of_timestamp_dot_body() -> None:
    expected = hmac.new(CURRENT.encode(), b"1762161120.{}", hashlib.sha256).hexdigest()
    assert sign(CURRENT, NOW, b"{}")[SIGNATURE_HEADER] == f"v1={expected}"


@pytest.mark.parametrize("key", [CURRENT, PREVIOUS])
@pytest.mark.parametrize("age", [-300, 0, 300])
def test_both_active_keys_hold_within_five_minutes(key: str, age: int) -> None:
    verify([CURRENT, PREVIOUS], sign(key, NOW, b"{}"), b"{}", now=NOW + age)


@pytest.mark.parametrize("age", [-301, 301])
def test_an_old_or_early_signature_is_stale(age: int) -> None:
    with pytest.raises(StaleSignatureError):
        verify([CURRENT], sign(CURRENT, NOW, b"{}"), b"{}", now=NOW + age)


def test_another_body_key_or_time_is_wrong() -> None:
    headers = sign(CURRENT, NOW, b"{}")
    shifted = {**headers, TIMESTAMP_HEADER: str(NOW + 1)}
    for keys, given, body in (
        ([CURRENT], headers, b"{ }"),
        ([PREVIOUS], headers, b"{}"),
        ([], headers, b"{}"),
        ([CURRENT], shifted, b"{}"),
    ):
        with pytest.raises(WrongSignatureError):
            verify(keys, given, body, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {TIMESTAMP_HEADER: ""},
        {TIMESTAMP_HEADER: "-1762161120"},
        {TIMESTAMP_HEADER: "17621611200"},
        {TIMESTAMP_HEADER: "１７６２１６１１２０"},
        {SIGNATURE_HEADER: ""},
        {SIGNATURE_HEADER: "0" * 64},
        {SIGNATURE_HEADER: "v1=" + "0" * 63},
        {SIGNATURE_HEADER: "v1=" + "G" * 64},
    ],
)
def test_a_header_of_another_form_is_malformed(change: dict[str, str]) -> None:
    with pytest.raises(MalformedSignatureError):
        verify([CURRENT], {**sign(CURRENT, NOW, b"{}"), **change}, b"{}", now=NOW)
