"""Where things lie in the checkout, each place named once."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".local"
LOGS = HOME / "logs"
DIST = ROOT / "dist"
BUNDLES = DIST / "bundles"
ASSEMBLIES = DIST / "cdk"
INFRA = ROOT / "infra"
SERVICES = ROOT / "services"
CONTRACTS = SERVICES / "shared-contracts"
SAMPLE_DATA = CONTRACTS / "sample-data"
TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"


def venv_python(folder: Path) -> Path:
    """The interpreter of a folder's virtual environment."""
    return folder / ".venv" / "bin" / "python"


def shown(path: Path) -> str:
    """The path as a person in the checkout would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
