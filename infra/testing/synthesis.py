"""Synthesis inside a test: a stack's template as JSON, with stand-ins for the code to deploy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from cdk_constructs.acknowledge import Acknowledged, acknowledged_in
from cdk_constructs.app import service_app
from cdk_constructs.stage import Stage, stage_named


@dataclass(frozen=True)
class Synthesised:
    """A stack's template, the findings that it acknowledges, and the tags of its deployment."""

    template: dict[str, Any]
    acknowledged: tuple[Acknowledged, ...]
    tags: dict[str, str]


def synthesise(build: Callable[[cdk.App, Stage], cdk.Stack], stage: str) -> Synthesised:
    """Synthesise the stack that `build` makes, cdk-nag included.

    Raises what `cdk synth` would fail with.
    """
    settings = replace(stage_named(stage), alarm_email="owner@cv.example")
    app = service_app(settings)
    stack = build(app, settings)
    made = app.synth().get_stack_by_name(stack.stack_name)
    return Synthesised(made.template, tuple(acknowledged_in(stack)), dict(made.tags))


def template_of(build: Callable[[cdk.App, Stage], cdk.Stack], stage: str) -> dict[str, Any]:
    """The template alone."""
    return synthesise(build, stage).template


def empty_bundle(folder: Path) -> Path:
    """A folder that CDK can package; what is deployed does not matter to a template."""
    (folder / "handler.py").write_text("", "utf-8")
    return folder
