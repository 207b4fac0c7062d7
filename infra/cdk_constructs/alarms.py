"""The alarms of a service, the one composite alarm that sends mail, and the topic that it notifies.

CloudWatch bills every metric that an alarm reads. So the queues of a service share an alarm, and so
do its functions; the description says how to see which of them it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from cdk_constructs.emulator import declare_on_aws
from cdk_constructs.stack import ServiceStack

# The services' own metrics: this namespace, with exactly these two dimensions.
NAMESPACE: Final = "CvAnalytics"
DIMENSIONS: Final = ("service", "stage")
RUNBOOKS: Final = "docs/runbooks"
ONE_MINUTE: Final = cdk.Duration.minutes(1)
MAY_LAG: Final = cdk.Duration.minutes(5)
# `page`: visitors or the owner lose something now. `ticket`: it can wait for working hours.
Severity = Literal["page", "ticket"]
MissingData = cloudwatch.TreatMissingData


class MissingSubscriberError(ValueError):
    """A stage that needs a subscriber of its alarms has none."""


@dataclass(frozen=True)
class Advice:
    """What an alarm's description says: the symptom, and the first thing to do."""

    severity: Severity
    symptom: str
    action: str

    def text(self, service: str, alarm: str) -> str:
        """The description, with the anchor of the runbook's section."""
        runbook = f"{RUNBOOKS}/{service}.md#{alarm}"
        return f"[{self.severity}] {self.symptom}. {self.action}. Runbook: {runbook}"


DEAD_LETTERS: Final = Advice(
    "page",
    "A message could not be handled and waits in a dead-letter queue",
    "See which queue in `make status`, read the message, fix the cause, redrive",
)
QUEUE_AGE: Final = Advice(
    "page",
    "A queue is not consumed in time: its function or its event source mapping does not work",
    "See the age of each queue on the dashboard, then that function's log",
)
ITERATOR_AGE: Final = Advice(
    "page",
    "A reader of the table's stream lags five minutes behind its batching window",
    "See which function lags on the dashboard, then its log",
)
THROTTLES: Final = Advice(
    "ticket",
    "Invocations are throttled: the account's concurrency is used up",
    "See which functions run on the dashboard, then ask for a higher quota",
)


