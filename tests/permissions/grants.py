"""What the synthesised roles may do, and what the emulator saw them do."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from tools.emulator.emulator import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PREFIX: Final = "cv-analytics-local-"
# CodeDeploy's, which the emulator lacks: the tests of the templates compare what it may do.
CANARY: Final = "-canary"

# The emulator's name for ten messages at once; on AWS the permission to send one is enough, and
# nobody is granted the other (`infra/cdk_constructs/emulator.py` adds it for the emulator alone).
SAME: Final = {"sqs:SendMessageBatch": "sqs:SendMessage"}

READING_A_QUEUE: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
READING_A_STREAM: Final = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
)
LISTING_STREAMS: Final = "dynamodb:ListStreams"  # knows no resources
LOGGING: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


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


def granted(iam: Any) -> list[Grant]:
    """Every grant of every role of ours as deployed, one said twice twice; `iam` is a client."""
    return [
        grant
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
        if role["RoleName"].startswith(PREFIX) and not role["RoleName"].endswith(CANARY)
        for grant in _grants_of(iam, role["RoleName"])
    ]


def used(log: Path) -> set[Grant]:
    """Every call that a role made and that was allowed, from the recorded decisions."""
    return {_call(decision) for decision in _decisions(log) if decision["decision"] == "Allow"}


def refused(log: Path) -> set[Grant]:
    """Every call that a role made in vain."""
    return {_call(decision) for decision in _decisions(log) if decision["decision"] != "Allow"}


@contextmanager
def taken_away(iam: Any, role: str, action: str) -> Iterator[None]:
    """Meanwhile a deployed role lacks an action, on whatever resource."""
    policies = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }

    def write(policy: str, statements: Sequence[Mapping[str, Any]]) -> None:
        document = json.dumps({**policies[policy], "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    for name, policy in policies.items():
        write(name, [_without(statement, action) for statement in policy["Statement"]])
    try:
        yield
    finally:
        for name, policy in policies.items():
            write(name, policy["Statement"])


def _without(statement: Mapping[str, Any], action: str) -> dict[str, Any]:
    kept = [own for own in _list(statement["Action"]) if SAME.get(own, own) != action]
    return {**statement, "Action": kept or ["none:Nothing"]}


def refused_without(grant: Grant, grants: Iterable[Grant], calls: Iterable[Grant]) -> set[Grant]:
    """The calls that would be refused if this one grant were taken away from all the others."""
    others = [other for other in grants if other != grant]
    return {
        call for call in calls if grant.allows(call) and not any(o.allows(call) for o in others)
    }


def left_to_services(client: Any, scheduler: Any) -> set[Grant]:
    """What Lambda and the Scheduler do with our roles, before and after our code runs.

    The emulator does it without asking IAM, so it is derived from what is wired: the sources and
    failure destinations of every function, its log and its traces, and every schedule's target.
    `client` is one of Lambda.
    """
    roles = _roles_of_functions(client)
    return {
        *_logs(roles),
        *(grant for mapping in _mappings(client, roles) for grant in mapping),
        *_destinations(client, roles),
        *_schedules(scheduler),
    }


def _roles_of_functions(client: Any) -> dict[str, str]:
    pages = client.get_paginator("list_functions").paginate()
    return {
        function["FunctionName"]: function["Role"].rsplit("/", 1)[1]
        for page in pages
        for function in page["Functions"]
        if function["FunctionName"].startswith(PREFIX)
    }


def _logs(roles: Mapping[str, str]) -> Iterator[Grant]:
    for function, role in roles.items():
        for action in LOGGING:
            group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{function}:*"
            yield Grant(role, action, group)


def _mappings(client: Any, roles: Mapping[str, str]) -> Iterator[Iterator[Grant]]:
    for page in client.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            yield _reading(mapping, roles[mapping["FunctionArn"].split(":")[6]])


def _reading(mapping: Mapping[str, Any], role: str) -> Iterator[Grant]:
    source = mapping["EventSourceArn"]
    actions = READING_A_QUEUE if ":sqs:" in source else READING_A_STREAM
    yield from (Grant(role, action, source) for action in actions)
    if actions is READING_A_STREAM:
        yield Grant(role, LISTING_STREAMS, "*")
    if failures := mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        yield Grant(role, "sqs:SendMessage", failures)


def _destinations(client: Any, roles: Mapping[str, str]) -> Iterator[Grant]:
    for function, role in roles.items():
        configured = client.list_function_event_invoke_configs(FunctionName=function)
        for asynchronous in configured["FunctionEventInvokeConfigs"]:
            failures = asynchronous["DestinationConfig"]["OnFailure"]["Destination"]
            yield Grant(role, "sqs:SendMessage", failures)


def _schedules(scheduler: Any) -> Iterator[Grant]:
    for page in scheduler.get_paginator("list_schedules").paginate():
        for schedule in page["Schedules"]:
            target = scheduler.get_schedule(Name=schedule["Name"])["Target"]
            role = target["RoleArn"].rsplit("/", 1)[1]
            yield Grant(role, "lambda:InvokeFunction", target["Arn"])
            yield Grant(role, "sqs:SendMessage", target["DeadLetterConfig"]["Arn"])


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


def _grants_of(iam: Any, role: str) -> Iterator[Grant]:
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                for action in set(_list(statement["Action"])) - set(SAME):
                    for resource in _list(statement["Resource"]):
                        yield Grant(role, action, resource)


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
