"""The emulator's administrator: an IAM user of its own, because its signatures are verified.

The emulator does not verify those of its root key. So the root key is random, known to its process
alone, and used once: to make this user, before anybody is served.
"""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx

USER: Final = "administrator"
_NAMESPACE: Final = {"iam": "https://iam.amazonaws.com/doc/2010-05-08/"}
_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key of the administrator."""

    access_key_id: str
    secret_access_key: str


async def ensure_administrator(app: Any, root_key: str, record: Path) -> None:
    """Make the user, unless it is there with the key that `record` holds; then write that key.

    Raises `httpx.HTTPStatusError` when the emulator refuses.
    """
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        iam = _Iam(http, root_key)
        await iam.create_user()
        known = read_key(record)
        if known is None or known.access_key_id not in await iam.access_keys():
            write_private(record, json.dumps(asdict(await iam.create_access_key())))


@dataclass(frozen=True, slots=True)
class _Iam:
    http: httpx.AsyncClient
    root_key: str

    async def create_user(self) -> None:
        await self._call("CreateUser", accept=httpx.codes.CONFLICT)
        policy = json.dumps(_POLICY)
        await self._call("PutUserPolicy", PolicyName="everything", PolicyDocument=policy)

    async def access_keys(self) -> set[str]:
        answer = await self._call("ListAccessKeys")
        return {element.text or "" for element in answer.iterfind(".//iam:AccessKeyId", _NAMESPACE)}

    async def create_access_key(self) -> AccessKey:
        answer = await self._call("CreateAccessKey")
        names = ("AccessKeyId", "SecretAccessKey")
        values = (answer.findtext(f".//iam:{name}", namespaces=_NAMESPACE) for name in names)
        return AccessKey(*(value or "" for value in values))

    async def _call(
        self, action: str, accept: httpx.codes = httpx.codes.OK, **parameters: str
    ) -> ElementTree.Element:
        scope = f"{self.root_key}/20000101/us-east-1/iam/aws4_request"
        authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
        answer = await self.http.post(
            "/",
            data={"Action": action, "Version": "2010-05-08", "UserName": USER, **parameters},
            headers={"authorization": authorization},
        )
        if answer.status_code != accept:
            answer.raise_for_status()
        return ElementTree.fromstring(answer.content)  # noqa: S314 (our own process wrote it)


def read_key(record: Path) -> AccessKey | None:
    """The key that `ensure_administrator` wrote; `None` before the first start."""
    try:
        return AccessKey(**json.loads(record.read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    fresh = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text + "\n")
    fresh.replace(path)
