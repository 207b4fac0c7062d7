"""What every phase works with: the account, its stacks, the traffic, the files that it keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from migration.before.names import (
    OWN_TABLE,
    OWNERS,
    PRAGMATIC,
    REPORT,
    SHARED_TABLE,
    STAGE,
    WRITERS,
    stack_name,
)
from migration.kit.changes import Stacks
from migration.kit.templates import Template
from migration.kit.traffic import Journal
from tools.deploy.account import Account
from tools.emulator.emulator import Emulator
from tools.paths import ASSEMBLIES

BEFORE: Final = stack_name(PRAGMATIC)


class StateError(RuntimeError):
    """The system is not in the state that the command starts from."""


@dataclass(frozen=True)
class Context:
    """`home` is the folder of the rehearsal's embedded AWS."""

    account: Account
    home: Path

    @cached_property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        return Stacks(self.account.client("cloudformation"))

    @property
    def journal(self) -> Journal:
        """What the sender sent."""
        return Journal(self.home / "journal.jsonl")

    @property
    def errors(self) -> Path:
        """A line for each time that the queue did not take an event."""
        return self.home / "send-errors.log"

    @property
    def emulator_pid(self) -> int:
        """The process whose children are the functions. Raises `StateError`."""
        running = Emulator(self.home).running()
        if running is None:
            raise StateError("the embedded AWS ended: `make migrate-before` starts it again")
        return running.pid

    @property
    def state(self) -> float:
        """0 with the one stack, 1 with a stack per service, 2 with the Processor's own table.

        0.5 and 1.5 are on the way. Read off AWS: a command that was interrupted is repeated, and
        goes on from there.
        """
        own = [self.stacks.status(stack_name(owner)) is not None for owner in OWNERS]
        if self.stacks.status(BEFORE) is not None:
            return 0 if not any(own) else 0.5
        return self._state_of_tables() if all(own) else 0.5

    def _state_of_tables(self) -> float:
        """Who writes where, and what the report reads."""
        writes = {self._writes(name) for name in WRITERS}
        reads = self._variables(REPORT).get("ROWS_TABLE", SHARED_TABLE)
        tables = {*self.stacks.physical_ids(stack_name("processor")).values()}
        if OWN_TABLE not in tables:
            return 1
        return 2 if (*writes, reads) == (OWN_TABLE, OWN_TABLE) else 1.5

    def _writes(self, function: str) -> str:
        variables = self._variables(function)
        return variables.get("TABLES", variables["TABLE_NAME"])

    def _variables(self, function: str) -> dict[str, str]:
        found = self.account.client("lambda").get_function_configuration(FunctionName=function)
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables

    def today(self, unit: str) -> Template:
        """Today's template of a service, as `make synth-X STAGE=local` wrote it."""
        path = ASSEMBLIES / STAGE / unit / f"{stack_name(unit)}.template.json"
        found: Template = json.loads(path.read_text("utf-8"))
        return found

    def keep(self, name: str, value: Any) -> None:
        """Write a rollback point, or evidence, as JSON; whole or not at all."""
        path = self.home / "kept" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(value, indent=1, sort_keys=True, default=str), "utf-8")
        fresh.replace(path)

    def kept(self, name: str) -> Any:
        """What was kept under a name. Raises `StateError`."""
        path = self.home / "kept" / f"{name}.json"
        if not path.exists():
            raise StateError(f"{path.name} is missing: phase 0 writes it (`make migrate-0`)")
        return json.loads(path.read_text("utf-8"))

    def forget(self) -> None:
        """Delete what the rehearsal kept."""
        for path in (self.journal.path, self.errors, *(self.home / "kept").glob("*.json")):
            path.unlink(missing_ok=True)

    @cached_property
    def queue_urls(self) -> dict[str, str]:
        """Each queue's URL by its name."""
        pages = self.account.client("sqs").get_paginator("list_queues").paginate()
        urls = (url for page in pages for url in page.get("QueueUrls", ()))
        return {url.rsplit("/", 1)[1]: url for url in urls}

    @cached_property
    def account_id(self) -> str:
        """The account's number."""
        return str(self.account.client("sts").get_caller_identity()["Account"])
