"""Synthesises the Reporter's stacks: `STAGE=dev python infra/reporter/app.py`."""

from __future__ import annotations

import sys
from pathlib import Path

# An app runs as a file; the constructs stand beside its folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cdk_constructs.app import service_app
from cdk_constructs.stack import bundle_of, version_of
from cdk_constructs.stage import stage_of_environment
from reporter.links import ReporterLinksStack
from reporter.sender import ReporterSenderStack
from reporter.settings import SENDER
from reporter.stack import SERVICE, ReporterStack


def main() -> None:
    """Write the assembly to `CDK_OUTDIR`."""
    stage = stage_of_environment()
    app = service_app(stage)
    ReporterStack(app, stage, bundle_of(SERVICE, stage), version_of(SERVICE))
    ReporterLinksStack(app, stage)
    if not stage.emulated:
        ReporterSenderStack(app, SENDER)
    app.synth()


if __name__ == "__main__":
    main()
