"""One botocore session for all clients of a function, tuned for a warm handler's CPU.

botocore instead of boto3: its clients are the same, and boto3 adds imports that nobody here uses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore import __version__ as botocore_version
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from cv_processor import __version__
from cv_processor.adapters.signing import request_lean
from cv_processor.application.ports import UnacceptableError, UnavailableError

# Ten writes of a batch go out side by side. What we send is built by our own code, so botocore's
# second validation of it buys nothing. botocore builds its own user agent anew for every call,
# which is a quarter of a call's CPU; a given one is taken as it stands.
_CONFIG = Config(
    user_agent=f"cv-processor/{__version__} botocore/{botocore_version}",
    parameter_validation=False,
    account_id_endpoint_mode="disabled",
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=10,
)

_ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}

_OUR_FAULT = {"ValidationException", "SerializationException"}


@cache
def _session() -> Session:
    made = Session()
    if _ON_LAMBDA.issubset(os.environ):
        # There the role's keys are in the environment. botocore would find them too, after building
        # the ten providers of its chain, three of them with an HTTP client of their own.
        made.set_credentials(
            os.environ["AWS_ACCESS_KEY_ID"],
            os.environ["AWS_SECRET_ACCESS_KEY"],
            os.environ.get("AWS_SESSION_TOKEN"),
        )
    return made


@cache
def client(service: str) -> Any:
    """The client of a service. Region and endpoint come from the environment, as for any SDK.

    Raises `UnavailableError` if that does not make one.
    """
    with translated():
        made: Any = _session().create_client(
            service, region_name=os.environ.get("AWS_REGION"), config=_CONFIG
        )
    # botocore evaluates the endpoint's rules anew for every call, a tenth of its CPU. Without rules
    # it takes the client's one endpoint, which for these services is what the rules say each time
    # (tests/integration/test_client.py compares them).
    made._ruleset_resolver = None
    request_lean(made, _session().get_credentials())
    return made


@contextmanager
def translated() -> Iterator[None]:
    """Turn what an AWS call raises into `UnavailableError`, which carries the code and no input.

    `UnacceptableError` when AWS says that the call itself is wrong.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        kind = UnacceptableError if code in _OUR_FAULT else UnavailableError
        raise kind(code) from error
    except BotoCoreError as error:
        raise UnavailableError(type(error).__name__) from error


def error_code(error: ClientError) -> str:
    """AWS's name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))
