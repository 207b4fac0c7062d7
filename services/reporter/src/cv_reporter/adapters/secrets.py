"""Parameters in SSM, read again every five minutes; encrypted ones hold keys."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from cv_reporter.adapters.aws import error_code, translated
from cv_reporter.application.errors import UnavailableError

MAX_AGE_SECONDS = 300
KEY_BYTES = 48
NOT_FOUND = "ParameterNotFound"
ALREADY_THERE = "ParameterAlreadyExists"


class MissingParameterError(UnavailableError):
    """There is no parameter of that name."""


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text of one parameter, decrypted if it is encrypted."""

    provider: SSMProvider
    name: str

    @classmethod
    def of_parameter(cls, ssm: Any, name: str) -> StoredText:
        """The parameter of that name."""
        return cls(SSMProvider(boto3_client=ssm), name)

    def __call__(self) -> str:
        """It, at most five minutes old. Raises `UnavailableError`."""
        try:
            return str(self.provider.get(self.name, max_age=MAX_AGE_SECONDS, decrypt=True))
        except GetParameterError as error:
            cause = error.__context__  # Powertools keeps no more of it than its text
            known = isinstance(cause, ClientError)
            code = error_code(cause) if known else type(cause).__name__
            kind = MissingParameterError if code == NOT_FOUND else UnavailableError
            raise kind(code) from error


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A random key in an encrypted parameter, made by whoever needs it first.

    CloudFormation creates no encrypted parameter. Of several makers the first one wins; deleting
    the parameter makes a new key.
    """

    ssm: Any
    text: StoredText

    @classmethod
    def of_parameter(cls, ssm: Any, name: str) -> GeneratedKey:
        """The key in the parameter of that name."""
        return cls(ssm, StoredText.of_parameter(ssm, name))

    def __call__(self) -> str:
        """The key, at most five minutes old. Raises `UnavailableError`."""
        try:
            return self.text()
        except MissingParameterError:
            self._make()
            return self.text()

    def _make(self) -> None:
        with translated():
            try:
                self.ssm.put_parameter(
                    Name=self.text.name,
                    Value=token_urlsafe(KEY_BYTES),
                    Type="SecureString",
                    Overwrite=False,
                )
            except ClientError as error:
                if error_code(error) != ALREADY_THERE:
                    raise
