"""The REST API: `create_app` for uvicorn (`--factory`), `handler` for Lambda."""

from __future__ import annotations

from functools import cache
from typing import Any

from mangum import Mangum

from cv_processor.entrypoints.api.app import create_app
from cv_processor.entrypoints.batch import warm

__all__ = ["create_app", "handler"]


@cache
def _adapter() -> Mangum:
    return Mangum(create_app(), lifespan="off")


def handler(event: Any, context: Any) -> Any:
    """Lambda: an HTTP API's request → its answer."""
    return _adapter()(event, context)


warm(_adapter)
