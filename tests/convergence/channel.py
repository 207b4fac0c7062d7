"""One JSON line in, one out: how a test talks to a service that runs in its own environment.

Both services cannot be imported into one process (they share no environment), so each stands in a
process of its own, on an in-process AWS of its own. What travels between them is what travels
between them anywhere: events, and HTTP.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]

Operation = Callable[..., Any]


def serve(operations: Mapping[str, Operation]) -> None:
    """Answer requests until the input ends. What handlers log must not get between the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    for line in sys.stdin:
        request = json.loads(line)
        answer = operations[request.pop("do")](**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Side:
    """One service in its own process; `ask` runs one of its operations."""

    def __init__(self, service: str, program: str, **environment: str) -> None:
        folder = PROJECT / "services" / service
        python = folder / ".venv" / "bin" / "python"
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and program)
            [python, Path(__file__).with_name(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), **environment},
        )

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Run an operation. Raises `RuntimeError` when the process died of it."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": operation, **arguments}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{operation} ended the process; its error is on stderr")
        return json.loads(line)

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:  # closes the pipes, and with its input the process ends
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)
