"""Every AWS call of every handler × every fault × several delivery orders: the end is the same.

AWS is played by a driver: what is not acknowledged comes again, the stream waits for its reader,
the scheduler tries thrice. Deliberately broken variants show that the sweep has teeth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cv_contracts.events import ReportPublished, SessionErasureCompleted

from cv_reporter import bootstrap
from cv_reporter.adapters.aws import client
from cv_reporter.adapters.eventbridge import EventBridgeBus
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.adapters.guard import Guard
from cv_reporter.adapters.tombstone_store import DynamoTombstones
from cv_reporter.application import publish
from cv_reporter.application.ports import OutboxEvent, Partition, Sending
from cv_reporter.application.summarise import Summariser
from cv_reporter.domain.summary import Summary, summarise
from cv_reporter.entrypoints import project as project_entry
from cv_reporter.entrypoints import relay, report
from cv_reporter.entrypoints import summarise as summarise_entry
from tests.component import world as worlds
from tests.component.world import EMPTY, Snapshot, World, pk, restore, snapshot, sqs_record
from tests.faults.faults import ONCE, REPEATABLE, Crash, Fault, Injector, injected
from tests.sample import chatbot_events, completed, correlations, erased, question_erased

TRIES = 6
WEEK = {"week": "2025-W46"}
COVERED = {
    "PutItem", "GetItem", "BatchGetItem", "Query", "DeleteItem", "UpdateItem",
    "TransactWriteItems", "PutEvents", "SendEmail", "GetParameter",
    "GetQueueAttributes",
}  # fmt: skip

FIRST, SECOND = correlations(chatbot_events())[12:14]
DAY_MS = 86_400_000
MOVED = FIRST | {"revision": 2, "askedAt": FIRST["askedAt"] + DAY_MS, "matchScore": 58}


Messages = list[dict[str, Any]]


def messages(*events: Any) -> Messages:
    return [sqs_record(number, event) for number, event in enumerate(events)]


# Each order is a list of batches.
IN_ORDER = [messages(completed(FIRST), completed(SECOND)), messages(completed(MOVED))]
ORDERS = {
    "in order": IN_ORDER,
    "correction first": [messages(completed(MOVED)), messages(completed(FIRST), completed(SECOND))],
    "all again": [*IN_ORDER, messages(completed(SECOND), completed(FIRST), completed(MOVED))],
}


@dataclass
class Driver:
    """AWS around the handlers: delivers until everything is acknowledged."""

    facts_at: int = 0
    outbox_at: int = 0

    def deliver(self, batches: Sequence[Messages]) -> None:
        for batch in batches:
            self.consume(batch)
            self.pump()

    def report(self) -> None:
        self.attempt(lambda: report.handler(WEEK, None))
        self.pump()

    def erase(self) -> None:
        self.deliver([messages(erased(FIRST["sessionId"])), messages(completed(SECOND))])

    def erase_question(self) -> None:
        """The corrected question, by every time of asking; then all of its revisions again."""
        times = [FIRST["askedAt"], MOVED["askedAt"]]
        self.deliver([messages(question_erased(FIRST["requestId"], times)), *IN_ORDER])

    def consume(self, batch: Messages) -> None:
        for _ in range(TRIES):
            event = {"Records": batch}
            answer = self.attempt(partial(project_entry.handler, event, None), tries=1)
            if answer is not None:
                failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
                batch = [message for message in batch if message["messageId"] in failed]
            if not batch:
                return
        raise AssertionError("messages went to the dead-letter queue")

    def pump(self) -> None:
        while True:
            records = worlds.stream_records()
            facts, outbox = records[self.facts_at :], records[self.outbox_at :]
            if not facts and not outbox:
                return
            self.feed(summarise_entry.handler, facts, ("DAY#", "LOCATOR#"))
            self.facts_at += len(facts)
            self.feed(relay.handler, outbox, ("OUTBOX#",))
            self.outbox_at += len(outbox)

    def feed(
        self, handler: Callable[[Any, object], Any], records: Messages, prefixes: tuple[str, ...]
    ) -> None:
        wanted = [record for record in records if pk(record).startswith(prefixes)]
        for _ in range(TRIES):
            if not wanted:
                return
            answer = self.attempt(lambda: handler({"Records": wanted}, None), tries=1)
            if answer is not None and not answer["batchItemFailures"]:
                return
        raise AssertionError("records went to the failure queue")

    def attempt(self, call: Callable[[], Any], tries: int = 3) -> Any:
        for _ in range(tries):
            with suppress(Crash, Exception):  # AWS tries again whatever it was
                return call()
        return None


CLOCKS = frozenset({"version", "since", "builtAt"})


def state(world: World) -> dict[str, Any]:
    """What must be the same in the end; write counts and the clock's times are not."""
    found: dict[str, Any] = {}
    for at, item in sorted(world.items().items()):
        kept = {name: value for name, value in item.items() if name not in CLOCKS}
        if at[0].startswith("SUMMARY#"):
            kept.pop("askedAt")  # its place in the index tells the version
        if at[0].startswith("OUTBOX#"):
            kept["detail"] = {"S": json.dumps(json.loads(kept["detail"]["S"])["data"])}
        if at[0].startswith("SEND#"):
            kept.pop("messageId")
        if at[0] == "REPORT" or at[0].startswith("LETTER#"):
            kept["body"] = {"S": without_queue(kept["body"]["S"])}
            kept.pop("digest")
        name = "/".join(at)
        if at[0].startswith("LETTER#"):  # its version is that of the body with the queue's length
            name, _ = at[0], kept.pop("sk")
        found[name] = kept
    return found


