"""The nine criteria, each a function that returns its evidence or raises `ImpureError`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from tests.purity.checkout import (
    ROOT,
    SERVICES,
    ImpureError,
    Run,
    copy_without,
    modules_imported_by,
    other,
    run,
    version_of,
)
from tests.purity.templates import Template, of_type, physical_names, strings_in, synthesise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Evidence:
    """Where the evidence is made: copies of the checkout, each without one service."""

    folder: Path
    _made: dict[str, Path] = field(default_factory=dict)

    def alone(self, service: str) -> Path:
        """A checkout in which the other service never was."""
        if service not in self._made:
            self._made[service] = copy_without(other(service), self.folder)
        return self._made[service]

    @cached_property
    def synthesised(self) -> dict[str, tuple[dict[str, Template], Run]]:
        """Each service's stacks, synthesised alone."""
        return {
            service: synthesise(self.alone(service), service, self.folder / "assemblies" / service)
            for service in SERVICES
        }

    def stack(self, service: str) -> Template:
        """The service's own stack, without its links."""
        templates, _ = self.synthesised[service]
        return templates[f"cv-analytics-{service}-dev"]

    @property
    def links(self) -> Template:
        """The one stack of joints."""
        templates, _ = self.synthesised["reporter"]
        return templates["cv-analytics-reporter-links-dev"]


def deployable(evidence: Evidence) -> str:
    """Each stack comes into being with the other service deleted, asking nothing of its stack."""
    told = []
    for service in SERVICES:
        _, done = evidence.synthesised[service]
        stack = evidence.stack(service)
        looked_up = [
            parameter["Default"]
            for parameter in stack.get("Parameters", {}).values()
            if "/cv-analytics/" in str(parameter.get("Default", ""))
        ]
        _none("it looks others up when it deploys", looked_up)
        told.append(f"{service} {len(stack['Resources'])} resources in {done.seconds:.0f} s")
    return f"synthesised with the other deleted: {', '.join(told)}"


def versioned(evidence: Evidence) -> str:
    """Each says its own version, and its functions are deployed under it."""
    for service in SERVICES:
        for function in of_type(evidence.stack(service), "AWS::Lambda::Function"):
            running = function["Environment"]["Variables"]["SERVICE_VERSION"]
            if running != version_of(service):
                raise ImpureError(f"{function['FunctionName']} runs {running}")
    return ", ".join(f"{service}-v{version_of(service)}" for service in SERVICES)


def stored(_: Evidence) -> str:
    """Each is one folder, complete in itself, that points to no other service's."""
    for service in SERVICES:
        folder = ROOT / "services" / service
        _none(
            f"{service} lacks",
            [
                name
                for name in ("pyproject.toml", "requirements.lock", "README.md", "src", "tests")
                if not (folder / name).exists()
            ],
        )
        links = [path for path in folder.rglob("*") if path.is_symlink() and _is_source(path)]
        _none(f"{service} has links out of its folder", links)
    return "services/<name> holds its code, tests, locks and README; no links out of it"


def scaled(evidence: Evidence) -> str:
    """No function, table, queue or bus serves both; tables and functions scale on demand."""
    for service in SERVICES:
        for table in of_type(evidence.stack(service), "AWS::DynamoDB::Table"):
            if table["BillingMode"] != "PAY_PER_REQUEST":
                raise ImpureError(f"{table['TableName']} has a fixed capacity")
        for function in of_type(evidence.stack(service), "AWS::Lambda::Function"):
            if not function["FunctionName"].startswith(f"cv-analytics-dev-{service}-"):
                raise ImpureError(f"{function['FunctionName']} is not {service}'s own")
    functions = sum(len(of_type(evidence.stack(s), "AWS::Lambda::Function")) for s in SERVICES)
    return f"{functions} functions, each with its own role; tables on demand; nothing shared"


def built(evidence: Evidence) -> str:
    """Each is linted, tested and built by `make` with the other deleted."""
    told = []
    for service in SERVICES:
        targets = [f"{verb}-{service}" for verb in ("lint", "test", "build")]
        done = run(evidence.alone(service), "make", *targets)
        told.append(f"{service} in {done.seconds:.0f} s")
    return f"make lint test build with the other deleted: {', '.join(told)}"


def managed(_: Evidence) -> str:
    """Each has its own hash-locked dependencies and its own settings."""
    pins = {}
    for service in SERVICES:
        lock = (ROOT / "services" / service / "requirements.lock").read_text("utf-8")
        pins[service] = len(re.findall(r"^\S+==\S+", lock, re.MULTILINE))
        if lock.count("--hash=") < pins[service] or "://" in lock:
            raise ImpureError(f"{service}'s lock has no hashes, or names an index")
        if not (ROOT / "infra" / service / "settings.py").is_file():
            raise ImpureError(f"{service} has no settings of its own")
    told = ", ".join(f"{service} {count}" for service, count in pins.items())
    return f"own hash-locked packages ({told}), own settings by stage"


def communicating(evidence: Evidence) -> str:
    """They know each other's contracts and nothing else."""
    for service in SERVICES:
        foreign = f"cv_{other(service)}"
        _none(
            f"{service} imports {foreign}",
            [
                str(path.relative_to(ROOT))
                for path, module in modules_imported_by(service)
                if module.split(".")[0] == foreign
            ],
        )
    kinds = {resource["Type"] for resource in evidence.links["Resources"].values()}
    _none("the links own more than joints", sorted(kinds - _JOINTS))
    rules = len(of_type(evidence.links, "AWS::Events::Rule"))
    return f"no import of the other; {rules} rules and 1 permission to call, in one links stack"


def on_own_infrastructure(evidence: Evidence) -> str:
    """No resource is in two stacks, and no stack exports or imports."""
    names = {service: physical_names(evidence.stack(service)) for service in SERVICES}
    _none("both stacks have", sorted(names["processor"] & names["reporter"]))
    for service in SERVICES:
        template = evidence.stack(service)
        if "Fn::ImportValue" in json.dumps(template):
            raise ImpureError(f"{service} imports another stack's export")
        _none("exports", [o for o in template.get("Outputs", {}).values() if "Export" in o])
    counts = ", ".join(f"{service} {len(found)}" for service, found in names.items())
    return f"named resources ({counts}), none in both; no exports"


def owning_its_data(evidence: Evidence) -> str:
    """No role of one service can reach the other's table, nor does its stack know the name."""
    for service in SERVICES:
        table = re.compile(rf"(?:^|table/)cv-analytics-dev-{other(service)}(?:$|/)")
        stacks = [evidence.stack(service), evidence.links]
        _none(
            f"{service} names the other's table",
            [s for template in stacks for s in strings_in(template) if table.search(s)],
        )
    return "no stack names the other's table; the system test shows IAM refusing it"


@dataclass(frozen=True)
class Criterion:
    """A criterion of purity, and how it is shown."""

    name: str
    proves: Callable[[Evidence], str]


CRITERIA: Final = (
    Criterion("deployable", deployable),
    Criterion("versioned", versioned),
    Criterion("stored", stored),
    Criterion("scaled", scaled),
    Criterion("built", built),
    Criterion("managed", managed),
    Criterion("communicating", communicating),
    Criterion("on its own infrastructure", on_own_infrastructure),
    Criterion("owning its data", owning_its_data),
)
_JOINTS: Final = {
    "AWS::CDK::Metadata",
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
}


def _none(says: str, found: object) -> None:
    if found:
        raise ImpureError(f"{says}: {found}")


def _is_source(path: Path) -> bool:
    return not {".venv", "node_modules"} & set(path.parts)
