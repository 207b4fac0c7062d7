from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.deploy.account import Account
from tools.deploy.releases import (
    NoSuchReleaseError,
    UnderWayError,
    Version,
    choose,
    move,
    plan,
    prune,
)

VERSIONS = [Version(1, "1.0.0 aaa"), Version(2, "1.1.0 bbb"), Version(3, "1.1.0 ccc")]


def test_without_a_wish_it_is_the_version_before() -> None:
    assert choose(3, VERSIONS, None) == VERSIONS[1]


def test_going_back_twice_goes_back_two_versions() -> None:
    assert choose(choose(3, VERSIONS, None).number, VERSIONS, None) == VERSIONS[0]


@pytest.mark.parametrize(
    ("wanted", "number"), [("1.0.0", 1), ("bbb", 2), ("1.1.0", 3), ("2", 2), ("1.1.0 bbb", 2)]
)
def test_a_version_may_be_named_by_semver_commit_or_number(wanted: str, number: int) -> None:
    assert choose(3, VERSIONS, wanted).number == number


def test_the_first_version_has_none_before_it() -> None:
    with pytest.raises(NoSuchReleaseError, match="no version before 1"):
        choose(1, VERSIONS, None)


def test_an_unknown_version_is_refused_with_those_there_are() -> None:
    with pytest.raises(NoSuchReleaseError, match=r"1 \(1\.0\.0 aaa\)"):
        choose(3, VERSIONS, "9.9.9")


@dataclass
class FakeLambda:
    """Functions by name, each with its published descriptions and its live version."""

    functions: dict[str, tuple[list[str], int]]
    moved: list[tuple[str, str]] = field(default_factory=list)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    refuses: bool = False
    stack: str = "UPDATE_COMPLETE"

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - boto3's name
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.stack}]}

    def get_paginator(self, operation: str) -> Any:
        fake = self

        class Pages:
            def paginate(self, FunctionName: str = "") -> Any:  # noqa: N803 - boto3's name
                if operation == "list_functions":
                    return [{"Functions": [{"FunctionName": name} for name in fake.functions]}]
                descriptions, _ = fake.functions[FunctionName]
                numbered = enumerate(["", *descriptions])
                return [
                    {
                        "Versions": [
                            {"Version": str(number) if number else "$LATEST", "Description": text}
                            for number, text in numbered
                        ]
                    }
                ]

        return Pages()

    def get_alias(self, FunctionName: str, Name: str) -> Any:  # noqa: N803 - boto3's names
        return {
            "FunctionVersion": str(self.functions[FunctionName][1]),
            "RoutingConfig": {"AdditionalVersionWeights": self.weights},
        }

    def update_alias(self, **call: Any) -> None:
        self.moved.append((call["FunctionName"], call["FunctionVersion"]))

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:  # noqa: N803
        if self.refuses:
            error: Any = {"Error": {"Code": "AccessDeniedException", "Message": ""}}
            raise ClientError(error, "DeleteFunction")
        self.deleted.append((FunctionName, Qualifier))


def account_with(functions: dict[str, tuple[list[str], int]]) -> tuple[Account, FakeLambda]:
    fake = FakeLambda(functions)

    class FakeSession:
        def client(self, service: str, **_: Any) -> Any:
            return fake

    return Account("local", FakeSession()), fake


def test_a_rollback_moves_all_functions_of_the_service_and_no_others() -> None:
    account, fake = account_with(
        {
            "cv-analytics-local-processor-api": (["1.0.0 a", "1.1.0 b"], 2),
            "cv-analytics-local-processor-ingest": (["1.0.0 a", "1.1.0 b"], 2),
            "cv-analytics-local-reporter-api": (["1.0.0 a", "1.1.0 b"], 2),
        }
    )
    done = list(move(account, "processor", plan(account, "processor", None)))
    assert fake.moved == [
        ("cv-analytics-local-processor-api", "1"),
        ("cv-analytics-local-processor-ingest", "1"),
    ]
    assert str(done[0]).endswith("version 2 (1.1.0 b) -> 1 (1.0.0 a)")


