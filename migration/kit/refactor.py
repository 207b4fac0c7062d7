"""Move resources between stacks of an account: one stack refactoring, which touches no resource.

AWS leaves no stack without a resource, so one that gives all that it has gets a wait handle
first, which costs nothing and does nothing, and is deleted with it afterwards. The embedded AWS
lacks the call: there, `move.run` does the same in two steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from migration.kit.changes import ChangeError, Limits, Stacks
from migration.kit.move import Move, check
from migration.kit.templates import Key, Template, key_of

LEFT: Final = "LeftBehind"
HANDLE: Final[Template] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
WAITER: Final = {"Delay": 2, "MaxAttempts": 150}


def run(stacks: Stacks, move: Move) -> list[str]:
    """Do it; a repeated one goes on. Returns what moved. Raises `ChangeError`.

    AWS refuses a refactoring that would change a property, and one of which a stack is not at
    rest. Whatever it would do besides moving is refused here.
    """
    check(move)
    done = []
    leaving = {name: one for name, one in move.source.items() if stacks.status(name) is not None}
    if leaving and not all(stacks.status(name) for name in move.target):
        for name, template in leaving.items():
            stacks.reach(name, with_handle(template), Limits())
        done = _refactored(stacks.cloudformation, move)
    for name in leaving:
        stacks.delete(name)
    return done


def with_handle(template: Template) -> Template:
    """The template with what stays when all else has moved."""
    return {**template, "Resources": {**template["Resources"], LEFT: HANDLE}}


def _refactored(cloudformation: Any, move: Move) -> list[str]:
    definitions = {name: {"Resources": {LEFT: HANDLE}} for name in move.source} | dict(move.target)
    id_ = cloudformation.create_stack_refactor(
        EnableStackCreation=True,
        ResourceMappings=mappings(move),
        StackDefinitions=[
            {"StackName": name, "TemplateBody": json.dumps(template)}
            for name, template in definitions.items()
        ],
    )["StackRefactorId"]
    waiter = cloudformation.get_waiter("stack_refactor_create_complete")
    waiter.wait(StackRefactorId=id_, WaiterConfig=WAITER)
    moved = _moved(cloudformation.list_stack_refactor_actions(StackRefactorId=id_), len(move.keys))
    cloudformation.execute_stack_refactor(StackRefactorId=id_)
    waiter = cloudformation.get_waiter("stack_refactor_execute_complete")
    waiter.wait(StackRefactorId=id_, WaiterConfig=WAITER)
    return moved


def _moved(answer: Mapping[str, Any], wanted: int) -> list[str]:
    """What AWS plans for the resources. Raises `ChangeError` when that is not to move them all."""
    actions = [one for one in answer["StackRefactorActions"] if one["Entity"] == "RESOURCE"]
    moved = [one["PhysicalResourceId"] for one in actions if one["Action"] == "MOVE"]
    tagged = any(one.get("TagResources") or one.get("UntagResources") for one in actions)
    if len(moved) != wanted or len(actions) != wanted or tagged:
        raise ChangeError(f"refused: {len(moved)} of {wanted} moved, {len(actions)} actions")
    return [f"moved {len(moved)}"]


def mappings(move: Move) -> Sequence[Mapping[str, Any]]:
    """Where each resource is, and where it will be."""
    places = dict(_places(move.target))
    return [{"Source": place, "Destination": places[key]} for key, place in _places(move.source)]


def _places(side: Mapping[str, Template]) -> list[tuple[Key, dict[str, str]]]:
    return [
        (key_of(template, id_), {"StackName": name, "LogicalResourceId": id_})
        for name, template in side.items()
        for id_ in template["Resources"]
    ]
