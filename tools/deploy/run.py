"""Run a service's own programs on this machine, with the settings of its deployed functions.

Its API with uvicorn and reload, against the embedded AWS; its operator commands, against any stage.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from botocore.session import Session

from tools.deploy.cdk import LOCAL_STAGE
from tools.emulator.emulator import REGION
from tools.paths import SERVICES, venv_python

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.emulator.aws import Caller

COMMANDS = {"processor": "cv_processor.entrypoints.cli", "reporter": "cv_reporter.ops"}
PORTS = {"processor": 8001, "reporter": 8002}


class RunError(Exception):
    """The program can't be run; the message names the remedy."""


def serve(service: str, caller: Caller) -> None:
    """Become uvicorn."""
    source, port = SERVICES / service / "src", str(PORTS[service])
    print(f"interactive documentation: http://127.0.0.1:{port}/docs", flush=True)
    application = ["uvicorn", "--factory", f"cv_{service}.entrypoints.api:create_app"]
    where = ["--reload", "--reload-dir", str(source), "--host", "127.0.0.1", "--port", port]
    _become(service, [*application, *where], _embedded(service, caller))


def operate(service: str, arguments: Sequence[str], stage: str, caller: Caller | None) -> None:
    """Become the service's operator command line; `caller` is the embedded AWS's, if it is that."""
    if caller is not None:
        environment = _embedded(service, caller)
    else:
        environment = _settings(Session().create_client("lambda"), service, stage)
    _become(service, [COMMANDS[service], *arguments], environment)


def _embedded(service: str, caller: Caller) -> dict[str, str]:
    return _settings(caller.client("lambda"), service, LOCAL_STAGE) | {
        "AWS_ENDPOINT_URL": caller.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": caller.access_key_id,
        "AWS_SECRET_ACCESS_KEY": caller.secret_access_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }


def _settings(functions: Any, service: str, stage: str) -> dict[str, str]:
    """What the functions of a service are told in their environment, taken together."""
    prefix = f"cv-analytics-{stage}-{service}-"
    found: dict[str, str] = {}
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(prefix):
                found |= function.get("Environment", {}).get("Variables", {})
    if not found:
        raise RunError(f"the {service} of stage {stage} is not deployed: run `make up`")
    return found


def _become(service: str, module: Sequence[str], environment: dict[str, str]) -> None:
    python = str(venv_python(SERVICES / service))
    inherited = dict(os.environ)
    if "AWS_ENDPOINT_URL" in environment:
        inherited.pop("AWS_PROFILE", None)
        inherited.pop("AWS_SESSION_TOKEN", None)
    os.execve(python, [python, "-m", *module], inherited | environment)
