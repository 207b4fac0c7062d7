"""Everything that the Processor owns: ingestion, correlation, its table, its bus, its API."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct
from cv_contracts.chatbot import QuestionAnswered, QuestionAsked
from cv_contracts.events import CHATBOT_SOURCE, PROCESSOR_SOURCE
from cv_contracts.parameters import parameter_name

from cdk_constructs.alarms import Advice, of_function
from cdk_constructs.deployable import Deployable
from cdk_constructs.function import Package, Permission, ServiceFunction
from cdk_constructs.http_api import ServiceApi, Throttle
from cdk_constructs.queues import failure_queue, work_queue
from cdk_constructs.stage import Stage
from cdk_constructs.table import KeyIndex
from processor.settings import SETTINGS

SERVICE: Final = "processor"
API_TIMEOUT: Final = cdk.Duration.seconds(20)
OPEN_ROUTES: Final = {
    "GET /health": Throttle(rate=2, burst=10),
    "POST /v1/webhooks/events": Throttle(rate=10, burst=50),
}
CHATBOT_EVENTS: Final = (QuestionAsked, QuestionAnswered)
# The changes that the relay looks at: a correlation that is closed or closed anew, a receipt of an
# erasure, and what time to live removes. An open question's first half concerns nobody outside.
RELAYED: Final = (
    {"dynamodb": {"NewImage": {"closedDay": {"S": [{"prefix": "DAY#"}]}}}},
    {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "ERASURE#"}]}}}},
    {"eventName": ["REMOVE"]},
)
DEADLINE_WINDOW_SECONDS: Final = 60
RELAY_WINDOW_SECONDS: Final = 10

COUNTS: Final = ("EventsReceived", "EventsRejected", "EventsRecorded", "EventsPublished")
NOT_PUBLISHED: Final = Advice(
    "page",
    "Events were recorded for two hours, and the relay did not run",
    "Enable the event source mapping of relay, then `republish`",
)


class ProcessorStack(Deployable):
    """Deploys alone, into an empty account."""

    def __init__(self, scope: Construct, stage: Stage, bundle: Path, version: str) -> None:
        """`bundle` is the folder with the code, `version` the service's own."""
        super().__init__(
            scope,
            SERVICE,
            stage,
            version,
            indexes=[
                KeyIndex("day", "closedDay", "closedOrder"),
                KeyIndex("session", "sessionId", "askedOrder"),
            ],
            publishes=PROCESSOR_SOURCE,
            admits=[CHATBOT_SOURCE],
        )
        self.settings = SETTINGS[stage.name]
        self._declare_queues()
        self.package = Package(bundle, "cv_processor", version, self._environment())
        api = self._declare_api()
        self._declare_ingest()
        self._declare_expire()
        self._declare_relay()
        self._declare_intake()
        self._declare_erase()
        self.complete(api, COUNTS)
        self._publish()

    def _declare_queues(self) -> None:
        soon = cdk.Duration.minutes(5)
        self.ingest = work_queue(
            self,
            self.alarms,
            "ingest.fifo",
            dead_letters="ingest-dlq.fifo",
            oldest=soon,
        )
        self.deadline = work_queue(
            self,
            self.alarms,
            "deadline",
            dead_letters="deadline-dlq",
            window=self.gathered_for(DEADLINE_WINDOW_SECONDS),
            # A question is open as long as its message waits: its age shows what stays open.
            oldest=cdk.Duration.minutes(30),
        )
        self.erasure = work_queue(
            self,
            self.alarms,
            "erasure",
            dead_letters="erasure-dlq",
            oldest=cdk.Duration.hours(1),
        )
        # Consumers' counts of an erasure come by a rule of this name.
        self.admit_rule(self.erasure.queue, "erasure-receipts", "ReceiptsByRule")
        self.relay_failures = failure_queue(self, self.alarms, "relay-failures")
        self.intake_failures = failure_queue(self, self.alarms, "intake-failures")

    def _environment(self) -> dict[str, str]:
        """What `cv_processor.settings` reads: the same for all functions."""
        settings = self.settings
        return {
            "TABLE_NAME": self.table.table_name,
            "BUS_NAME": self.bus.event_bus_name,
            "INGEST_QUEUE_URL": self.ingest.queue.queue_url,
            "INGEST_DLQ_URL": self.ingest.dead_letters.queue_url,
            "DEADLINE_QUEUE_URL": self.deadline.queue.queue_url,
            "ERASURE_QUEUE_URL": self.erasure.queue.queue_url,
            # The owner's, encrypted, which CloudFormation cannot make (docs/runbooks).
            "WEBHOOK_KEYS_PARAMETER": parameter_name(
                self.deploy_stage.name, SERVICE, "webhook-keys"
            ),
            "GRACE_SECONDS": str(settings.grace_seconds),
            "RETENTION_DAYS": str(settings.retention_days),
            "SHARDS": str(settings.shards),
            "SETTLE_SECONDS": str(settings.settle_seconds),
        }

    def _declare_api(self) -> ServiceApi:
        function = self.function(
            "api",
            {},
            [
                self.on_table("GetItem", "BatchGetItem", "PutItem", "Query"),
                self.query_index("day", "session"),
                Permission(
                    ["sqs:SendMessage"],
                    [self.ingest.queue.queue_arn, self.erasure.queue.queue_arn],
                ),
                Permission(["ssm:GetParameter"], [self.parameter_arn(SERVICE, "webhook-keys")]),
            ],
            API_TIMEOUT,
        )
        return ServiceApi(self, self.alarms, function, open_routes=OPEN_ROUTES)

    def _declare_ingest(self) -> None:
        function = self.function(
            "ingest",
            {},
            [
                self.on_table("PutItem", "UpdateItem", "Query"),
                Permission(
                    ["sqs:SendMessage"],
                    [self.deadline.queue.queue_arn, self.ingest.dead_letters.queue_arn],
                ),
            ],
        )
        function.consumes_queue(self.ingest.queue, max_concurrency=self.settings.batches_at_once)

    def _declare_expire(self) -> None:
        function = self.function(
            "expire",
            {},
            [self.on_table("BatchGetItem", "UpdateItem")],
        )
        function.consumes_queue(
            self.deadline.queue,
            window=self.gathered_for(DEADLINE_WINDOW_SECONDS),
            max_concurrency=self.settings.batches_at_once,
        )

    def _declare_relay(self) -> None:
        function = self.function(
            "relay",
            {},
            [Permission(["events:PutEvents"], [self.bus.event_bus_arn])],
        )
        window = self.gathered_for(RELAY_WINDOW_SECONDS)
        function.consumes_stream(self.table, self.relay_failures, window=window, patterns=RELAYED)
        self.alarms.add(
            "not-published", self._hours_without_relay(function), NOT_PUBLISHED, periods=2
        )

    def _hours_without_relay(self, relay: ServiceFunction) -> cloudwatch.MathExpression:
        """1 in an hour in which events were recorded and the relay did not run at all.

        One such hour can be chance, when the first event comes in its last second; two are not.
        A mapping that is disabled has no iterator age, so no other metric shows it.
        """
        hour = cdk.Duration.hours(1)
        return cloudwatch.MathExpression(
            expression="IF(FILL(recorded, 0) > 0, IF(FILL(relayed, 0) > 0, 0, 1), 0)",
            using_metrics={
                "recorded": self.alarms.own_metric("EventsRecorded", hour, "Sum"),
                "relayed": of_function(relay.physical_name, "Invocations", period=hour),
            },
            period=hour,
            label="hours without the relay",
        )

    def _declare_intake(self) -> None:
        """Events of the chatbot on our own bus. A rule's FIFO target has one fixed message group,
        which would make all of them serial; this function gives each its own."""
        function = self.function(
            "intake",
            {},
            [Permission(["sqs:SendMessage"], [self.ingest.queue.queue_arn])],
        )
        function.runs_asynchronously(self.intake_failures)
        rule = events.Rule(
            self,
            "ChatbotEvents",
            rule_name=self.named("chatbot-events"),
            event_bus=self.bus,
            event_pattern=events.EventPattern(
                source=[CHATBOT_SOURCE], detail_type=[event.DETAIL_TYPE for event in CHATBOT_EVENTS]
            ),
        )
        rule.add_target(
            targets.LambdaFunction(function.alias, dead_letter_queue=self.intake_failures)
        )

    def _declare_erase(self) -> None:
        function = self.function(
            "erase",
            {},
            [
                self.on_table("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
                self.query_index("session"),
                Permission(["sqs:SendMessage"], [self.erasure.queue.queue_arn]),
            ],
        )
        function.consumes_queue(self.erasure.queue, max_concurrency=2)

    def _publish(self) -> None:
        self.publish("erasure-queue-arn", self.erasure.queue.queue_arn)
        self.publish("erasure-queue-url", self.erasure.queue.queue_url)
        self.output("IngestQueueUrl", self.ingest.queue.queue_url)
