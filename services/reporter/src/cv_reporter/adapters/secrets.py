"""Parameters and secrets, fetched when first needed and kept for a few minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from cv_reporter.adapters.aws import client

KEPT_SECONDS = 300.0


@dataclass(slots=True)
class AwsSecrets:
    """SSM parameters and Secrets Manager secrets."""

    clock: Callable[[], float] = monotonic
    _kept: dict[str, tuple[float, str]] = field(default_factory=dict)

    def parameter(self, name: str) -> str:
        """A parameter's value."""
        return self._cached(
            name, lambda: client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        )

    def secret(self, arn: str) -> str:
        """A secret's string."""
        return self._cached(
            arn, lambda: client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        )

    def _cached(self, name: str, fetch: Callable[[], str]) -> str:
        now = self.clock()
        kept = self._kept.get(name)
        if kept is None or now - kept[0] > KEPT_SECONDS:
            kept = self._kept[name] = (now, fetch())
        return kept[1]
