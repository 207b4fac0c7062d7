"""Run in the Reporter's environment: its own intake on what a producer wrote.

Prints, per correlation, the outcome that the Reporter keeps, and at the end the fields that its
intake looked at.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.application.wire.reading import CompletedReading


class Watched:
    """Stands before a model and notes which of its fields are read, by their names on the wire."""

    def __init__(self, model: Any, place: str, seen: set[str]) -> None:
        self._model, self._place, self._seen = model, place, seen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._model, name)
        field = type(self._model).model_fields.get(name)
        if field is None:
            return value
        place = f"{self._place}{field.alias}"
        self._seen.add(place)
        return watched(value, place, self._seen)


def watched(value: Any, place: str, seen: set[str]) -> Any:
    """Watch models, and the models in a list."""
    if hasattr(type(value), "model_fields"):
        return Watched(value, f"{place}.", seen)
    if isinstance(value, tuple):
        return tuple(watched(one, f"{place}[]", seen) for one in value)
    return value


def main() -> None:
    """Read all events."""
    seen: set[str] = set()
    for line in sys.stdin:
        written = json.loads(line)
        if written["kind"] == "event":
            data = CompletedReading.model_validate(written["document"]).data
            fact = to_fact(watched(data, "data", seen), AudienceRules(("owner*",)))
            print(json.dumps({"outcome": str(fact.outcome), "client": fact.client}))
    print(json.dumps({"fields": sorted(seen)}))


if __name__ == "__main__":
    main()
