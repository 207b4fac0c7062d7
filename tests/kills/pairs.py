"""The questions of a soak: numbered, so that a second run asks the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.system.conftest import answer, question

if TYPE_CHECKING:
    from tools.demo.system import DeployedSystem

GROUPS: Final = 50
SESSIONS: Final = 997
PACE_MS: Final = 20_000
MATCHES: Final = ("full", "partial", "none")
PATIENCE_SECONDS: Final = 120.0
Event = dict[str, object]


@dataclass(frozen=True)
class Pair:
    """A question and its answer; `base` is when the first one was asked (ms)."""

    number: int
    base: int

    @property
    def request_id(self) -> str:
        """Its id."""
        return f"soak-{self.number:05}"

    @property
    def by_http(self) -> bool:
        """By HTTP, or by SQS."""
        return self.number % 4 < 2

    def halves(self) -> list[Event]:
        """Both halves in the order in which they are sent: every other answer comes first."""
        at = self.base + self.number * PACE_MS
        asked = question(self.request_id, at, f"s-soak-{self.number % SESSIONS}")
        match = {"matchType": MATCHES[self.number % 3], "matchScore": self.number % 101}
        both = [asked, answer(self.request_id, at) | match]
        return both[:: 1 if self.number % 2 else -1]


def send(system: DeployedSystem, pair: Pair) -> None:
    """Send both halves; each again until it is accepted."""
    for half in pair.halves():
        if pair.by_http:
            _until_accepted(lambda half=half: system.send_to_api([half]) == 1)  # type: ignore[misc]
        else:
            _until_accepted(lambda half=half: _to_queue(system, pair, half))  # type: ignore[misc]


def _to_queue(system: DeployedSystem, pair: Pair, half: dict[str, Any]) -> bool:
    form = {
        "Action": "SendMessage",
        "Version": "2012-11-05",
        "MessageBody": json.dumps(half),
        # the chatbot has one group; one killed batch would hold up all others for minutes
        "MessageGroupId": f"soak-{pair.number % GROUPS}",
        "MessageDeduplicationId": f"{pair.request_id}-{half['eventType']}",
    }
    system.queue.post(system.outputs["ingestQueueUrl"], data=form).raise_for_status()
    return True


def _until_accepted(send_once: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if send_once():
                return
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
