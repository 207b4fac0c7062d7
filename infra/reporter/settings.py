"""What an owner may set for the Reporter, by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ReporterSettings:
    """Whose report it is: where it is Monday seven o'clock, and who gets the e-mail.

    Questions of `owner_sessions` (session ids, or prefixes that end in `*`) are not visitors'.
    `sender` becomes an SES identity of the stack; SES asks its owner to confirm it.
    `retention_days` count from the question; the embedded AWS must keep samples of any age.
    """

    time_zone: str = "Europe/London"
    sender: str = "reports@cv.example"
    recipients: tuple[str, ...] = ("owner@cv.example",)
    owner_sessions: tuple[str, ...] = ()
    retention_days: int = 400
    shards: int = 1
    projections_at_once: int = 10


SETTINGS: Final = {
    "local": ReporterSettings(retention_days=36_500),
    "dev": ReporterSettings(),
    "prod": ReporterSettings(),
}
