"""Faults at the SDK's own hooks: one call of a run goes wrong, in one of five ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.awsrequest import AWSResponse

from cv_reporter.adapters.aws import client, client_without_retries

REPEATABLE = ("dynamodb", "events", "sqs", "ssm")
ONCE = ("sesv2",)
"""Whose clients the handlers use; the sweep checks that there are no others."""


class Crash(BaseException):
    """The process is gone; nothing catches this."""


class Fault(StrEnum):
    CRASH_BEFORE = "crash before the call"
    CRASH_AFTER = "applied, then crash"
    RESEND = "applied, answer lost, the SDK sends again"
    THROTTLE = "refused with a throttle"
    PARTIAL = "taken in part"


@dataclass
class Injector:
    """Counts a run's calls, and makes the nth of them go wrong."""

    at: int | None = None
    fault: Fault | None = None
    calls: list[str] = field(default_factory=list)
    _resent: bool = False

    def before_call(self, model: Any, **_: Any) -> Any:
        self.calls.append(model.name)
        if self._hit(Fault.THROTTLE):
            error = {"Code": "ThrottlingException", "Message": "slow down"}
            answer = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
            return AWSResponse("https://aws.example", 400, {}, None), answer
        return None

    def before_send(self, **_: Any) -> None:
        if self._hit(Fault.CRASH_BEFORE):
            raise Crash

    def response_received(self, **_: Any) -> None:
        if self._hit(Fault.CRASH_AFTER):
            raise Crash

    def needs_retry(self, **_: Any) -> int | None:
        if self._hit(Fault.RESEND) and not self._resent:
            self._resent = True
            return 0
        return None

    def after_call(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if self._hit(Fault.PARTIAL) and model.name == "PutEvents":
            parsed["FailedEntryCount"] = len(parsed["Entries"])
            parsed["Entries"] = [{"ErrorCode": "InternalFailure"} for _ in parsed["Entries"]]

    def _hit(self, fault: Fault) -> bool:
        return fault is self.fault and len(self.calls) - 1 == self.at


def clients() -> list[Any]:
    """Every client that the handlers use."""
    return [*map(client, REPEATABLE), *map(client_without_retries, ONCE)]


@contextmanager
def injected(injector: Injector) -> Iterator[Injector]:
    """Hook the injector into every client that the handlers use."""
    hooks = {
        "before-call": injector.before_call,
        "before-send": injector.before_send,
        "response-received": injector.response_received,
        "needs-retry": injector.needs_retry,
        "after-call": injector.after_call,
    }
    for each in clients():
        for name, hook in hooks.items():
            each.meta.events.register_first(name, hook)
    try:
        yield injector
    finally:
        for each in clients():
            for name, hook in hooks.items():
                each.meta.events.unregister(name, hook)
