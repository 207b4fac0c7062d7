"""Move resources between stacks: the old ones leave them, new ones import them. Its own inverse.

An interrupted move goes on where it was: each step looks at what is there. On an account one
`CreateStackRefactor` does the same at once; the embedded AWS lacks that call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from migration.kit.changes import ChangeError, ChangeSet, Counts, Stacks
from migration.kit.templates import NAMES, Key, Template, key_of, only, references

IMPORTABLE: Final = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::SQS::Queue",
    }
)
"""What moves. All else (mappings, a schedule, the mail's sender) is small, holds no data, and is
taken over: the old stack takes its one away, the new stack makes another."""
RETAINED: Final = frozenset({"Retain", "RetainExceptOnCreate"})


class NotRetainedError(ValueError):
    """A resource would be deleted when it leaves its stack."""


@dataclass(frozen=True, slots=True)
class Move:
    """From the stacks of `source` to those of `target`; both by name, with their templates."""

    source: Mapping[str, Template]
    target: Mapping[str, Template]

    @property
    def inverse(self) -> Move:
        """The move back."""
        return Move(self.target, self.source)

    @property
    def keys(self) -> set[Key]:
        """All that moves, by type and name."""
        return _keys(self.source)


def check(move: Move) -> None:
    """Both sides hold the same resources, and none is deleted on the way.

    Raises `NotRetainedError` or `ChangeError`.
    """
    _check_retained(move)
    _check_references(move)
    before, after = _keys(move.source), _keys(move.target)
    if before != after:
        unequal = ", ".join(f"{kind} {name}" for kind, name in sorted(before ^ after))
        raise ChangeError(f"the stacks before and after do not hold the same: {unequal}")


def _check_retained(move: Move) -> None:
    for name, template in move.source.items():
        for logical_id, resource in only(template, IMPORTABLE)["Resources"].items():
            if resource.get("DeletionPolicy") not in RETAINED:
                raise NotRetainedError(f"{name}: {logical_id} would be deleted with its stack")


def _check_references(move: Move) -> None:
    """An import holds what moves alone, so that may refer to nothing else."""
    for name, template in (*move.source.items(), *move.target.items()):
        moving = only(template, IMPORTABLE)["Resources"]
        missing = {found.logical_id for found in references(moving)} - moving.keys()
        if missing:
            raise ChangeError(f"{name}: what moves refers to what does not: {sorted(missing)}")


def run(stacks: Stacks, move: Move, identifiers: Mapping[str, str]) -> list[ChangeSet]:
    """Do it; returns the change sets. `identifiers`: URL of each queue by its name."""
    check(move)
    for name in move.source:
        stacks.delete(name)
    done = []
    for name, template in move.target.items():
        done += _arrive(stacks, name, template, identifiers)
    return done


def _arrive(
    stacks: Stacks, name: str, template: Template, urls: Mapping[str, str]
) -> list[ChangeSet]:
    """Import what moves, then make what is taken over."""
    done = []
    moving = only(template, IMPORTABLE)
    if stacks.status(name) is None:
        imports = [import_of(moving, logical_id, urls) for logical_id in moving["Resources"]]
        plan = stacks.plan(name, moving, "IMPORT", imports)
        done.append(stacks.apply(plan, Counts(imported=len(imports))))
    stacks.wait(name)
    left = len(template["Resources"]) - len(stacks.physical_ids(name))
    if left:
        done.append(stacks.apply(stacks.plan(name, template), Counts(add=left)))
    return done


def adopt(stacks: Stacks, stack: str, template: Template, logical_id: str) -> list[ChangeSet]:
    """Import one resource, a table, that no stack has, unless the stack has it already.

    `template` has it, and all that the stack has beside it. A new stack begins with it.
    """
    stacks.wait(stack)
    if logical_id in stacks.physical_ids(stack):
        return []
    imports = [import_of(template, logical_id, {})]
    return [stacks.apply(stacks.plan(stack, template, "IMPORT", imports), Counts(imported=1))]


def import_of(template: Template, logical_id: str, urls: Mapping[str, str]) -> dict[str, Any]:
    """How CloudFormation finds a resource that is there: queues by their URL, all else by name."""
    kind, name = key_of(template, logical_id)
    queue = kind == "AWS::SQS::Queue"
    identifier = {"QueueUrl": urls[name]} if queue else {NAMES[kind]: name}
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "ResourceIdentifier": identifier,
    }


def _keys(templates: Mapping[str, Template]) -> set[Key]:
    return {
        key_of(template, logical_id)
        for template in templates.values()
        for logical_id in template["Resources"]
    }
