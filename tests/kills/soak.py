"""Kills while pairs arrive, then the documented recovery, then what an undisturbed run has too.

Progress is kept in the folder: a soak that is stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cv_contracts.rest import CorrelationQuery

from tests.kills.pairs import PACE_MS, Pair, send
from tests.system.conftest import dead_letters, eventually, system_of
from tests.system.workers import workers_of
from tools.build.progress import Steps
from tools.demo.system import DAY_MS, DeployedSystem
from tools.deploy import stacks
from tools.deploy.account import administrator
from tools.emulator.emulator import Emulator, Running, free_port
from tools.paths import ROOT

LOST_SECONDS: Final = 10.0  # docs/decisions/0008
DRAIN_SECONDS: Final = 1_200.0
QUEUES: Final = {"processor": "processor-ingest-dlq.fifo", "reporter": "reporter-facts-dlq"}
NOT_COMPARED: Final = {"revision"}  # how often it was corrected depends on the order of arrival


@dataclass
class Progress:
    """How far a soak is. `sent`: when each of the last pairs was accepted, by its number."""

    base: int
    pairs: int = 0
    kills: int = 0
    sent: dict[int, float] = field(default_factory=dict)
    resent: int = 0
    killed: Counter[str] = field(default_factory=Counter)


@dataclass
class Soak:
    """An embedded AWS in a folder, and what is done to it."""

    home: Path
    seed: str
    say: Callable[[str], None] = print

    def __post_init__(self) -> None:
        self.emulator = Emulator(self.home / "aws")
        self._record = self.home / "progress.json"
        self.progress = self._read()

    def deploy(self) -> None:
        """Start and deploy everything, unless it is there."""
        new = not self.emulator.record.exists()
        was_killed = not new and self.emulator.running() is None
        with stacks.start(self.emulator, Steps(), free_port() if new else None) as account:
            if not stacks.linkable(account):
                stacks.deploy(account, stacks.ALL, Steps())
        if was_killed:
            self._send_again(0)

    def disturbed(self, pairs: int, kills: int) -> None:
        """Send so many pairs, and kill so often meanwhile."""
        while self.progress.kills < kills or self.progress.pairs < pairs:
            due = pairs * (self.progress.kills + 1) // max(kills, 1)
            self._send_to(min(pairs, due if kills else pairs))
            if self.progress.kills < kills:
                self._kill()
            self._write()
            if self.progress.kills % 25 == 0:
                self.say(f"{self.progress.kills} kills, {self.progress.pairs} pairs")

    def recover(self) -> None:
        """What the runbook says: redrive, publish again, reconcile, recompute."""
        self._drained()
        before = -1
        while (waiting := sum(map(self.dead, QUEUES))) and waiting != before:
            self.say(f"{waiting} messages in the DLQs: redrive")
            for service in QUEUES:
                self.operate(service, "dlq", "redrive", "--all", "--yes")
            self._drained()
            before = waiting
        days = ("--from", self.first_day, "--to", self.last_day)
        self.operate("processor", "republish", *days, "--yes")
        self._drained()
        self.operate("reporter", "reconcile", *days)
        self._drained()
        self.operate("reporter", "rebuild", *days, "--yes")

    def outcome(self) -> dict[str, Any]:
        """What both services hold of the soak's days."""
        with self.system() as system:
            end = self.progress.base + (self.progress.pairs + 1) * PACE_MS
            query = CorrelationQuery(from_=self.progress.base, to=end)
            correlations = {
                found.request_id: found.model_dump(mode="json", exclude=NOT_COMPARED)
                for found in system.client.correlations(query)
            }
            days = {"from": self.first_day, "to": self.last_day}
            summary = system.reporter.get("/v1/summary", params=days).raise_for_status().json()
        return {"correlations": correlations, "totals": summary["totals"]}

    def unaccounted(self, correlations: dict[str, Any]) -> list[str]:
        """Accepted pairs that are no correlation, no parked conflict and no dead letter."""
        pairs = (Pair(number, self.progress.base) for number in range(self.progress.pairs))
        missing = {pair.request_id for pair in pairs} - set(correlations)
        with self.system() as system:
            parked = json.dumps([dead_letters(system, queue) for queue in QUEUES.values()])
        parked += self.operate("processor", "conflicts")
        return sorted(request for request in missing if request not in parked)

    def disagreement(self) -> str:
        """What a reconciliation says; it fetches nothing when both services agree."""
        said = self.operate(
            "reporter", "reconcile", "--from", self.first_day, "--to", self.last_day
        )
        return said.strip().splitlines()[-1]

    def dead(self, service: str) -> int:
        """Messages in a service's DLQ."""
        with self.system() as system:
            return len(dead_letters(system, QUEUES[service]))

    def operate(self, service: str, *arguments: str) -> str:
        """Run an operators' command to its end; returns what it printed."""
        done = subprocess.run(
            self._command(service, *arguments),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (service, arguments, done.stdout, done.stderr[-2_000:])
        return done.stdout + done.stderr

    @property
    def first_day(self) -> str:
        """The first local day, and the one before it."""
        return _day(self.progress.base - DAY_MS)

    @property
    def last_day(self) -> str:
        """The last day that has a pair."""
        return _day(self.progress.base + self.progress.pairs * PACE_MS)

    @contextmanager
    def system(self) -> Iterator[DeployedSystem]:
        """The system from outside."""
        with administrator(self._running()) as account, system_of(account) as system:
            yield system

    # ---- kills --------------------------------------------------------------------------------

    def _kill(self) -> None:
        choose = random.Random(f"{self.seed}-{self.progress.kills}")
        kind = choose.choices((self._worker, self._operator, self._emulator), (85, 10, 5))[0]
        if killed := kind(choose):
            self.progress.kills += 1
            self.progress.killed[killed] += 1

    def _worker(self, choose: random.Random) -> str:
        """One of the functions that run; nothing if none does."""
        time.sleep(choose.uniform(0, 0.3))
        workers = workers_of(self._running().pid)
        if not workers:
            return ""
        victim = choose.choice(workers)
        victim.kill()
        return victim.function

    def _operator(self, choose: random.Random) -> str:
        """A command of an operator; it counts if it had not ended."""
        days = ("--from", self.first_day, "--to", self.last_day)
        service, *arguments = choose.choice(
            (
                ("processor", "dlq", "redrive", "--all", "--yes"),
                ("reporter", "dlq", "redrive", "--all", "--yes"),
                ("processor", "republish", *days, "--yes"),
                ("reporter", "reconcile", *days),
                ("reporter", "rebuild", *days, "--yes"),
            )
        )
        process = subprocess.Popen(
            self._command(service, *arguments),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(timeout=choose.uniform(0.5, 5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"ops-{service} {' '.join(arguments[:2])}".partition(" --")[0]
        return ""

    def _emulator(self, choose: random.Random) -> str:
        """The emulator; what it had accepted in the last seconds is sent again."""
        time.sleep(choose.uniform(0, 3))
        os.kill(self._running().pid, signal.SIGKILL)
        since = time.time() - LOST_SECONDS
        eventually(lambda: self.emulator.running() is None, "the emulator has ended")
        self.emulator.start()
        self._send_again(since)
        return "the emulator"

    def _send_again(self, since: float) -> None:
        again = [number for number, at in self.progress.sent.items() if at > since]
        with self.system() as system:
            for number in again:
                self._send(system, number)
        self.progress.resent += len(again)

    def _send_to(self, number: int) -> None:
        with self.system() as system:
            for new in range(self.progress.pairs, number):
                self._send(system, new)
                self.progress.pairs = new + 1

    def _send(self, system: DeployedSystem, number: int) -> None:
        send(system, Pair(number, self.progress.base))
        now = time.time()
        recent = {old: at for old, at in self.progress.sent.items() if at > now - 6 * LOST_SECONDS}
        self.progress.sent = recent | {number: now}

    # ---- the rest -----------------------------------------------------------------------------

    def _drained(self) -> None:
        with self.system() as system:
            eventually(lambda: system.waiting() == 0, "all queues empty", DRAIN_SECONDS)

    def _running(self) -> Running:
        running = self.emulator.running()
        assert running is not None, "the emulator has ended by itself"
        return running

    def _command(self, service: str, *arguments: str) -> list[str]:
        home = str(self.emulator.home)
        return [sys.executable, "-m", "tests.kills.operate", home, service, *arguments]

    def _read(self) -> Progress:
        try:
            known = json.loads(self._record.read_text("utf-8"))
        except FileNotFoundError:
            midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            return Progress(int((midnight - timedelta(days=4)).timestamp()) * 1_000)
        sent = {int(number): at for number, at in known.pop("sent").items()}
        return Progress(**known | {"sent": sent, "killed": Counter(known["killed"])})

    def _write(self) -> None:
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps(vars(self.progress)), "utf-8")
        fresh.replace(self._record)


def _day(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1_000, UTC).date().isoformat()


def compare(
    folder: Path, pairs: int, kills: int, seed: str, say: Callable[[str], None]
) -> Progress:
    """The whole: a disturbed run and its recovery, then the same pairs undisturbed."""
    disturbed, progress = _run(folder / "disturbed", pairs, kills, seed, say)
    undisturbed, _ = _run(folder / "undisturbed", pairs, 0, seed, say, progress.base)
    assert disturbed == undisturbed
    return progress


def _run(
    home: Path,
    pairs: int,
    kills: int,
    seed: str,
    say: Callable[[str], None],
    base: int | None = None,
) -> tuple[dict[str, Any], Progress]:
    home.mkdir(parents=True, exist_ok=True)
    soak = Soak(home, seed, say)
    soak.progress.base = base or soak.progress.base
    try:
        soak.deploy()
        soak.disturbed(pairs, kills)
        say(f"{pairs} pairs, {kills} kills: {dict(soak.progress.killed)}")
        soak.recover()
        outcome, agreement = soak.outcome(), soak.disagreement()
        say(f"{len(outcome['correlations'])} correlations; {agreement}")
        assert soak.unaccounted(outcome["correlations"]) == []
        assert ", 0 questions fetched" in agreement
    finally:
        soak.emulator.stop()
    return outcome, soak.progress
