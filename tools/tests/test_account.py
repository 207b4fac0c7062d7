from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.deploy import stacks
from tools.deploy.__main__ import main
from tools.deploy.account import Account, NotReachableError, account_of
from tools.deploy.stacks import stacks_of, stacks_to_destroy


def test_the_embedded_aws_must_be_up(tmp_path: Path) -> None:
    with pytest.raises(NotReachableError, match="make up"):
        account_of("local", tmp_path / "outputs.json")


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    written = tmp_path / "outputs.json"
    known = {
        "awsEndpoint": "http://127.0.0.1:1",
        "region": "eu-west-2",
        "accessKeyId": "test",
        "secretAccessKey": "test",
    }
    written.write_text(json.dumps(known), "utf-8")
    return written


def test_local_commands_never_reach_the_callers_account(outputs: Path) -> None:
    account = account_of("local", outputs)
    assert account.client("lambda").meta.endpoint_url == "http://127.0.0.1:1"
    assert account.environment["AWS_ACCESS_KEY_ID"] == "test"


def test_an_expected_failure_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["smoke", "--stage", "local", "--outputs", str(tmp_path / "none.json")])
    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the embedded AWS is not there: run `make up` first"
    ]


def test_the_links_deploy_last_and_go_first() -> None:
    assert stacks_of("reporter") == ["reporter", "reporter-links"]
    assert stacks_to_destroy("processor") == ["reporter-links", "processor"]


@pytest.mark.parametrize("typed", ["", "no\n", "cv-analytics-processor-local\n"])
def test_a_stack_is_deleted_by_its_own_name_only(
    typed: str, outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def destroy(*_: object) -> int:
        raise AssertionError("deleted all the same")

    monkeypatch.setattr(stacks, "is_deployed", lambda *_: True)
    monkeypatch.setattr(stacks, "destroy", destroy)
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    code = main(["destroy", "processor", "--stage", "local", "--outputs", str(outputs)])
    assert code == 1
    # The links go first; what was typed is the name of another stack.
    assert "Type cv-analytics-reporter-links-local" in (said := capsys.readouterr().out)
    assert "Nothing was deleted. YES=1" in said


SAID = """
cv-analytics-processor-dev |  15 | 5:06:37 PM | DELETE_SKIPPED   | AWS::Lambda::Version | Ingest
cv-analytics-processor-dev |  16 | 5:06:37 PM | DELETE_SKIPPED   | AWS::Lambda::Version | Relay
cv-analytics-processor-dev |  16 | 5:06:37 PM | DELETE_COMPLETE | AWS::Lambda::Alias | Ingest/Live
cv-analytics-processor-dev |  17 | 5:06:37 PM | DELETE_SKIPPED   | AWS::DynamoDB::Table | Table
"""


def test_a_deletion_says_what_stayed() -> None:
    assert stacks.stayed_behind("") == "nothing stays"
    kept = "what stays: 1 AWS::DynamoDB::Table, 2 AWS::Lambda::Version"
    assert stacks.stayed_behind(SAID) == kept


@pytest.mark.parametrize(
    ("code", "says"),
    [(0, "is deleted, in 0 s; what stays: 1 AWS"), (1, "is not deleted. Where it is protected")],
)
def test_what_cdk_says_is_shown_only_if_it_failed(
    code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.CompletedProcess([], code, SAID)
    monkeypatch.setattr(stacks, "_cdk", lambda *_: done)
    assert stacks.destroy(Account("dev", None), "processor") == code
    shown = capsys.readouterr().out
    assert f"cv-analytics-processor-dev {says}" in shown
    assert ("Ingest/Live" in shown) == bool(code)
