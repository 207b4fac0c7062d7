"""Run with another version of the contracts: reads what the producer wrote, tells what it got."""

from __future__ import annotations

import json
import sys

from cv_contracts.events import Correlation, CorrelationCompleted
from cv_contracts.rest import CorrelationPage


def main() -> None:
    """Read all lines; print one summary line per correlation read."""
    for line in sys.stdin:
        written = json.loads(line)
        if written["kind"] == "event":
            delivered = {"detail-type": written["name"], "detail": written["document"]}
            show("event", CorrelationCompleted.from_event(delivered).data)
        elif written["kind"] == "page":
            page = CorrelationPage.read_json(json.dumps(written["document"]))
            assert page.next_cursor == "c2"
            for item in page.items:
                show("page", item)


def show(kind: str, read: Correlation) -> None:
    """What a consumer made of a correlation."""
    document = read.model_dump(mode="json", by_alias=True)
    print(json.dumps({"kind": kind, "read": document}))


if __name__ == "__main__":
    main()
