"""What runs at night, against stand-ins of the services that it asks."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools.__main__ import main
from tools.deploy import upkeep
from tools.deploy.account import Account
from tools.deploy.upkeep import NoDataError, Package, UpkeepError, audit, locked, reconcile
from tools.paths import ROOT

Answer = Callable[[Any], bytes]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "requirements.lock").write_text(
        "Boto3==1.2.3 \\\n    --hash=sha256:00\nsix==1.0 ; python_version < '3.12' \\\n", "utf-8"
    )
    (tmp_path / "dev.lock").write_text("boto3==1.2.3 \\\n", "utf-8")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.lock").write_text("evil==6.6.6\n", "utf-8")
    tree = {"packages": {"": {}, "node_modules/a/node_modules/@x/y": {"version": "2.0.0"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(tree), "utf-8")
    return tmp_path


def test_every_locked_package_is_audited_once(checkout: Path) -> None:
    assert locked(checkout) == {
        Package("PyPI", "boto3", "1.2.3"),
        Package("PyPI", "six", "1.0"),
        Package("npm", "@x/y", "2.0.0"),
    }


def test_the_repositorys_own_locks_are_found() -> None:
    found = locked()
    assert {"PyPI", "npm"} == {package.ecosystem for package in found}
    assert {"aws-cdk", "aws-cdk-lib", "ministack", "pydantic"} <= {p.name for p in found}


@contextmanager
def osv(answer: Answer) -> Iterator[str]:
    """A database of advisories on this machine; `answer` gets the request's JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = answer(asked)
            self.send_response(200 if body else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def vulnerable(*names: str) -> Answer:
    def answer(asked: Any) -> bytes:
        hit = {"vulns": [{"id": "GHSA-1"}, {"id": "GHSA-2"}]}
        results = [hit if query["package"]["name"] in names else {} for query in asked["queries"]]
        return json.dumps({"results": results}).encode()

    return answer


def test_an_audit_without_findings_says_what_it_asked(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with osv(vulnerable()) as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        assert list(audit(checkout)) == ["3 locked packages have no known vulnerability"]


def test_an_audit_names_each_finding_and_the_remedy(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with osv(vulnerable("six", "@x/y")) as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        with pytest.raises(UpkeepError) as failure:
            list(audit(checkout))
    assert "4 vulnerabilities in 3 locked packages" in str(failure.value)
    assert "make lock PACKAGE=" in str(failure.value)
    for package in ("six 1.0 (PyPI)", "@x/y 2.0.0 (npm)"):
        for advisory in ("GHSA-1", "GHSA-2"):
            assert f"{package}: {advisory}\n" in f"{failure.value}\n"


def test_more_packages_than_a_question_may_hold_are_asked_in_parts(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "QUERIES_AT_ONCE", 2)
    with osv(vulnerable("six")) as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        with pytest.raises(UpkeepError, match="2 vulnerabilities in 3"):
            list(audit(checkout))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda _: b"", "needs the network"),
        (lambda _: b"<html>", "needs the network"),
        (lambda _: b'{"results": [{}]}', "answered 1 of 3"),
    ],
)
def test_a_database_that_does_not_answer_is_no_clean_bill(
    answer: Answer, says: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with osv(answer) as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        with pytest.raises(NoDataError, match=says):
            list(audit(checkout))


def test_an_audit_without_data_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with osv(lambda _: b"") as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        with pytest.raises(SystemExit) as ended:
            main(["audit"])
    assert ended.value.code == upkeep.NO_DATA
    assert "error: no vulnerability data could be reached" in capsys.readouterr().err


def acknowledge(checkout: Path, *advisories: str, **changes: str) -> None:
    fields = {"package": "'six'", "reason": "'only used where nobody comes'", "until": "2026-11-28"}
    lines = [f"{name} = {value}" for name, value in (fields | changes).items()]
    entries = ["\n".join(["[[acknowledged]]", f"id = '{id_}'", *lines]) for id_ in advisories]
    path = checkout / upkeep.ACKNOWLEDGED
    path.parent.mkdir()
    path.write_text("\n".join(entries), "utf-8")


@pytest.mark.parametrize(
    ("advisories", "changes", "day", "left"),
    [
        (("GHSA-1", "GHSA-2"), {}, 28, ()),
        (("GHSA-1", "GHSA-2"), {}, 29, ("GHSA-1, ack.* until 2026-11-28: only", "GHSA-2, ack")),
        (("GHSA-1",), {}, 28, ("GHSA-2$",)),
        (("GHSA-1", "GHSA-2"), {"package": "'boto3'"}, 28, ("GHSA-1$", "GHSA-2$")),
    ],
    ids=["acknowledged", "expired", "another one", "of another package"],
)
def test_what_is_acknowledged_passes_until_its_day(
    advisories: tuple[str, ...],
    changes: dict[str, str],
    day: int,
    left: tuple[str, ...],
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acknowledge(checkout, *advisories, **changes)
    with osv(vulnerable("six")) as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        if left:
            with pytest.raises(UpkeepError) as failure:
                list(audit(checkout, date(2026, 11, day)))
            for pattern in left:
                assert re.search(rf"six 1.0 \(PyPI\): {pattern}", str(failure.value), re.MULTILINE)
        else:
            said = list(audit(checkout, date(2026, 11, day)))
            assert said == [
                "3 locked packages have no known vulnerability but 2 that are acknowledged"
            ]


def test_an_acknowledgement_that_nothing_needs_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledge(checkout, "GHSA-9")
    with osv(vulnerable()) as url:
        monkeypatch.setattr(upkeep, "ADVISORIES", url)
        assert next(audit(checkout)) == "no longer reported, delete it: GHSA-9 of six"


@pytest.mark.parametrize(
    "changes",
    [{"reason": "''"}, {"until": "'soon'"}, {"until": ""}, {"more": "1"}],
    ids=["no reason", "no date", "no TOML", "an unknown field"],
)
def test_an_acknowledgement_has_a_reason_and_a_date(
    changes: dict[str, str], checkout: Path
) -> None:
    acknowledge(checkout, "GHSA-1", **changes)
    with pytest.raises(UpkeepError, match="cannot be read"):
        list(audit(checkout))


def test_the_repositorys_own_acknowledgements_can_be_read() -> None:
    assert (ROOT / upkeep.ACKNOWLEDGED).exists()
    upkeep.acknowledged(ROOT / upkeep.ACKNOWLEDGED)


def account_with(client: Any) -> Account:
    class Session:
        def client(self, service: str, **_: Any) -> Any:
            return client

    return Account("dev", Session())


class FakeLambda:
    def __init__(self, said: Any, **more: str) -> None:
        self.answer = {"Payload": io.BytesIO(json.dumps(said).encode()), **more}

    def invoke(self, **call: str) -> Any:
        assert call == {"FunctionName": "cv-analytics-dev-reporter-reconcile", "Qualifier": "live"}
        return self.answer


def test_a_reconciliation_tells_what_it_compared() -> None:
    client = FakeLambda({"compared": 9, "healed": 2, "problem": None})
    assert list(reconcile(account_with(client))) == ["9 days compared, 2 questions healed"]


def test_a_reconciliation_that_could_not_compare_is_a_failure() -> None:
    client = FakeLambda({"compared": 0, "healed": 0, "problem": "the Processor did not answer"})
    with pytest.raises(UpkeepError, match="the Processor did not answer"):
        list(reconcile(account_with(client)))


def test_a_reconciliation_that_raised_is_a_failure() -> None:
    client = FakeLambda({"errorType": "KeyError"}, FunctionError="Unhandled")
    with pytest.raises(UpkeepError, match="failed: KeyError"):
        list(reconcile(account_with(client)))
