"""A function's settings: read once from its environment, each one named when it is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar, get_type_hints


class MissingSettingError(RuntimeError):
    """An environment variable that a function needs is not set."""


SettingsT = TypeVar("SettingsT", bound=tuple[Any, ...])


def from_environment(
    kind: type[SettingsT], environment: Mapping[str, str] = os.environ
) -> SettingsT:
    """The settings of a function. Their field names are environment variables in lower case.

    Raises `MissingSettingError`, and `ValueError` for what is no number.
    """
    named = {name: _read(environment, name, type_) for name, type_ in get_type_hints(kind).items()}
    return kind(**named)


def _read(environment: Mapping[str, str], name: str, kind: object) -> str | int:
    try:
        value = environment[name.upper()]
    except KeyError:
        raise MissingSettingError(
            f"set the environment variable {name.upper()} of this function"
        ) from None
    return int(value) if kind is int else value


class IngestSettings(NamedTuple):
    """`ingest`."""

    table_name: str
    deadline_queue_url: str
    ingest_dlq_url: str
    grace_seconds: int
    retention_days: int
    shards: int
    settle_seconds: int


class ExpireSettings(NamedTuple):
    """`expire`."""

    table_name: str


class RelaySettings(NamedTuple):
    """`relay`."""

    bus_name: str


class IntakeSettings(NamedTuple):
    """`intake`."""

    ingest_queue_url: str


class EraseSettings(NamedTuple):
    """`erase`."""

    table_name: str
    erasure_queue_url: str
    settle_seconds: int


class GaugeSettings(NamedTuple):
    """`gauge`."""

    table_name: str
    grace_seconds: int


class ApiSettings(NamedTuple):
    """`api`."""

    table_name: str
    ingest_queue_url: str
    erasure_queue_url: str
    shards: int
    cursor_secret_arn: str
    webhook_keys_arn: str
