"""Everything that the deployed functions can be asked, asked once."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
from cv_contracts import webhook
from cv_contracts.chatbot import QuestionAnswered, QuestionAsked
from cv_contracts.events import CHATBOT_SOURCE, Correlation, CorrelationCompleted
from cv_contracts.parameters import parameter_name

from tests.owner import signed_in
from tools.demo.system import dashboard_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.owner import Owner
    from tools.demo.system import DeployedSystem
    from tools.deploy.account import Account

PATIENCE_SECONDS: Final = 120.0
PAUSE_SECONDS: Final = 0.5
PREFIX: Final = "cv-analytics-local"
DAY_MS: Final = 86_400_000
POLLER_SECONDS: Final = 2.0
SESSION: Final = "s-permissions"


class StuckError(AssertionError):
    """Something that should have happened did not."""


@dataclass(frozen=True)
class Scenario:
    """A visitor, an owner and the clock, at a deployed system."""

    system: DeployedSystem
    admin: Account

    def play(self) -> None:
        """All of it, in an order that lets every function run at least once."""
        self._visitors_ask()
        self._chatbots_speak_on_the_bus()
        self._webhooks_arrive()
        self._rubbish_arrives()
        self._somebody_reads_the_processor()
        self._the_owner_reads_the_reporter()
        self._the_owner_decides()
        self._the_clock_strikes()
        self._gaps_are_healed()
        self._a_visitor_is_forgotten()

    def _visitors_ask(self) -> None:
        events = [
            question("p-usual"),
            answer("p-usual"),
            answer("p-reversed"),
            question("p-reversed"),
            question("p-unanswered"),
            question("p-conflict"),
            question("p-conflict", text="Do you know Rust, too?"),
            answer("p-conflict", outcome="none", score=10),
        ]
        for event in events:
            self.system.send_to_api([event])
        for request_id in ("p-usual", "p-reversed", "p-conflict", "p-unanswered"):
            self._until_correlated(request_id)

    def _chatbots_speak_on_the_bus(self) -> None:
        entries = [
            {
                "EventBusName": f"{PREFIX}-processor",
                "Source": CHATBOT_SOURCE,
                "DetailType": kind,
                "Detail": json.dumps(event),
            }
            for kind, event in (
                (QuestionAsked.DETAIL_TYPE, question("p-bus")),
                (QuestionAnswered.DETAIL_TYPE, answer("p-bus")),
            )
        ]
        assert self.admin.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0
        self._until_correlated("p-bus")

    def _webhooks_arrive(self) -> None:
        key = "k" * 64
        self.admin.client("ssm").put_parameter(
            Name=parameter_name("local", "processor", "webhook-keys"),
            Value=json.dumps({"current": key}),
            Type="SecureString",
            Overwrite=True,
        )
        body = json.dumps([question("p-webhook"), answer("p-webhook")]).encode()
        headers = webhook.sign(key, int(time.time()), body) | {"content-type": "application/json"}
        url = f"{self.system.outputs['processorApi']}/v1/webhooks/events"
        posted = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False)
        assert posted.status_code == 202, posted.text
        self._until_correlated("p-webhook")

    def _rubbish_arrives(self) -> None:
        self.system.send_to_queue({"requestId": "p-rubbish", "eventType": "none", "timestamp": 1})
        queue = self.admin.client("sqs")
        url = queue.get_queue_url(QueueName=f"{PREFIX}-processor-ingest-dlq.fifo")["QueueUrl"]
        eventually(lambda: _depth(queue, url) > 0, "the rejected message in its queue")

    def _somebody_reads_the_processor(self) -> None:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        for path in (
            "/health",
            "/v1/correlations/p-usual",
            "/v1/correlations/p-conflict/conflicts",
            f"/v1/correlations?sessionId={SESSION}",
            "/v1/correlations?limit=1",  # a further page needs a signed cursor
            f"/v1/days/{today}",
        ):
            self.system.processor.get(path).raise_for_status()
        assert self.system.correlations(today, today)

    def _the_owner_reads_the_reporter(self) -> None:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        period = {"from": today, "to": today}
        eventually(lambda: self.system.projected(today, today) > 4, "the questions in the summary")
        for path in ("/health", "/v1/summary", "/v1/questions", "/v1/export.csv", "/v1/reports"):
            wants = period if path not in ("/health", "/v1/reports") else {}
            self.system.reporter.get(path, params=wants).raise_for_status()
        week = this_week()
        self.system.reporter.post(f"/v1/reports/{week}?send=true").raise_for_status()
        self.system.reporter.get(f"/v1/reports/{week}").raise_for_status()

    def _the_owner_decides(self) -> None:
        reporter = self.system.reporter
        note = {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "text": "Added a project",
            "skill": "Python",
        }
        made = reporter.post("/v1/annotations", json=note).raise_for_status().json()
        reporter.get("/v1/annotations").raise_for_status()
        reporter.delete(f"/v1/annotations/{_id_of(made)}").raise_for_status()
        reporter.put("/v1/gaps/Rust", json={"state": "planned"}).raise_for_status()
        reporter.get("/v1/gaps").raise_for_status()
        reporter.put("/v1/cv-skills", json={"skills": ["Python"]}).raise_for_status()
        reporter.get("/v1/cv-skills").raise_for_status()

    def _the_clock_strikes(self) -> None:
        last_week = iso_week(datetime.now(UTC) - timedelta(days=7))
        self._invoke("reporter-report", {"week": last_week})
        self._invoke("reporter-reconcile", {"days": 2})
        self._invoke("reporter-feedback", BOUNCE)

    def _a_visitor_is_forgotten(self) -> None:
        known = self.system.processor.get("/v1/correlations/p-usual").raise_for_status().json()
        with signed_in(dashboard_link(self.system.mails())) as owner:
            asked = self.system.processor.get("/v1/correlations/p-conflict").raise_for_status()
            for receipt in (
                owner.erase_question("p-conflict", asked.json()["askedAt"]),
                owner.erase(SESSION),
            ):
                eventually(
                    partial(_is_counted, owner, receipt),
                    "the Reporter's count in the receipt on the dashboard",
                )
        self._publish(Correlation.read(known | {"requestId": "p-late"}))

    def _publish(self, late: Correlation) -> None:
        """A question of the forgotten session reaches the Reporter after its erasure."""
        event = CorrelationCompleted.of(
            late,
            id=str(uuid4()),
            subject=late.request_id,
            time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        )
        entry = event.to_entry(f"{PREFIX}-processor")
        assert self.admin.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def _until_correlated(self, request_id: str) -> None:
        path = f"/v1/correlations/{request_id}"

        def correlated() -> bool:
            return self.system.processor.get(path).is_success

        eventually(correlated, f"{request_id} correlated")

    def _gaps_are_healed(self) -> None:
        """Each way to reconcile finds a question that was dated back behind the Reporter's back."""
        week = this_week()
        heal: dict[str, Callable[[], object]] = {
            "p-reconcile": lambda: self._invoke("reporter-reconcile", {"days": 3}),
            "p-rebuild": lambda: self.system.reporter.post(f"/v1/reports/{week}"),
        }
        for request_id, healing in heal.items():
            self.system.send_to_api([question(request_id), answer(request_id)])
            eventually(partial(self._reported, request_id, 0), f"{request_id} reported")
            with self._deaf_reporter():
                self.system.send_to_api([dated_back(question(request_id))])
                self._until_revised(request_id)
                healing()
            eventually(partial(self._reported, request_id, 1), f"{request_id} healed")

    @contextmanager
    def _deaf_reporter(self) -> Iterator[None]:
        """The Reporter's queue is not read meanwhile."""
        client = self.admin.client("lambda")
        function = f"{PREFIX}-reporter-project:live"
        [mapping] = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        time.sleep(POLLER_SECONDS)  # nothing tells when a poll that is under way has ended
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def _reported(self, request_id: str, days_ago: int) -> bool:
        day = f"{datetime.now(UTC) - timedelta(days=days_ago):%Y-%m-%d}"
        found = self.system.reporter.get("/v1/questions", params={"from": day, "to": day})
        return request_id in found.raise_for_status().text

    def _until_revised(self, request_id: str) -> None:
        path = f"/v1/correlations/{request_id}"

        def revised() -> bool:
            return bool(self.system.processor.get(path).raise_for_status().json()["revision"] > 1)

        eventually(revised, f"{request_id} revised")

    def _invoke(self, function: str, payload: dict[str, Any]) -> None:
        said = self.admin.client("lambda").invoke(
            FunctionName=f"{PREFIX}-{function}", Qualifier="live", Payload=json.dumps(payload)
        )
        assert "FunctionError" not in said, said["Payload"].read()


