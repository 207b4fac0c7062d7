"""Table stream → the Reporter's bus: new outbox items become events."""

from __future__ import annotations

from cv_reporter.application.ports import OutboxEvent
from cv_reporter.bootstrap import relay
from cv_reporter.entrypoints._lambda import BatchAnswer, Event, failures, log, warm

OUTBOX = "OUTBOX#"

warm(relay)


class RelayError(Exception):
    """The bus took none of the events; they are delivered again."""


def handler(event: Event, _context: object) -> BatchAnswer:
    """Publish a batch; exactly the refused events are delivered again."""
    events = {
        record["dynamodb"]["SequenceNumber"]: OutboxEvent(
            record["dynamodb"]["NewImage"]["source"]["S"],
            record["dynamodb"]["NewImage"]["sk"]["S"],
            record["dynamodb"]["NewImage"]["detail"]["S"],
        )
        for record in event["Records"]
        if record["eventName"] == "INSERT"
        and record["dynamodb"]["Keys"]["pk"]["S"].startswith(OUTBOX)
    }
    if not events:
        return failures(())
    refused = relay().relay(events)
    log("relayed", events=len(events), refused=len(refused))
    if len(refused) == len(events):
        raise RelayError(f"{len(refused)} events refused")
    return failures(refused)
