"""The dependencies between the resources of a template, as CloudFormation reads them.

CloudFormation refuses a template whose resources depend on each other in a circle. Everything
inside a resource counts, its `UpdatePolicy` too: that is where an alias names its CodeDeploy group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"\$\{([^!${}.]+)(?:\.[^${}]*)?\}")


def dependencies(template: Mapping[str, Any]) -> dict[str, set[str]]:
    """For each logical id, the resources that CloudFormation creates before it."""
    resources = template.get("Resources", {})
    return {
        logical_id: set(_named_in(resource)) & set(resources)
        for logical_id, resource in resources.items()
    }


def cycle(template: Mapping[str, Any]) -> list[str]:
    """Logical ids of one circle of dependencies, the first one repeated at the end; else empty."""
    try:
        TopologicalSorter(dependencies(template)).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _named_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _named_in(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named_by(key, item)


def _named_by(key: str, item: Any) -> Iterator[str]:
    if key == "Ref":
        yield item
    elif key == "DependsOn":
        yield from [item] if isinstance(item, str) else item
    elif key == "Fn::GetAtt":
        yield item.split(".")[0] if isinstance(item, str) else item[0]
    elif key == "Fn::Sub":
        text, variables = (item, {}) if isinstance(item, str) else item
        yield from set(_PLACEHOLDER.findall(text)) - set(variables)
        yield from _named_in(variables)
    else:
        yield from _named_in(item)
