"""What is running."""

from __future__ import annotations

import os

import cv_contracts
from cv_contracts.rest import Health
from fastapi import APIRouter

from cv_reporter import __version__

router = APIRouter(tags=["operations"])


@router.get("/health")
def health() -> Health:
    """The running service: version, commit, and the contracts that it was built with."""
    return Health(
        status="ok",
        service="reporter",
        version=os.environ.get("SERVICE_VERSION", __version__),
        commit=os.environ.get("COMMIT", "unknown"),
        contracts=cv_contracts.__version__,
    )
