"""The keys that verify a webhook's sender, in an encrypted SSM parameter that the owner puts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from cv_processor.adapters.aws import error_code
from cv_processor.application.errors import UnavailableError

MAX_AGE_SECONDS = 300
NOT_FOUND = "ParameterNotFound"


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """`{"current": …, "previous": …}`; the previous one may be absent."""

    provider: SSMProvider
    name: str

    @classmethod
    def of(cls, ssm: Any, name: str) -> WebhookKeys:
        """The keys in the parameter of that name."""
        return cls(SSMProvider(boto3_client=ssm), name)

    def __call__(self) -> Sequence[str]:
        """The active keys, at most five minutes old; none while there is no such parameter.

        Raises `UnavailableError`.
        """
        try:
            text = self.provider.get(self.name, max_age=MAX_AGE_SECONDS, decrypt=True)
        except GetParameterError as error:
            cause = error.__context__  # Powertools keeps no more of it than its text
            if isinstance(cause, ClientError) and error_code(cause) == NOT_FOUND:
                return []
            raise UnavailableError("the webhook's keys could not be read") from error
        return _keys(str(text))


def _keys(text: str) -> list[str]:
    """The keys in the owner's text. What is wrong with it is not the sender's fault either."""
    try:
        keys = json.loads(text)
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise UnavailableError("the webhook's keys are no JSON object of texts")
    return [keys[name] for name in ("current", "previous") if keys.get(name)]
