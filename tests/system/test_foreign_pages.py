"""Pages of other origins, in Chromium: no byte of the embedded AWS is read, nothing is changed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.system.conftest import answer, eventually, question
from tools.demo.system import dashboard_link
from tools.paths import ROOT, venv_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.demo.system import DeployedSystem
    from tools.deploy.account import Account

BROWSER = ROOT / "tests" / "browser"
DAY, WEEK, ASKED_AT = "2025-09-16", "2025-W38", 1_758_016_800_000  # a Tuesday, 10:00 UTC
NAME = "foreign-page"
WAYS = {"cors", "no-cors", "form", "beacon", "frame", "window", "image", "websocket"}
POPUPS = {"window"}  # a sandbox without allow-popups has none
REBOUND = "a rebound name"


def credential(key: str, service: str) -> str:
    return f"{key}/20260101/eu-west-2/{service}/aws4_request"


def signed_by(key: str, service: str) -> str:
    scope = credential(key, service)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def call(method: str, path: str, body: str = "", **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"method": method, "path": path, "body": body, "headers": named}


def calls(board: str, queue: str) -> list[dict[str, Any]]:
    """What an attacker sends: with the keys that the emulator takes without a signature."""
    table = json.dumps({"TableName": NAME})
    item = json.dumps({"TableName": NAME, "Item": {"pk": {"S": "theirs"}}})
    message = urlencode({"Action": "SendMessage", "QueueUrl": queue, "MessageBody": "theirs"})
    presigned = urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": credential("test", "s3"),
            "X-Amz-Signature": "0",
        }
    )
    to_dynamodb = {"authorization": signed_by("test", "dynamodb")}
    to_lambda = {"authorization": signed_by("123456789012", "lambda")}
    function = json.dumps({"FunctionName": NAME, "Runtime": "python3.13", "Role": "r", "Code": {}})
    return [
        call("GET", board),
        call("GET", f"/{NAME}/object?{presigned}"),
        call("GET", "/_ministack/ses/messages"),
        call("GET", "/_ministack/health"),
        call("POST", board, "text=theirs"),
        call("POST", "/", table, x_amz_target="DynamoDB_20120810.Scan", **to_dynamodb),
        call("POST", "/", item, x_amz_target="DynamoDB_20120810.PutItem", **to_dynamodb),
        call("POST", f"/?{presigned}", message),
        call("POST", "/2015-03-31/functions", function, **to_lambda),
        call("PUT", f"/{NAME}/theirs?{presigned}", "theirs"),
        call("DELETE", f"/{NAME}/object?{presigned}"),
        call("POST", "/_ministack/reset"),
    ]


@pytest.fixture
def queue(admin: Account) -> Iterator[str]:
    """Something of ours in a table, a bucket and a queue; gives the queue's address."""
    tables, buckets, queues = (admin.client(name) for name in ("dynamodb", "s3", "sqs"))
    key = {"AttributeName": "pk"}
    tables.create_table(
        TableName=NAME,
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables.put_item(TableName=NAME, Item={"pk": {"S": "ours"}})
    buckets.create_bucket(
        Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    buckets.put_object(Bucket=NAME, Key="object", Body=b"ours")
    url = queues.create_queue(QueueName=NAME)["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody="ours")
    yield url
    queues.delete_queue(QueueUrl=url)
    buckets.delete_object(Bucket=NAME, Key="object")
    buckets.delete_bucket(Bucket=NAME)
    tables.delete_table(TableName=NAME)


def test_a_foreign_page_reads_nothing_and_changes_nothing(
    system: DeployedSystem, admin: Account, queue: str
) -> None:
    system.send_to_api([question("foreign-0", ASKED_AT), answer("foreign-0", ASKED_AT)])
    eventually(lambda: system.projected(DAY, DAY) == 1, "the question projected")
    system.build_report(WEEK, send=True)
    eventually(lambda: system.waiting() == 0, "all queues empty")
    link = dashboard_link(system.mails())
    before = _known(system, admin, queue)

    target = f"http://{urlsplit(link).netloc}"
    board = urlsplit(link).path
    order = {"link": link, "target": target, "calls": calls(board, queue), "sockets": ["/", board]}
    results = in_chromium(order)

    for origin, result in results.items():
        popups = POPUPS if "sandboxed" in origin else set()
        assert set(result["arrived"]) == WAYS - popups, "ways at a server that allows everything"
        assert {way for way, _ in result["open"]} >= {"cors", "websocket"}, origin
        if origin == REBOUND:  # one origin with the emulator: it reads that it is refused
            assert {way for way, _ in result["open"]} >= {"no-cors", "form", "frame", "window"}
            assert {text for _, text in result["read"]} == {_refusal()}
        else:
            assert result["read"] == [], origin
    assert _known(system, admin, queue) == before


def _refusal() -> str:
    message = "Refused: the Host header names another machine."
    return json.dumps({"__type": "AccessDenied", "message": message})


def _known(system: DeployedSystem, admin: Account, queue: str) -> dict[str, Any]:
    """All names that the emulator knows, and the whole content of what the pages went for."""
    tables, buckets, queues = (admin.client(name) for name in ("dynamodb", "s3", "sqs"))
    objects = buckets.list_objects_v2(Bucket=NAME)["Contents"]
    count = "ApproximateNumberOfMessages"
    return {
        "tables": tables.list_tables()["TableNames"],
        "items": tables.scan(TableName=NAME)["Items"],
        "buckets": [bucket["Name"] for bucket in buckets.list_buckets()["Buckets"]],
        "objects": [(entry["Key"], entry["ETag"]) for entry in objects],
        "queues": sorted(queues.list_queues()["QueueUrls"]),
        "messages": queues.get_queue_attributes(QueueUrl=queue, AttributeNames=[count])[
            "Attributes"
        ],
        "functions": sorted(
            function["FunctionName"]
            for page in admin.client("lambda").get_paginator("list_functions").paginate()
            for function in page["Functions"]
        ),
        "roles": sorted(role["RoleName"] for role in admin.client("iam").list_roles()["Roles"]),
        "mails": len(system.mails()),
        "correlations": system.correlations(DAY, DAY),
        "report": system.report(WEEK, "application/json"),
    }


def in_chromium(order: dict[str, Any]) -> dict[str, Any]:
    """What foreign pages got: `tests/browser/foreign.py`, which has its own environment."""
    command = [str(venv_python(BROWSER)), str(BROWSER / "foreign.py")]
    done = subprocess.run(
        command, input=json.dumps(order), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    results: dict[str, Any] = json.loads(done.stdout)
    return results
