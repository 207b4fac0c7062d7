"""What is running."""

from __future__ import annotations

import cv_contracts
from cv_contracts.rest import Health
from fastapi import APIRouter

from cv_reporter import __version__
from cv_reporter.bootstrap import settings

router = APIRouter(tags=["operations"])


@router.get("/health")
def health() -> Health:
    """The running service: version, commit, and the contracts that it was built with."""
    return Health(
        status="ok",
        service="reporter",
        version=__version__,
        commit=settings().commit,
        contracts=cv_contracts.__version__,
    )
