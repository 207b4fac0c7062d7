"""The Reporter's HTTP API: `create_app` for uvicorn, `handler` for Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mangum import Mangum

from cv_reporter.bootstrap import services
from cv_reporter.entrypoints.api.app import app_for, create_app
from cv_reporter.entrypoints.batch import warm

__all__ = ["create_app", "handler"]


def handler(event: Mapping[str, Any], context: Any) -> Any:
    """Answer an HTTP API event (payload format 2.0)."""
    app: Any = app_for(event["rawPath"])
    return Mangum(app, lifespan="off")(dict(event), context)


warm(lambda: services().table)
