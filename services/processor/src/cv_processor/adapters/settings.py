"""A function's settings: read once from its environment, each one named when it is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


class MissingSettingError(RuntimeError):
    """An environment variable that a function needs is not set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings whose field names are environment variables in lower case."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read them. Raises `MissingSettingError`, and `ValueError` for what is no number."""
        return cls(
            **{field.name: _read(environment, field.name, field.type) for field in fields(cls)}
        )


def _read(environment: Mapping[str, str], name: str, kind: object) -> str | int:
    try:
        value = environment[name.upper()]
    except KeyError:
        raise MissingSettingError(
            f"set the environment variable {name.upper()} of this function"
        ) from None
    return int(value) if kind == "int" else value


@dataclass(frozen=True, slots=True)
class IngestSettings(Settings):
    """`ingest`."""

    table_name: str
    deadline_queue_url: str
    ingest_dlq_url: str
    grace_seconds: int
    retention_days: int
    shards: int
    settle_seconds: int


@dataclass(frozen=True, slots=True)
class ExpireSettings(Settings):
    """`expire`."""

    table_name: str


@dataclass(frozen=True, slots=True)
class RelaySettings(Settings):
    """`relay`."""

    bus_name: str


@dataclass(frozen=True, slots=True)
class IntakeSettings(Settings):
    """`intake`."""

    ingest_queue_url: str


@dataclass(frozen=True, slots=True)
class EraseSettings(Settings):
    """`erase`."""

    table_name: str
    erasure_queue_url: str
    settle_seconds: int


@dataclass(frozen=True, slots=True)
class GaugeSettings(Settings):
    """`gauge`."""

    table_name: str
    grace_seconds: int


@dataclass(frozen=True, slots=True)
class ApiSettings(Settings):
    """`api`."""

    table_name: str
    ingest_queue_url: str
    erasure_queue_url: str
    shards: int
    cursor_secret_arn: str
    webhook_keys_arn: str
