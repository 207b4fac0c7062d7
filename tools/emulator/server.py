"""The process of the embedded AWS: ministack behind the guard, its state saved every few seconds.

`python -m tools.emulator.server`; its settings are environment variables that `emulator.py` sets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import signal
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack

from tools.emulator.administrator import ensure_administrator, write_private
from tools.emulator.checkpoints import Checkpoints
from tools.emulator.emulator import ADMINISTRATOR, RECORD
from tools.emulator.guard import App, Guard, GuardedApp, Receive, Request, Scope, Send

_READING: Final = ("Describe", "Filter", "Get", "List")


class _Errors(logging.Handler):
    """Remembers that the emulator could not save something: it logs that and goes on."""

    seen = False

    def emit(self, record: logging.LogRecord) -> None:
        self.seen = self.seen or record.levelno >= logging.ERROR


@dataclass
class Saver:
    """Saves the emulator's state when something may have changed.

    What was acknowledged longer ago than `every` seconds, and the time that saving takes, outlives
    a kill.
    """

    app: App
    checkpoints: Checkpoints
    every: float
    changed: bool = False
    _errors: _Errors = field(default_factory=_Errors)

    def __post_init__(self) -> None:
        logging.getLogger("persistence").addHandler(self._errors)

    def note(self, request: Request) -> None:
        """A request came that may have changed something."""
        self.changed = self.changed or not is_reading(request)

    async def run(self) -> None:
        """Save every few seconds, for ever."""
        while True:
            await asyncio.sleep(self.every)
            if self.changed:
                self.changed = False
                self.changed = not await self.save()

    async def save(self) -> bool:
        """Write all state and copy it whole; says whether that succeeded.

        The emulator writes its state when ASGI tells it that the server stops; it does nothing else
        then that would stop it. Told by a lifespan of its own, it saves and goes on.
        """
        self._errors.seen = False
        await self.app({"type": "lifespan", "asgi": {"version": "3.0"}}, _stopping, _ignore)
        if self._errors.seen:
            return False
        try:
            self.checkpoints.save()
        except OSError:
            logging.getLogger("persistence").exception("no copy of the state could be made")
            return False
        return True


@dataclass(frozen=True, slots=True)
class WithAdministrator:
    """An emulator that makes its administrator before it says that it has started."""

    app: App
    root_key: str
    record: Path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def started(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                await ensure_administrator(self.app, self.root_key, self.record)
            await send(message)

        await self.app(scope, receive, started if scope["type"] == "lifespan" else send)


def is_reading(request: Request) -> bool:
    """Whether a request changes nothing, by the operation that it names, as far as it names one."""
    named = request.headers.get("x-amz-target") or request.path
    operation = re.split(r"[./]", named)[-1]
    return request.method in {"GET", "HEAD"} or operation.startswith(_READING)


async def _stopping() -> MutableMapping[str, Any]:
    return {"type": "lifespan.shutdown"}


async def _ignore(_: MutableMapping[str, Any]) -> None:
    return None


async def _serve(app: App, saver: Saver, config: Config) -> bool:
    """Serve until SIGTERM; says whether the state could be saved at the end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    saving = asyncio.create_task(saver.run())
    await serve(app, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type] # ASGI's own types
    saving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await saving
    return await saver.save()


def main() -> None:
    """Serve; ends with 1 when the last state could not be saved."""
    os.umask(0o077)
    home, port = Path(os.environ["CV_EMULATOR_HOME"]), os.environ["GATEWAY_PORT"]
    root_key = os.environ["AWS_ACCESS_KEY_ID"]
    control_key = secrets.token_urlsafe(30)
    guard = Guard(
        hosts=frozenset({f"127.0.0.1:{port}", f"localhost:{port}"}),
        control_key=control_key,
        root_key=root_key,
    )
    record = {"pid": os.getpid(), "port": int(port), "control_key": control_key}
    write_private(home / RECORD, json.dumps(record))
    emulator = WithAdministrator(ministack, root_key, home / ADMINISTRATOR)
    saver = Saver(ministack, Checkpoints(home), float(os.environ["CV_EMULATOR_SAVE_SECONDS"]))
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    saved = asyncio.run(_serve(GuardedApp(emulator, guard, saver.note), saver, config))
    sys.exit(0 if saved else 1)


if __name__ == "__main__":
    main()
