"""The environment is read whole, and what is wrong in it is named without its value."""

from __future__ import annotations

import pytest

from cv_reporter.settings import Settings, SettingsError
from tests.component.world import ENVIRONMENT


def test_lists_are_read_without_repetitions_and_addresses_in_lower_case() -> None:
    changed = {"RECIPIENTS": "a@cv.example, A@cv.example,b@cv.example", "OWNER_SESSIONS": "s1, s1"}
    read = Settings.read(ENVIRONMENT | changed)
    assert read.recipients == ("a@cv.example", "b@cv.example")
    assert read.owner_sessions == ("s1",)
    assert Settings.read(ENVIRONMENT | {"RECIPIENTS": ""}).recipients == ()


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_a_missing_variable_is_named(name: str) -> None:
    rest = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(SettingsError, match=f"variables: {name}: Field required$"):
        Settings.read(rest)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIME_ZONE", "Nowhere/Secret"),
        ("SHARDS", "0"),
        ("RETENTION_DAYS", "secret"),
        ("RECIPIENTS", "owner@cv.example,secret"),
        ("TABLE_NAME", ""),
    ],
)
def test_a_wrong_value_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read(ENVIRONMENT | {name: value})
    assert f"{name}: " in str(caught.value)
    assert "secret" not in str(caught.value).lower()