class ServiceAlarms(Construct):
    """The alarms of a stack. Constructs register what is watched; `complete` makes what is shared.

    Nothing but the composite alarm notifies the topic: one mail for one fault.
    """

    def __init__(self, stack: ServiceStack, topic: sns.ITopic | None = None) -> None:
        """One per stack; with `topic`, the alarms notify another stack's, one by one.

        Raises `MissingSubscriberError` in a stage whose alarms must reach somebody.
        """
        super().__init__(stack, "Alarms")
        self._stack = stack
        if stack.deploy_stage.emulated:
            declare_on_aws(stack)
        self._own_composite = topic is None
        self.topic = topic or self._own_topic(stack)
        self.alarms: list[cloudwatch.Alarm] = []
        self.dead_letters: dict[str, cloudwatch.IMetric] = {}
        self.ages: dict[str, cloudwatch.IMetric] = {}
        self._oldest: dict[str, int] = {}
        self.readers: dict[str, cloudwatch.IMetric] = {}
        self._latest: dict[str, int] = {}

    def _own_topic(self, stack: ServiceStack) -> sns.Topic:
        stage = stack.deploy_stage
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=stack.named("alarms"),
            enforce_ssl=not stage.emulated,
        )
        # A topic policy replaces the default one, so every publisher is listed.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[
                    iam.ServicePrincipal("cloudwatch.amazonaws.com"),
                    iam.ServicePrincipal("budgets.amazonaws.com"),
                ],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )
        if stage.alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(stage.alarm_email))
        elif stage.needs_subscriber:
            raise MissingSubscriberError(
                f"alarms of {stage.name} would reach nobody: set ALARM_EMAIL to an address"
            )
        return topic

    # ---- what constructs register -------------------------------------------------------------

    def watch_dead_letters(self, queue: str) -> None:
        """A dead-letter or failure queue of that name must stay empty."""
        self.dead_letters[queue] = of_queue(queue, "ApproximateNumberOfMessagesVisible")

    def watch_age(self, queue: str, oldest: cdk.Duration) -> None:
        """No message of the queue of that name may wait longer than `oldest`."""
        self.ages[queue] = of_queue(queue, "ApproximateAgeOfOldestMessage")
        self._oldest[queue] = int(oldest.to_seconds())

    def watch_reader(self, function: str, window: cdk.Duration) -> None:
        """A function of that name reads a stream, gathers for `window`, and must then keep up."""
        self.readers[function] = of_function(
            function, "IteratorAge", statistic="Maximum", period=ONE_MINUTE
        )
        self._latest[function] = int(window.plus(MAY_LAG).to_milliseconds())

    # ---- alarms ---------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        advice: Advice,
        *,
        above: float = 0,
        periods: int = 1,
        missing: MissingData = MissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """An alarm on a metric that is above a limit for so many periods. `name` is in kebab case.

        A name may go on after a colon, and does in nothing that a person reads: see `errors_alarm`.
        """
        title, _, suffix = name.partition(":")
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.capitalize() for word in title.split("-")),
            alarm_name=f"{self._stack.base_name}-{title}{suffix}",
            alarm_description=advice.text(self._stack.service, title),
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            treat_missing_data=missing,
        )
        self.alarms.append(alarm)
        if not self._own_composite:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        return alarm

    def own_metric(
        self, name: str, period: cdk.Duration, statistic: str = "Maximum"
    ) -> cloudwatch.Metric:
        """A metric that the service itself emits, of this service and stage."""
        stack = self._stack
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": stack.service, "stage": stack.deploy_stage.name},
            period=period,
            statistic=statistic,
        )

    def complete(self, dead_letters: str = "dead-letters") -> None:
        """After all constructs: the alarms that they share, and the composite alarm."""
        self.add(dead_letters, together("MAX", self.dead_letters, ONE_MINUTE), DEAD_LETTERS)
        if self.ages:
            # The age as a share of what its queue allows; of the worst queue.
            age = together("MAX", self.ages, ONE_MINUTE, divided_by=self._oldest)
            self.add("queue-age", age, QUEUE_AGE, above=1, periods=3)
        if self.readers:
            late = together("MAX", self.readers, ONE_MINUTE, divided_by=self._latest)
            self.add("iterator-age", late, ITERATOR_AGE, above=1, periods=3)
        if self._own_composite:
            self._add_throttles()
            self._add_composite()

    def _add_throttles(self) -> None:
        """Concurrency is the account's, so the metric of all functions says it at one price."""
        metric = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Throttles",
            period=cdk.Duration.minutes(5),
            statistic="Sum",
        )
        self.add("throttles", metric, THROTTLES, periods=3)

    def _add_composite(self) -> None:
        stack = self._stack
        composite = cloudwatch.CompositeAlarm(
            self,
            "Service",
            composite_alarm_name=f"{stack.base_name}-service",
            alarm_description=(
                f"At least one alarm of {stack.base_name} is active; `make status` names it."
                f" Runbook: {RUNBOOKS}/{stack.service}.md"
            ),
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                    for alarm in self.alarms
                )
            ),
        )
        composite.add_alarm_action(actions.SnsAction(self.topic))
        composite.add_ok_action(actions.SnsAction(self.topic))


def of_queue(name: str, metric: str) -> cloudwatch.Metric:
    """A metric of the queue of that name, its maximum in a minute."""
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name=metric,
        dimensions_map={"QueueName": name},
        period=ONE_MINUTE,
        statistic="Maximum",
    )


def of_function(
    name: str, metric: str, *, period: cdk.Duration, statistic: str = "Sum", **dimensions: str
) -> cloudwatch.Metric:
    """A metric of the function of that name, behind its alias `live`."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=metric,
        dimensions_map={"FunctionName": name, "Resource": f"{name}:live", **dimensions},
        period=period,
        statistic=statistic,
    )


def together(
    operation: Literal["MAX", "MIN", "SUM"],
    metrics: Mapping[str, cloudwatch.IMetric],
    period: cdk.Duration,
    *,
    divided_by: Mapping[str, int] | None = None,
) -> cloudwatch.MathExpression:
    """One number of several metrics, named by what they are of. No data counts as 0."""
    names = {_identifier(name): metric for name, metric in metrics.items()}
    divisors = {_identifier(name): f" / {n}" for name, n in (divided_by or {}).items()}
    terms = ", ".join(f"FILL({name}, 0){divisors.get(name, '')}" for name in names)
    return cloudwatch.MathExpression(
        expression=f"{operation}([{terms}])", using_metrics=names, period=period, label=operation
    )


def _identifier(name: str) -> str:
    """Metric math knows metrics by identifiers such as `ingest_dlq`."""
    return name.split("-", 4)[-1].removesuffix(".fifo").replace("-", "_")
