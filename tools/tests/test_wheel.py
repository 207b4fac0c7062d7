from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.build.versions import version_of
from tools.deploy.account import Account
from tools.deploy.wheel import RELEASES, WheelError, upload

WHEEL = f"cv_contracts-{version_of('contracts')}-py3-none-any.whl"


class FakeAws:
    """One bucket that refuses to overwrite, and the parameter that names it."""

    def __init__(self, *parameters: str) -> None:
        self.parameters, self.objects = parameters, dict[str, bytes]()

    def client(self, service: str, **_: Any) -> FakeAws:
        return self

    def get_parameters(self, Names: list[str]) -> Any:  # noqa: N803 - boto3's name
        assert Names == ["/cv-analytics/dev/contracts/release-bucket"]
        return {"Parameters": [{"Value": value} for value in self.parameters]}

    def put_object(self, **call: Any) -> None:
        if call["Key"] in self.objects:
            assert call["IfNoneMatch"] == "*"
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[call["Key"]] = call["Body"]

    def get_object(self, **call: Any) -> Any:
        return {"Body": io.BytesIO(self.objects[call["Key"]])}


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    (tmp_path / WHEEL).write_bytes(b"wheel")
    return tmp_path


def test_a_release_is_put_there_once_and_stays(releases: Path) -> None:
    aws = FakeAws("bucket")
    account = Account("dev", aws)
    assert list(upload(account, releases)) == [f"{WHEEL} is in s3://bucket"]
    assert list(upload(account, releases)) == [f"{WHEEL} was in s3://bucket already"]
    assert aws.objects == {WHEEL: b"wheel"}


def test_a_release_is_never_changed(releases: Path) -> None:
    aws = FakeAws("bucket")
    list(upload(Account("dev", aws), releases))
    (releases / WHEEL).write_bytes(b"another")
    with pytest.raises(WheelError, match="raise the version"):
        list(upload(Account("dev", aws), releases))
    assert aws.objects == {WHEEL: b"wheel"}


def test_a_version_that_was_not_released_is_not_deployed(tmp_path: Path) -> None:
    with pytest.raises(WheelError, match="cv-contracts release"):
        list(upload(Account("dev", FakeAws("bucket")), tmp_path))


def test_without_a_stack_there_is_no_place_for_it(releases: Path) -> None:
    with pytest.raises(WheelError, match="make deploy-contracts STAGE=dev"):
        list(upload(Account("dev", FakeAws()), releases))


def test_the_repository_holds_the_release_of_its_version() -> None:
    assert (RELEASES / WHEEL).exists()
