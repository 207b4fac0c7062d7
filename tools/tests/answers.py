"""An AWS account that answers from a table: real boto3 clients, no network.

Parameters are checked, pages are read and exceptions are raised by botocore itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.deploy.account import Account

ACCOUNT_ID = "111122223333"
REGION = "eu-west-1"
Answer = Callable[[Any], Any]


def refusal(code: str, message: str = "no") -> ClientError:
    """An error as AWS answers it; the operation is the one that was asked."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "")


class AnsweringSession:
    """A session whose clients answer `service.Operation` from a table, and record every call."""

    region_name = REGION

    def __init__(self, answers: dict[str, Any]) -> None:
        """An answer is a response, an error, or a function of the parameters that gives one."""
        self.answers = answers
        self.calls: list[tuple[str, Any]] = []
        _CURRENT[:] = [self]

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    def client(self, service: str, endpoint_url: str | None = None, config: Any = None) -> Any:
        return _client(service)

    def answer(self, model: Any, context: Any, **_: Any) -> Any:
        operation = f"{model.service_model.service_name}.{model.name}"
        self.calls.append((operation, context["params"]))
        response = self.answers[operation]
        if callable(response):
            response = response(context["params"])
        if isinstance(response, ClientError):
            return SimpleNamespace(status_code=400), {**response.response, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=200), response


# Making a client takes longer than a test, so clients are kept and ask whoever came last.
_CURRENT: list[AnsweringSession] = []


def _remember(params: Any, context: Any, **_: Any) -> None:
    context["params"] = dict(params)


def _answer(**call: Any) -> Any:
    return _CURRENT[0].answer(**call)


@cache
def _client(service: str) -> Any:
    session = boto3.Session("key", "secret", region_name=REGION)
    client = session.client(service, config=Config(retries={"total_max_attempts": 1}))
    client.meta.events.register("before-parameter-build", _remember)
    client.meta.events.register("before-call", _answer)
    return client


def account(answers: dict[str, Any], stage: str = "dev") -> tuple[Account, AnsweringSession]:
    """An account of a stage, and what was asked of it."""
    session = AnsweringSession(answers)
    return Account(stage, session), session
