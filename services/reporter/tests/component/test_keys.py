"""The dashboard's key: an encrypted parameter that whoever needs it first makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cv_reporter.adapters.aws import client
from cv_reporter.adapters.secrets import GeneratedKey
from cv_reporter.application.errors import UnavailableError
from tests.component import world as worlds
from tests.component.world import World

NAME = worlds.ENVIRONMENT["DASHBOARD_KEY_PARAMETER"]


@pytest.fixture
def without_key(world: World) -> Iterator[Any]:
    """An account in which nobody needed the key yet; the client of SSM."""
    ssm = client("ssm")
    ssm.delete_parameter(Name=NAME)
    yield ssm
    worlds.put_key(worlds.KEY)


def test_the_key_is_made_once_encrypted_and_long(without_key: Any) -> None:
    key = GeneratedKey.of_parameter(without_key, NAME)()
    stored = without_key.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]
    assert (stored["Type"], stored["Value"]) == ("SecureString", key)
    assert len(key) >= 64
    assert GeneratedKey.of_parameter(without_key, NAME)() == key


def test_of_two_makers_the_first_wins(without_key: Any) -> None:
    """The other one asked before the key was there, and puts its own after."""
    slower = GeneratedKey.of_parameter(without_key, NAME)

    class Late:
        def put_parameter(self, **request: Any) -> Any:
            worlds.put_key("first" * 13)
            return without_key.put_parameter(**request)

    assert GeneratedKey(Late(), slower.text)() == "first" * 13


def test_a_key_that_cannot_be_made_is_a_service_that_is_not_there(without_key: Any) -> None:
    class Refusing:
        def put_parameter(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutParameter")

    key = GeneratedKey.of_parameter(without_key, NAME)
    with pytest.raises(UnavailableError):
        GeneratedKey(Refusing(), key.text)()
