"""The keys that verify a webhook's sender, in Secrets Manager; read again every five minutes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from cv_processor.application.errors import UnavailableError

MAX_AGE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """`{"current": …, "previous": …}`; the previous one may be absent."""

    provider: SecretsProvider
    arn: str

    @classmethod
    def of(cls, secretsmanager: Any, arn: str) -> WebhookKeys:
        """The keys in the secret of that ARN."""
        return cls(SecretsProvider(boto3_client=secretsmanager), arn)

    def __call__(self) -> Sequence[str]:
        """The active keys, at most five minutes old. Raises `UnavailableError`."""
        try:
            text = self.provider.get(self.arn, max_age=MAX_AGE_SECONDS)
        except GetParameterError as error:
            raise UnavailableError("the webhook's keys could not be read") from error
        keys = json.loads(str(text))
        return [keys[name] for name in ("current", "previous") if keys.get(name)]
