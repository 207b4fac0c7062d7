"""The nine criteria, each a function that returns its evidence or raises `ImpureError`.

Evidence carries no figure that changes from run to run: the README shows it as it is printed.
"""

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
    copy_without,
    is_source,
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
    """Where the evidence is made: copies of the checkout `root`, each without one service."""

    folder: Path
    root: Path = ROOT
    _made: dict[str, Path] = field(default_factory=dict)

    def alone(self, service: str) -> Path:
        """A checkout in which the other service never was."""
        if service not in self._made:
            self._made[service] = copy_without(other(service), self.root, self.folder)
        return self._made[service]

    @cached_property
    def synthesised(self) -> dict[str, dict[str, Template]]:
        """Each service's stacks, synthesised alone."""
        return {
            service: synthesise(self.alone(service), service, self.folder / "assemblies" / service)
            for service in SERVICES
        }

    def stack(self, service: str) -> Template:
        """The service's own stack, without its links."""
        return self.synthesised[service][f"cv-analytics-{service}-dev"]

    @property
    def links(self) -> Template:
        """The one stack of joints."""
        return self.synthesised["reporter"]["cv-analytics-reporter-links-dev"]


def deployable(evidence: Evidence) -> str:
    """Each stack comes into being with the other service deleted, asking nothing of its stack."""
    for service in SERVICES:
        parameters = evidence.stack(service).get("Parameters", {}).values()
        looked_up = [str(parameter.get("Default", "")) for parameter in parameters]
        _none(
            f"{service}, when it deploys, looks up",
            [name for name in looked_up if "/cv-analytics/" in name],
        )
    return (
        "each stack is synthesised without credentials and with the other service deleted, and "
        "looks nothing up; `make test-deployment` deploys the Reporter alone into an empty account"
    )


def versioned(evidence: Evidence) -> str:
    """Each says its own version, and its functions are deployed under it."""
    for service in SERVICES:
        version = version_of(service, evidence.root)
        for function in of_type(evidence.stack(service), "AWS::Lambda::Function"):
            running = function["Environment"]["Variables"]["SERVICE_VERSION"]
            if running != version:
                raise ImpureError(f"{function['FunctionName']} runs {running}, not {version}")
    return (
        "each package has its own version, every function runs under it, "
        "and a release is tagged `<service>-v<semver>`"
    )


def stored(evidence: Evidence) -> str:
    """Each is one folder, complete in itself, that points to no other service's."""
    for service in SERVICES:
        folder = evidence.root / "services" / service
        _none(
            f"{service} lacks",
            [
                name
                for name in ("Makefile", "pyproject.toml", "requirements.lock", "README.md", "src")
                if not (folder / name).exists()
            ],
        )
        links = [path for path in folder.rglob("*") if path.is_symlink()]
        _none(
            f"{service} has links out of its folder",
            [str(path) for path in links if is_source(path.relative_to(evidence.root))],
        )
    return "`services/<name>` holds code, tests, lock files and README; no link leads out of it"


def scaled(evidence: Evidence) -> str:
    """No function, table, queue or bus serves both; tables and functions scale on demand."""
    roles: list[str] = []
    for service in SERVICES:
        for table in of_type(evidence.stack(service), "AWS::DynamoDB::Table"):
            if table["BillingMode"] != "PAY_PER_REQUEST":
                raise ImpureError(f"{table['TableName']} has a fixed capacity")
        for function in of_type(evidence.stack(service), "AWS::Lambda::Function"):
            if not function["FunctionName"].startswith(f"cv-analytics-dev-{service}-"):
                raise ImpureError(f"{function['FunctionName']} is not {service}'s own")
            roles.append(f"{service} {function['Role']}")
    _none("functions share a role", sorted({role for role in roles if roles.count(role) > 1}))
    return f"{len(roles)} functions, none shared, each with its own role; tables on demand"


def built(evidence: Evidence) -> str:
    """Each is linted, tested and built by `make` with the other deleted."""
    for service in SERVICES:
        checkout = evidence.alone(service)
        run(checkout, "make", *(f"{verb}-{service}" for verb in ("lint", "test", "build")))
        if not list((checkout / "dist").glob(f"cv_{service}-*.whl")):
            raise ImpureError(f"make build-{service} made no wheel")
    return BUILT


BUILT: Final = (
    "`make lint-X`, `make test-X` and `make build-X` succeed with the other service deleted"
)


def managed(evidence: Evidence) -> str:
    """Each has its own hash-locked dependencies and its own settings."""
    for service in SERVICES:
        lock = (evidence.root / "services" / service / "requirements.lock").read_text("utf-8")
        pins = re.findall(r"^\S+==\S+", lock, re.MULTILINE)
        if not pins or lock.count("--hash=") < len(pins) or "://" in lock:
            raise ImpureError(f"{service}'s lock has no hashes, or names an index")
        if not (evidence.root / "infra" / service / "settings.py").is_file():
            raise ImpureError(f"{service} has no settings of its own")
    return "each has hash-locked dependencies of its own, and settings by stage of its own"


def communicating(evidence: Evidence) -> str:
    """They know each other's contracts and nothing else."""
    for service in SERVICES:
        foreign = f"cv_{other(service)}"
        _none(
            f"{service} imports {foreign}",
            [
                str(path.relative_to(evidence.root))
                for path, module in modules_imported_by(service, evidence.root)
                if module.split(".")[0] == foreign
            ],
        )
    kinds = {resource["Type"] for resource in evidence.links["Resources"].values()}
    _none("the links own more than joints", sorted(kinds - _JOINTS))
    rules = len(of_type(evidence.links, "AWS::Events::Rule"))
    calls = len(of_type(evidence.links, "AWS::IAM::Policy"))
    return (
        f"no import of the other's code; all joints ({rules} rules, {calls} permissions to call) "
        "stand in one stack, `reporter-links`"
    )


def on_own_infrastructure(evidence: Evidence) -> str:
    """No resource is in two stacks, none names another's, and no stack exports or imports."""
    names = {service: physical_names(evidence.stack(service)) for service in SERVICES}
    _none("both stacks have", sorted(names["processor"] & names["reporter"]))
    for service in SERVICES:
        template = evidence.stack(service)
        foreign = f"cv-analytics-dev-{other(service)}"
        _none(f"{service} names", sorted({s for s in strings_in(template) if foreign in s}))
        if "Fn::ImportValue" in json.dumps(template):
            raise ImpureError(f"{service} imports another stack's export")
        _none("exports", [o for o in template.get("Outputs", {}).values() if "Export" in o])
    return "no resource is in both stacks, neither names one of the other's; no exports"


def owning_its_data(evidence: Evidence) -> str:
    """No role of one service can reach the other's table, nor does its stack know the name."""
    for service in SERVICES:
        table = re.compile(rf"(?:^|table/)cv-analytics-dev-{other(service)}(?:$|/)")
        stacks = [evidence.stack(service), evidence.links]
        _none(
            f"{service} names the other's table",
            [s for template in stacks for s in strings_in(template) if table.search(s)],
        )
    return "no stack names the other's table; `make test-system` sees IAM refuse it"


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
HEADER: Final = ("| independently | | evidence |", "|---|---|---|")
_JOINTS: Final = {
    "AWS::CDK::Metadata",
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
}


def row(criterion: Criterion, shown: str, *, holds: bool = True) -> str:
    """One line of the scorecard."""
    return f"| {criterion.name} | {'yes' if holds else '**no**'} | {shown} |"


def _none(says: str, found: object) -> None:
    if found:
        raise ImpureError(f"{says}: {found}")
