"""IAM is enforced: no function of one service gets at the other service's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.system.conftest import eventually
from tests.system.workers import Worker, workers_of
from tools.emulator.watch import PREFIX

if TYPE_CHECKING:
    from tools.deploy.account import Account
    from tools.emulator.emulator import Emulator

FUNCTIONS = {
    "processor": ("processor-api", "processor-ingest", "processor-expire"),
    "reporter": ("reporter-api", "reporter-project", "reporter-summarise", "reporter-report"),
}
FOREIGN = {"processor": "reporter", "reporter": "processor"}
CASES = [(owner, function) for owner, functions in FUNCTIONS.items() for function in functions]
KEY = {"pk": {"S": "REQ#none"}, "sk": {"S": "CORRELATION"}}
ATTEMPTS: dict[str, dict[str, Any]] = {
    "get_item": {"Key": KEY},
    "put_item": {"Item": KEY},
    "scan": {},
}


@pytest.mark.parametrize(("owner", "function"), CASES)
def test_a_function_is_refused_the_other_table(
    emulator: Emulator, admin: Account, owner: str, function: str
) -> None:
    foreign = f"{PREFIX}{FOREIGN[owner]}"
    with _as(emulator, admin, function) as caller:
        for operation, arguments in ATTEMPTS.items():
            with pytest.raises(ClientError) as refusal:
                getattr(caller.client("dynamodb"), operation)(TableName=foreign, **arguments)
            assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.parametrize("function", ["processor-ingest", "reporter-project"])
def test_the_same_credentials_open_its_own_table(
    emulator: Emulator, admin: Account, function: str
) -> None:
    """Else the refusals above could come from credentials that are good for nothing."""
    own = f"{PREFIX}{function.split('-')[0]}"
    absent = {"pk": {"S": "REQ#absent"}, "sk": {"S": "NOTHING"}}
    with _as(emulator, admin, function) as caller:
        caller.client("dynamodb").update_item(
            TableName=own,
            Key=absent,
            UpdateExpression="SET checked = :true",
            ExpressionAttributeValues={":true": {"BOOL": True}},
        )
    admin.client("dynamodb").delete_item(TableName=own, Key=absent)


def _as(emulator: Emulator, admin: Account, function: str) -> Account:
    """The credentials that the function's own process runs with."""
    running = emulator.running()
    assert running is not None
    found: list[Worker] = []

    def awake() -> bool:
        found.extend(workers_of(running.pid, function))
        if not found:
            _wake(admin, function)
        return bool(found)

    eventually(awake, f"{function} runs")
    return found[0].caller()


def _wake(admin: Account, function: str) -> None:
    """Let a function start its process; what it makes of an empty batch does not matter."""
    payload: Any = b'{"Records": []}'
    admin.client("lambda").invoke(
        FunctionName=f"{PREFIX}{function}", InvocationType="Event", Payload=payload
    )
