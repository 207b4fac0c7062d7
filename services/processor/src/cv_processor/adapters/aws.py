"""The AWS clients of a function, and the one translation of what they raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import boto3
from botocore import __version__ as botocore_version
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cv_processor import __version__
from cv_processor.application.errors import UnacceptableError, UnavailableError

# Ten writes of a batch go out side by side. Our own code builds what we send, so botocore's second
# validation of it buys nothing. botocore would build its user agent anew for every call, which is a
# quarter of a call's CPU; a given one is taken as it is. (docs/decisions/0019)
CONFIG: Final = Config(
    user_agent=f"cv-processor/{__version__} botocore/{botocore_version}",
    parameter_validation=False,
    account_id_endpoint_mode="disabled",
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=10,
)

_REFUSED_INPUT: Final = frozenset({"ValidationException", "SerializationException"})


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@cache
def client(service: str) -> Any:
    """The client of a service. Region and endpoint come from the environment, as for any SDK.

    Raises `UnavailableError` if that does not make one.
    """
    with translated():
        return _session().client(service, config=CONFIG)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what an AWS call raises into `UnavailableError`, which carries the code and no input.

    `UnacceptableError` when AWS says that the call itself is wrong.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        kind = UnacceptableError if code in _REFUSED_INPUT else UnavailableError
        raise kind(code) from error
    except BotoCoreError as error:
        raise UnavailableError(type(error).__name__) from error


def pages(read: Callable[..., Any], **parameters: Any) -> Iterator[dict[str, Any]]:
    """The items of a query or a scan, of all its pages. Raises what `translated` raises."""
    start: dict[str, Any] = {}
    while True:
        with translated():
            answer = read(**parameters, **start)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def error_code(error: ClientError) -> str:
    """AWS's name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))
