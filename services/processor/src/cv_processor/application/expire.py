"""Expire: close the questions whose grace period ended without a response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cv_processor.application.errors import cause
from cv_processor.domain.correlation import Correlation, give_up

if TYPE_CHECKING:
    from cv_processor.application.ports import DeadlineStore


class DeadlineBody(BaseModel):
    """A deadline message's body. Times are UTC milliseconds."""

    model_config = ConfigDict(frozen=True, strict=True)

    request_id: str = Field(alias="requestId", min_length=1)
    asked_at: int = Field(alias="askedAt")
    due: int


@dataclass(frozen=True, slots=True)
class DeadlineMessage:
    """One message of the deadline queue."""

    message_id: str
    body: str


@dataclass(slots=True)
class ExpireReport:
    """What became of a batch. `failed` (message id → reason) is delivered again."""

    received: int
    given_up: int = 0
    requests: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def expire(store: DeadlineStore, messages: Sequence[DeadlineMessage]) -> ExpireReport:
    """Close what is still open, with one read for the whole batch.

    A blind conditional write for each would cost a write unit even when it is refused, which is
    nearly always: the usual question was answered long ago.
    """
    report = ExpireReport(received=len(messages))
    due = _parse(messages, report)
    report.requests.extend(body.request_id for body in due.values())
    found = store.get_many({body.request_id for body in due.values()}) if due else {}
    for message_id, body in due.items():
        _close(store, found, message_id, body, report)
    return report


def _parse(messages: Sequence[DeadlineMessage], report: ExpireReport) -> dict[str, DeadlineBody]:
    due = {}
    for message in messages:
        try:
            due[message.message_id] = DeadlineBody.model_validate_json(message.body)
        except ValidationError:
            report.failed[message.message_id] = "NotADeadline"
    return due


def _close(
    store: DeadlineStore,
    found: Mapping[str, Correlation],
    message_id: str,
    body: DeadlineBody,
    report: ExpireReport,
) -> None:
    seen = found.get(body.request_id)
    if seen is None:
        return
    target = give_up(seen, body.due - body.asked_at)
    if target == seen:
        return
    try:
        refused = store.give_up(target, seen=seen)
    except Exception as error:  # noqa: BLE001 - reported as this message's failure and retried
        report.failed[message_id] = cause(error)
        return
    if refused is not None:  # somebody changed it just now: the next delivery looks again
        report.failed[message_id] = "ChangedMeanwhile"
    else:
        report.given_up += 1
