"""The joints between the Reporter and the Processor, all of them, in a stack of the consumer's.

It deploys last, finds both sides by the SSM parameters that they publish, and owns nothing but the
rules, their dead-letter queues and the permission to call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from cv_contracts.events import (
    CorrelationCompleted,
    QuestionErased,
    SessionErased,
    SessionErasureCompleted,
)
from cv_contracts.parameters import parameter_name

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.alarms import ServiceAlarms
from cdk_constructs.http_api import DEFAULT_STAGE, may_call
from cdk_constructs.queues import failure_queue
from cdk_constructs.stack import PRODUCT, ServiceStack
from cdk_constructs.stage import Stage
from reporter.stack import CALLERS, PRODUCER, SERVICE

FACT_EVENTS: Final = (CorrelationCompleted, QuestionErased, SessionErased)
ASKED_ROUTES: Final = ("GET /v1/correlations", "GET /v1/days/*")

# The owner erases from the dashboard, which the `api` function serves; no other function commands.
ERASER: Final = "api"
ERASING_ROUTES: Final = (
    "DELETE /v1/sessions/*",
    "DELETE /v1/correlations/*",
    "GET /v1/erasures/*",
)


class ReporterLinksStack(ServiceStack):
    """The Reporter's rule on the Processor's bus, the receipts' way back, the permission to ask."""

    def __init__(self, scope: Construct, stage: Stage) -> None:
        """Needs both services' stacks in the account when it deploys, not when it synthesises."""
        super().__init__(scope, SERVICE, stage, part="links")
        topic = sns.Topic.from_topic_arn(self, "Topic", self._found(SERVICE, "alarm-topic-arn"))
        self.alarms = ServiceAlarms(self, topic)
        self._route(
            "Facts",
            name=self.named("facts"),
            bus=self._found(PRODUCER, "bus-name"),
            pattern={
                "source": [CorrelationCompleted.SOURCE],
                "detail-type": [event.DETAIL_TYPE for event in FACT_EVENTS],
            },
            queue_arn=self._found(SERVICE, "queue-arn"),
            failures=failure_queue(self, self.alarms, "rule-dlq"),
        )
        self._route(
            "ErasureReceipts",
            name=f"{PRODUCT}-{stage.name}-{PRODUCER}-erasure-receipts",
            bus=self._found(SERVICE, "bus-name"),
            pattern=SessionErasureCompleted.event_pattern(),
            queue_arn=self._found(PRODUCER, "erasure-queue-arn"),
            failures=failure_queue(self, self.alarms, "receipt-rule-dlq"),
        )
        # The Reporter's composite alarm cannot name an alarm of a later stack; this one mails.
        self.alarms.complete("link-dead-letters")
        self._allow(
            "MayAskProcessor",
            name="may-ask-processor",
            callers=CALLERS,
            routes=ASKED_ROUTES,
            because="A route's last segment is a day; only GET is allowed",
        )
        self._allow(
            "MayEraseSessions",
            name="may-erase-sessions",
            callers=(ERASER,),
            routes=ERASING_ROUTES,
            because="A route's last segment is a session, a question or a receipt: unknown before",
        )

    def _found(self, service: str, resource: str) -> str:
        """A parameter's value, looked up by CloudFormation when it deploys."""
        name = parameter_name(self.deploy_stage.name, service, resource)
        return ssm.StringParameter.value_for_string_parameter(self, name)

    def _route(
        self,
        construct_id: str,
        *,
        name: str,
        bus: str,
        pattern: dict[str, list[str]],
        queue_arn: str,
        failures: sqs.Queue,
    ) -> None:
        """A rule on one service's bus that feeds another's queue.

        The queue's own policy admits rules of this name. CDK's target would try to write that
        policy from here, over the owner's.
        """
        rule = events.CfnRule(
            self,
            f"{construct_id}Rule",
            name=name,
            event_bus_name=bus,
            event_pattern=pattern,
            targets=[
                events.CfnRule.TargetProperty(
                    id="queue",
                    arn=queue_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=failures.queue_arn
                    ),
                )
            ],
        )
        failures.add_to_resource_policy(
            iam.PolicyStatement(
                sid="UndeliveredByRule",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[failures.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )

    def _allow(
        self,
        construct_id: str,
        *,
        name: str,
        callers: Sequence[str],
        routes: Sequence[str],
        because: str,
    ) -> None:
        """Lets some of the Reporter's functions call routes of the Processor's API.

        `because` is why a route may end in a wildcard.
        """
        root = self._found(PRODUCER, "api-arn")
        statement = may_call(root, routes)
        policy = iam.CfnPolicy(
            self,
            construct_id,
            policy_name=self.named(name),
            policy_document=iam.PolicyDocument(statements=[statement]),
            roles=[self._found(SERVICE, f"role-names/{caller}") for caller in callers],
        )
        parameter = self.resolve(root)["Ref"]
        for route in routes:
            if route.endswith("*"):
                resource = f"<{parameter}>/{DEFAULT_STAGE}/{route.replace(' ', '', 1)}"
                acknowledge(
                    policy,
                    f"AwsSolutions-IAM5[Resource::{resource}]",
                    because,
                    since="2026-11-22",
                )
