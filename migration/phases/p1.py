"""Phase 1: two states, zero changes. The one stack becomes one per service; nothing that runs does.

References from one owner's resources to the other's become literal names on the way: between two
stacks there are no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from migration.before.names import OWNERS, SHARED_TABLE, stack_name
from migration.kit import move, refactor
from migration.kit.identities import identity, made
from migration.kit.templates import (
    Key,
    Reference,
    Template,
    UnknownResourceError,
    decoupled,
    key_of,
    later_names,
    only,
    owners_of,
    split,
)
from migration.phases.checks import Check, common, planned_anew
from migration.phases.context import BEFORE, Context
from migration.phases.p0 import POINT
from migration.phases.steps import Step

NUMBER: Final = 1
TITLE: Final = "two states, zero changes"
IDENTITIES: Final = "identities-before"


def plan(context: Context) -> list[str]:
    """What would move where."""
    the_move = _move(context)
    move.check(the_move)
    return [_planned(name, template) for name, template in the_move.target.items()]


def _planned(name: str, template: Template) -> str:
    imported = len(only(template, move.IMPORTABLE)["Resources"])
    return f"{name}: imported {imported}, taken over {len(template['Resources']) - imported}"


def split_stack(context: Context) -> list[str]:
    """One stack per service."""
    if context.stacks.physical_ids(BEFORE).keys() >= context.kept(POINT)["Resources"].keys():
        context.keep(IDENTITIES, _identities(context))
    return _run(context, _move(context))


def join_stacks(context: Context) -> list[str]:
    """The one stack again."""
    return _run(context, _move(context).inverse)


STEPS: Final = (Step("one stack becomes two", split_stack, join_stacks),)


def checks(context: Context, asked_ms: int) -> Iterator[Check]:
    """The stacks of state 1 are what their templates say, and hold all that there was."""
    yield from owned(context, _move(context).target)
    yield same(context, revisions=False)
    yield from common(context, SHARED_TABLE, asked_ms)


def checks_before(context: Context) -> Iterator[Check]:
    """The one stack is what its template says, and holds all that there was."""
    yield from owned(context, _move(context).source)
    yield same(context, revisions=False)


def same(context: Context, *, revisions: bool) -> Check:
    """Nothing was made anew. Phase 1 also keeps revisions, which an update changes."""
    before, after = context.kept(IDENTITIES), _identities(context)
    what = "resources and revisions as before" if revisions else "resources as before"
    if not revisions:
        before, after = (_made(identities) for identities in (before, after))
    equal = sum(before[key] == after.get(key) for key in before)
    return Check(what, f"{equal} of {len(before)}", equal == len(before))


def _made(identities: Mapping[str, str]) -> dict[str, str]:
    """Without revisions; of a function nothing else is known."""
    found = {key: made(identity) for key, identity in identities.items()}
    return {key: identity for key, identity in found.items() if identity}


def owned(context: Context, side: Mapping[str, Template]) -> Iterator[Check]:
    """All resources are in the stacks of one side, and these are what their templates say."""
    ids: list[str] = []
    for name, template in side.items():
        yield planned_anew(context, name, template)
        ids += context.stacks.physical_ids(name)
    wanted = len(context.kept(POINT)["Resources"])
    yield Check("resources in stacks", f"{len(ids)} of {wanted}", len(ids) == wanted)


def templates(context: Context) -> Mapping[str, Template]:
    """The stacks of state 1 by their names."""
    return _move(context).target


def _move(context: Context) -> move.Move:
    """Of the kept template of the stack before: the same whatever an interrupted run has done."""
    template: Template = context.kept(POINT)
    owners = owners_of(template, OWNERS)
    names = later_names(template, *(context.today(owner) for owner in OWNERS))
    parts = split(decoupled(template, owners, _Literals(context, template)), owners, names)
    return move.Move({BEFORE: template}, {stack_name(own): part for own, part in parts.items()})


class _Literals:
    """What a reference stands for, without the stack that owns the resource."""

    def __init__(self, context: Context, template: Template) -> None:
        self._template = template
        self._urls = context.queue_urls
        region = context.account.session.region_name
        self._place = f"{region}:{context.account_id}"

    def __call__(self, found: Reference) -> str:
        kind, name = key_of(self._template, found.logical_id)
        match kind, found.attribute:
            case "AWS::SQS::Queue", None:
                return self._urls[name]
            case "AWS::SQS::Queue", "Arn":
                return f"arn:aws:sqs:{self._place}:{name}"
            case "AWS::DynamoDB::Table", None:
                return name
            case "AWS::DynamoDB::Table", "Arn":
                return f"arn:aws:dynamodb:{self._place}:table/{name}"
        raise UnknownResourceError(f"no literal for {found}")


def _identities(context: Context) -> dict[str, str]:
    """Of all that moves, by type and name."""
    template = only(context.kept(POINT), move.IMPORTABLE)
    keys: list[Key] = [key_of(template, logical_id) for logical_id in template["Resources"]]
    client: Any = context.account.client
    return {
        " ".join(key): identity(client, key, context.queue_urls.get(key[1], "")) for key in keys
    }


def _run(context: Context, the_move: move.Move) -> list[str]:
    if not context.account.is_local:
        return refactor.run(context.stacks, the_move)
    done = move.run(context.stacks, the_move, context.queue_urls)
    return [f"{one.stack}, {one.kind}: {one.counts}" for one in done]
