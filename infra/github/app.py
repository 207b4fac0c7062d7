"""Synthesises the roles of the pipelines: `STAGE=dev python infra/github/app.py`."""

from __future__ import annotations

import sys
from pathlib import Path

# An app runs as a file; the constructs stand beside its folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cdk_constructs.app import service_app
from cdk_constructs.stage import stage_of_environment
from github.stack import GithubProviderStack, GithubStack


def main() -> None:
    """Write the assembly to `CDK_OUTDIR`."""
    stage = stage_of_environment()
    app = service_app(stage)
    GithubProviderStack(app)
    GithubStack(app, stage)
    app.synth()


if __name__ == "__main__":
    main()
