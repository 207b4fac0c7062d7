"""Synthesises the system before to `CDK_OUTDIR`: `python -m migration.before.app BUNDLES`."""

from __future__ import annotations

import sys
from pathlib import Path

import aws_cdk as cdk

from migration.before.stack import PragmaticStack


def main(arguments: list[str]) -> None:
    """Write the assembly."""
    [bundles] = arguments
    app = cdk.App(analytics_reporting=False)
    PragmaticStack(app, Path(bundles))
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1:])
