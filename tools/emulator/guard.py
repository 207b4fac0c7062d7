"""Who may talk to the embedded AWS: this checkout's programs, and the pages that it serves.

It listens on 127.0.0.1, where every web page that a developer has open can send requests too. So
each request is judged before the emulator sees it:

- `Host` must be this machine's loopback address, on whatever port: a proxy may stand in between. A
  page whose name was re-bound to 127.0.0.1 sends its own name (DNS rebinding).
- `Origin` and `Sec-Fetch-Site` must not be those of another page. Another port of this machine is
  another origin. Opening a link to an API in a browser is allowed: that is how the owner gets from
  the mail to the dashboard.
- An AWS call must be signed (SigV4) with a key that this emulator issued. The emulator verifies
  signatures except those of `test`, of 12-digit keys and of its own root key, so these are refused.
- The emulator's control routes (`/_ministack/`) need the checkout's control key, but for the health
  check, which says nothing but that it runs.
- The HTTP APIs are open as they are on AWS: their own authorisers decide.

https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTROL_HEADER: Final = "x-control-key"
HEALTH: Final = "/_ministack/health"
CONTROL: Final = re.compile(r"^/(_ministack|_localstack|health)(/|$)")
APIS: Final = "/_aws/execute-api/"

_HEADER_KEYS: Final = re.compile(r"Credential=([^/]+)/|^AWS ([^:]+):")
_TWELVE_DIGITS: Final = re.compile(r"[0-9]{12}")
_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")
_FORWARDED: Final = b"x-forwarded-proto"
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})


@dataclass(frozen=True, slots=True)
class Request:
    """What the guard looks at: method, path, query and headers (names in lower case)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def is_signed(self) -> bool:
        """Whether it claims to be signed by SigV4, in its header or in its query."""
        in_header = self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
        return in_header or "X-Amz-Algorithm" in parse_qs(self.query)

    @property
    def access_keys(self) -> frozenset[str]:
        """All access keys that it names, in any place and version of signing."""
        parameters = parse_qs(self.query)
        scopes = parameters.get("X-Amz-Credential", []) + parameters.get("AWSAccessKeyId", [])
        in_query = {scope.partition("/")[0] for scope in scopes}
        in_header = _HEADER_KEYS.findall(self.headers.get("authorization", ""))
        return frozenset(in_query.union(*in_header)) - {""}


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges requests. `hosts` are the emulator's own addresses (`127.0.0.1:4566`)."""

    hosts: frozenset[str]
    control_key: str = field(repr=False)
    root_key: str = field(repr=False)

    def refusal(self, request: Request) -> str | None:
        """Why the request is refused; `None` if it may pass."""
        if not _LOOPBACK.fullmatch(request.headers.get("host", "")):
            return "the Host header names another machine"
        if self._of_another_page(request):
            return "it comes from another web page"
        if CONTROL.match(request.path):
            return self._control_refusal(request)
        if any(self._is_unverified(key) for key in request.access_keys):
            return "its access key is not one that this emulator issued"
        if not (request.is_signed and request.access_keys) and not request.path.startswith(APIS):
            return "the request is not signed"
        return None

    def _of_another_page(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.hosts}:
            return True
        if request.headers.get("sec-fetch-site") not in _FOREIGN_SITES:
            return False
        opened_as_link = (
            request.method == "GET"
            and request.path.startswith(APIS)
            and request.headers.get("sec-fetch-mode") == "navigate"
            and request.headers.get("sec-fetch-dest") == "document"
        )
        return not opened_as_link

    def _control_refusal(self, request: Request) -> str | None:
        if request.method == "GET" and request.path == HEALTH:
            return None
        given = request.headers.get(CONTROL_HEADER, "").encode()
        if compare_digest(given, self.control_key.encode()):
            return None
        return f"control routes need the header {CONTROL_HEADER}"

    def _is_unverified(self, key: str) -> bool:
        return key in {"test", self.root_key} or _TWELVE_DIGITS.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class GuardedApp:
    """An ASGI application behind a guard. `passed` is called with each request that may pass."""

    app: App
    guard: Guard
    passed: Callable[[Request], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. WebSockets are refused: nothing here uses them."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            request = request_of(scope)
            refusal = self.guard.refusal(request)
            if refusal is not None:
                await _refuse(send, refusal)
                return
            self.passed(request)
            scope = _as_behind_tls(scope)
        await self.app(scope, receive, send)


def request_of(scope: Scope) -> Request:
    """The request of an ASGI scope. A header sent twice is joined, and so matches nothing."""
    headers: dict[str, str] = {}
    for name, value in _decoded(scope["headers"]):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)


def _as_behind_tls(scope: Scope) -> Scope:
    """The request as a proxy that ends TLS hands it on.

    Nothing leaves this machine. Policies that refuse plain HTTP (`aws:SecureTransport`), CDK's own
    for its asset bucket among them, then mean here what they mean on AWS.
    """
    headers = [header for header in scope["headers"] if header[0].lower() != _FORWARDED]
    return {**scope, "headers": [*headers, (_FORWARDED, b"https")]}


async def _refuse(send: Send, reason: str) -> None:
    """403 without any header that would let another page read it."""
    body = json.dumps({"__type": "AccessDenied", "message": f"Refused: {reason}."}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": HTTPStatus.FORBIDDEN, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
