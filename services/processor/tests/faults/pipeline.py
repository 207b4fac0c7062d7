"""One question through the pipeline under a fault: deliver until everything drained, then judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from cv_contracts.events import CorrelationCompleted, QuestionErased, SessionErased

from cv_processor.adapters.aws import client
from cv_processor.adapters.items import from_item, request_key
from cv_processor.adapters.sqs import SqsErasures
from cv_processor.application.erasure import erasure_id_of, request_erasure
from cv_processor.bootstrap import services
from cv_processor.domain.correlation import Correlation
from cv_processor.domain.erasure import Question, Session, Subject
from cv_processor.entrypoints import erase, expire, ingest, relay
from tests.component.world import TABLE, World, queue_url, sqs_event
from tests.events import query, response
from tests.faults.faults import Crash, Faults, injected

MAX_ROUNDS = 6
MALFORMED = "malformed"
OTHERS = {"query": "Words of another session", "timestamp": 1_762_161_888_000}

Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Flow:
    """What is delivered, in which batches, and whether deadlines end early.

    Letters: `q`, `r` the halves, `x` a malformed message; upper case repeats with other content;
    `e` asks for the session's erasure, `d` for the question's. `o` is a later question of another
    session, under the same id.
    """

    batches: tuple[str, ...]
    expire_early: bool = False

    def __str__(self) -> str:
        return "|".join(self.batches) + (" early" if self.expire_early else "")


@dataclass
class Run:
    """One run of a flow, with question, session and messages of its own."""

    world: World
    number: int
    faults: Faults
    by_handler: dict[str, set[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        return f"q-{self.number}"

    @property
    def session_id(self) -> str:
        return f"s-{self.number}"

    @property
    def other_session(self) -> str:
        return f"o-{self.number}"

    @property
    def subjects(self) -> dict[str, Subject]:
        """What is erased, by letter."""
        return {"e": Session(self.session_id), "d": Question(self.request_id)}

    def body(self, letter: str) -> str:
        """The message of a letter."""
        if letter == "o":
            return json.dumps(query(self.request_id, **OTHERS, sessionId=self.other_session))
        other = {"timestamp": 1_762_161_999_000} if letter.isupper() else {}
        make = {"q": query, "r": response}.get(letter.lower())
        if make is None:
            return f"{MALFORMED} {self.number}"
        return json.dumps(make(self.request_id, sessionId=self.session_id, **other))

    def play(self, flow: Flow) -> None:
        """Deliver everything until nothing is left, then let deadlines end and events flow."""
        with injected(self.faults):
            for batch in flow.batches:
                self._step(batch)
                if flow.expire_early:
                    self.expire()
                self.relay()
            self.expire()
            self.erasures()
            self.relay()

    def _step(self, batch: str) -> None:
        if subject := self.subjects.get(batch):
            self._until_done("erase", lambda _: self._request_erasure(subject), [""])
        else:
            self._until_done("ingest", _sqs(ingest.handler), [self.body(each) for each in batch])

    def _request_erasure(self, subject: Subject) -> Sequence[str]:
        store = services().erasures
        queue = SqsErasures(client("sqs"), queue_url("ERASURE"))
        request_erasure(store, queue, subject, 1_762_161_120_037)
        return ()

    def expire(self) -> None:
        """The deadlines of this question end."""
        bodies = [each.body for each in self.world.messages("DEADLINE")]
        mine = [body for body in bodies if json.loads(body)["requestId"] == self.request_id]
        if mine:
            self._until_done("expire", _sqs(expire.handler), mine)

    def erasures(self) -> None:
        """The erasure queue is worked off; a pass may send the next one."""
        done = 0
        while bodies := self._erasure_commands()[done:]:
            done += len(bodies)
            self._until_done("erase", _sqs(erase.handler), bodies)

    def _erasure_commands(self) -> list[str]:
        mine = {erasure_id_of(subject) for subject in self.subjects.values()}
        bodies = [each.body for each in self.world.messages("ERASURE")]
        return [body for body in bodies if json.loads(body)["erasureId"] in mine]

    def relay(self) -> None:
        """The stream is read on; after a failure, again from the first record that failed."""
        for _ in range(MAX_ROUNDS):
            records = self.world.changes(self.world.streamed)
            if not records:
                return
            answer = self._call("relay", partial(relay.handler, {"Records": records}, None))
            if answer is None:
                continue
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            first = min((numbers.index(each) for each in failed), default=len(records))
            self.world.streamed += first
        self.problems.append("the stream does not drain")

    def _until_done(
        self, name: str, deliver: Callable[[Iterable[str]], Sequence[str]], bodies: Sequence[str]
    ) -> None:
        """At least once: what failed comes again, all of it when the process died."""
        pending = list(bodies)
        for _ in range(MAX_ROUNDS):
            failed = self._call(name, partial(deliver, tuple(pending)))
            if failed is not None:
                pending = list(failed)
            if not pending:
                return
            if failed is not None and not failed:
                return
        self.problems.append(f"{name} does not drain")

    def _call(self, name: str, call: Callable[[], Any]) -> Any:
        """What a handler answers; `None` if it died or raised."""
        before = len(self.faults.calls)
        try:
            return call()
        except (Crash, Exception):  # noqa: BLE001 - Lambda delivers again, whatever it was
            return None
        finally:
            made = self.faults.calls[before:]
            self.by_handler.setdefault(name, set()).update(made)

    def judge(self, flow: Flow) -> list[str]:
        """What is wrong with what the run left behind."""
        letters = "".join(flow.batches)
        if "d" in letters:
            return [*self.problems, *self._judge_erased_question(letters)]
        if "e" in letters:
            return [*self.problems, *self._judge_erasure(letters)]
        found = self._correlation()
        return [
            *self.problems,
            *self._judge_state(found, letters),
            *self._judge_events(found),
            *self._judge_rejections(letters),
        ]

    def _correlation(self) -> Correlation | None:
        item = self._items().get("CORRELATION")
        return from_item(item) if item else None

    def _items(self) -> dict[str, Any]:
        answer = client("dynamodb").query(
            TableName=TABLE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": request_key(self.request_id)}},
        )
        return {item["sk"]["S"]: item for item in answer["Items"]}

    def _judge_state(self, found: Correlation | None, letters: str) -> Iterable[str]:
        if found is None:
            yield "nothing is stored"
            return
        if ("q" in letters) != (found.query is not None):
            yield "the query is not there"
        if ("r" in letters) != (found.response is not None):
            yield "the response is not there"
        if "q" in letters and not found.closed:
            yield "open for ever"
        if len(found.parked) != sum(letter.isupper() for letter in set(letters)):
            yield "a conflict is not counted"
        if set(self._items()) != {"CORRELATION", *(f"CONFLICT#{key}" for key in found.parked)}:
            yield "a conflicting half is not parked"

    def _judge_events(self, found: Correlation | None) -> Iterable[str]:
        events = self._published(CorrelationCompleted.DETAIL_TYPE, self.request_id)
        if found is not None and found.closed:
            newest = max((event["data"]["revision"] for event in events), default=0)
            if newest != found.revision:
                yield f"revision {found.revision} is stored, {newest} published"
        by_revision: dict[int, set[str]] = {}
        for event in events:
            by_revision.setdefault(event["data"]["revision"], set()).add(json.dumps(event))
        if any(len(versions) > 1 for versions in by_revision.values()):
            yield "one state was published as two different events"

    def _judge_rejections(self, letters: str) -> Iterable[str]:
        parked = {each.body for each in self.world.messages("INGEST_DLQ")}
        if "x" in letters and self.body("x") not in parked:
            yield "a malformed message is nowhere"

    def _judge_shared(self) -> Iterable[str]:
        """Another session asked under the same id: its question is there, and is published."""
        found = self._correlation()
        if found is None or found.query is None or found.query.text != OTHERS["query"]:
            yield "the other session's question is gone"
        if set(self._items()) != {"CORRELATION"}:
            yield "a parked half is left"
        yield from self._judge_events(found)

    def _judge_erasure(self, letters: str) -> Iterable[str]:
        if "o" in letters:
            yield from self._judge_shared()
        elif self._items():
            yield "something of the question is left"
        if f'"{self.session_id}"' in json.dumps(self._items()):
            yield "something of the session is left"
        yield from self._judge_announcement(SessionErased.DETAIL_TYPE, Session(self.session_id))

    def _judge_announcement(self, kind: str, subject: Subject) -> Iterable[str]:
        events = self._published(kind, erasure_id_of(subject))
        if not events:
            yield "the others were not told"
        if len({json.dumps(event) for event in events}) > 1:
            yield "the erasure was told in two ways"
        if any(event["data"]["correlations"] != 1 for event in events):
            yield "the erased questions were not counted"

    def _judge_erased_question(self, letters: str) -> Iterable[str]:
        """Whoever asked: nothing of it is there, and the others know when it was asked."""
        question = Question(self.request_id)
        if self._items():
            yield "something of the question is left"
        yield from self._judge_announcement(QuestionErased.DETAIL_TYPE, question)
        asked_at = self._asked_at(but="e" in letters and self.session_id)
        for event in self._published(QuestionErased.DETAIL_TYPE, erasure_id_of(question)):
            if not asked_at <= set(event["data"]["askedAt"]):
                yield "the others cannot find what they have"

    def _asked_at(self, *, but: str | bool) -> set[int]:
        """When it was asked, by what was published of it; an erased session takes its own."""
        published = self._published(CorrelationCompleted.DETAIL_TYPE, self.request_id)
        return {e["data"]["askedAt"] for e in published if e["data"]["sessionId"] != but}

    def _published(self, kind: str, subject: str) -> list[dict[str, Any]]:
        events = self.world.published()
        return [each for each in events if (each["type"], each["subject"]) == (kind, subject)]


def _sqs(handler: Handler) -> Callable[[Iterable[str]], Sequence[str]]:
    """Deliver bodies as one batch; the bodies that failed come back."""

    def deliver(bodies: Iterable[str]) -> Sequence[str]:
        by_id = {f"m-{number}": body for number, body in enumerate(bodies, 1)}
        answer = handler(sqs_event(by_id.values(), count(1)), None)
        return [by_id[each["itemIdentifier"]] for each in answer["batchItemFailures"]]

    return deliver
