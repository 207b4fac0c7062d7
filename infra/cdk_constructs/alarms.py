"""The alarms of a service, and the one topic that they all notify."""

from __future__ import annotations

from typing import Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_constructs.stack import ServiceStack

# The services' own metrics: this namespace, with exactly these two dimensions.
NAMESPACE: Final = "CvAnalytics"
DIMENSIONS: Final = ("service", "stage")

Severity = Literal["page", "ticket"]


class MissingSubscriberError(ValueError):
    """A stage that needs a subscriber of its alarms has none."""


class ServiceAlarms(Construct):
    """The topic that every alarm of a service notifies, and the ways to add an alarm."""

    def __init__(self, stack: ServiceStack, topic: sns.ITopic | None = None) -> None:
        """One per stack; with `topic`, the alarms notify another stack's.

        Raises `MissingSubscriberError` in a stage whose alarms must reach somebody.
        """
        super().__init__(stack, "Alarms")
        self._stack = stack
        self.topic = topic or self._own_topic(stack)

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

    def add(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        above: float = 0,
        periods: int = 1,
        severity: Severity = "ticket",
    ) -> cloudwatch.Alarm:
        """An alarm on a metric above a limit; missing data does not breach it."""
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=f"{self._stack.base_name}-{_kebab(construct_id)}",
            alarm_description=description,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self.notify(alarm, severity)
        return alarm

    def notify(self, alarm: cloudwatch.Alarm, severity: Severity = "ticket") -> None:
        """Send an alarm's change of state to the topic."""
        cdk.Tags.of(alarm).add("severity", severity)
        alarm.add_alarm_action(actions.SnsAction(self.topic))

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

    def on_messages_in(self, construct_id: str, queue: sqs.IQueue) -> cloudwatch.Alarm:
        """An alarm as soon as a dead-letter or failure queue holds a message."""
        return self.add(
            construct_id,
            queue.metric_approximate_number_of_messages_visible(
                period=cdk.Duration.minutes(1), statistic="Maximum"
            ),
            f"Messages wait in {queue.node.path}: look at them, mend, redrive (see runbooks)",
        )

    def on_age_in(
        self, construct_id: str, queue: sqs.IQueue, age: cdk.Duration
    ) -> cloudwatch.Alarm:
        """An alarm when the oldest message of an input queue is older than that."""
        return self.add(
            construct_id,
            queue.metric_approximate_age_of_oldest_message(
                period=cdk.Duration.minutes(1), statistic="Maximum"
            ),
            f"The consumer of {queue.node.path} does not keep up or fails",
            above=age.to_seconds(),
            periods=3,
        )


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
