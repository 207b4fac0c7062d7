"""Where a stage is and how to reach it: AWS clients, signed HTTP, the environment of programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import boto3
import botocore.session
import httpx
from botocore.config import Config
from cv_contracts.sigv4 import SigV4Auth

from tools.emulator.emulator import REGION, Emulator, Running
from tools.emulator.guard import CONTROL_HEADER
from tools.paths import HOME, TOOLS

LOCAL_STAGE: Final = "local"
REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


class NotReachableError(RuntimeError):
    """The stage cannot be reached; the message names the remedy."""


@dataclass(frozen=True)
class Account:
    """A stage and somebody's credentials for it.

    `environment` is the whole environment of a program that works there, such as the CDK CLI;
    `control_key` opens the embedded AWS's own routes.
    """

    stage: str
    session: boto3.Session
    endpoint: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    control_key: str = field(default="", repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all clients."""
        while self._clients:
            self._clients.popitem()[1].close()

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded AWS."""
        return self.endpoint is not None

    def client(self, service: str) -> Any:
        """The client of an AWS service; one for each."""
        if service not in self._clients:
            proxies: dict[str, Any] = {"proxies": {}} if self.is_local else {}
            config = Config(retries={"mode": "standard"}, max_pool_connections=16, **proxies)
            self._clients[service] = self.session.client(
                service, endpoint_url=self.endpoint, config=config
            )
        return self._clients[service]

    def signed(self, service: str = "execute-api") -> httpx.Auth:
        """Signs httpx requests for an AWS service."""
        credentials: Any = self.session.get_credentials()
        return SigV4Auth(credentials, str(self.session.region_name), service)

    def http(
        self, base_url: str = "", service: str = "execute-api", timeout: float = 60
    ) -> httpx.Client:
        """An HTTP client that signs; without a proxy of the shell for what is on this machine."""
        return httpx.Client(
            auth=self.signed(service),
            base_url=base_url,
            timeout=timeout,
            trust_env=not self.is_local,
        )

    def control(self, path: str, **query: str) -> dict[str, Any]:
        """`GET` of a route of the embedded AWS (`/_ministack/…`) that AWS does not have."""
        answer = httpx.get(
            f"{self.endpoint}{path}",
            params=query,
            headers={CONTROL_HEADER: self.control_key},
            trust_env=False,
        )
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def mails(self) -> list[dict[str, Any]]:
        """What SES sent since the embedded AWS started: `Subject`, `To`, `BodyText`, `BodyHtml`."""
        accounts = self.control("/_ministack/ses/messages")["messages"]
        return [mail for mails in accounts.values() for mail in mails]


def account_of(stage: str, home: Path = HOME) -> Account:
    """The embedded AWS of a folder for `local`, else the caller's account.

    Raises `NotReachableError`.
    """
    if stage != LOCAL_STAGE:
        return _callers_account(stage)
    running = Emulator(home).running()
    if running is None:
        raise NotReachableError("the embedded AWS is not running: `make up` starts it")
    return administrator(running)


def administrator(running: Running) -> Account:
    """The embedded AWS, as the one user whom IAM allows everything."""
    key = (running.access_key_id, running.secret_access_key)
    return embedded(running.endpoint, *key, control_key=running.control_key)


def embedded(
    endpoint: str, key_id: str, secret: str, token: str | None = None, *, control_key: str = ""
) -> Account:
    """The embedded AWS with some credentials; nothing of the shell's AWS settings is used."""
    isolated = botocore.session.Session(
        # (name in the file, variable of the shell, value, conversion)
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session = boto3.Session(key_id, secret, token, REGION, isolated)
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= dict.fromkeys(REGION_VARIABLES, REGION) | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(TOOLS / "cdk-home"),
        "NO_PROXY": "127.0.0.1",
    }
    if token:
        environment["AWS_SESSION_TOKEN"] = token
    return Account(LOCAL_STAGE, session, endpoint, environment, control_key)


def _callers_account(stage: str) -> Account:
    region = region_of(os.environ)
    session = boto3.Session(region_name=region)
    if session.get_credentials() is None:
        raise NotReachableError("no AWS credentials: set AWS_PROFILE, or use STAGE=local")
    if session.region_name is None:
        raise NotReachableError("no AWS region: set AWS_REGION")
    regions = dict.fromkeys(REGION_VARIABLES, session.region_name)
    return Account(stage, session, environment={**os.environ, **regions})


def region_of(environment: Mapping[str, str]) -> str | None:
    """The region that a shell names; None leaves it to the profile.

    boto3 reads `AWS_DEFAULT_REGION` alone, the CDK CLI prefers `AWS_REGION`: one rule for both.
    """
    return next((environment[name] for name in REGION_VARIABLES if environment.get(name)), None)
