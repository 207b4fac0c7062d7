"""What every phase works with: the account, its stacks, the traffic, the files that it keeps."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from migration.before.names import PRAGMATIC, STAGE, stack_name
from migration.kit.changes import Stacks
from migration.kit.templates import Template
from migration.kit.traffic import Journal
from tools.deploy.account import Account
from tools.emulator.emulator import Emulator
from tools.paths import ASSEMBLIES

BEFORE: Final = stack_name(PRAGMATIC)
POSITION: Final = f"/cv-analytics/{STAGE}/migration/position"


class StateError(RuntimeError):
    """The system is not in the state that the command starts from."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the migration is, in steps of all phases in order.

    `complete` of them are done, `touched` may have changed something. They differ by one while a
    step is done or undone, and after it was interrupted.
    """

    complete: int = 0
    touched: int = 0


@dataclass(frozen=True)
class Context:
    """`home` is the folder of the rehearsal's embedded AWS."""

    account: Account
    home: Path

    @cached_property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        client = self.account.client
        bucket = f"cdk-hnb659fds-assets-{self.account_id}-{self.region}"
        endpoint = {"LocalEndpoint": str(self.account.endpoint)}
        return Stacks(client("cloudformation"), client("s3"), bucket, endpoint)

    @property
    def journal(self) -> Journal:
        """What the sender sent."""
        return Journal(self.home / "journal.jsonl")

    @property
    def errors(self) -> Path:
        """A line for each time that the queue did not take an event."""
        return self.home / "send-errors.log"

    @property
    def poison(self) -> Path:
        """A line for each message that was sent although nobody can read it."""
        return self.home / "poison.log"

    @property
    def emulator_pid(self) -> int:
        """The process whose children are the functions. Raises `StateError`."""
        running = Emulator(self.home).running()
        if running is None:
            raise StateError("the embedded AWS ended: `make migrate-before` starts it again")
        return running.pid

    @property
    def position(self) -> Position:
        """Where the migration is: it stands in the account, beside what it is about."""
        ssm = self.account.client("ssm")
        try:
            value = ssm.get_parameter(Name=POSITION)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return Position()
        return Position(**json.loads(value))

    def move_to(self, position: Position) -> None:
        """Keep a new position."""
        self.account.client("ssm").put_parameter(
            Name=POSITION, Value=json.dumps(asdict(position)), Type="String", Overwrite=True
        )

    def variables(self, function: str) -> dict[str, str]:
        """The environment of a function."""
        client = self.account.client("lambda")
        configuration = client.get_function_configuration(FunctionName=function)
        variables: dict[str, str] = configuration["Environment"]["Variables"]
        return variables

    def today(self, unit: str) -> Template:
        """Today's template of a unit, as `make synth-X STAGE=local` wrote it."""
        folder = ASSEMBLIES / STAGE / unit.removesuffix("-links")
        template: Template = json.loads((folder / f"{stack_name(unit)}.template.json").read_text())
        return template

    def keep(self, name: str, value: Any) -> None:
        """Write a rollback point, or evidence, as JSON; whole or not at all."""
        path = self.home / "kept" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(value, indent=1, sort_keys=True, default=str), "utf-8")
        fresh.replace(path)

    def has_kept(self, name: str) -> bool:
        """Whether something was kept under a name."""
        return (self.home / "kept" / f"{name}.json").exists()

    def kept(self, name: str) -> Any:
        """What was kept under a name. Raises `StateError`."""
        if not self.has_kept(name):
            raise StateError(f"{name}.json is missing: an earlier phase writes it")
        return json.loads((self.home / "kept" / f"{name}.json").read_text("utf-8"))

    def forget(self) -> None:
        """Delete what the rehearsal kept."""
        for path in (*self.home.glob("*.jsonl"), *self.home.glob("kept/*.json")):
            path.unlink()
        for path in (self.errors, self.poison):
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

    @property
    def region(self) -> str:
        """The account's region."""
        return str(self.account.session.region_name)

    def table_arn(self, name: str) -> str:
        """The ARN of a table."""
        return f"arn:aws:dynamodb:{self.region}:{self.account_id}:table/{name}"
