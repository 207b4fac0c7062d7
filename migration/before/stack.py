"""The pragmatic system: both services in one stack, with one table, as many systems begin.

Plain CDK. Whatever is there today has its present name and properties already, so that each later
state is an update of the one before, never a second system beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from migration.before.names import PRAGMATIC, PREFIX, SHARED_TABLE, STAGE, stack_name
from processor.settings import SETTINGS as PROCESSOR
from reporter.settings import SENDER
from reporter.settings import SETTINGS as REPORTER

PAIRS: Final = (("closedDay", "closedOrder", "day"), ("sessionId", "askedOrder", "session"))
LOOKUP: Final = ("lookup", "askedAt", "lookup")
# A failed first deployment takes its new resources away again; nothing later does. What can move
# between stacks is kept by the one that it leaves.
KEPT: Final = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
# By name, not by reference: functions move between stacks in one step, the mail's sender in two.
MAIL: Final = f"{PREFIX}-reporter"
BATCH: Final = cdk.Duration.seconds(20)
"""A function's time for a batch, as today's on the embedded AWS."""
ABSENT: Final = "none"
"""Settings of today's services for what this system does not have."""


class PragmaticStack(cdk.Stack):
    """Some twenty resources. A scope of each later owner's name holds what it will own."""

    def __init__(self, scope: Construct, bundles: Path) -> None:
        """`bundles` has the folders `processor` and `reporter` (see `bundles.py`)."""
        super().__init__(
            scope,
            stack_name(PRAGMATIC),
            stack_name=stack_name(PRAGMATIC),
            synthesizer=cdk.CliCredentialsStackSynthesizer(bucket_prefix=f"{PRAGMATIC}/"),
        )
        processor, reporter = self._owner("processor"), self._owner("reporter")
        table = _table(processor)
        dead, ingest = _queues(processor, "ingest")
        _, deadline = _queues(processor, "deadline")
        environment = _processor_environment(table, dead, ingest, deadline)
        code = lambda_.Code.from_asset(str(bundles / "processor"))
        for name, queue, actions, sends in (
            ("ingest", ingest, ("PutItem", "UpdateItem", "Query"), (deadline, dead)),
            ("expire", deadline, ("BatchGetItem", "UpdateItem"), ()),
        ):
            handler = f"cv_processor.entrypoints.{name}.handler"
            grants = [_on(table, *actions), _consume(queue), *map(_send, sends)]
            function = _function(processor, name, code, handler, environment, grants)
            _mapping(processor, name, function, queue)
        _declare_report(reporter, table, dead, ingest, bundles)

    def _owner(self, name: str) -> Construct:
        owner = Construct(self, name.capitalize())
        for key, value in (("product", "cv-analytics"), ("service", name), ("stage", STAGE)):
            cdk.Tags.of(owner).add(key, value)
        return owner


def _table(owner: Construct) -> dynamodb.Table:
    """Both services' rows, with the union of today's indexes and no stream."""
    table = dynamodb.Table(
        owner,
        "Shared",
        table_name=SHARED_TABLE,
        partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        time_to_live_attribute="ttl",
        removal_policy=KEPT,
    )
    for partition, order, index in (*PAIRS, LOOKUP):
        table.add_global_secondary_index(
            index_name=index,
            partition_key=dynamodb.Attribute(name=partition, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=order, type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
    return table


def _queues(owner: Construct, name: str) -> tuple[sqs.Queue, sqs.Queue]:
    """A dead-letter queue and the queue before it."""
    suffix = ".fifo" if name == "ingest" else ""
    dead = _queue(owner, f"{name}-dlq", suffix)
    behind = sqs.DeadLetterQueue(max_receive_count=5, queue=dead)
    return dead, _queue(owner, name, suffix, behind, BATCH)


def _queue(
    owner: Construct,
    name: str,
    suffix: str,
    dead_letters: sqs.DeadLetterQueue | None = None,
    visibility: cdk.Duration | None = None,
) -> sqs.Queue:
    fifo = bool(suffix)
    return sqs.Queue(
        owner,
        _pascal(f"{name}-queue"),
        queue_name=f"{PREFIX}-processor-{name}{suffix}",
        fifo=fifo or None,
        fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID if fifo else None,
        deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP if fifo else None,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        retention_period=cdk.Duration.days(14),
        visibility_timeout=visibility,
        dead_letter_queue=dead_letters,
        removal_policy=KEPT,
    )


def _function(
    owner: Construct,
    name: str,
    code: lambda_.Code,
    handler: str,
    environment: dict[str, str],
    grants: list[iam.PolicyStatement],
    timeout: cdk.Duration | None = None,
) -> lambda_.Function:
    """A function with its log group and a role of one inline policy."""
    service = owner.node.id.lower()
    full_name = f"{PREFIX}-{service}-{name}"
    group = logs.LogGroup(
        owner,
        f"{_pascal(name)}Logs",
        log_group_name=f"/aws/lambda/{full_name}",
        retention=logs.RetentionDays.ONE_DAY,
        removal_policy=KEPT,
    )
    write = ["logs:CreateLogStream", "logs:PutLogEvents"]
    role = _role(owner, name, "lambda", [_allow(write, group.log_group_arn), *grants])
    function = lambda_.Function(
        owner,
        _pascal(name),
        function_name=full_name,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        code=code,
        handler=handler,
        role=role.without_policy_updates(),
        log_group=group,
        timeout=timeout or BATCH,
        memory_size=512,
        environment={**_identity(service), **environment},
    )
    function.apply_removal_policy(KEPT)
    return function


def _role(
    owner: Construct,
    name: str,
    principal: str,
    grants: list[iam.PolicyStatement],
    conditions: dict[str, dict[str, str]] | None = None,
) -> iam.Role:
    """An inline policy is a part of its role, so that both move between stacks as one."""
    role = iam.Role(
        owner,
        f"{_pascal(name)}Role",
        role_name=f"{PREFIX}-{owner.node.id.lower()}-{name}",
        assumed_by=iam.ServicePrincipal(f"{principal}.amazonaws.com", conditions=conditions),
        inline_policies={"grants": iam.PolicyDocument(statements=grants)},
    )
    role.apply_removal_policy(KEPT)
    return role


def _mapping(
    owner: Construct, name: str, function: lambda_.Function, queue: sqs.Queue
) -> lambda_.EventSourceMapping:
    return lambda_.EventSourceMapping(
        owner,
        f"{_pascal(name)}FromQueue",
        target=function,
        event_source_arn=queue.queue_arn,
        batch_size=10,
        report_batch_item_failures=True,
        max_concurrency=2,
    )


def _declare_report(
    owner: Construct, table: dynamodb.Table, dead: sqs.Queue, ingest: sqs.Queue, bundles: Path
) -> None:
    """The weekly report: a function, the sender of its mail, and its schedule."""
    identity = ses.EmailIdentity(owner, "Sender", identity=ses.Identity.email(SENDER.address))
    mail = ses.ConfigurationSet(owner, "Mail", configuration_set_name=MAIL)
    grants = [
        _on(table, "GetItem", "BatchGetItem", "PutItem", "Query", "Scan"),
        _allow(["dynamodb:Query", "dynamodb:Scan"], f"{table.table_arn}/index/*"),
        _allow(["sqs:GetQueueAttributes"], dead.queue_arn),
        # the embedded AWS looks at no more than the action
        _allow(["ses:SendEmail"], "*"),
    ]
    function = _function(
        owner,
        "report",
        lambda_.Code.from_asset(str(bundles / "reporter")),
        "cv_pragmatic.report.handler",
        _reporter_environment(table, dead, ingest),
        grants,
        cdk.Duration.minutes(5),
    )
    mail.node.add_dependency(identity)
    _schedule(owner, function)


def _schedule(owner: Construct, function: lambda_.Function) -> None:
    invoke = _allow(["lambda:InvokeFunction"], function.function_arn)
    account = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(owner).account}}
    role = _role(owner, "report-schedule", "scheduler", [invoke], account)
    scheduler.CfnSchedule(
        owner,
        "Schedule",
        name=f"{PREFIX}-reporter-report",
        schedule_expression="cron(0 7 ? * MON *)",
        schedule_expression_timezone=REPORTER[STAGE].time_zone,
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn, role_arn=role.role_arn, input="{}"
        ),
    )


