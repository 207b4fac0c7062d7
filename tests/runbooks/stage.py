"""A deployed stage with its meter, whose clock can be moved on, and the runbooks' commands."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tools.demo.system import DeployedSystem
from tools.deploy import run, upkeep
from tools.deploy.account import Account
from tools.observe import alarms, operate, status
from tools.observe.meter import Meter
from tools.paths import ROOT, SERVICES, venv_python

PREFIX: Final = "cv-analytics-local-"
PATIENCE_SECONDS: Final = 90.0
PAUSE_SECONDS: Final = 0.2
MINUTE: Final = timedelta(minutes=1)
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
DAY: Final = re.compile(r"20\d\d-\d\d-\d\d")
WEEK: Final = re.compile(r"20\d\d-W\d\d")


def eventually(claim: Callable[[], Any], what: str) -> None:
    """Wait until a claim holds; fail with what should have come true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not claim():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(PAUSE_SECONDS)


@dataclass
class Clock:
    """UTC, and how far it was moved on."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class MeteredStage:
    """What a runbook is followed on."""

    account: Account
    system: DeployedSystem
    meter: Meter
    clock: Clock

    # ---- alarms -----------------------------------------------------------------------------

    def state(self, alarm: str) -> str:
        """`OK` or `ALARM` of `processor-dead-letters`, as it is now."""
        self.meter.tick()
        return alarms.states(self.account)[f"{PREFIX}{alarm}"]

    def until(self, alarm: str, state: str) -> None:
        """Wait in real time for a state."""
        eventually(lambda: self.state(alarm) == state, f"{alarm} is {state}")

    def raised(self) -> set[str]:
        """The alarms that are on now, as `processor-dead-letters`."""
        self.meter.tick()
        states = alarms.states(self.account)
        return {name.removeprefix(PREFIX) for name, state in states.items() if state == "ALARM"}

    def passes(self, time_: timedelta, last_minutes: int = 3) -> None:
        """Let time go by: in one step, but for the last minutes, each of which is measured.

        However long a measurement takes, the next one is a minute later: else a minute could pass
        without one, and no alarm would be raised.
        """
        self.meter.tick()
        self.clock.ahead += time_ - last_minutes * MINUTE
        measured_at = self.clock()
        self.meter.tick()
        for _ in range(last_minutes):
            measured_at += MINUTE
            self.clock.ahead += measured_at - self.clock()
            self.meter.tick()

    def begin_minute(self) -> None:
        """Let time go by until the next full minute: what comes soon falls into that minute.

        For alarms that want something measured in several minutes on end: what runs by itself
        comes many seconds late, more of them the more the machine has to do.
        """
        self.clock.ahead += MINUTE - (self.clock() - self.clock().replace(second=0, microsecond=0))

    def disabled(self) -> list[str]:
        """What `make status` shows as disabled."""
        found = status.read(self.account, self.clock())
        return [trigger.name for trigger in found.triggers if not trigger.is_enabled]

    # ---- faults -----------------------------------------------------------------------------

    def disable_mapping(self, name: str) -> None:
        """As somebody does in Lambda's console."""
        client = self.account.client("lambda")
        [mapping] = [
            mapping
            for mapping in client.list_event_source_mappings()["EventSourceMappings"]
            if mapping["FunctionArn"].split(":")[6] == f"{PREFIX}{name}"
        ]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def disable_rule(self, name: str) -> None:
        """As somebody does in EventBridge's console, of a rule on the Processor's bus."""
        self.account.client("events").disable_rule(
            Name=f"{PREFIX}{name}", EventBusName=f"{PREFIX}processor"
        )

    def enable(self, name: str) -> None:
        """`make enable`."""
        operate.enable(self.account, name)

    @contextmanager
    def refused(self, function: str, service: str) -> Iterator[None]:
        """Take a function's permissions for an AWS service (`dynamodb`), then give them back."""
        iam, role = self.account.client("iam"), f"{PREFIX}{function}"
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in names
        }

        def put(name: str, document: Any) -> None:
            text = json.dumps(document)
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)

        for name, document in documents.items():
            kept = [s for s in document["Statement"] if f'"{service}:' not in json.dumps(s)]
            put(name, document | {"Statement": kept})
        try:
            yield
        finally:
            for name, document in documents.items():
                put(name, document)

    def invoke(self, function: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run a function as its schedule does, and wait for it."""
        answer = self.account.client("lambda").invoke(
            FunctionName=f"{PREFIX}{function}", Qualifier="live", Payload=json.dumps(payload or {})
        )
        return dict(answer)

    # ---- questions --------------------------------------------------------------------------

    def ask(self, *, answered: bool = True, **changes: Any) -> str:
        """A question of now, by the queue; returns its id."""
        request_id, now = str(uuid.uuid4()), int(time.time() * 1000)
        self.system.send_to_queue(question(request_id, now) | changes)
        if answered:
            self.system.send_to_queue(answer(request_id, now))
        return request_id

    def is_recorded(self, request_id: str) -> bool:
        """Whether the Processor has it closed."""
        found = self.system.processor.get(f"/v1/correlations/{request_id}")
        return bool(found.is_success)

    def is_reported(self, request_id: str) -> bool:
        """Whether the Reporter has it."""
        today = datetime.now(UTC).date()
        query = {"from": f"{today - timedelta(days=1)}", "to": f"{today + timedelta(days=1)}"}
        found = self.system.reporter.get("/v1/questions", params=query | {"everybody": "true"})
        return request_id in {
            item["requestId"] for item in found.raise_for_status().json()["items"]
        }

    def depth(self, queue: str) -> int:
        """Messages of a queue, whatever their state."""
        listed = self.account.control(
            "/_ministack/sqs/messages", QueueUrl=self.system.url_of(queue)
        )["messages"]
        return sum(
            len(messages)
            for regions in listed.values()
            for queues in regions.values()
            for messages in queues.values()
        )

    # ---- runbooks ---------------------------------------------------------------------------

    def follow(self, service: str, title: str) -> list[str]:
        """Run the commands of a runbook's section in their order; returns what they printed."""
        return [self._run(shlex.split(command)) for command in commands_of(service, title)]

    def _run(self, words: list[str]) -> str:
        make, target, stage, *rest = words
        assert (make, stage) == ("make", "STAGE=prod"), words
        given = dict(word.split("=", 1) for word in rest)
        match target.split("-"):
            case ["ops", service]:
                return self._operate(service, shlex.split(given["ARGS"]))
            case ["reconciliation", "test"]:
                return self._reconcile()
            case ["enable"]:
                return "\n".join(operate.enable(self.account, given["NAME"]))
            case ["purge"]:
                assert given["YES"] == "1"
                url = operate.dead_letter_queue(self.account, given["QUEUE"])
                operate.purge(self.account, url)
                return ""
        raise AssertionError(f"no such command here: {target}")

    def _reconcile(self) -> str:
        """Compare; on a busy machine the first call of a cold API may take too long."""
        printed: list[str] = []

        def is_done() -> bool:
            with suppress(upkeep.UpkeepError):
                printed.extend(upkeep.reconcile(self.account))
            return bool(printed)

        eventually(is_done, "both services are compared")
        return printed[0]

    def _operate(self, service: str, arguments: list[str]) -> str:
        done = subprocess.run(
            [
                str(venv_python(SERVICES / service)),
                "-m",
                f"cv_{service}.entrypoints.cli",
                *arguments,
            ],
            env=run.environment_of(self.account, service),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def commands_of(service: str, title: str) -> list[str]:
    """The commands of a section, with today's days in place of the example's."""
    text = (ROOT / "docs" / "runbooks" / f"{service}.md").read_text("utf-8")
    section = re.split(r"^## ", text.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]
    lines = [line for block in BLOCK.findall(section) for line in block.splitlines()]
    today = datetime.now(UTC).date()
    last_week = today - timedelta(days=7)
    return [WEEK.sub(f"{last_week:%G-W%V}", DAY.sub(f"{today}", line)) for line in lines]


def question(request_id: str, asked_at: int) -> dict[str, Any]:
    """A query event as the chatbot sends it."""
    return {
        "eventType": "query",
        "requestId": request_id,
        "timestamp": asked_at,
        "sessionId": f"s-{request_id[:8]}",
        "query": "Do you know Kubernetes?",
    }


def answer(request_id: str, asked_at: int) -> dict[str, Any]:
    """Its response event."""
    return {
        "eventType": "response",
        "requestId": request_id,
        "timestamp": asked_at + 900,
        "matchType": "full",
        "matchScore": 91,
        "reasoning": "best match Kubernetes",
        "performance": {"totalTime": 900},
    }