BOUNCE: Final[dict[str, Any]] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "source": "aws.ses",
    "detail-type": "Email Bounced",
    "time": "2026-11-16T07:00:05Z",
    "detail": {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": "gone@cv.example"}],
            "timestamp": "2026-11-16T07:00:04.000Z",
        },
        "mail": {"messageId": "m-1", "destination": ["gone@cv.example"]},
    },
}


def question(request_id: str, text: str = "Do you know Rust?") -> dict[str, Any]:
    """A query event of the one session that is forgotten at the end."""
    return {
        "eventType": "query",
        "requestId": request_id,
        "timestamp": int(time.time() * 1000),
        "sessionId": SESSION,
        "query": text,
    }


def answer(request_id: str, outcome: str = "full", score: int = 90) -> dict[str, Any]:
    """Its response event."""
    return {
        "eventType": "response",
        "requestId": request_id,
        "timestamp": int(time.time() * 1000) + 1,
        "sessionId": SESSION,
        "matchType": outcome,
        "matchScore": score,
        "reasoning": "A scenario said so.",
    }


def dated_back(event: dict[str, Any]) -> dict[str, Any]:
    """The same half with an earlier time: of two that conflict, the earlier one counts."""
    return event | {"timestamp": event["timestamp"] - DAY_MS}


def this_week() -> str:
    """The ISO week of today."""
    return iso_week(datetime.now(UTC))


def iso_week(day: datetime) -> str:
    """`2026-W47`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def eventually(claim: Callable[[], bool], what: str) -> None:
    """Wait until a claim holds. Raises `StuckError` with what should have come true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not claim():
        if time.monotonic() > deadline:
            raise StuckError(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
        time.sleep(PAUSE_SECONDS)


def _depth(queue: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    said = queue.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
    return int(said[name])


def _is_counted(owner: Owner, receipt: str) -> bool:
    """Whether the receipt of an erasure has the Reporter's count."""
    return "Reporter" in owner.receipt(receipt)


def _id_of(made: dict[str, Any]) -> str:
    found = made.get("id") or made.get("annotation", {}).get("id")
    assert isinstance(found, str), made
    return found
