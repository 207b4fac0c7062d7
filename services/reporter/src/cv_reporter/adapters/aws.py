"""AWS clients: botocore alone, one session, tuned for warm handlers."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from botocore import __version__ as botocore_version
from botocore.config import Config
from botocore.session import Session

from cv_reporter import __version__
from cv_reporter.adapters.signing import request_lean

THREADS = 10

# Validation and account-id routing find nothing that tests do not; building the user agent anew for
# every call, as botocore does, takes a quarter of a call's CPU; a given one is taken as it is.
_HOT = Config(
    user_agent=f"cv-reporter/{__version__} botocore/{botocore_version}",
    parameter_validation=False,
    account_id_endpoint_mode="disabled",
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=THREADS,
    retries={"mode": "standard", "total_max_attempts": 3},
)

# An e-mail is not idempotent: never sent again by the SDK on its own.
_ONCE = _HOT.merge(Config(read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1}))

_ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@cache
def session() -> Session:
    """The one session; the region and the credentials are the environment's."""
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
    """A client of a service whose calls may be repeated, and that speaks JSON at the root."""
    made = _without_rules(session().create_client(service, config=_HOT))
    request_lean(made, session().get_credentials())
    return made


@cache
def client_without_retries(service: str) -> Any:
    """A client that makes each call once."""
    return _without_rules(session().create_client(service, config=_ONCE))


def _without_rules(made: Any) -> Any:
    """The client without its endpoint rules.

    botocore evaluates them anew for every call, a tenth of its CPU. Without them it takes the
    client's one endpoint, which for these services is what the rules say each time
    (tests/integration/test_client.py compares them).
    """
    made._ruleset_resolver = None
    return made


def error_code(error: Exception) -> str:
    """The service's error code, or the exception's name for one that is not the service's."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", type(error).__name__))
