"""The running system seen from outside: its queue, its two APIs, its outbox.

What the demonstration and the system test share. Nothing here reads a table.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import httpx
from cv_contracts.client import ProcessorClient
from cv_contracts.rest import CorrelationQuery

from tools.demo import samples
from tools.emulator.watch import PREFIX, waiting

if TYPE_CHECKING:
    from tools.demo.samples import Event
    from tools.deploy.account import Account

INPUT_QUEUES = ("processor-ingest.fifo", "reporter-facts")
RELAY_LOG = "/aws/lambda/cv-analytics-local-processor-relay"
PUBLISHED_METRIC = "EventsPublished"
DAY_MS = 86_400_000


class DeployedSystem:
    """Calls what a chatbot, an owner and their tools would call."""

    def __init__(self, outputs: dict[str, str], account: Account) -> None:
        self.outputs = outputs
        self.account = account
        self.client = ProcessorClient(outputs["processorApi"], account.signed(), timeout=30)
        self.processor = account.http(outputs["processorApi"])
        self.reporter = account.http(outputs["reporterApi"])
        self.queue = account.http(service="sqs")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self.client, self.processor, self.reporter, self.queue):
            client.close()

    def send_to_queue(self, event: Event) -> None:
        """A Query-API form post, exactly as the original chatbot's."""
        form = {
            "Action": "SendMessage",
            "Version": "2012-11-05",
            "MessageBody": json.dumps(event),
            "MessageGroupId": "analytics",
            "MessageDeduplicationId": samples.queue_deduplication_id(event),
        }
        self.queue.post(self.outputs["ingestQueueUrl"], data=form).raise_for_status()

    def send_to_api(self, events: list[Event]) -> int:
        """`POST /v1/events`; returns how many were accepted."""
        answer = self.processor.post("/v1/events", json={"events": events}).raise_for_status()
        return len(answer.json()["accepted"])

    def correlations(self, first: str, last: str) -> dict[str, int]:
        """Revision by request id, of the closed correlations of some UTC days, both included."""
        query = CorrelationQuery(from_=_midnight(first), to=_midnight(last) + DAY_MS)
        return {found.request_id: found.revision for found in self.client.correlations(query)}

    def published(self, since: int) -> int:
        """Events that the relay put on the bus since then (ms), by its own metric."""
        pages = self.account.client("logs").filter_log_events(
            logGroupName=RELAY_LOG, startTime=since
        )["events"]
        return sum(metric_of(entry["message"], PUBLISHED_METRIC) for entry in pages)

    def projected(self, first: str, last: str) -> int:
        """Questions that the Reporter has summarised, of some local days, both included."""
        query = {"from": first, "to": last}
        answer = self.reporter.get("/v1/summary", params=query).raise_for_status().json()
        return int(answer["totals"]["questions"])

    def report(self, week: str, kind: str) -> str:
        """A stored weekly report as `application/json`, `text/html` or `text/plain`; or nothing."""
        answer = self.reporter.get(f"/v1/reports/{week}", headers={"accept": kind})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return ""
        return answer.raise_for_status().text

    def totals(self, week: str) -> dict[str, Any]:
        """The totals of a stored weekly report."""
        totals: dict[str, Any] = json.loads(self.report(week, "application/json"))["totals"]
        return totals

    def build_report(self, week: str, *, send: bool) -> None:
        """`POST /v1/reports/{week}`."""
        query = {"send": "true"} if send else {}
        self.reporter.post(f"/v1/reports/{week}", params=query).raise_for_status()

    def mails(self) -> list[dict[str, Any]]:
        """What SES sent since the embedded AWS started."""
        return self.account.mails()

    def url_of(self, queue: str) -> str:
        """The address of one of our queues, named without the stage's prefix."""
        root = self.outputs["ingestQueueUrl"].rsplit("/", 1)[0]
        return f"{root}/{PREFIX}{queue}"

    def waiting(self) -> int:
        """Events that are still on their way, in either service's input queue."""
        return sum(waiting(self.account, f"{PREFIX}{name}") for name in INPUT_QUEUES)


def _midnight(day: str) -> int:
    """The start of a UTC day, in milliseconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000


def is_of_week(mail: dict[str, Any], week: str) -> bool:
    """Whether a mail is about that ISO week: its links select the week, from its Monday on."""
    monday = datetime.strptime(f"{week}-1", "%G-W%V-%u").replace(tzinfo=UTC).date()
    return f"from={monday.isoformat()}" in mail["BodyText"]


def dashboard_link(mails: list[dict[str, Any]]) -> str:
    """The signed link that the newest mail carries; or nothing."""
    pattern = re.compile(r"https?://\S+/dashboard\?token=[^\s&]+")
    links = [pattern.search(mail["BodyText"]) for mail in mails]
    return next((link[0] for link in reversed(links) if link), "")


def metric_of(line: str, name: str) -> int:
    """The value of a metric in a line of the embedded metric format; 0 in any other line."""
    start = line.find("{")
    if name not in line or start < 0:
        return 0
    try:
        document = json.loads(line[start:])
    except ValueError:
        return 0
    value = document.get(name, 0)
    return int(sum(value) if isinstance(value, list) else value)
