from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from migration.kit.traffic import (
    SETTLED_SECONDS,
    WHOLE_SECONDS,
    Entry,
    Journal,
    Sender,
    expected,
    of_traffic,
    planned,
    settled,
)

AT = 1_763_000_000_000


class Queue:
    """Takes messages, but for the first `refused` ones."""

    def __init__(self, refused: int = 0) -> None:
        self.refused = refused
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []

    def send_message(self, **request: str) -> None:
        if self.refused:
            self.refused -= 1
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")
        self.events.append(json.loads(request["MessageBody"]))
        self.ids.append(request["MessageDeduplicationId"])


def events_of(number: int) -> list[dict[str, Any]]:
    return [one.event for one in sorted(planned(number, AT), key=lambda one: one.delay)]


def test_the_traffic_has_late_missing_reordered_and_repeated_events() -> None:
    kinds: Counter[str] = Counter()
    for number in range(1_000):
        events = events_of(number)
        types = [event["eventType"] for event in events]
        kinds["answered first"] += types[0] == "response"
        kinds["never answered"] += "response" not in types
        kinds["late"] += any(one.delay > 5 for one in planned(number, AT))
        kinds["repeated"] += len(events) > len({json.dumps(event) for event in events})
    assert 250 < kinds["answered first"] < 350
    assert 70 < kinds["never answered"] < 130
    assert 110 < kinds["late"] < 190
    assert 70 < kinds["repeated"] < 130


def test_the_same_number_is_the_same_question() -> None:
    assert planned(7, AT) == planned(7, AT)


def test_the_journal_gives_one_correlation_a_question_whatever_is_repeated() -> None:
    sent = [event for number in range(60) for event in events_of(number)]
    once = expected(Entry(AT, event) for event in sent)
    assert once == expected(Entry(AT, event) for event in (*reversed(sent), *sent))
    assert len(once) == 60
    assert all(one.query is not None for one in once.values())


def test_a_question_is_settled_when_its_last_event_is_long_ago() -> None:
    old, new = events_of(1)[0], events_of(2)[0]
    now = AT + int(SETTLED_SECONDS * 1_000) + 1
    assert settled([Entry(AT, old), Entry(AT + 100, new)], now) == {old["requestId"]}


def test_a_question_of_both_halves_is_settled_sooner_than_one_whose_answer_may_come_late() -> None:
    whole = next(n for n in range(60) if len({e["eventType"] for e in events_of(n)}) == 2)
    first, second = events_of(whole)[:2]
    entries = [Entry(AT, first), Entry(AT, second), Entry(AT, {**first, "requestId": "half"})]
    assert settled(entries, AT + int(WHOLE_SECONDS * 1_000) + 1) == {first["requestId"]}
    assert len(settled(entries, AT + int(SETTLED_SECONDS * 1_000) + 1)) == 2


def test_no_question_gets_an_event_after_it_is_settled() -> None:
    for number in range(1_000):
        entries = [Entry(AT + int(p.delay * 1_000), p.event) for p in planned(number, AT)]
        for sent in range(1, len(entries)):
            assert not settled(entries[:sent], entries[sent].at)


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.add(Entry(AT, {"requestId": "a"}))
    with journal.path.open("a") as out:
        out.write('{"at": 1, "ev')
    assert journal.entries() == [Entry(AT, {"requestId": "a"})]


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "j").entries() == []


def sent_by(queue: Queue, folder: Path, turns: int) -> Journal:
    """Let a sender run for so many looks at a clock that goes half a second a look."""
    clock = iter(range(100_000))
    left = iter([False] * turns)
    journal = Journal(folder / "journal")
    Sender(
        queue,
        "url",
        journal,
        folder / "errors",
        per_second=5,
        stopped=lambda: next(left, True),
        now=lambda: AT / 1_000 + next(clock) / 2,
    ).run()
    return journal


def test_the_sender_sends_what_the_journal_says(tmp_path: Path) -> None:
    queue = Queue()
    journal = sent_by(queue, tmp_path, 80)
    assert queue.events == [entry.event for entry in journal.entries()]
    assert len(queue.events) > 10
    assert len(set(queue.ids)) == len(queue.ids)


def test_an_event_that_the_queue_refuses_goes_out_again_and_is_counted(tmp_path: Path) -> None:
    queue = Queue(refused=2)
    journal = sent_by(queue, tmp_path, 40)
    assert queue.events == [entry.event for entry in journal.entries()]
    assert (tmp_path / "errors").read_text().splitlines() == ["ClientError", "ClientError"]


def test_a_sender_that_was_killed_sends_its_last_event_again_and_goes_on(tmp_path: Path) -> None:
    last = sent_by(Queue(), tmp_path, 40).entries()[-1].event
    queue = Queue()
    sent_by(queue, tmp_path, 40)
    assert queue.events[0] == last
    assert min(event["requestId"] for event in queue.events[1:]) > last["requestId"]


@pytest.mark.parametrize(("request_id", "count"), [("rehearsal-000001", 1), ("other", 0)])
def test_only_the_senders_questions_are_compared(request_id: str, count: int) -> None:
    found = expected([Entry(AT, events_of(1)[0] | {"requestId": request_id})])
    assert len(of_traffic(found)) == count
