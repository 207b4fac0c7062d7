"""The synthesised stacks, as the JSON that CloudFormation gets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from tests.purity.checkout import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

Template = Mapping[str, Any]
STAGE: Final = "dev"
PYTHON: Final = ROOT / "infra" / ".venv" / "bin" / "python"


def synthesise(checkout: Path, service: str, into: Path) -> dict[str, Template]:
    """The templates of a service's app, by stack, without credentials and with stand-in code."""
    for target in ("lambda", "local"):
        bundle = into / "bundles" / f"{service}-{target}"
        bundle.mkdir(parents=True, exist_ok=True)
        (bundle / "handler.py").write_text("", "utf-8")
    assembly = into / service
    run(
        checkout,
        str(PYTHON),
        f"infra/{service}/app.py",
        STAGE=STAGE,
        CDK_OUTDIR=str(assembly),
        CV_BUNDLES=str(into / "bundles"),
    )
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text("utf-8"))
        for path in sorted(assembly.glob("*.template.json"))
    }


def strings_in(value: Any) -> Iterator[str]:
    """Every string anywhere in a template's value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)


def physical_names(template: Template) -> set[str]:
    """The names that a stack gives to resources of its own."""
    return {
        name
        for resource in template["Resources"].values()
        for key, name in resource.get("Properties", {}).items()
        if key.endswith("Name") and isinstance(name, str) and name.startswith("cv-analytics-")
    }


def of_type(template: Template, kind: str) -> list[Mapping[str, Any]]:
    """The properties of all resources of a type."""
    return [
        resource.get("Properties", {})
        for resource in template["Resources"].values()
        if resource["Type"] == kind
    ]
