"""Alarms, and the one topic of a service that they all ring."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_constructs.stack import ServiceStack


class AlarmBell(Construct):
    """The topic that every alarm of a service rings, and the ways to hang one on it."""

    def __init__(self, stack: ServiceStack, topic: sns.ITopic | None = None) -> None:
        """One per stack; with `topic`, it rings another stack's."""
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
        # A topic policy replaces the default one, so who may ring is said in full.
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
        return topic

    def when(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        says: str,
        above: float = 0,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        """Ring when the metric is above the limit; no data is good news."""
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=f"{self._stack.base_name}-{_kebab(construct_id)}",
            alarm_description=says,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        return alarm

    def when_anything_is_in(self, construct_id: str, queue: sqs.IQueue) -> cloudwatch.Alarm:
        """Ring as soon as a dead-letter or failure queue holds a message."""
        return self.when(
            construct_id,
            queue.metric_approximate_number_of_messages_visible(
                period=cdk.Duration.minutes(1), statistic="Maximum"
            ),
            says=f"Messages wait in {queue.node.path}: look at them, mend, redrive (see runbooks)",
        )

    def when_older_than(
        self, construct_id: str, queue: sqs.IQueue, age: cdk.Duration
    ) -> cloudwatch.Alarm:
        """Ring when the oldest message of an input queue is older than that."""
        return self.when(
            construct_id,
            queue.metric_approximate_age_of_oldest_message(
                period=cdk.Duration.minutes(1), statistic="Maximum"
            ),
            says=f"The consumer of {queue.node.path} does not keep up or fails",
            above=age.to_seconds(),
            periods=3,
        )


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
