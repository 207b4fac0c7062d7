"""Cold starts: a whole process, from its start to the first handled event, AWS stubbed.

Each is a ratio to `import boto3; boto3.client("dynamodb")` of a stock install, by the same
interpreter with the same flags: `-S`, so that a process sees the standard library and its own
packages alone. What is measured is the code as it is deployed, the unpacked bundle (pruned SDK
data, `unchecked-hash` bytecode), and its first event is a usual one: for `ingest` a question, which
is written and gets its deadline; for the API it is posted (`POST /v1/events`).

A cold start is time, so the limits are for the ratio of CPU times (user and system, the best of
interleaved runs), and the ratio of instructions (cachegrind) stands beside it: instructions repeat
on a busy machine, but leave out the kernel's share, which is to find, read and map files.
`--count` prints the instructions alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cv_contracts.chatbot import read_chatbot_event

from benchmarks.processor.workload import ENVIRONMENT, ROOT, batch, pairs
from cv_processor.adapters.items import to_item
from cv_processor.application.wire.arrivals import arrival_of
from cv_processor.domain.correlation import Correlation, merge_all

ROUNDS = 9
BUNDLE = ROOT / "dist/bundles/processor-local"
CACHEGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
LIMITS = {"ingest": 1.1, "relay": 1.1, "expire": 1.1, "api": 2.1}
BASE = "import boto3; boto3.client('dynamodb', region_name='eu-west-2')"

# What the process does after its handler's module was imported (which builds the use case).
FIRST_EVENT = """
import sys
sys.path.append({root!r})
from cv_processor.entrypoints import {function} as entrypoint
from benchmarks.processor.stub import Stub
from cv_processor.adapters.aws import client
for service in {services}:
    client(service).meta.events.register_first("before-send", Stub().on_send)
answer = entrypoint.handler({event}, None)
assert not answer.get("batchItemFailures"), answer
assert answer.get("statusCode", 202) == 202, answer
"""


def events() -> dict[str, tuple[list[str], object]]:
    """The first event of each function, and the clients that it uses."""
    deadline = json.dumps({"requestId": "q-1", "askedAt": 1762161120037, "due": 1762162020037})
    request = {
        "version": "2.0",
        "rawPath": "/v1/events",
        "rawQueryString": "",
        "headers": {"host": "api.example", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": "/v1/events", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        "body": batch()[0]["body"],
        "isBase64Encoded": False,
    }
    return {
        "ingest": (["dynamodb", "sqs"], {"Records": batch()[:1]}),
        "expire": (["dynamodb"], {"Records": [{"messageId": "m", "body": deadline}]}),
        "relay": (["events"], {"Records": [_closed()]}),
        "api": (["sqs"], request),
    }


def _closed() -> object:
    """A stream record of a pair, as `ingest` writes it."""
    halves = [arrival_of(read_chatbot_event(half)) for half in pairs(1)[0]]
    pair = merge_all(Correlation(halves[0].request_id), [each.half for each in halves])
    item = to_item(pair, shards=1, ttl=0)
    keys = {"pk": item["pk"], "sk": item["sk"]}
    change = {"SequenceNumber": "1", "Keys": keys, "NewImage": item}
    return {"eventID": "1", "eventName": "INSERT", "dynamodb": change}


@dataclass(frozen=True)
class Program:
    """A process: its source, and where its packages are."""

    source: str
    packages: Path


def programs(bundle: Path) -> dict[str, Program]:
    """The processes; `base` is what all are compared with."""
    site = Path(str(files("boto3"))).parent
    stock = Program(BASE, site)
    return {"base": stock} | {
        function: Program(
            FIRST_EVENT.format(root=str(ROOT), function=function, services=services, event=event),
            bundle.resolve(),
        )
        for function, (services, event) in events().items()
    }


def cpu_seconds(program: Program) -> float:
    """The CPU time of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run([sys.executable], program)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def instructions(program: Program) -> float:
    """The instructions of a whole process, by cachegrind. The hash seed is fixed: it moves them."""
    said = _run([*CACHEGRIND, sys.executable], program, PYTHONHASHSEED="0")
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if found is None:
        raise RuntimeError("cachegrind printed no count")
    return float(found[1].replace(",", ""))


def _run(command: list[str], program: Program, **settings: str) -> str:
    environment = os.environ | ENVIRONMENT | {"AWS_LAMBDA_FUNCTION_NAME": "benchmark"} | settings
    environment["PYTHONPATH"] = str(program.packages)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a stock install has its bytecode
    done = subprocess.run(  # noqa: S603 (our own text)
        [*command, "-S", "-c", program.source],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2_000:])
    return done.stderr


def require_valgrind() -> None:
    """Instruction counts need it. Exits with the remedy."""
    if shutil.which("valgrind") is None:
        sys.exit("no valgrind here, which counts instructions: `apt-get install valgrind`")


def require_bundle(bundle: Path) -> None:
    """Cold starts are those of the deployed code. Exits with the remedy."""
    if not bundle.is_dir():
        sys.exit(f"no bundle in {bundle}: `make bench-processor` builds it")


def ratios(measure: Callable[[Program], float], bundle: Path, rounds: int) -> dict[str, float]:
    """The best of each, in turns, over the best of the base."""
    wanted = programs(bundle)
    best = dict.fromkeys(wanted, float("inf"))
    cpu_seconds(wanted["base"])  # its bytecode is written, if it was not yet
    for _ in range(rounds):
        for name, program in wanted.items():
            best[name] = min(best[name], measure(program))
    return {name: best[name] / best["base"] for name in LIMITS}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="default: %(default)s")
    parser.add_argument("--count", action="store_true", help="instructions instead of CPU time")
    options = parser.parse_args()
    require_bundle(options.bundle)
    if options.count:
        require_valgrind()
    found = ratios(
        instructions if options.count else cpu_seconds,
        options.bundle,
        1 if options.count else ROUNDS,
    )
    for function, ratio in found.items():
        limit = "" if options.count else f" ≤ {LIMITS[function]}"
        sys.stdout.write(f"{function:8} {ratio:.3f}{limit}\n")
