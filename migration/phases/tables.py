"""What the later phases make of the templates of state 1. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from migration.kit.templates import Template

Change = Callable[[dict[str, Any]], dict[str, Any]]


def with_table(template: Template, today: Template) -> Template:
    """The stack with today's table, word for word."""
    logical_id = table_of(today)
    return with_resource(template, logical_id, today["Resources"][logical_id])


def table_of(template: Template, name: str | None = None) -> str:
    """The logical id of a template's one table, or of the one of that name."""
    [found] = [
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
        and name in (None, resource["Properties"]["TableName"])
    ]
    return str(found)


def with_resource(template: Template, logical_id: str, resource: Any) -> Template:
    """The template with one more resource, or another in its place."""
    return {**template, "Resources": {**template["Resources"], logical_id: resource}}


def with_properties(
    template: Template, logical_id: str, properties: Mapping[str, object]
) -> Template:
    """The template with more properties of one resource."""
    resource = template["Resources"][logical_id]
    changed = {**resource, "Properties": {**resource["Properties"], **properties}}
    return with_resource(template, logical_id, changed)


def without(template: Template, *logical_ids: str) -> Template:
    """The template without some resources."""
    kept = {id_: one for id_, one in template["Resources"].items() if id_ not in logical_ids}
    return {**template, "Resources": kept}


def without_kind(template: Template, kind: str) -> Template:
    """The template without the resources of a type."""
    resources = template["Resources"].items()
    return without(template, *(id_ for id_, resource in resources if resource["Type"] == kind))


def granted(template: Template, known: object, tables: Sequence[object]) -> Template:
    """Every grant on the table `known` becomes one on all of `tables`, indexes alike."""

    def change(properties: dict[str, Any]) -> dict[str, Any]:
        policies = [_policy(policy, known, tables) for policy in properties.get("Policies", ())]
        return {**properties, "Policies": policies} if policies else properties

    return _changed(template, "AWS::IAM::Role", change)


def _policy(policy: dict[str, Any], known: object, tables: Sequence[object]) -> dict[str, Any]:
    document = policy["PolicyDocument"]
    statements = [_statement(one, known, tables) for one in document["Statement"]]
    return {**policy, "PolicyDocument": {**document, "Statement": statements}}


def _statement(
    statement: dict[str, Any], known: object, tables: Sequence[object]
) -> dict[str, Any]:
    before = statement["Resource"]
    after = [replaced(before, known, table) for table in tables]
    if all(one == before for one in after):
        return statement
    return {**statement, "Resource": after if len(after) > 1 else after[0]}


def replaced(value: Any, known: object, new: object) -> Any:
    """The value with every part that equals `known` replaced."""
    if value == known:
        return new
    if isinstance(value, Mapping):
        return {name: replaced(member, known, new) for name, member in value.items()}
    if isinstance(value, list):
        return [replaced(member, known, new) for member in value]
    return value


def configured(
    template: Template, handlers: Mapping[str, str], variables: Mapping[str, object]
) -> Template:
    """Functions by name with another handler, and all of these with more variables."""

    def change(properties: dict[str, Any]) -> dict[str, Any]:
        name = properties["FunctionName"]
        if name not in handlers:
            return properties
        known = properties["Environment"]["Variables"]
        environment = {"Variables": {**known, **variables}}
        return {**properties, "Handler": handlers[name], "Environment": environment}

    return _changed(template, "AWS::Lambda::Function", change)


def _changed(template: Template, kind: str, change: Change) -> Template:
    resources = {
        logical_id: {**resource, "Properties": change(resource["Properties"])}
        if resource["Type"] == kind
        else resource
        for logical_id, resource in template["Resources"].items()
    }
    return {**template, "Resources": resources}
