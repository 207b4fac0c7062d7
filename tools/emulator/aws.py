"""What talks to the embedded AWS as its administrator: SDK clients, and signed HTTP."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session

from tools.emulator.emulator import REGION, Running
from tools.emulator.guard import CONTROL_HEADER


@dataclass(frozen=True)
class Caller:
    """Somebody with an access key at an endpoint. `token` is of temporary credentials.

    `control_key` opens the emulator's own routes.
    """

    endpoint: str
    access_key_id: str
    secret_access_key: str
    token: str | None = None
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

    def client(self, service: str) -> Any:
        """An SDK client that reads no configuration of this machine; one for each service."""
        if service not in self._clients:
            self._clients[service] = self._create(service)
        return self._clients[service]

    def _create(self, service: str) -> Any:
        return self._session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            aws_session_token=self.token,
            config=Config(retries={"mode": "standard"}, max_pool_connections=16, proxies={}),
        )

    def control(self, path: str, **query: str) -> dict[str, Any]:
        """`GET` of a control route of the emulator (`/_ministack/…`), which AWS does not have."""
        answer = httpx.get(
            f"{self.endpoint}{path}",
            params=query,
            headers={CONTROL_HEADER: self.control_key},
            trust_env=False,
        )
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def mails(self) -> list[dict[str, Any]]:
        """What SES sent since the emulator started: `Subject`, `To`, `BodyText`, `BodyHtml`."""
        accounts = self.control("/_ministack/ses/messages")["messages"]
        return [mail for mails in accounts.values() for mail in mails]

    @cached_property
    def _session(self) -> Session:
        session = Session()
        for name, fixed in (("profile", None), ("config_file", os.devnull)):
            # (name in the file, variable of the shell, value, conversion)
            session.session_var_map[name] = (None, None, fixed, None)
        return session

    def signed(self, service: str) -> SigV4:
        """Signs httpx requests for a service (`execute-api`, `sqs`)."""
        return SigV4(Credentials(self.access_key_id, self.secret_access_key, self.token), service)


class SigV4(httpx.Auth):
    """Signature Version 4 for httpx."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, service: str) -> None:
        self._signer = SigV4Auth(credentials, service, REGION)

    def auth_flow(self, request: httpx.Request) -> Any:
        """Add the signature's headers."""
        headers = {"content-type": value} if (value := request.headers.get("content-type")) else {}
        unsigned = AWSRequest(request.method, str(request.url), headers, request.content)
        self._signer.add_auth(unsigned)
        request.headers.update(dict(unsigned.headers))
        yield request


def administrator(running: Running) -> Caller:
    """The one whom IAM lets do everything."""
    return Caller(
        running.endpoint,
        running.access_key_id,
        running.secret_access_key,
        control_key=running.control_key,
    )
