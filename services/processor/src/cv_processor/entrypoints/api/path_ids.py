"""Ids in the paths of the API."""

from __future__ import annotations

from typing import Annotated

from cv_contracts.chatbot import RequestId, canonical_id
from fastapi import Path
from pydantic import BeforeValidator

_LONGEST = 256
"""Characters of an id: what the contracts take."""


def _canonical(raw: str) -> str:
    """The stored form of an id; what can't be an id stays, to be refused."""
    return canonical_id(raw) if raw.strip() and len(raw) <= _LONGEST else raw


RequestIdOfPath = Annotated[RequestId, BeforeValidator(_canonical), Path(alias="requestId")]
"""As the chatbot sent it or as it is stored; one with a `/` only as it is stored."""
