"""Queues: encrypted, over TLS only, each with a dead-letter queue."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.alarms import ServiceAlarms
from cdk_constructs.stack import ServiceStack

# Lambda recommends six times the function's timeout, so that throttled batches are not seen twice.
VISIBILITY_PER_TIMEOUT = 6


@dataclass(frozen=True)
class WorkQueue:
    """A queue that a function consumes, and the dead-letter queue behind it."""

    queue: sqs.Queue
    dead_letters: sqs.Queue


def failure_queue(stack: ServiceStack, alarms: ServiceAlarms, resource: str) -> sqs.Queue:
    """Where a stream, a rule or a schedule leaves what it could not deliver; it must stay empty."""
    queue = _dead_letters(stack, alarms, resource)
    acknowledge(
        queue,
        "AwsSolutions-SQS3",
        "It is a dead-letter queue itself, of a stream, a rule or a schedule",
        since="2026-11-22",
    )
    return queue


def work_queue(
    stack: ServiceStack,
    alarms: ServiceAlarms,
    resource: str,
    *,
    dead_letters: str,
    window: cdk.Duration | None = None,
    attempts: int = 5,
    oldest: cdk.Duration,
) -> WorkQueue:
    """A queue with its dead-letter queue, both watched by the service's alarms.

    Its consumer has the stage's time for a batch. `window` is how long its batches are gathered,
    which its messages stay hidden longer; `oldest` is the age of a waiting message at which the
    service's alarm is raised.
    """
    dlq = _dead_letters(stack, alarms, dead_letters)
    queue = _queue(
        stack,
        resource,
        retention=cdk.Duration.days(14),
        visibility_timeout=_hidden_for(stack, window),
        dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=attempts, queue=dlq),
    )
    alarms.watch_age(stack.named(resource), oldest)
    return WorkQueue(queue, dlq)


def _hidden_for(stack: ServiceStack, window: cdk.Duration | None) -> cdk.Duration:
    """How long a batch stays away after a crash; the embedded AWS never throttles: less there."""
    times = 1 if stack.deploy_stage.emulated else VISIBILITY_PER_TIMEOUT
    gathered = int(window.to_seconds()) if window else 0
    return cdk.Duration.seconds(times * stack.deploy_stage.batch_seconds + gathered)


def _dead_letters(stack: ServiceStack, alarms: ServiceAlarms, resource: str) -> sqs.Queue:
    alarms.watch_dead_letters(stack.named(resource))
    return _queue(stack, resource, retention=cdk.Duration.days(14))


def _queue(
    stack: ServiceStack,
    resource: str,
    *,
    retention: cdk.Duration,
    visibility_timeout: cdk.Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    fifo = resource.endswith(".fifo")
    return sqs.Queue(
        stack,
        _construct_id(resource),
        queue_name=stack.named(resource),
        fifo=fifo or None,
        # High-throughput mode: limits and deduplication count per message group.
        fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID if fifo else None,
        deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP if fifo else None,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=not stack.deploy_stage.emulated,
        retention_period=retention,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=dead_letter_queue,
        removal_policy=stack.removal_policy,
    )


def _construct_id(resource: str) -> str:
    return (
        "".join(word.capitalize() for word in resource.removesuffix(".fifo").split("-")) + "Queue"
    )
