"""The digest by which reconciliation compares a day of two services.

The two sides list the same correlations in different orders and page by page, so the digest is a
sum: it does not depend on order, and it can be built up a page at a time.

>>> day_digest([("a", 1), ("b", 2)]) == day_digest([("b", 2), ("a", 1)])
True
>>> day_digest([("a", 1)]) == day_digest([("a", 2)])
False
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

_MODULUS = 1 << 256


def day_digest(pairs: Iterable[tuple[str, int]]) -> str:
    """The digest of one day's `(requestId, revision)`: 64 hexadecimal digits.

    It is the sum modulo 2^256 of `sha256("<requestId>#<revision>")`. A sum, not an exclusive or:
    a pair that is listed twice by mistake changes it instead of vanishing. No pairs: all zeros.
    """
    total = sum(_pair_digest(request_id, revision) for request_id, revision in pairs)
    return f"{total % _MODULUS:064x}"


def _pair_digest(request_id: str, revision: int) -> int:
    return int.from_bytes(sha256(f"{request_id}#{revision}".encode()).digest())
