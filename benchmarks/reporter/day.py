"""A day of 33,000 questions in the Reporter: `python -m benchmarks.reporter.day --write`.

It takes minutes, so it is not part of `make count`. In the middle of the day, when as many facts
are there as on average, those of one window come to `summarise` together. docs/scale.md holds what
is counted here against what is computed from small days.
"""

from __future__ import annotations

import sys

from cv_reporter.application.ports import Partition
from cv_reporter.bootstrap import services
from moto import mock_aws

from benchmarks.reporter import usage
from benchmarks.usage import COUNTED, document

A_DAY = 33_000
TOGETHER = 115
"""Facts in five minutes of such a day."""


def counted() -> str:
    """The document."""
    with mock_aws():
        world = usage.deployed()
        events = usage.events_of_a_day(A_DAY // 2 + TOGETHER)
        usage.keep(events[:-TOGETHER])
        services().summariser.refresh(Partition(usage.DAY, 0))
        world.changes()
        used = usage.folded(world, events[-TOGETHER:])
    return document(facts=A_DAY // 2, together=TOGETHER, used=used)


if __name__ == "__main__":
    text = counted()
    if "--write" in sys.argv:
        (COUNTED / "day.json").write_text(text)
    else:
        sys.stdout.write(text)
