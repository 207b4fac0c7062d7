"""What the Lambda entrypoints share: their events and answers, and starting in the init phase."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]
BatchAnswer = dict[str, list[dict[str, str]]]

_COLLECT_AFTER = 200_000
"""New objects until garbage is looked for. Reading a day's rows or a week's summaries makes several
10,000, all of which stay until they are no longer referred to: looking at each 700, as the default
is, takes a fifth of the CPU and finds nothing."""


def failures(identifiers: Iterable[str]) -> BatchAnswer:
    """A partial batch answer: Lambda delivers exactly these again."""
    return {"batchItemFailures": [{"itemIdentifier": name} for name in identifiers]}


def warm(build: Callable[[], object]) -> None:
    """Build a function's use case while it starts; then leave what was loaded out of collections.

    The init phase has a full CPU whatever the function's memory. What is built is thrown away, and
    asks AWS for nothing: imports and clients stay. Outside of Lambda an import builds nothing, so
    that it needs no environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        build()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, 10, 10)
        gc.enable()