def _identity(service: str) -> dict[str, str]:
    return {
        "STAGE": STAGE,
        "SERVICE_VERSION": "0",
        "COMMIT": STAGE,
        "POWERTOOLS_SERVICE_NAME": service,
        "POWERTOOLS_METRICS_NAMESPACE": "CvAnalytics",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def _processor_environment(
    table: dynamodb.Table, dead: sqs.Queue, ingest: sqs.Queue, deadline: sqs.Queue
) -> dict[str, str]:
    settings = PROCESSOR[STAGE]
    return {
        "TABLE_NAME": table.table_name,
        "BUS_NAME": ABSENT,
        "INGEST_QUEUE_URL": ingest.queue_url,
        "INGEST_DLQ_URL": dead.queue_url,
        "DEADLINE_QUEUE_URL": deadline.queue_url,
        "ERASURE_QUEUE_URL": ABSENT,
        "WEBHOOK_KEYS_PARAMETER": ABSENT,
        "GRACE_SECONDS": str(settings.grace_seconds),
        "RETENTION_DAYS": str(settings.retention_days),
        "SHARDS": str(settings.shards),
        "SETTLE_SECONDS": str(settings.settle_seconds),
    }


def _reporter_environment(
    table: dynamodb.Table, dead: sqs.Queue, ingest: sqs.Queue
) -> dict[str, str]:
    """Its dead letters are those of the Processor, which writes the rows that it reads."""
    settings = REPORTER[STAGE]
    return {
        "TABLE_NAME": table.table_name,
        "BUS_NAME": ABSENT,
        "FACTS_QUEUE_URL": ingest.queue_url,
        "FACTS_DLQ_URL": dead.queue_url,
        "TIME_ZONE": settings.time_zone,
        "OWNER_SESSIONS": ",".join(settings.owner_sessions),
        "RETENTION_DAYS": str(settings.retention_days),
        "SHARDS": str(settings.shards),
        "SENDER": SENDER.address,
        "RECIPIENTS": ",".join(settings.recipients),
        "CONFIGURATION_SET": MAIL,
        "DASHBOARD_KEY_PARAMETER": ABSENT,
        "API_URL_PARAMETER": ABSENT,
        "PROCESSOR_API_PARAMETER": ABSENT,
    }


def _on(table: dynamodb.Table, *actions: str) -> iam.PolicyStatement:
    return _allow([f"dynamodb:{action}" for action in actions], table.table_arn)


def _send(queue: sqs.IQueue) -> iam.PolicyStatement:
    # On AWS SendMessage is enough; the embedded AWS asks for the second action, too.
    return _allow(["sqs:SendMessage", "sqs:SendMessageBatch"], queue.queue_arn)


def _consume(queue: sqs.IQueue) -> iam.PolicyStatement:
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return _allow(actions, queue.queue_arn)


def _allow(actions: list[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=[resource])


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))
