"""Parameters in SSM and secrets in Secrets Manager; read again every five minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from cv_reporter.adapters.aws import error_code
from cv_reporter.application.errors import UnavailableError

MAX_AGE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text of one parameter or secret."""

    provider: BaseProvider
    name: str

    @classmethod
    def of_parameter(cls, ssm: Any, name: str) -> StoredText:
        """The parameter of that name."""
        return cls(SSMProvider(boto3_client=ssm), name)

    @classmethod
    def of_secret(cls, secretsmanager: Any, arn: str) -> StoredText:
        """The secret of that ARN."""
        return cls(SecretsProvider(boto3_client=secretsmanager), arn)

    def __call__(self) -> str:
        """It, at most five minutes old. Raises `UnavailableError`."""
        try:
            return str(self.provider.get(self.name, max_age=MAX_AGE_SECONDS))
        except GetParameterError as error:
            cause = error.__context__  # Powertools keeps no more of it than its text
            known = isinstance(cause, ClientError)
            code = error_code(cause) if known else type(cause).__name__
            raise UnavailableError(code) from error
