"""The code and the assembly of the system before, made of today's bundles."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from migration.before.names import STAGE
from tools.build.node import node
from tools.deploy.account import LOCAL_STAGE
from tools.paths import BUNDLES, DIST, INFRA, ROOT, TOOLS

OWN: Final = Path(__file__).parent / "src" / "cv_pragmatic"
BUILT: Final = DIST / "migration"
KIND: Final = "local" if STAGE == LOCAL_STAGE else "lambda"
ASSEMBLY: Final = BUILT / "pragmatic"


def bundles(today: Path = BUNDLES, into: Path = BUILT / "bundles") -> Path:
    """Today's bundles, with what only this system has; returns the folder of both.

    The Reporter's carries the Processor's package, whose private modules it imports: this is the
    coupling that the migration ends.
    """
    shutil.rmtree(into, ignore_errors=True)
    for service in ("processor", "reporter"):
        bundle = into / service
        shutil.copytree(today / f"{service}-{KIND}", bundle, copy_function=os.link)
        shutil.copytree(OWN, bundle / OWN.name, ignore=shutil.ignore_patterns("__pycache__"))
    package = "cv_processor"
    for name in (package, *(p.name for p in (into / "processor").glob(f"{package}-*"))):
        shutil.copytree(into / "processor" / name, into / "reporter" / name, copy_function=os.link)
    return into


def synthesise(code: Path, assembly: Path = ASSEMBLY) -> Path:
    """Write the assembly anew, without credentials."""
    shutil.rmtree(assembly, ignore_errors=True)
    home = str(TOOLS / "cdk-home")
    environment = {
        **{name: value for name, value in os.environ.items() if name[:4] != "AWS_"},
        "CDK_OUTDIR": str(assembly),
        "JSII_NODE": str(node()),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(TOOLS / "jsii"),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(INFRA))),
        "CDK_HOME": home,
        "HOME": home,
    }
    app = [sys.executable, "-m", "migration.before.app", str(code)]
    subprocess.run(app, cwd=ROOT, env=environment, check=True)
    return assembly
