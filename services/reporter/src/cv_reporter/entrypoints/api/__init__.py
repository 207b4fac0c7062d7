"""The Reporter's HTTP API: `create_app` for uvicorn, `handler` for Lambda."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from cv_reporter.entrypoints.api.app import create_app

__all__ = ["create_app", "handler"]


@cache
def _adapter() -> Any:
    from mangum import Mangum  # noqa: PLC0415

    return Mangum(create_app(), lifespan="off")


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _adapter()


def handler(event: Mapping[str, Any], context: object) -> Any:
    """Answer an HTTP API event (payload format 2.0)."""
    return _adapter()(event, context)