def without_queue(body: str) -> str:
    """A report without the queue's length, which is "not reported" when SQS does not tell it."""
    document = json.loads(body)
    document["findings"]["health"].pop("deadLetters")
    return json.dumps(document)


@dataclass
class Ending:
    """How a run ended."""

    state: dict[str, Any]
    calls: list[str]
    reported: dict[str, Any] = field(default_factory=dict)
    mails: int = 0
    published: list[str] = field(default_factory=list)


Story = Callable[[World, Injector], Ending]


def delivery(batches: Sequence[Messages]) -> Story:
    """Events come in and are summarised."""

    def play(world: World, injector: Injector) -> Ending:
        restore(EMPTY)
        worlds.forget()
        with injected(injector):
            Driver().deliver(batches)
        return Ending(state(world), injector.calls)

    return play


Erasing = Callable[[Driver], None]


def monday_and_erasure(erase: Erasing = Driver.erase) -> Story:
    """The week is reported; then a session is erased, and one of its events comes again."""
    before = delivered()

    def play(world: World, injector: Injector) -> Ending:
        with started(before, injector) as (driver, published):
            driver.report()
            reported = state(world)
            mails = len(world.sent_mail())
            erase(driver)
        return Ending(state(world), injector.calls, reported, mails, sorted(set(published)))

    return play


def erasure(erase: Erasing) -> Story:
    """The same from Monday's end on: until there, nothing went wrong."""
    with started(delivered(), Injector()) as (driver, _):
        driver.report()
    before = snapshot()

    def play(world: World, injector: Injector) -> Ending:
        with started(before, injector) as (driver, published):
            erase(driver)
        mails = len(world.sent_mail())
        return Ending(state(world), injector.calls, {}, mails, sorted(set(published)))

    return play


@contextmanager
def started(before: Snapshot, injector: Injector) -> Iterator[tuple[Driver, list[str]]]:
    """AWS and a new process with that table, and the types of the events that the bus takes."""
    published: list[str] = []
    position = restore(before)
    worlds.forget()  # what is remembered is not asked for again
    with injected(injector), watched(published):
        yield Driver(position, position), published


def delivered() -> Snapshot:
    """The table when both questions and the correction are in it."""
    restore(EMPTY)
    worlds.forget()
    Driver().deliver(IN_ORDER)
    return snapshot()


class watched:  # noqa: N801 (reads as a verb)
    """Notes the ids of the events that the bus really took."""

    def __init__(self, into: list[str]) -> None:
        self.into = into

    def __enter__(self) -> None:
        events = client("events").meta.events
        events.register("before-parameter-build.events.PutEvents", self.remember)
        # Last, and as generally named as the injector's hook, so that it sees what that refused.
        events.register_last("after-call", self.note)

    def remember(self, params: dict[str, Any], **_: Any) -> None:
        self.sent = [json.loads(entry["Detail"])["type"] for entry in params["Entries"]]

    def note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        took_all = not parsed.get("FailedEntryCount") and "Error" not in parsed
        if model.name == "PutEvents" and took_all:
            self.into += self.sent

    def __exit__(self, *_: object) -> None:
        events = client("events").meta.events
        events.unregister("after-call", self.note)
        events.unregister("before-parameter-build.events.PutEvents", self.remember)


