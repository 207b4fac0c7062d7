"""What an owner may set for the Reporter, by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Sender:
    """Who a report comes from.

    With the `domain` of the address, SES signs mail by DKIM and other providers believe it; without
    one the address alone is confirmed, and its mail often ends in the spam folder.
    """

    address: str
    domain: str | None = None

    @property
    def identity(self) -> str:
        """The name of the SES identity: one per account and region, for all stages."""
        return self.domain or self.address


SENDER: Final = Sender("reports@cv.example")


@dataclass(frozen=True)
class ReporterSettings:
    """Whose report it is: where it is Monday seven o'clock, and who gets the e-mail.

    Questions of `owner_sessions` (session ids, or prefixes that end in `*`) are not visitors'.
    `batches_at_once`: of ten facts; a new account runs 10 functions at a time.
    `retention_days` count from the question; the embedded AWS must keep samples of any age.
    `summarised_every`: seconds (at most 300) for which new facts of a day are gathered before its
    summary is made again. A day is read as often, so this bounds what a fact costs: at 300 a day
    of any size is read 288 times, and below some hundred questions a day 5 costs only cents.
    """

    time_zone: str = "Europe/London"
    recipients: tuple[str, ...] = ("owner@cv.example",)
    owner_sessions: tuple[str, ...] = ()
    retention_days: int = 400
    shards: int = 1
    batches_at_once: int = 2
    summarised_every: int = 300


SETTINGS: Final = {
    "local": ReporterSettings(retention_days=36_500, summarised_every=0),
    "dev": ReporterSettings(summarised_every=5),
    "prod": ReporterSettings(),
}
