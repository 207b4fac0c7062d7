"""Synthesise an assembly, without credentials: `python -m tools.build.synth processor dev`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tools.build.node import NodeError, node
from tools.paths import ASSEMBLIES, BUNDLES, INFRA, ROOT, TOOLS, shown, venv_python

if TYPE_CHECKING:
    from pathlib import Path


def main(arguments: list[str]) -> None:
    """Command line: unit, stage. One line on failure of the set-up."""
    unit, stage = arguments
    print(shown(synthesise(unit, stage)))


def synthesise(
    unit: str, stage: str, *, bundles: Path = BUNDLES, assemblies: Path = ASSEMBLIES
) -> Path:
    """Write `dist/cdk/<stage>/<unit>` anew, with the services' code from `bundles`."""
    final = assemblies / stage / unit
    fresh = final.with_name(f"{unit}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    try:
        environment |= {
            "STAGE": stage,
            "COMMIT": os.environ.get("COMMIT") or _commit(stage),
            "CDK_OUTDIR": str(fresh),
            "CV_BUNDLES": str(bundles),
            "JSII_NODE": str(node()),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(TOOLS / "jsii"),
            # nothing is written outside the checkout; the library's cache asks HOME alone
            "CDK_HOME": str(TOOLS / "cdk-home"),
            "HOME": str(TOOLS / "cdk-home"),
        }
    except NodeError as error:
        sys.exit(f"error: {error}")
    app = INFRA / unit / "app.py"
    answer = subprocess.run([venv_python(INFRA), app], env=environment, check=False)
    if answer.returncode:
        sys.exit(answer.returncode)
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    return final


def _commit(stage: str) -> str:
    """The commit that is checked out; `local` for the embedded AWS, where it would only make every
    commit a change of all functions."""
    if stage == "local":
        return stage
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    main(sys.argv[1:])
