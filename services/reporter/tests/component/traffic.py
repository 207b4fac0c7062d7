"""What the handlers say to AWS, and how many items they read: the calls are the cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cv_reporter.adapters.layout_store import KEY
from tests.faults.faults import clients

LAYOUT = {"S": KEY[0]}


@dataclass
class Traffic:
    """The calls by name, their parameters in the same order, and the items that came back.

    What concerns the stored layout is apart: a process reads it once in `LAYOUT_SECONDS`, however
    many events and requests there are.
    """

    of_layout: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    items: int = 0

    def before_parameter_build(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if params.get("Key", params.get("Item", {})).get("pk") == LAYOUT:
            self.of_layout.append(model.name)
            return
        self.calls.append(model.name)
        self.parameters.append(params)

    def after_call(self, parsed: dict[str, Any], **_: Any) -> None:
        """Count as DynamoDB does: of a query also what a filter left out."""
        batches = parsed.get("Responses", {}).values()
        queried = parsed.get("ScannedCount", len(parsed.get("Items", ())))
        single = parsed.get("Item", {"pk": LAYOUT})["pk"] != LAYOUT
        self.items += queried + sum(map(len, batches)) + single


@contextmanager
def observed() -> Iterator[Traffic]:
    """Every client that the handlers use, listened to."""
    traffic = Traffic()
    hooks = {
        "before-parameter-build": traffic.before_parameter_build,
        "after-call": traffic.after_call,
    }
    for each in clients():
        for name, hook in hooks.items():
            each.meta.events.register(name, hook)
    try:
        yield traffic
    finally:
        for each in clients():
            for name, hook in hooks.items():
                each.meta.events.unregister(name, hook)
