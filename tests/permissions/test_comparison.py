"""The comparison itself finds what it is there for."""

from __future__ import annotations

from dataclasses import replace

from tests.permissions.grants import Grant, refused_without

TABLE = "arn:aws:dynamodb:eu-west-2:1:table/t"
GET = Grant("reporter-api", "dynamodb:GetItem", TABLE)
PUT = replace(GET, action="dynamodb:PutItem")
ANY_DAY = Grant("reporter-api", "execute-api:Invoke", "arn:aws:execute-api:::a/$default/GET/days/*")
ONE_DAY = replace(ANY_DAY, resource="arn:aws:execute-api:::a/$default/GET/days/2026-01-01")


def test_a_call_that_only_one_grant_covers_is_refused_without_it() -> None:
    assert refused_without(GET, [GET, PUT], [GET, PUT]) == {GET}
    assert refused_without(ANY_DAY, [ANY_DAY], [ONE_DAY]) == {ONE_DAY}


def test_a_grant_that_nobody_uses_is_without_consequence() -> None:
    assert not refused_without(PUT, [GET, PUT], [GET])


def test_the_same_call_of_another_role_does_not_count() -> None:
    assert not refused_without(GET, [GET], [replace(GET, role="reporter-report")])


def test_the_same_call_on_another_resource_does_not_count() -> None:
    assert not refused_without(GET, [GET], [replace(GET, resource=f"{TABLE}/index/day")])


def test_a_grant_that_a_wider_one_covers_is_without_consequence() -> None:
    assert not refused_without(ONE_DAY, [ANY_DAY, ONE_DAY], [ONE_DAY])
