"""The Reporter's settings: read once from the environment, the same for all of its functions."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_ADDRESS: Final = re.compile(r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")


class SettingsError(RuntimeError):
    """An environment variable is missing or wrong. The message names each, and no value."""


def _listed(text: str) -> tuple[str, ...]:
    """What commas separate, without repetitions."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _addresses(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(address.lower() for address in _listed(text)))
    if not all(map(_ADDRESS.fullmatch, found)):
        raise ValueError("it holds something that is no e-mail address")
    return found


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("it is no IANA time zone") from None
    return name


_Name = Annotated[str, Field(min_length=1)]
_Positive = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Each field is an environment variable, there in upper case."""

    model_config = ConfigDict(frozen=True)

    table_name: _Name
    bus_name: _Name
    facts_queue_url: _Name
    facts_dlq_url: _Name
    time_zone: Annotated[str, AfterValidator(_zone)]
    """The owner's: an IANA name. Weeks and days are counted in it."""
    owner_sessions: Annotated[tuple[str, ...], BeforeValidator(_listed)]
    """Session ids, separated by commas, whose questions are the owner's own; may be empty."""
    retention_days: _Positive
    shards: _Positive
    sender: _Name
    recipients: Annotated[tuple[str, ...], BeforeValidator(_addresses)]
    """Who gets the weekly mail, separated by commas; may be empty."""
    configuration_set: _Name
    dashboard_key_parameter: _Name
    """The SSM parameter with the key that signs links and cookies; made when first needed."""
    api_url_parameter: _Name
    """The SSM parameter with the address of the Reporter's own API."""
    processor_api_parameter: _Name
    """The SSM parameter with the address of the Processor's API; it may not exist yet."""

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
