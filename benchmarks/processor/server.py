"""An AWS that answers every call after 5 ms, over real sockets, in a process of its own.

What is measured is then the caller: building, signing, sending, receiving and parsing.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.processor.stub import answer_to

LATENCY_SECONDS = 0.005
STARTS_WITHIN_SECONDS = 30.0


async def app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI: the answer that the operation in `X-Amz-Target` expects."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    target = dict(scope["headers"]).get(b"x-amz-target", b"").decode().rpartition(".")[2]
    await asyncio.sleep(LATENCY_SECONDS)
    answer = json.dumps(answer_to(target, body)).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.0")]
    headers.append((b"content-length", str(len(answer)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


@contextmanager
def served() -> Iterator[str]:
    """The address of a running server. Raises `TimeoutError` if it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-m", "benchmarks.processor.server", str(port)],
        env=os.environ | {"PYTHONPATH": root},
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError("the stand-in for AWS did not start") from None
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
