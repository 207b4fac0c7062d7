"""Every stack of this checkout, in every stage, synthesised once in a test run.

A checkout may lack a service; then its stacks are not there, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import aws_cdk as cdk

from cdk_constructs.stack import REPOSITORY
from cdk_constructs.stage import STAGES, Stage
from testing.synthesis import Synthesised, empty_bundle, synthesise
from testing.template import Template

Build = Callable[[cdk.App, Stage], cdk.Stack]
VERSION: Final = "1.2.3"


def _processor() -> Mapping[str, Build]:
    stack, bundle = import_module("processor.stack"), _bundle()
    return {"processor": lambda app, at: stack.ProcessorStack(app, at, bundle, VERSION)}


def _reporter() -> Mapping[str, Build]:
    stack, bundle = import_module("reporter.stack"), _bundle()
    links, sender = import_module("reporter.links"), import_module("reporter.sender")
    return {
        "reporter": lambda app, at: stack.ReporterStack(app, at, bundle, VERSION),
        "reporter-links": links.ReporterLinksStack,
        "reporter-sender": lambda app, at: sender.ReporterSenderStack(app, stack.SENDER),
    }


def _contracts() -> Mapping[str, Build]:
    stack = import_module("contracts.stack")
    return {"contracts": lambda app, at: stack.ContractsStack(app, at, VERSION)}


def _github() -> Mapping[str, Build]:
    stack = import_module("github.stack")
    return {
        "github": stack.GithubStack,
        "github-provider": lambda app, _: stack.GithubProviderStack(app),
    }


UNITS: Final = {
    "processor": _processor,
    "reporter": _reporter,
    "contracts": _contracts,
    "github": _github,
}
# The embedded AWS has neither pipelines nor other accounts' mail.
ACCOUNT_ONLY: Final = ("github", "github-provider", "reporter-sender")


@cache
def _bundle() -> Path:
    return empty_bundle(Path(mkdtemp(prefix="bundle-")))


@cache
def builders() -> dict[str, Build]:
    """How to build each stack that this checkout has, by name."""
    present = [unit for name, unit in UNITS.items() if (REPOSITORY / "infra" / name).is_dir()]
    return {name: build for unit in present for name, build in unit().items()}


@cache
def synthesised(name: str, stage: str) -> Synthesised:
    """A stack in a stage. Do not change what it holds."""
    return synthesise(builders()[name], stage)


def template(name: str, stage: str) -> Template:
    """The template alone."""
    return synthesised(name, stage).template


def everywhere() -> list[tuple[str, str]]:
    """Every stack and stage in which it is deployed."""
    return [
        (name, stage)
        for name in builders()
        for stage in STAGES
        if not (stage == "local" and name in ACCOUNT_ONLY)
    ]


def on_aws() -> list[tuple[str, str]]:
    """The same without the embedded AWS."""
    return [(name, stage) for name, stage in everywhere() if stage != "local"]


def published(stage: str) -> dict[str, tuple[Template, Any]]:
    """What the stacks of a stage publish: parameter name to its template and value there."""
    return {
        resource["Properties"]["Name"]: (owner, resource["Properties"]["Value"])
        for name, at in everywhere()
        if at == stage
        for owner in [template(name, stage)]
        for resource in owner.get("Resources", {}).values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
