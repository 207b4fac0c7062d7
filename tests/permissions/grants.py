"""What the synthesised roles may do, and what the emulator saw them do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# The emulator's name for ten messages at once; on AWS the permission to send one is enough.
SAME: Final = {"sqs:SendMessageBatch": "sqs:SendMessage"}

# Lambda itself does these with the function's role, before or after the code runs; the emulator
# does them without asking IAM. A role has them exactly when its function has such a source.
OF_THE_SERVICE: Final = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource, allowed to one function's role."""

    role: str
    action: str
    resource: str

    def allows(self, call: Grant) -> bool:
        """Whether a call is covered by this grant."""
        return (
            self.role == call.role
            and self.action.lower() == call.action.lower()
            and fnmatchcase(call.resource, self.resource)
        )


def granted(iam: Any) -> Iterator[Grant]:
    """Every grant of every function's role, as deployed; `iam` is a boto3 client."""
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if _is_a_functions(role):
                yield from _grants_of(iam, role["RoleName"])


def used(log: Path) -> set[Grant]:
    """Every call that a role made and that was allowed, from the recorded decisions."""
    return {_call(decision) for decision in _decisions(log) if decision["decision"] == "Allow"}


def refused(log: Path) -> set[Grant]:
    """Every call that a role made in vain."""
    return {_call(decision) for decision in _decisions(log) if decision["decision"] != "Allow"}


def left_to_lambda(grant: Grant, grants: set[Grant]) -> bool:
    """Whether Lambda's pollers use a grant, not the function's code: the emulator does not ask."""
    polls = replace(grant, action="sqs:ReceiveMessage") in grants
    return (
        grant.action in OF_THE_SERVICE
        or (grant.action == "sqs:GetQueueAttributes" and polls)
        or (grant.action == "sqs:SendMessage" and grant.resource.endswith("-failures"))
    )


def _call(decision: Mapping[str, str]) -> Grant:
    action = decision["action"]
    return Grant(_role_of(decision["principal"]), SAME.get(action, action), decision["resource"])


def _decisions(log: Path) -> Iterator[Mapping[str, str]]:
    for line in log.read_text("utf-8").splitlines():
        decision = json.loads(line)
        if ":assumed-role/" in decision["principal"]:
            yield decision


def _role_of(principal: str) -> str:
    return principal.split(":assumed-role/")[1].split("/")[0]


def _is_a_functions(role: Mapping[str, Any]) -> bool:
    trusted = json.dumps(role["AssumeRolePolicyDocument"])
    return role["RoleName"].startswith("cv-analytics-local-") and "lambda.amazonaws" in trusted


def _grants_of(iam: Any, role: str) -> Iterator[Grant]:
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                for action in _list(statement["Action"]):
                    for resource in _list(statement["Resource"]):
                        yield Grant(role, SAME.get(action, action), resource)


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
