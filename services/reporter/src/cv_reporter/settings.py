"""The Reporter's settings, read once from the environment; a wrong one stops the start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ADDRESS = re.compile(r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names it and what it should be."""


class Settings(NamedTuple):
    """Where things are and how the owner wants them. Empty = not given to this function."""

    table: str
    time_zone: str = "Europe/London"
    shards: int = 1
    retention_days: int = 400
    owner_sessions: tuple[str, ...] = ()
    sender: str = ""
    recipients: tuple[str, ...] = ()
    configuration_set: str = ""
    bus: str = ""
    processor_api_parameter: str = ""
    api_url_parameter: str = ""
    dashboard_key_arn: str = ""
    facts_dlq_url: str = ""
    stage: str = "local"
    version: str = "0"
    commit: str = "unknown"

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the environment. Raises `SettingsError`."""
        env = os.environ if environment is None else environment
        return cls(
            table=_required(env, "TABLE_NAME"),
            time_zone=_zone(env.get("TIME_ZONE", "Europe/London")),
            shards=_positive(env, "SHARDS", 1),
            retention_days=_positive(env, "RETENTION_DAYS", 400),
            owner_sessions=_listed(env.get("OWNER_SESSIONS", "")),
            sender=env.get("SENDER", ""),
            recipients=tuple(dict.fromkeys(map(_address, _listed(env.get("RECIPIENTS", ""))))),
            configuration_set=env.get("CONFIGURATION_SET", ""),
            bus=env.get("BUS_NAME", ""),
            processor_api_parameter=env.get("PROCESSOR_API_PARAMETER", ""),
            api_url_parameter=env.get("API_URL_PARAMETER", ""),
            dashboard_key_arn=env.get("DASHBOARD_KEY_ARN", ""),
            facts_dlq_url=env.get("FACTS_DLQ_URL", ""),
            stage=env.get("STAGE", "local"),
            version=env.get("SERVICE_VERSION", "0"),
            commit=env.get("COMMIT", "unknown"),
        )


def _required(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise SettingsError(f"{name} is not set")
    return env[name]


def _positive(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise SettingsError(f"{name} must be a positive whole number")
    return int(text)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"TIME_ZONE {name!r} is no IANA time zone") from error
    return name


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise SettingsError("RECIPIENTS holds something that is no e-mail address")
    return text.lower()
