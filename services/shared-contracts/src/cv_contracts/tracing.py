"""The identity of a trace: all that is about one subject is one trace.

The trace id is derived from the subject's id, a question's or an erasure's, and stored nowhere:
every hop can compute it, and a retry, a repeat or a correction is in the same trace.

>>> trace_id("q1")
'c694522476412625e1ee50e912e4bb65'
>>> trace_context("q1", span_id("relay", "q1"))
'00-c694522476412625e1ee50e912e4bb65-4f6cf5395507c920-01'
"""

from __future__ import annotations

import re
from hashlib import sha256

_CONTEXT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\Z")


def trace_id(subject: str) -> str:
    """32 hexadecimal digits, the same for all that is about the subject."""
    return sha256(f"trace#{subject}".encode()).hexdigest()[:32]


def span_id(*parts: str) -> str:
    """16 hexadecimal digits, derived from what tells this hop from others."""
    return sha256("#".join(parts).encode()).hexdigest()[:16]


def is_trace_context(value: str) -> bool:
    """Whether it is a `traceparent` of the version and form that we read."""
    return _CONTEXT.match(value) is not None


def trace_context(subject: str, span: str) -> str:
    """The W3C `traceparent` (https://www.w3.org/TR/trace-context-2/) of a span about the subject.

    `span`: 16 hexadecimal digits.
    """
    return f"00-{trace_id(subject)}-{span}-01"
