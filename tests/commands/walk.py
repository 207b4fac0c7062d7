"""A random walk over the commands of one checkout, with kills; after each step the rules hold.

- A command that nothing disturbs succeeds.
- A disturbed one succeeds, or says in one line what is wrong; the next undisturbed one succeeds.
- What was acknowledged `LOST_SECONDS` before a kill, or earlier, is there at the next start.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.commands.checkout import GONE, Checkout, Ended
from tools.deploy.account import Account, administrator
from tools.emulator.emulator import Emulator

LOST_SECONDS: Final = 10.0  # docs/decisions/0008
DISK_BYTES: Final = 1_500 * 1024**2
TABLE: Final = "acknowledged"
COMMANDS: Final = ("up", "down", "demo")


@dataclass
class Walk:
    """A checkout, and what must be in its embedded AWS."""

    checkout: Checkout
    choose: random.Random
    has_own_disk: bool
    say: Callable[[str], None] = print
    acknowledged: dict[str, float] = field(default_factory=dict)
    """When each item was acknowledged."""
    done: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Items that a kill may have taken: acknowledged just before it."""

    def run(self, commands: int) -> None:
        """Walk until so many commands have run; then the demonstration works."""
        while self.done.total() < commands:
            step = self.choose.choices(list(self._steps()), list(self._steps().values()))[0]
            step()
            self._acknowledge()
        self.undisturbed("demo")

    def _steps(self) -> dict[Callable[[], None], int]:
        steps = {
            self.one: 4,
            self.kill_command: 5,
            self.kill_emulator: 2,
            self.kill_emulator_below: 3,
            self.two: 4,
            self.forget: 1,
        }
        return steps | ({self.fill_disk: 2} if self.has_own_disk else {})

    # ---- steps --------------------------------------------------------------------------------

    def one(self) -> None:
        """A command that nothing disturbs."""
        self.undisturbed(self.choose.choice(COMMANDS))

    def undisturbed(self, command: str) -> None:
        """It succeeds; what was acknowledged is there."""
        ended = self._ended(self.checkout.make(command).end(), "")
        assert ended.code == 0, f"`{ended.command}` failed:\n{ended.output}"
        if command == "demo":
            assert "e-mails sent" in ended.output, ended.output
        if command != "down":
            self._check()

    def kill_command(self) -> None:
        """A command is killed with all its children, somewhere on its way."""
        started = self.checkout.make(self.choose.choice(COMMANDS))
        self._ended(started.killed_after(self.choose.uniform(0, 15)), "killed")

    def kill_emulator(self) -> None:
        """The emulator is killed while nothing runs, or nothing is there to kill."""
        self._kill_emulator()

    def kill_emulator_below(self) -> None:
        """The emulator is killed below a command."""
        started = self.checkout.make(self.choose.choice(COMMANDS))
        time.sleep(self.choose.uniform(0, 15))
        self._kill_emulator()
        self._ended(started.end(), "its emulator killed")

    def two(self) -> None:
        """Two commands at the same time."""
        pair = [self.checkout.make(self.choose.choice(COMMANDS)) for _ in range(2)]
        for started in pair:
            self._ended(started.end(), "beside another")

    def forget(self) -> None:
        """The data is deleted."""
        ended = self._ended(self.checkout.make("clean-local").end(), "")
        assert ended.code == 0, ended.output
        self.acknowledged.clear()

    def fill_disk(self) -> None:
        """The disk is full during a command; afterwards there is space again."""
        filler = self.checkout.home / "filler"
        self._forget_after(time.time() - LOST_SECONDS)
        _fill(filler)
        try:
            ended = self.checkout.make(self.choose.choice(COMMANDS)).end()
            self._ended(ended, "on a full disk")
        finally:
            filler.unlink(missing_ok=True)

    # ---- rules --------------------------------------------------------------------------------

    def _ended(self, ended: Ended, how: str) -> Ended:
        self.done[f"{ended.command} {how}".strip()] += 1
        errors = [line for line in ended.output.splitlines() if line.startswith("error:")]
        state = "killed" if ended.code == GONE else f"exit {ended.code}"
        self.say(f"{self.done.total():4} {ended.command} {how}: {state} {' '.join(errors)[:160]}")
        assert ended.is_explained, f"`{ended.command}` {how}, exit {ended.code}:\n{ended.output}"
        return ended

    def _kill_emulator(self) -> None:
        running = Emulator(self.checkout.home).running()
        if running is None:
            return
        self._forget_after(time.time() - LOST_SECONDS)
        try:
            os.kill(running.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.done["kill -9 of the emulator"] += 1
        self.say(f"{self.done.total():4} kill -9 of the emulator")

    def _forget_after(self, moment: float) -> None:
        """What was acknowledged later may be gone."""
        late = [key for key, at in self.acknowledged.items() if at > moment]
        self.lost += len(late)
        for key in late:
            del self.acknowledged[key]

    def _acknowledge(self) -> None:
        with self._table() as (table, is_there):
            if table is None:
                return
            if not is_there:
                table.create_table(
                    TableName=TABLE,
                    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                    BillingMode="PAY_PER_REQUEST",
                )
            key = f"{time.time():.6f}"
            table.put_item(TableName=TABLE, Item={"pk": {"S": key}})
            self.acknowledged[key] = time.time()

    def _check(self) -> None:
        with self._table() as (table, is_there):
            items = table.scan(TableName=TABLE)["Items"] if table and is_there else []
            missing = set(self.acknowledged) - {item["pk"]["S"] for item in items}
            assert not missing, f"acknowledged, but gone: {sorted(missing)}"

    @contextmanager
    def _table(self) -> Iterator[tuple[Any, bool]]:
        """DynamoDB of the running emulator, or None; and whether the table is there."""
        running = Emulator(self.checkout.home).running()
        if running is None:
            yield None, False
            return
        with administrator(running) as account:
            tables = _answering(account)
            yield tables, bool(tables) and TABLE in tables.list_tables()["TableNames"]


def _answering(account: Account) -> Any:
    """Its DynamoDB; None while it starts or stops."""
    client = account.client("dynamodb")
    try:
        client.list_tables()
    except Exception:  # noqa: BLE001 (refused, cut off, not yet an administrator: not up)
        return None
    return client


def _fill(path: Path) -> None:
    """Take all space of the disk, whatever others write meanwhile."""
    with suppress(OSError), path.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(1024**2))


@contextmanager
def own_disk(checkout: Checkout) -> Iterator[bool]:
    """A disk of its own for the checkout's state, where this user may mount one; says whether."""
    checkout.home.mkdir()
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(checkout.home)],
        capture_output=True,
        check=False,
    ).returncode
    try:
        yield mounted
    finally:
        Emulator(checkout.home).forget()
        if mounted:
            # the functions' processes end a moment after their emulator
            subprocess.run(["umount", "--lazy", str(checkout.home)], check=True)
