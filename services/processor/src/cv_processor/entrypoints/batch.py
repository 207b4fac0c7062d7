"""What the Lambda entrypoints share: their events and answers, and starting in the init phase."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]
BatchAnswer = dict[str, list[dict[str, str]]]


def failures(identifiers: Iterable[str]) -> BatchAnswer:
    """A partial batch answer: Lambda delivers exactly these again."""
    return {"batchItemFailures": [{"itemIdentifier": name} for name in identifiers]}


def warm(build: Callable[[], object]) -> None:
    """Build a function's use case while it starts; then leave what was loaded out of collections.

    The init phase has a full CPU whatever the function's memory. Outside of Lambda an import
    builds nothing, so that it needs no environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        build()
        gc.freeze()
        gc.enable()
