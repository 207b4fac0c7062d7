"""The Processor's settings: read once from the environment, the same for all of its functions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_Name = Annotated[str, Field(min_length=1)]
_Seconds = Annotated[int, Field(ge=0)]


class SettingsError(RuntimeError):
    """An environment variable is missing or wrong. The message names each, and no value."""


class Settings(BaseModel):
    """Each field is an environment variable, there in upper case."""

    model_config = ConfigDict(frozen=True)

    table_name: _Name
    bus_name: _Name
    ingest_queue_url: _Name
    ingest_dlq_url: _Name
    deadline_queue_url: _Name
    erasure_queue_url: _Name
    webhook_keys_parameter: _Name
    grace_seconds: _Seconds
    retention_days: Annotated[int, Field(ge=1)]
    shards: Annotated[int, Field(ge=1)]
    settle_seconds: _Seconds
    """How long a function may go on taking in a session after it was erased."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The settings of the environment. Raises `SettingsError`."""
        values = {name: environment[name.upper()] for name in cls._names() & _lower(environment)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = (f"{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
            raise SettingsError(f"set these environment variables: {'; '.join(faults)}") from None

    @classmethod
    def _names(cls) -> set[str]:
        return set(cls.model_fields)


def _lower(environment: Mapping[str, str]) -> set[str]:
    return {name.lower() for name in environment if name.isupper()}
