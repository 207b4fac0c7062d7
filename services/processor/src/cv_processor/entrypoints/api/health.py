"""`GET /health`: what is running. It asks nothing of others, so it tells of this service alone."""

from __future__ import annotations

import os

from cv_contracts import __version__ as contracts_version
from cv_contracts.rest import Health
from fastapi import APIRouter

from cv_processor import __version__
from cv_processor.entrypoints.api.examples import HEALTH

router = APIRouter(tags=["health"])


@router.get("/health", responses={200: {"content": {"application/json": {"example": HEALTH}}}})
def get_health() -> Health:
    """Version and commit of the service, and the version of the contracts that it keeps."""
    return Health(
        status="ok",
        service="processor",
        version=os.environ.get("SERVICE_VERSION", __version__),
        commit=os.environ.get("COMMIT", "unknown"),
        contracts=contracts_version,
    )
