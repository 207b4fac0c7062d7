"""The operators' redrive under every fault at every call, then repeated: nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from cv_contracts.events import CorrelationCompleted
from moto.sqs.models import sqs_backends

from cv_reporter.adapters import dead_letters
from cv_reporter.adapters.aws import client
from cv_reporter.adapters.dead_letters import DeadLetterQueue
from cv_reporter.adapters.summary_store import DynamoSummaryStore
from cv_reporter.entrypoints import cli
from tests.component.world import ENVIRONMENT, World
from tests.faults.faults import Crash, Fault, Injector, injected

FACTS, DLQ = ENVIRONMENT["FACTS_QUEUE_URL"], ENVIRONMENT["FACTS_DLQ_URL"]
REDRIVE = ["dlq", "redrive", "--all", "--yes"]
FAULTS = [fault for fault in Fault if fault is not Fault.PARTIAL]  # no call of a batch
TYPE = CorrelationCompleted.DETAIL_TYPE
BODIES = [
    *(json.dumps({"detail-type": TYPE, "detail": f"text {number}"}) for number in range(3)),
    "no event",
]


@pytest.fixture(autouse=True)
def _without_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)


def fill() -> None:
    """The dead letters, and nothing else in either queue."""
    for url in (FACTS, DLQ):
        client("sqs").delete_queue(QueueUrl=url)
        client("sqs").create_queue(QueueName=url.rpartition("/")[2])
    for body in BODIES:
        client("sqs").send_message(QueueUrl=DLQ, MessageBody=body)


def queue(url: str) -> Any:
    _, _, host, account, name = url.split("/")
    return sqs_backends[account][host.split(".")[1]].queues[name]


def bodies(url: str) -> list[str]:
    """What is in a queue, hidden or not."""
    return [message.body for message in queue(url)._messages]


def visible_again() -> None:
    """A minute has passed: SQS shows what a killed command had received."""
    for message in queue(DLQ)._messages:
        message.change_visibility(0)


def run_with(injector: Injector) -> list[str]:
    with injected(injector), suppress(Crash):
        cli.main(REDRIVE)
    return injector.calls


def problems() -> Iterator[str]:
    fill()
    calls = run_with(Injector())
    if sorted(bodies(FACTS)) != sorted(BODIES):
        yield f"undisturbed: {bodies(FACTS)}"
    for at, call in enumerate(calls):
        for fault in FAULTS:
            fill()
            run_with(Injector(at, fault))
            place = f"{fault} at {at} ({call})"
            for text in set(BODIES) - {*bodies(FACTS), *bodies(DLQ)}:
                yield f"{place}: lost {text}"
            visible_again()
            if cli.main(REDRIVE) != 0:
                yield f"{place}: the repetition fails"
            # one that was sent and not deleted comes twice, which a projection does not notice
            if set(bodies(FACTS)) != set(BODIES) or bodies(DLQ):
                yield f"{place}: sent {bodies(FACTS)}, left {bodies(DLQ)}"
            if len(bodies(FACTS)) > len(BODIES) + 1:
                yield f"{place}: {len(bodies(FACTS))} sent"


def test_a_redrive_that_is_cut_off_at_any_call_and_repeated() -> None:
    assert list(problems()) == []


def test_the_sweep_notices_a_redrive_that_deletes_before_it_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def redrive(queue: DeadLetterQueue, letter: Any) -> None:
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)
        queue.sqs.send_message(QueueUrl=queue.source_url, MessageBody=letter.body)

    monkeypatch.setattr(DeadLetterQueue, "redrive", redrive)
    assert any("lost" in problem for problem in problems())


class Interrupted(Injector):
    """Lets another redrive happen before one of the calls."""

    codes: list[int]

    def before_call(self, model: Any, **others: Any) -> Any:
        """A call begins; the other redrive's calls come through here, too."""
        answer = super().before_call(model, **others)
        if self.at is not None and len(self.calls) == self.at + 1 and not self.codes:
            self.codes.append(-1)
            self.codes[:] = [cli.main(REDRIVE)]
        return answer


def test_two_redrives_at_the_same_time() -> None:
    """The second runs whole between two calls of the first, for every such place."""
    fill()
    for at in range(len(run_with(Injector()))):
        fill()
        interrupted = Interrupted(at)
        interrupted.codes = []
        run_with(interrupted)
        visible_again()
        assert cli.main(REDRIVE) == 0
        assert interrupted.codes == [0], at
        assert (set(bodies(FACTS)), bodies(DLQ)) == (set(BODIES), []), at


def test_a_summary_that_others_keep_writing_is_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DynamoSummaryStore, "put", lambda *_: False)
    day = datetime.now(UTC).date().isoformat()
    days = ["--from", day, "--to", day]
    assert cli.main(["rebuild", *days, "--yes"]) == 1
    printed = " ".join(capsys.readouterr().err.split())
    assert "Others keep writing the summary of" in printed
    assert "repeat the command" in printed
