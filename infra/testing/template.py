"""Reading a synthesised template: resources by type, references, policy statements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
Resource = tuple[str, Mapping[str, Any]]


def of_type(template: Template, kind: str) -> Iterator[Resource]:
    """The logical ids and properties of the resources of a type."""
    for logical_id, resource in template.get("Resources", {}).items():
        if resource["Type"] == kind:
            yield logical_id, resource.get("Properties", {})


def as_list(value: Any) -> list[Any]:
    """IAM's JSON writes a list of one as its element."""
    return value if isinstance(value, list) else [value]


def references(value: Any) -> set[str]:
    """The logical ids that a value refers to, by `Ref` or `Fn::GetAtt`."""
    if isinstance(value, Mapping):
        if "Ref" in value:
            return {str(value["Ref"])}
        if "Fn::GetAtt" in value:
            return {str(value["Fn::GetAtt"][0])}
        return set().union(*(references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(references(inner) for inner in value))
    return set()


def statements(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every policy statement that allows something to a role, with its policy's logical id.

    CDK puts what is too long for a role's own policy into a managed one; a boundary has no roles.
    """
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for logical_id, properties in of_type(template, kind):
            for statement in properties["PolicyDocument"]["Statement"]:
                if kind == "AWS::IAM::Policy" or properties.get("Roles"):
                    yield logical_id, statement
    for logical_id, properties in of_type(template, "AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield logical_id, statement


def grants_in(template: Template) -> set[tuple[str, str, str]]:
    """Policy, action and resource (as JSON) of everything that a template allows to a role."""
    return {
        (policy, action, json.dumps(resource, sort_keys=True))
        for policy, statement in statements(template)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def open_routes(template: Template) -> set[str]:
    """The API routes that ask for no authorisation."""
    return {
        properties["RouteKey"]
        for _, properties in of_type(template, "AWS::ApiGatewayV2::Route")
        if properties.get("AuthorizationType", "NONE") == "NONE"
    }


def names_table_of(template: Template, service: str) -> bool:
    """Whether a template names another service's table, which no stack may."""
    stages = ("local", "dev", "prod")
    return any(_mentions(template, f"cv-analytics-{stage}-{service}") for stage in stages)


def _mentions(value: Any, table: str) -> bool:
    if isinstance(value, str):
        return value == table or f"table/{table}" in value
    if isinstance(value, Mapping):
        return any(_mentions(inner, table) for inner in value.values())
    return isinstance(value, list) and any(_mentions(inner, table) for inner in value)
