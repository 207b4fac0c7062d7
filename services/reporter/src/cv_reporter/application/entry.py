"""The ways into the dashboard: signed tokens that expire, each good for one purpose.

A token is `<purpose>.<id>.<expiry, UTC s>.<HMAC-SHA256 of all that>`. A link's token is exchanged
for a session's, which the cookie holds and which ends when the link does, or when its owner signs
out; a share's token shows aggregates and nothing else. Rotating the key revokes all of them.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

LINK = "link"
SESSION = "session"
SHARE = "share"
FORM = "form"
UNSUBSCRIBE = "unsubscribe"
LINK_DAYS = 8
"""A day longer than until the next weekly mail. A sign-in by the link ends with it."""
UNSUBSCRIBE_DAYS = 400
"""Long enough for every mail that a reader may still have."""
SECONDS_PER_DAY = 86_400
MAX_TOKEN = 200
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Token:
    """What a genuine token says."""

    purpose: str
    id: str
    expires_s: int


def token(purpose: str, key: str, expires_s: int, *, id: str = "") -> str:  # noqa: A002
    """A token for a purpose until a time (UTC s). `id` tells tokens apart; it holds no dot."""
    claim = f"{purpose}.{id}.{expires_s}"
    return f"{claim}.{_signature(claim, key)}"


def opened(presented: str, purpose: str, key: str, now_ms: int) -> Token | None:
    """The token, if it is genuine, for this purpose, and not expired."""
    if len(presented) > MAX_TOKEN or not presented.isascii() or presented.count(".") != _PARTS - 1:
        return None
    claim, _, signature = presented.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(claim, key).encode()):
        return None
    named, number, expires = claim.split(".")
    if named != purpose or not expires.isdigit() or now_ms >= int(expires) * 1_000:
        return None
    return Token(named, number, int(expires))


def signed_link(api_url: str, key: str, now_ms: int, *, days: int = LINK_DAYS) -> str:
    """A link that signs its holder in until it expires."""
    expires = now_ms // 1_000 + days * SECONDS_PER_DAY
    return f"{api_url.rstrip('/')}/dashboard?token={token(LINK, key, expires)}"


def unsubscribe_link(api_url: str, key: str, now_ms: int, recipient: str) -> str:
    """A link that ends the mails to a recipient; it opens nothing, and holds no address."""
    expires = now_ms // 1_000 + UNSUBSCRIBE_DAYS * SECONDS_PER_DAY
    stop = token(UNSUBSCRIBE, key, expires, id=recipient_id(recipient))
    return f"{api_url.rstrip('/')}/dashboard/unsubscribe?token={stop}"


def recipient_id(recipient: str) -> str:
    """What stands for an address in its link."""
    return sha256(recipient.encode()).hexdigest()[:24]


def session_token(key: str, link: Token, id: str) -> str:  # noqa: A002
    """What the session cookie holds: good until the link that brought it expires."""
    return token(SESSION, key, link.expires_s, id=id)


def form_token(session: str, key: str) -> str:
    """What a form carries to prove that it came from a page of this very session."""
    return _signature(f"{FORM}.{session}", key)


def is_form_of(presented: str, session: str, key: str) -> bool:
    """Whether a form came from a page of this session."""
    return hmac.compare_digest(presented.encode(), form_token(session, key).encode())


def _signature(claim: str, key: str) -> str:
    digest = hmac.new(key.encode(), claim.encode(), sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
