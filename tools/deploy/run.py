"""Run a service's own programs on this machine, with the settings of its deployed functions.

Its API with uvicorn and reload, against the embedded AWS; its operators' commands, with any stage.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from tools.paths import SERVICES, venv_python

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.deploy.account import Account

PORTS: Final = {"processor": 8001, "reporter": 8002}


class RunError(RuntimeError):
    """The program cannot be run; the message names the remedy."""


def serve(service: str, account: Account) -> None:
    """Become uvicorn."""
    source, port = SERVICES / service / "src", str(PORTS[service])
    print(f"interactive documentation: http://127.0.0.1:{port}/docs", flush=True)
    application = ["uvicorn", "--factory", f"cv_{service}.entrypoints.api:create_app"]
    where = ["--reload", "--reload-dir", str(source), "--host", "127.0.0.1", "--port", port]
    _become(service, [*application, *where], account)


def operate(service: str, arguments: Sequence[str], account: Account) -> None:
    """Become the service's operators' command line."""
    _become(service, [f"cv_{service}.entrypoints.cli", *arguments], account)


def _become(service: str, module: Sequence[str], account: Account) -> None:
    """Replace this process by a Python module of the service."""
    python = str(venv_python(SERVICES / service))
    os.execve(python, [python, "-m", *module], environment_of(account, service))


def environment_of(account: Account, service: str) -> dict[str, str]:
    """The account's, with the variables of all functions of a service. Raises `RunError`."""
    prefix = f"cv-analytics-{account.stage}-{service}-"
    variables: dict[str, str] = {}
    for page in account.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(prefix):
                variables |= function.get("Environment", {}).get("Variables", {})
    if not variables:
        remedy = f"make deploy-{service} STAGE={account.stage}"
        raise RunError(f"the {service} of stage {account.stage} is not deployed: `{remedy}`")
    return {**account.environment, **variables}
