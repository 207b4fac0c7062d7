"""Every exception that this package raises on purpose.

    ContractsError
    ├── ApiError                 a call of a service's API did not bring an answer
    │   ├── UnreachableError     no connection, or no answer in time
    │   ├── CircuitOpenError     not even tried: the last calls failed
    │   ├── StatusError          the service answered with an error status
    │   └── InvalidAnswerError   the answer breaks the contract: too large, redirect, not the model
    ├── SignatureError           a webhook's signature does not hold
    │   ├── MalformedSignatureError   a header is missing or not of the agreed form
    │   ├── StaleSignatureError       the time is outside the tolerance
    │   └── WrongSignatureError       no active key made it
    ├── NotJsonError             a text that is no JSON document
    └── UnknownVersionError      an event of a version that no upcaster leads on from

Parsing a model raises `pydantic.ValidationError`, as everywhere; `reasons` says what was wrong
without repeating the input, for answers and logs. No message carries a question's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class ContractsError(Exception):
    """The root: `except ContractsError` catches everything below."""


class ApiError(ContractsError):
    """A call of a service's API did not bring an answer."""


class UnreachableError(ApiError):
    """No connection, or no complete answer in time. Trying again later may help."""


class CircuitOpenError(ApiError):
    """The last calls failed, so this one was not even tried. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"circuit open; next trial in {retry_after:.1f} s")
        self.retry_after = retry_after


class StatusError(ApiError):
    """The service answered with an error status; `title` is the problem's title, if it sent one."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(f"the service answered {status}: {title}")
        self.status = status
        self.title = title


class InvalidAnswerError(ApiError):
    """The answer breaks the contract: too large, a redirect, compressed, or not the model."""


class SignatureError(ContractsError):
    """A webhook's signature does not hold."""


class MalformedSignatureError(SignatureError):
    """A signature header is missing or not of the agreed form (answer 400)."""


class StaleSignatureError(SignatureError):
    """The signed time is outside the tolerance: a replay, or a clock that is off (answer 401)."""


class WrongSignatureError(SignatureError):
    """No active key made this signature (answer 401)."""


class NotJsonError(ContractsError, ValueError):
    """A text that is no JSON document. The message does not repeat the text."""


class UnknownVersionError(ContractsError):
    """An event of a version that no upcaster leads on from."""


def reasons(error: ValidationError) -> tuple[str, ...]:
    """What a document got wrong, one line per fault, with nothing of the document itself.

    >>> from cv_contracts.chatbot import read_chatbot_event
    >>> try:
    ...     read_chatbot_event({"eventType": "response", "matchScore": 101, "requestId": "r"})
    ... except ValueError as error:
    ...     print(reasons(error)[2])
    matchScore: Input should be less than or equal to 100
    """
    return tuple(_reason(fault) for fault in error.errors(include_url=False, include_input=False))


def _reason(fault: ErrorDetails) -> str:
    kind, place = fault["type"], fault["loc"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:  # pydantic's text repeats the tag
        return f"eventType: must be {fault['ctx'].get('expected_tags', 'query or response')}"
    if kind == "extra_forbidden":  # the place ends in the input's own name
        place = (*place[:-1], "a field that is not declared")
    if len(place) > 1 and place[0] in {"query", "response"}:  # the union's tag
        place = place[1:]
    return ": ".join(filter(None, (".".join(map(str, place)), fault["msg"])))