def wrong(clean: Ending, faulty: Ending) -> list[str]:
    """What a fault changed that it must not change."""
    problems = []
    in_doubt = any(item.get("sendState") == {"S": "SENDING"} for item in faulty.reported.values())
    if faulty.mails != clean.mails and not (faulty.mails == 0 and in_doubt):
        problems.append(f"{faulty.mails} mails")
    if comparable(faulty.reported) != comparable(clean.reported):
        problems.append(f"reported otherwise: {differing(clean.reported, faulty.reported)}")
    if comparable(faulty.state) != comparable(clean.state):
        problems.append(f"ended otherwise: {differing(clean.state, faulty.state)}")
    if faulty.published != clean.published:
        problems.append(f"published {faulty.published}")
    if uncovered := sorted(set(faulty.calls) - COVERED):
        problems.append(f"calls {uncovered}, which the sweep does not cover")
    return problems


def comparable(found: Mapping[str, Any]) -> dict[str, Any]:
    """A mail in doubt is allowed to be in doubt, and the announcement counts only certain ones."""
    return {
        at: ("announced" if at.startswith("OUTBOX#2025") else item)
        for at, item in found.items()
        if not at.startswith("SEND#")
    }


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    names = left.keys() | right.keys()
    return sorted(at for at in names if left.get(at) != right.get(at))


def faults(calls: Sequence[str], until: int | None = None) -> Iterator[tuple[int, Fault]]:
    """Every fault at every call, or at the first `until`.

    A mail is never resent by the SDK (see the test of that).
    """
    for at, name in enumerate(calls[:until]):
        for fault in Fault:
            if (fault is Fault.PARTIAL) != (name == "PutEvents") and fault is Fault.PARTIAL:
                continue
            if fault is Fault.RESEND and name == "SendEmail":
                continue
            yield at, fault


def problems_of(
    world: World, play: Story, at_calls: str = "", until: int | None = None
) -> Iterator[str]:
    """What goes wrong by a fault at any call, at calls of one name, or at the first `until`."""
    clean = play(world, Injector())
    for at, fault in faults(clean.calls, until):
        if at_calls not in {"", clean.calls[at]}:
            continue
        for problem in wrong(clean, play(world, Injector(at, fault))):
            yield f"{fault} at call {at} ({clean.calls[at]}): {problem}"


def test_the_sweep_goes_through_every_operation_that_the_handlers_use(world: World) -> None:
    stories = [*map(delivery, ORDERS.values()), monday_and_erasure()]
    seen = {call for play in stories for call in play(world, Injector()).calls}
    assert seen == COVERED


def test_a_call_that_only_a_fault_brings_about_has_to_be_covered_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish.Publisher._send_one

    def send_one(self: publish.Publisher, claim: Sending, mail: Any) -> str:
        state = real(self, claim, mail)
        if state == "REFUSED":
            client("dynamodb").describe_table(TableName=worlds.TABLE)
        return state

    monkeypatch.setattr(publish.Publisher, "_send_one", send_one)
    [problem] = problems_of(world, monday_and_erasure(), at_calls="SendEmail")
    assert "calls ['DescribeTable'], which the sweep does not cover" in problem


def test_the_sweep_listens_to_every_client_that_the_handlers_use() -> None:
    source = Path(bootstrap.__file__).parent
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in source.rglob("*.py") if path.name != "cli.py"
    )
    used = dict.fromkeys(re.findall(r'\b(client(?:_without_retries)?)\("(\w+)"\)', code))
    assert set(used) == {
        *(("client", service) for service in REPEATABLE),
        *(("client_without_retries", service) for service in ONCE),
    }


@pytest.mark.parametrize("order", ORDERS)
def test_no_fault_at_any_call_of_a_delivery_changes_the_end(world: World, order: str) -> None:
    assert list(problems_of(world, delivery(ORDERS[order]))) == []


def test_no_fault_at_any_call_of_monday_changes_the_end(world: World) -> None:
    with started(delivered(), Injector()) as (driver, _), injected(Injector()) as counted:
        driver.report()
    monday = len(counted.calls)
    assert list(problems_of(world, monday_and_erasure(), until=monday)) == []


@pytest.mark.parametrize("erase", [Driver.erase, Driver.erase_question])
def test_no_fault_at_any_call_of_an_erasure_changes_the_end(world: World, erase: Erasing) -> None:
    assert list(problems_of(world, erasure(erase))) == []


def test_a_mail_in_doubt_does_not_change_the_end_of_a_questions_erasure(world: World) -> None:
    play = monday_and_erasure(Driver.erase_question)
    assert list(problems_of(world, play, at_calls="SendEmail")) == []


