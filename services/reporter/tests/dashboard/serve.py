"""`python -m tests.dashboard.serve <scenario> [port]`: the dashboard in one state, to look at.

Without arguments it serves every state that a line of stdin names, each in a process of its own:
what all of them import and make once is made once, in the process that they are forked from.

Serves under a path prefix that the app does not know, as an API gateway does, on 127.0.0.1 only.
Prints the link that leads in, then serves until it is stopped. The log goes to standard error: who
reads the link through a pipe and nothing after it would fill the pipe and stop the server.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from cv_reporter.application.entry import signed_link
from cv_reporter.entrypoints.api import create_app
from tests.component.world import KEY
from tests.dashboard.scenarios import NOW, SCENARIOS, playing

PREFIX = "/gateway/x1"
Send = Callable[[Any], Awaitable[None]]


def behind_gateway(app: Any) -> Any:
    """Take the prefix off every path, and tell the app nothing about it."""

    async def gateway(scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix(PREFIX)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await app(scope, receive, send)

    return gateway


def main(name: str, port: int = 0) -> None:
    """Serve one scenario."""
    with playing(SCENARIOS[name]), socket.create_server(("127.0.0.1", port)) as listening:
        host, port = listening.getsockname()
        sys.stdout.write(signed_link(f"http://{host}:{port}{PREFIX}", KEY, NOW) + "\n")
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        config = uvicorn.Config(behind_gateway(create_app()), log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])


def on_demand() -> None:
    """Serve each state that stdin names; an empty line instead of the link if it does not start."""
    with playing(SCENARIOS["one"]):  # writes one fact, for which no thread is started
        assert threading.active_count() == 1, "a thread would not survive the fork"
    for line in sys.stdin:
        if os.fork() == 0:
            try:
                main(line.strip())
            except Exception:
                sys.stdout.write("\n")
                sys.stdout.flush()
                raise
            return


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3])) if sys.argv[1:] else on_demand()
