"""Synthesise an assembly, without credentials: `python -m local.synth processor dev`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from local.node import NodeError, node
from local.paths import ASSEMBLIES, BUNDLES, INFRA, TOOLS, shown, venv_python


def main(arguments: list[str]) -> None:
    """Write `dist/cdk/<stage>/<unit>` anew; one line on failure of the set-up."""
    unit, stage = arguments
    final = ASSEMBLIES / stage / unit
    fresh = final.with_name(f"{unit}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name[:4] != "AWS_"}
    try:
        environment |= {
            "STAGE": stage,
            "CDK_OUTDIR": str(fresh),
            "CV_BUNDLES": str(BUNDLES),
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
    print(shown(final))


if __name__ == "__main__":
    main(sys.argv[1:])