def test_after_a_questions_erasure_nothing_of_it_is_left_and_the_sessions_others_stay(
    world: World,
) -> None:
    ending = monday_and_erasure(Driver.erase_question)(world, Injector())
    left = json.dumps(ending.state, ensure_ascii=False)
    assert FIRST["question"] not in left
    assert FIRST["requestId"] not in left
    assert SECOND["question"] in left
    completed_item = ending.state["OUTBOX#e2/SessionErasureCompleted"]
    assert json.loads(completed_item["detail"]["S"])["facts"] == 1


def test_every_order_ends_the_same(world: World) -> None:
    endings = [delivery(batches)(world, Injector()) for batches in ORDERS.values()]
    for ending in endings[1:]:
        assert wrong(endings[0], ending) == []


def test_after_erasure_nothing_of_the_session_is_left(world: World) -> None:
    ending = monday_and_erasure()(world, Injector())
    assert ending.mails == 1
    assert ending.published == [ReportPublished.DETAIL_TYPE, SessionErasureCompleted.DETAIL_TYPE]
    left = json.dumps(ending.state, ensure_ascii=False)
    assert f"SESSION#{FIRST['sessionId']}" not in left
    for document in (FIRST, SECOND):
        assert document["question"] not in left
        assert document["requestId"] not in left
    completed_item = ending.state["OUTBOX#e1/SessionErasureCompleted"]
    assert json.loads(completed_item["detail"]["S"])["facts"] == 2


# Broken on purpose: each must be caught by the sweep.


def acknowledges_before_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = project_entry.handler

    def handler(event: Any, context: object) -> Any:
        with suppress(BaseException):  # the mistake: the message is gone
            real(event, context)
        return {"batchItemFailures": []}

    monkeypatch.setattr(project_entry, "handler", handler)


def leaves_the_old_row_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DynamoFactStore, "_elsewhere", lambda *_: [])
    monkeypatch.setattr(Guard, "check_locator", lambda *_: None)


def sends_before_it_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    def send_one(self: publish.Publisher, claim: Sending, mail: Any) -> str:
        if any(line.recipient == mail.recipient for line in self.ledger.lines(claim.week)):
            return "SENT"
        self.mailer.send(mail)
        self.ledger.begin(claim)
        return "SENT"

    monkeypatch.setattr(publish.Publisher, "_send_one", send_one)


def counts_changes_instead_of_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refresh(self: Summariser, partition: Partition) -> None:
        known = self.summaries.between(partition.day, partition.day).get(partition, Summary())
        facts = self.facts.of(partition)[-1:]
        added = summarise(facts, partition.day, self.placement.time_zone, self.policy)
        self.summaries.put(partition, known.merge(added), self.summaries.version(partition))

    monkeypatch.setattr(Summariser, "refresh", refresh)


def ignores_refused_events(monkeypatch: pytest.MonkeyPatch) -> None:
    real = EventBridgeBus.publish

    def publish_all(self: EventBridgeBus, events: Sequence[OutboxEvent]) -> set[int]:
        real(self, events)
        return set()

    monkeypatch.setattr(EventBridgeBus, "publish", publish_all)


def counts_erased_rows_when_they_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = DynamoTombstones.mark_session

    def mark_session(self: DynamoTombstones, session_id: str, rows: Any) -> int:
        real(self, session_id, ())
        return len(list(rows))

    monkeypatch.setattr(DynamoTombstones, "mark_session", mark_session)


BROKEN = (
    (acknowledges_before_writing, partial(delivery, IN_ORDER), "PutItem"),
    (leaves_the_old_row_behind, partial(delivery, IN_ORDER), ""),
    (sends_before_it_notes, monday_and_erasure, "SendEmail"),
    (counts_changes_instead_of_facts, partial(delivery, IN_ORDER), ""),
    (ignores_refused_events, monday_and_erasure, "PutEvents"),
    (counts_erased_rows_when_they_are_gone, partial(erasure, Driver.erase), ""),
)
"""The mistake, the story that shows it, and at which call: at any, or without a fault."""


@pytest.mark.parametrize(
    ("broken", "story", "call"), BROKEN, ids=lambda it: getattr(it, "__name__", "")
)
def test_the_sweep_catches(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
    story: Callable[[], Story],
    call: str,
) -> None:
    play = story()
    good = play(world, Injector())
    broken(monkeypatch)
    plain = wrong(good, play(world, Injector()))
    assert plain or any(problems_of(world, play, call))
