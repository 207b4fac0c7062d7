"""Faults at a chosen AWS call, injected where botocore itself meets them.

| fault | what it stands for |
|---|---|
| crash before | the process dies before the request leaves: never applied |
| crash after | the process dies before the answer arrives: applied, nobody knows |
| resend | the SDK lost the answer and sends again: applied twice |
| throttle | AWS refuses the call |
| partial | AWS takes a part of a batch |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from cv_processor.adapters.aws import client

SERVICES = ("dynamodb", "sqs", "events")
FAULTS = ("crash before", "crash after", "resend", "throttle", "partial")
BATCHES = ("SendMessageBatch", "PutEvents", "BatchGetItem")


def faults_of(call: str) -> tuple[str, ...]:
    """The faults that a call can meet: only a batch can be taken in part."""
    return FAULTS if call.endswith(BATCHES) else FAULTS[:-1]


class Crash(BaseException):
    """The process is gone: no `except Exception` may see this."""


@dataclass
class Faults:
    """Counts the calls, names them, and lets one of them fail."""

    at: int | None = None
    kind: str = ""
    calls: list[str] = field(default_factory=list)
    _hit: bool = False
    _dropped: Any = None

    def on_build(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """A call begins."""
        self._hit = self.at == len(self.calls)
        self._dropped = None
        self.calls.append(f"{model.service_model.service_name}.{model.name}")
        if self._hit and self.kind == "partial":
            self._drop(params)

    def on_call(self, model: Any, **_: Any) -> Any:
        """Before anything is sent; an answer from here is the call's answer."""
        if not self._hit:
            return None
        if self.kind == "throttle":
            return _refusal()
        if self.kind == "partial" and self._dropped is not None and self._dropped["all"]:
            return SimpleNamespace(status_code=200), self._complete({})
        return None

    def on_send(self, **_: Any) -> None:
        """The request is about to leave."""
        if self._hit and self.kind == "crash before":
            raise Crash

    def on_response(self, **_: Any) -> None:
        """The answer came in."""
        if self._hit and self.kind == "crash after":
            raise Crash

    def on_retry(self, attempts: int, **_: Any) -> int | None:
        """The SDK asks whether to send again; 0 is: now."""
        return 0 if self._hit and self.kind == "resend" and attempts == 1 else None

    def on_answer(self, parsed: dict[str, Any], **_: Any) -> None:
        """The parsed answer, before the caller has it."""
        if self._hit and self._dropped is not None and not self._dropped["all"]:
            self._complete(parsed)

    def _drop(self, params: dict[str, Any]) -> None:
        """Take the last entry of a batch out of the request."""
        if "RequestItems" in params:
            self._dropped = {"all": True, "unprocessed": params["RequestItems"]}
        elif "Entries" in params:
            *kept, last = params["Entries"]
            self._dropped = {"all": not kept, "entry": last}
            if kept:
                params["Entries"] = kept

    def _complete(self, parsed: dict[str, Any]) -> dict[str, Any]:
        """Say in the answer what was not taken."""
        if "unprocessed" in self._dropped:
            parsed |= {"Responses": {}, "UnprocessedKeys": self._dropped["unprocessed"]}
        elif "Id" in self._dropped["entry"]:
            failed = {"Id": self._dropped["entry"]["Id"], "Code": "InternalError"}
            parsed["Failed"] = [*parsed.get("Failed", []), failed]
        else:
            refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
            parsed["Entries"] = [*parsed.get("Entries", []), refused]
            parsed["FailedEntryCount"] = parsed.get("FailedEntryCount", 0) + 1
        return parsed


def _refusal() -> Any:
    error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    return SimpleNamespace(status_code=400), error


@contextmanager
def injected(faults: Faults) -> Iterator[Faults]:
    """The calls of all clients of the service run through these faults."""
    hooks = {
        "before-parameter-build": faults.on_build,
        "before-call": faults.on_call,
        "before-send": faults.on_send,
        "response-received": faults.on_response,
        "needs-retry": faults.on_retry,
        "after-call": faults.on_answer,
    }
    for service in SERVICES:
        for name, hook in hooks.items():
            client(service).meta.events.register_first(name, hook)
    try:
        yield faults
    finally:
        for service in SERVICES:
            for name, hook in hooks.items():
                client(service).meta.events.unregister(name, hook)