def test_a_function_that_came_with_the_live_release_stays() -> None:
    account, fake = account_with(
        {
            "cv-analytics-local-processor-api": (["1.0.0 a", "1.1.0 b"], 2),
            "cv-analytics-local-processor-erase": (["1.1.0 b"], 1),
        }
    )
    for wanted in (None, "1.0.0"):
        said = [
            str(step) for step in move(account, "processor", plan(account, "processor", wanted))
        ]
        assert said[1] == "cv-analytics-local-processor-erase: stays, it is new in 1.1.0 b"
    assert {function for function, _ in fake.moved} == {"cv-analytics-local-processor-api"}


@pytest.mark.parametrize(("wanted", "says"), [("1.1.0", "no version 1.1.0"), ("9", "no version 9")])
def test_nothing_moves_when_one_function_cannot_go_there(wanted: str, says: str) -> None:
    account, fake = account_with(
        {
            "cv-analytics-local-processor-api": (["1.0.0 a", "1.1.0 b", "1.2.0 c"], 3),
            "cv-analytics-local-processor-erase": (["1.0.0 a", "1.2.0 c"], 2),
        }
    )
    with pytest.raises(NoSuchReleaseError, match=says):
        plan(account, "processor", wanted)
    assert fake.moved == []


def test_a_service_with_one_release_has_nothing_to_go_back_to() -> None:
    account, _ = account_with({"cv-analytics-local-processor-api": (["1.0.0 a"], 1)})
    with pytest.raises(NoSuchReleaseError, match="is the only release of processor"):
        plan(account, "processor", None)


API = "cv-analytics-local-processor-api"


def test_a_rollback_while_the_stack_is_deployed_is_refused_with_the_way_to_end_that() -> None:
    account, fake = account_with({API: (["1.0.0 a", "1.1.0 b"], 2)})
    fake.stack = "UPDATE_IN_PROGRESS"
    remedy = "cancel-update-stack --stack-name cv-analytics-processor-local"
    with pytest.raises(UnderWayError, match=remedy):
        plan(account, "processor", None)
    assert fake.moved == []


def test_a_rollback_during_a_canary_leaves_its_version_and_goes_back_no_further() -> None:
    account, fake = account_with({API: (["1.0.0 a", "1.1.0 b", "1.2.0 c"], 2)})
    fake.stack, fake.weights = "UPDATE_IN_PROGRESS", {"3": 0.1}
    [step] = move(account, "processor", plan(account, "processor", None))
    assert str(step) == f"{API}: version 3 (1.2.0 c) -> 2 (1.1.0 b)"
    assert fake.moved == [(API, "2")]


def test_only_the_newest_versions_stay() -> None:
    account, fake = account_with(
        {API: (["1"] * 5, 5), "cv-analytics-local-reporter-api": (["1"], 1)}
    )
    assert list(prune(account, "processor", keep=2)) == [f"{API}: 3 old versions deleted"]
    assert fake.deleted == [(API, "1"), (API, "2"), (API, "3")]


def test_versions_that_get_requests_stay_however_old_they_are() -> None:
    account, fake = account_with({API: (["1"] * 5, 1)})
    fake.weights = {"2": 0.1}
    list(prune(account, "processor", keep=2))
    assert fake.deleted == [(API, "3")]


def test_few_versions_all_stay() -> None:
    account, fake = account_with({API: (["1"] * 2, 2)})
    assert list(prune(account, "processor", keep=2)) == []
    assert fake.deleted == []


def test_a_refused_deletion_is_reported_once_with_the_remedy() -> None:
    account, fake = account_with({API: (["1"] * 5, 5), f"{API}-2": (["1"] * 5, 5)})
    fake.refuses = True
    [line] = prune(account, "processor", keep=2)
    assert "old versions stay, `make prune-processor` deletes them" in line
    assert "AccessDenied" in line
