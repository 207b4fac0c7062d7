"""The nightly restore, against a stand-in of DynamoDB."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.deploy import restore
from tools.deploy.account import Account
from tools.deploy.restore import restore_test
from tools.deploy.upkeep import UpkeepError

PROCESSOR, REPORTER = "cv-analytics-dev-processor", "cv-analytics-dev-reporter"
OLD_COPY = f"{PROCESSOR}-restored-20260101000000"


def refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class FakeDynamoDb:
    """Tables by name with their number of items; a copy is active at the second look."""

    def __init__(
        self, refusal: str = "", refused_table: str = PROCESSOR, copied: int = 1, looks: int = 2
    ) -> None:
        self.tables = {PROCESSOR: 3, REPORTER: 3}
        self.refusal, self.refused_table = refusal, refused_table
        self.copied, self.looks = copied, looks
        self.seen: dict[str, int] = {}
        self.restored: list[str] = []
        self.deleted: list[str] = []
        self.scanned: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_tables"
        pages = [{"TableNames": [name]} for name in self.tables]
        return type("Pages", (), {"paginate": lambda _: pages})()

    def restore_table_to_point_in_time(self, **call: Any) -> None:
        if self.refusal and call["SourceTableName"] == self.refused_table:
            raise refused(self.refusal, "RestoreTableToPointInTime")
        assert call["UseLatestRestorableTime"] is True
        assert call["TargetTableName"].startswith(f"{call['SourceTableName']}-restored-")
        self.restored.append(call["SourceTableName"])
        self.tables[call["TargetTableName"]] = self.copied

    def describe_table(self, TableName: str) -> Any:  # noqa: N803 - boto3's name
        self.seen[TableName] = self.seen.get(TableName, 0) + 1
        active = self._active(TableName)
        status = "ACTIVE" if active else "CREATING"
        return {"Table": {"TableStatus": status, "ItemCount": self.tables[TableName]}}

    def scan(self, TableName: str, Limit: int, Select: str) -> Any:  # noqa: N803 - boto3's names
        assert Limit == 1
        assert Select == "COUNT"
        self.scanned.append(TableName)
        return {"Count": min(Limit, self.tables[TableName])}

    def delete_table(self, TableName: str) -> None:  # noqa: N803 - boto3's name
        if not self._active(TableName):
            raise refused("ResourceInUseException", "DeleteTable")
        self.deleted.append(TableName)
        del self.tables[TableName]

    def _active(self, name: str) -> bool:
        return name in (PROCESSOR, REPORTER, OLD_COPY) or self.seen.get(name, 0) >= self.looks


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "PAUSE_SECONDS", 0.0)


def account_with(client: Any) -> Account:
    class Session:
        def client(self, service: str, **_: Any) -> Any:
            return client

    return Account("dev", Session())


def test_all_tables_are_restored_at_once_read_and_their_copies_deleted() -> None:
    tables = FakeDynamoDb()
    lines = list(restore_test(account_with(tables)))
    assert tables.restored == [PROCESSOR, REPORTER]
    assert [line.rsplit(" in ", 1)[0] for line in lines] == [
        f"{PROCESSOR} was restored and read",
        f"{REPORTER} was restored and read",
    ]
    assert set(tables.tables) == {PROCESSOR, REPORTER}
    assert len(tables.deleted) == 2


def test_only_copies_are_scanned() -> None:
    tables = FakeDynamoDb()
    list(restore_test(account_with(tables)))
    assert tables.scanned
    assert all("-restored-" in name for name in tables.scanned)


def test_a_copy_left_behind_by_an_earlier_night_is_deleted_and_nothing_else() -> None:
    tables = FakeDynamoDb()
    tables.tables |= {
        OLD_COPY: 1,
        "other-restored-1": 1,
        "cv-analytics-prod-processor-restored-1": 1,
    }
    lines = list(restore_test(account_with(tables)))
    assert lines[0] == f"{OLD_COPY} was left behind and is deleted"
    assert set(tables.tables) == {
        PROCESSOR,
        REPORTER,
        "other-restored-1",
        "cv-analytics-prod-processor-restored-1",
    }


def test_a_leftover_that_is_still_being_restored_is_named_and_does_not_stop_the_test() -> None:
    tables = FakeDynamoDb()
    leftover = f"{REPORTER}-restored-20260101000000"
    tables.tables[leftover] = 1
    lines = list(restore_test(account_with(tables)))
    assert lines[0].startswith(f"{leftover} is not deleted, the next run tries again")
    assert len(lines) == 3


def test_an_empty_copy_of_a_table_with_items_fails_and_is_deleted_all_the_same() -> None:
    tables = FakeDynamoDb(copied=0)
    with pytest.raises(UpkeepError, match="its restored copy none"):
        list(restore_test(account_with(tables)))
    assert len(tables.deleted) == 1  # the other one is not active yet


def test_an_empty_copy_of_an_empty_table_is_no_failure() -> None:
    tables = FakeDynamoDb(copied=0)
    tables.tables = {PROCESSOR: 0, REPORTER: 0}
    assert len(list(restore_test(account_with(tables)))) == 2


@pytest.mark.parametrize(
    ("refusal", "remedy"),
    [
        ("TableNotFoundException", "deploy the service first"),
        ("PointInTimeRecoveryUnavailableException", "switches it on"),
        ("AccessDeniedException", "upkeep"),
        ("LimitExceededException", "see the message"),
    ],
)
def test_a_table_that_cannot_be_restored_comes_with_the_remedy(refusal: str, remedy: str) -> None:
    with pytest.raises(UpkeepError, match=remedy):
        list(restore_test(account_with(FakeDynamoDb(refusal))))


def test_a_refused_second_restore_does_not_leave_the_first_copy_behind() -> None:
    tables = FakeDynamoDb("TableNotFoundException", REPORTER, looks=0)
    with pytest.raises(UpkeepError):
        list(restore_test(account_with(tables)))
    assert [name.split("-restored-")[0] for name in tables.deleted] == [PROCESSOR]


def test_a_copy_that_is_never_active_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(UpkeepError, match=f"{PROCESSOR}-restored-.* the next run deletes it"):
        list(restore_test(account_with(FakeDynamoDb(looks=99))))
