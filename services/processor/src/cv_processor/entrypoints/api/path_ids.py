"""Ids in the paths of the API: as they are stored, or as the chatbot sent them."""

from __future__ import annotations

from typing import Annotated

from cv_contracts.chatbot import RequestId, SessionId, canonical_id
from fastapi import Path
from pydantic import AfterValidator, StringConstraints

# What a chatbot may use as an id: `cv_contracts.chatbot`.
_Printable = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\u0000-\u001f\u007f]+$")]
RequestIdOfPath = Annotated[
    RequestId | _Printable, AfterValidator(canonical_id), Path(alias="requestId")
]
SessionIdOfPath = Annotated[
    SessionId | _Printable, AfterValidator(canonical_id), Path(alias="sessionId")
]
