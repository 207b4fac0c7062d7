"""Where a stage is, and how to reach it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3

from tools.paths import HOME

LOCAL_OUTPUTS: Final = HOME / "outputs.json"


class NotReachableError(RuntimeError):
    """There is nothing to operate on; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """A stage, with what boto3 and the CDK CLI need to get there."""

    stage: str
    session: boto3.Session
    endpoint: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of an AWS service."""
        return self.session.client(service, endpoint_url=self.endpoint)


def account_of(stage: str, outputs: Path = LOCAL_OUTPUTS) -> Account:
    """The embedded AWS for `local`, else the caller's own account.

    Raises `NotReachableError`.
    """
    if stage != "local":
        return _callers_account(stage)
    try:
        known = json.loads(outputs.read_text("utf-8"))
    except FileNotFoundError:
        raise NotReachableError("the embedded AWS is not there: run `make up` first") from None
    environment = {
        "AWS_ENDPOINT_URL": known["awsEndpoint"],
        "AWS_REGION": known["region"],
        "AWS_DEFAULT_REGION": known["region"],
        "AWS_ACCESS_KEY_ID": known["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": known["secretAccessKey"],
    }
    session = boto3.Session(
        aws_access_key_id=known["accessKeyId"],
        aws_secret_access_key=known["secretAccessKey"],
        region_name=known["region"],
    )
    return Account(stage, session, known["awsEndpoint"], environment)


def _callers_account(stage: str) -> Account:
    session = boto3.Session()
    if session.get_credentials() is None:
        raise NotReachableError("no AWS credentials: set AWS_PROFILE, or use STAGE=local")
    if session.region_name is None:
        raise NotReachableError("no AWS region: set AWS_REGION")
    return Account(stage, session, environment=dict(os.environ))
