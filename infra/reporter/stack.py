"""Everything that the Reporter owns: facts, summaries, reports, its table, its bus, its API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_ses as ses
from constructs import Construct
from cv_contracts.events import REPORTER_SOURCE
from cv_contracts.parameters import parameter_name

from cdk_constructs.alarms import Advice, MissingData, of_function, together
from cdk_constructs.deployable import Deployable
from cdk_constructs.function import Package, Permission
from cdk_constructs.http_api import SIGNED_ROUTES, ServiceApi, Throttle
from cdk_constructs.queues import failure_queue, work_queue
from cdk_constructs.schedule import Schedule
from cdk_constructs.stage import Stage
from cdk_constructs.table import KeyIndex
from reporter.sender import sender_identity
from reporter.settings import SENDER, SETTINGS

SERVICE: Final = "reporter"
PRODUCER: Final = "processor"
API_TIMEOUT: Final = cdk.Duration.seconds(29)
REPORT_TIMEOUT: Final = cdk.Duration.minutes(5)
# With a whole CPU (1,769 MB) `summarise` reads and counts a day of 100,000 facts in half a minute.
DAY_MEMORY_MB: Final = 1_769
DAY_TIMEOUT: Final = cdk.Duration.minutes(3)
CHANGES_AT_ONCE: Final = 1_000
FACTS_WINDOW_SECONDS: Final = 5
OPEN_ROUTES: Final = {
    "GET /health": Throttle(rate=2, burst=10),
    "ANY /dashboard": Throttle(rate=5, burst=20),
    "ANY /dashboard/{proxy+}": Throttle(rate=5, burst=40),
}

COUNTS: Final = ("FactsRecorded", "ReconciliationHealed", "SendingInDoubt", "MailStopped")
LAGS: Final = ("ProjectLag",)

# Each night `reconcile` writes this item. Both readers of the stream get it, and do nothing: their
# invocation shows that their mappings work.
HEARTBEAT: Final[Mapping[str, object]] = {"dynamodb": {"Keys": {"pk": {"S": ["COMPARISON"]}}}}

LATE: Final = Advice(
    "ticket",
    "Events need more than two minutes from the bus into the facts",
    "Compare the age of the facts queue and the duration of project on the dashboard",
)
EVENTS_LOST: Final = Advice(
    "ticket",
    "The nightly comparison had to fetch facts whose events never came",
    "Look at the rule `facts`, its dead-letter queue, and the Processor's relay",
)
NOT_COMPARED: Final = Advice(
    "ticket",
    "The nightly comparison did not get through more than two days",
    "Read `problem` in the line of reconcile, then `make reconciliation-test`",
)
OVERDUE: Final = Advice(
    "page",
    "Last week's report was not sent",
    "Look at the schedule `report` and the line of report, then send the report",
)
MAIL: Final = Advice(
    "ticket",
    "A mail may be out or not, or a recipient's address was stopped",
    "See which of both metrics it is on the dashboard, then follow the runbook",
)
NO_HEARTBEAT: Final = Advice(
    "page",
    "For 26 hours reconcile did not run, or a reader of the stream did not see its record",
    "See which of reconcile, summarise and relay did not run; enable its schedule or mapping",
)

# The functions that ask the Processor; `reporter-links` allows them to.
CALLERS: Final = ("api", "reconcile")


class ReporterStack(Deployable):
    """Deploys alone, into an empty account; `reporter-links` joins it to the Processor later."""

    def __init__(self, scope: Construct, stage: Stage, bundle: Path, version: str) -> None:
        """`bundle` is the folder with the code, `version` the service's own."""
        super().__init__(
            scope,
            SERVICE,
            stage,
            version,
            indexes=[KeyIndex("lookup", "lookup", "askedAt")],
            publishes=REPORTER_SOURCE,
        )
        self.settings = SETTINGS[stage.name]
        self.sender = self._declare_sender()
        self._declare_queues()
        self.package = Package(bundle, "cv_reporter", version, self._environment())
        self._declare_project()
        self._declare_summarise()
        self._declare_relay()
        api = self._declare_api()
        self._declare_report()
        self._declare_reconcile()
        self._declare_feedback()
        self._declare_alarms()
        self.complete(api, COUNTS, LAGS)
        self._publish(api)

    def _declare_sender(self) -> list[str]:
        """The configuration set of this stage's mail; returns what sending needs.

        The identity is the account's (`reporter/sender.py`), but on the embedded AWS.
        """
        if self.deploy_stage.emulated:
            sender_identity(self, SENDER)
        self.configuration_set = ses.ConfigurationSet(
            self,
            "Mail",
            configuration_set_name=self.base_name,
            reputation_metrics=True,
            tls_policy=ses.ConfigurationSetTlsPolicy.REQUIRE,
            # The Reporter keeps its own list, which the owner can reset; the account's would go on
            # dropping mail in silence.
            disable_suppression_list=True,
        )
        return [
            self.format_arn(service="ses", resource="identity", resource_name=SENDER.identity),
            self.format_arn(
                service="ses", resource="configuration-set", resource_name=self.base_name
            ),
            # As long as SES keeps an account in its sandbox, it asks for the recipients', too.
            *(
                self.format_arn(service="ses", resource="identity", resource_name=recipient)
                for recipient in self.settings.recipients
            ),
        ]

    def _declare_queues(self) -> None:
        self.facts = work_queue(
            self,
            self.alarms,
            "facts",
            dead_letters="facts-dlq",
            window=self.gathered_for(FACTS_WINDOW_SECONDS),
            oldest=cdk.Duration.minutes(15),
        )
        # The rule stands in `reporter-links`.
        self.admit_rule(self.facts.queue, "facts", "FactsByRule")
        self.summarise_failures = failure_queue(self, self.alarms, "summarise-failures")
        self.relay_failures = failure_queue(self, self.alarms, "relay-failures")
        self.schedule_failures = failure_queue(self, self.alarms, "schedule-dlq")
        self.feedback_failures = failure_queue(self, self.alarms, "feedback-failures")

    def _environment(self) -> dict[str, str]:
        """What `cv_reporter.settings` reads: the same for all functions."""
        stage, settings = self.deploy_stage.name, self.settings
        return {
            "TABLE_NAME": self.table.table_name,
            "BUS_NAME": self.bus.event_bus_name,
            "FACTS_QUEUE_URL": self.facts.queue.queue_url,
            "FACTS_DLQ_URL": self.facts.dead_letters.queue_url,
            "TIME_ZONE": settings.time_zone,
            "OWNER_SESSIONS": ",".join(settings.owner_sessions),
            "RETENTION_DAYS": str(settings.retention_days),
            "SHARDS": str(settings.shards),
            "SENDER": SENDER.address,
            "RECIPIENTS": ",".join(settings.recipients),
            "CONFIGURATION_SET": self.configuration_set.configuration_set_name,
            # Encrypted, which CloudFormation cannot make: the first function that needs it does.
            "DASHBOARD_KEY_PARAMETER": parameter_name(stage, SERVICE, "dashboard-key"),
            "API_URL_PARAMETER": parameter_name(stage, SERVICE, "api-url"),
            # Read at run time: the Reporter deploys before the Processor exists.
            "PROCESSOR_API_PARAMETER": parameter_name(stage, PRODUCER, "api-url"),
        }

    def _may_mail(self) -> list[Permission]:
        return [
            Permission(["ses:SendEmail"], self.sender),
            Permission(
                ["ssm:GetParameter", "ssm:PutParameter"],
                [self.parameter_arn(SERVICE, "dashboard-key")],
            ),
            # The report says how many facts wait there.
            Permission(["sqs:GetQueueAttributes"], [self.facts.dead_letters.queue_arn]),
        ]

    def _may_read_parameters(self, *names: tuple[str, str]) -> Permission:
        return Permission(
            ["ssm:GetParameter"], [self.parameter_arn(service, name) for service, name in names]
        )

    def _declare_project(self) -> None:
        function = self.function(
            "project",
            {},
            [
                self.on_table(
                    "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"
                ),
                self.query_index("lookup"),
            ],
        )
        function.consumes_queue(
            self.facts.queue,
            window=self.gathered_for(FACTS_WINDOW_SECONDS),
            max_concurrency=self.settings.batches_at_once,
        )

    def _declare_summarise(self) -> None:
        function = self.function(
            "summarise",
            {},
            [
                self.on_table("GetItem", "BatchGetItem", "PutItem", "DeleteItem", "Query"),
                self.query_index("lookup"),
            ],
            DAY_TIMEOUT,
            DAY_MEMORY_MB,
        )
        window = cdk.Duration.seconds(self.settings.summarised_every)
        changes = [
            {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": prefix}]}}}}
            for prefix in ("DAY#", "LOCATOR#")
        ]
        function.consumes_stream(
            self.table,
            self.summarise_failures,
            batch=CHANGES_AT_ONCE,
            window=window,
            patterns=[*changes, HEARTBEAT],
        )

    def _declare_relay(self) -> None:
        function = self.function(
            "relay",
            {},
            [Permission(["events:PutEvents"], [self.bus.event_bus_arn])],
        )
        function.consumes_stream(
            self.table,
            self.relay_failures,
            patterns=[
                {
                    "eventName": ["INSERT"],
                    "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUTBOX#"}]}}},
                },
                HEARTBEAT,
            ],
        )

    def _declare_api(self) -> ServiceApi:
        function = self.function(
            "api",
            {},
            [
                self.on_table("GetItem", "BatchGetItem", "PutItem", "DeleteItem", "Query"),
                self.query_index("lookup"),
                *self._may_mail(),
                self._may_read_parameters((PRODUCER, "api-url"), (SERVICE, "api-url")),
            ],
            API_TIMEOUT,
        )
        self.callers = {"api": function}
        return ServiceApi(
            self, self.alarms, function, open_routes=OPEN_ROUTES, signed_routes=SIGNED_ROUTES
        )

    def _declare_report(self) -> None:
        function = self.function(
            "report",
            {},
            [
                self.on_table("GetItem", "PutItem", "Query"),
                self.query_index("lookup"),
                *self._may_mail(),
                self._may_read_parameters((SERVICE, "api-url")),
            ],
            REPORT_TIMEOUT,
        )
        Schedule(
            self,
            "report",
            function,
            self.schedule_failures,
            expression="cron(0 7 ? * MON *)",
            time_zone=self.settings.time_zone,
        )

    def _declare_reconcile(self) -> None:
        function = self.function(
            "reconcile",
            {},
            [
                self.on_table("GetItem", "PutItem", "DeleteItem", "Query"),
                self.query_index("lookup"),
                self._may_read_parameters((PRODUCER, "api-url")),
            ],
            REPORT_TIMEOUT,
        )
        self.callers["reconcile"] = function
        # At the end of every night, and so half an hour before Monday's report.
        Schedule(
            self,
            "reconcile",
            function,
            self.schedule_failures,
            expression="cron(30 6 * * ? *)",
            time_zone=self.settings.time_zone,
        )

    def _declare_alarms(self) -> None:
        """What only this service has: its mail, its nightly comparison, its freshness."""
        minute, hour = cdk.Duration.minutes(1), cdk.Duration.hours(1)
        own = self.alarms.own_metric
        self.alarms.add(
            "project-lag", own("ProjectLag", minute, "p99"), LATE, above=120_000, periods=5
        )
        self.alarms.add("events-lost", own("ReconciliationHealed", hour, "Sum"), EVENTS_LOST)
        not_compared = own("ReconciliationDaysNotCompared", hour)
        self.alarms.add("not-compared", not_compared, NOT_COMPARED, above=2)
        self.alarms.add("report-overdue", own("ReportOverdue", hour), OVERDUE)
        mail = {
            self.named("in-doubt"): own("SendingInDoubt", hour, "Sum"),
            self.named("stopped"): own("MailStopped", hour, "Sum"),
        }
        self.alarms.add("mail", together("SUM", mail, hour), MAIL)
        self.alarms.add(
            "heartbeat",
            self._hours_without_heartbeat(),
            NO_HEARTBEAT,
            periods=26,
            missing=MissingData.BREACHING,
        )

    def _hours_without_heartbeat(self) -> cloudwatch.MathExpression:
        """0 in the hour of the night in which `reconcile` ran and both readers saw its record.

        A schedule or a stream's mapping that is disabled has no metric of its own.
        """
        hour = cdk.Duration.hours(1)
        names = [self.named(name) for name in ("reconcile", "summarise", "relay")]
        runs = {name: of_function(name, "Invocations", period=hour) for name in names}
        least = together("MIN", runs, hour)
        return cloudwatch.MathExpression(
            expression=f"IF({least.expression} > 0, 0, 1)",
            using_metrics=dict(least.using_metrics),
            period=hour,
            label="hours without a heartbeat",
        )

    def _declare_feedback(self) -> None:
        """Bounces and complaints: SES tells them to the account's default bus."""
        function = self.function(
            "feedback",
            {},
            [self.on_table("PutItem")],
        )
        function.runs_asynchronously(self.feedback_failures)
        self.configuration_set.add_event_destination(
            "Feedback",
            destination=ses.EventDestination.event_bus(
                events.EventBus.from_event_bus_name(self, "DefaultBus", "default")
            ),
            events=[ses.EmailSendingEvent.BOUNCE, ses.EmailSendingEvent.COMPLAINT],
        )
        rule = events.Rule(
            self,
            "MailFeedback",
            rule_name=self.named("mail-feedback"),
            event_pattern=events.EventPattern(
                source=["aws.ses"],
                detail_type=["Email Bounced", "Email Complaint Received"],
                detail={"mail": {"tags": {"ses:configuration-set": [self.base_name]}}},
            ),
        )
        rule.add_target(
            targets.LambdaFunction(function.alias, dead_letter_queue=self.feedback_failures)
        )

    def _publish(self, api: ServiceApi) -> None:
        self.publish("queue-arn", self.facts.queue.queue_arn)
        self.publish("queue-url", self.facts.queue.queue_url)
        self.publish("alarm-topic-arn", self.alarms.topic.topic_arn)
        for caller in CALLERS:
            self.publish(f"role-names/{caller}", self.callers[caller].role.role_name)
        self.output("DashboardUrl", f"{api.url}/dashboard")
