"""Which events the Reporter reads, and how: what the contracts' folder has as `consumers/reporter`.

No function imports it, so that one with contracts from before an event still reads the others.
"""

from __future__ import annotations

from cv_contracts.events import CorrelationCompleted, QuestionErased, SessionErased

from cv_reporter.application.wire.reading import (
    CompletedReading,
    ErasedReading,
    QuestionErasedReading,
    Reading,
)

READS: dict[str, type[Reading]] = {
    CorrelationCompleted.DETAIL_TYPE: CompletedReading,
    SessionErased.DETAIL_TYPE: ErasedReading,
    QuestionErased.DETAIL_TYPE: QuestionErasedReading,
}
"""Per event of the Processor: how the Reporter reads it."""
