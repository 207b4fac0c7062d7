"""CloudFormation templates as values: names, references, and one template per owner. Pure.

A template is the parsed JSON; nothing here changes the one that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Template = Mapping[str, Any]
Key = tuple[str, str]
"""A resource's type and its name in AWS: the same in whichever stack it is."""

NAMES: Final = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SES::ConfigurationSet": "Name",
    "AWS::SES::EmailIdentity": "EmailIdentity",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
}
MAPPING: Final = "AWS::Lambda::EventSourceMapping"


class UnknownResourceError(ValueError):
    """A resource without an owner, or of a type that the migration does not know."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a template says of another resource: `Ref` or one of its attributes."""

    logical_id: str
    attribute: str | None = None


def key_of(template: Template, logical_id: str) -> Key:
    """A resource's type and name. An event source mapping goes by the queue that it reads.

    Raises `UnknownResourceError`.
    """
    resource = template["Resources"][logical_id]
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind == MAPPING:
        source = reference(properties["EventSourceArn"])
        if source is not None:
            return kind, key_of(template, source.logical_id)[1]
    elif kind in NAMES:
        return kind, str(properties[NAMES[kind]])
    raise UnknownResourceError(f"{logical_id} ({kind}) has no name by which to know it again")


def reference(value: object) -> Reference | None:
    """The reference that a value is, if it is one."""
    match value:
        case {"Ref": str(logical_id)} if not logical_id.startswith("AWS::"):
            return Reference(logical_id)
        case {"Fn::GetAtt": [str(logical_id), str(attribute)]}:
            return Reference(logical_id, attribute)
        case _:
            return None


def references(value: object) -> Iterator[Reference]:
    """All references inside a value."""
    found = reference(value)
    if found is not None:
        yield found
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def rewritten(value: Any, change: Callable[[Reference], object]) -> Any:
    """The value with each of its references replaced."""
    found = reference(value)
    if found is not None:
        return change(found)
    if isinstance(value, Mapping):
        return {name: rewritten(member, change) for name, member in value.items()}
    if isinstance(value, list):
        return [rewritten(member, change) for member in value]
    return value


def decoupled(
    template: Template, owners: Mapping[str, str], literal: Callable[[Reference], str]
) -> Template:
    """The template whose resources refer to those of other owners by literal names only."""
    resources = {}
    for logical_id, resource in template["Resources"].items():
        owner = owners[logical_id]

        def change(found: Reference, owner: str = owner) -> object:
            return literal(found) if owners[found.logical_id] != owner else written(found)

        resources[logical_id] = _without_foreign_order(rewritten(resource, change), owners, owner)
    return {**template, "Resources": resources}


def _without_foreign_order(
    resource: dict[str, Any], owners: Mapping[str, str], owner: str
) -> dict[str, Any]:
    """`DependsOn` of the same owner alone: no order holds between two stacks."""
    if "DependsOn" not in resource:
        return resource
    wanted = resource["DependsOn"]
    listed = [wanted] if isinstance(wanted, str) else wanted
    own = [logical_id for logical_id in listed if owners[logical_id] == owner]
    rest = {name: value for name, value in resource.items() if name != "DependsOn"}
    return {**rest, "DependsOn": own} if own else rest


def written(found: Reference) -> object:
    """A reference as a template writes it."""
    if found.attribute is None:
        return {"Ref": found.logical_id}
    return {"Fn::GetAtt": [found.logical_id, found.attribute]}


def split(
    template: Template, owners: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, Template]:
    """One template per owner, of a decoupled one; `names` gives logical ids their later ones.

    Raises `UnknownResourceError` for a resource that refers to another owner's.
    """
    return {
        owner: _of_owner(template, {id_ for id_, own in owners.items() if own == owner}, names)
        for owner in sorted(set(owners.values()))
    }


def _of_owner(template: Template, own: set[str], names: Mapping[str, str]) -> Template:
    chosen = {id_: value for id_, value in template["Resources"].items() if id_ in own}
    foreign = {found.logical_id for found in references(chosen)} - own
    if foreign:
        raise UnknownResourceError(f"still refers to another owner's: {', '.join(sorted(foreign))}")
    return renamed({"Resources": chosen}, names)


def renamed(template: Template, names: Mapping[str, str]) -> Template:
    """The template with other logical ids; those that `names` does not have stay."""

    def new(logical_id: str) -> str:
        return names.get(logical_id, logical_id)

    def change(found: Reference) -> object:
        return written(Reference(new(found.logical_id), found.attribute))

    resources = {}
    for logical_id, resource in template["Resources"].items():
        body = rewritten(resource, change)
        if "DependsOn" in body:
            wanted = body["DependsOn"]
            listed = [wanted] if isinstance(wanted, str) else wanted
            body = {**body, "DependsOn": [new(one) for one in listed]}
        resources[new(logical_id)] = body
    return {**template, "Resources": resources}


def later_names(template: Template, *later: Template) -> dict[str, str]:
    """Logical id → the one that the same resource has in a later template, where it is in one."""
    known = {}
    for other in later:
        for logical_id, resource in other["Resources"].items():
            if resource["Type"] in NAMES or resource["Type"] == MAPPING:
                with_name = _key_or_none(other, logical_id)
                if with_name is not None:
                    known[with_name] = logical_id
    keys = {logical_id: key_of(template, logical_id) for logical_id in template["Resources"]}
    return {logical_id: known[key] for logical_id, key in keys.items() if key in known}


def _key_or_none(template: Template, logical_id: str) -> Key | None:
    """A later template may have resources that it names itself, or mappings of streams."""
    try:
        return key_of(template, logical_id)
    except (KeyError, UnknownResourceError):
        return None


def owners_of(template: Template, owners: tuple[str, ...]) -> dict[str, str]:
    """Logical id → owner: the first scope that CDK names it by. Raises `UnknownResourceError`."""
    return {logical_id: _owner(logical_id, owners) for logical_id in template["Resources"]}


def _owner(logical_id: str, owners: tuple[str, ...]) -> str:
    fitting = [owner for owner in owners if logical_id.startswith(owner.capitalize())]
    if len(fitting) != 1:
        raise UnknownResourceError(f"{logical_id} has {len(fitting)} owners; it needs exactly one")
    return fitting[0]


def only(template: Template, kinds: frozenset[str]) -> Template:
    """The template with the resources of these types alone."""
    chosen = {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] in kinds
    }
    return {**template, "Resources": chosen}
