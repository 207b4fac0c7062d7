"""Lambda: the stream of the Processor's table → the Reporter's facts, until events do that."""

from __future__ import annotations

from cv_processor.adapters.stream import read_records
from cv_processor.application.relay import CorrelationChanged
from cv_processor.application.wire.publication import published
from cv_processor.domain.correlation import Correlation
from cv_reporter.adapters.fact_store import DynamoFactStore
from cv_reporter.application.ports import Partition
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.bootstrap import services
from cv_reporter.domain.fact import Fact, Placement
from cv_reporter.entrypoints.batch import Event

BACKLOG = 50
"""So many facts in a batch are old news: the stream is read from its beginning."""


def fact_of(row: Correlation, audience: AudienceRules) -> Fact | None:
    """What the Reporter keeps of a row; nothing of an open one."""
    if row.query is None or not row.closed:
        return None
    return to_fact(published(row), audience)


def handler(event: Event, _: object) -> None:
    """Record a batch of changes. One that fails comes again as a whole: a fact is written once."""
    given = services()
    records, unreadable = read_records(event["Records"])
    if unreadable:
        raise ValueError(f"{len(unreadable)} records cannot be read")
    rows = [one.change.after for one in records if isinstance(one.change, CorrelationChanged)]
    facts = [fact for row in rows if (fact := fact_of(row, given.audience)) is not None]
    if len(facts) > BACKLOG:
        facts = _unknown(facts, given.fact_store, given.placement)
    errors = [error for error in given.fact_store.record(facts) if error is not None]
    if errors:
        raise errors[0]


def _unknown(facts: list[Fact], store: DynamoFactStore, placement: Placement) -> list[Fact]:
    """Those that are not there yet, by one read of each day: a backlog is mostly known."""
    days = {Partition(placement.day(fact), placement.shard(fact)) for fact in facts}
    known = {fact.request_id: fact.revision for day in days for fact in store.of(day)}
    return [fact for fact in facts if known.get(fact.request_id, 0) < fact.revision]
