"""Phase 3: independent delivery. Each service is delivered alone, by a role of its own.

Nothing that runs becomes another thing: what is delivered is the same code as another version.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from migration.before.names import OWNERS, REPORT, WRITERS, stack_name
from migration.kit.changes import Counts, Stacks
from migration.kit.templates import Template
from migration.phases import p2
from migration.phases.checks import Check, planned_anew
from migration.phases.context import Context
from migration.phases.stack_templates import MIGRATION, PROCESSOR, REPORTER, ROLES, Templates
from migration.phases.steps import Step

NUMBER: Final = 3
TITLE: Final = "independent delivery"
BEFORE: Final = "0"
DELIVERED: Final = "1"
FUNCTIONS: Final = {"processor": WRITERS, "reporter": (REPORT,)}
# The schedule and its role refer to the report.
CHANGED: Final = {"processor": Counts(modify=2), "reporter": Counts(modify=1, possible=2)}


def plan(context: Context) -> list[str]:
    """The roles, and what each of them changes."""
    counts = context.stacks.plan(MIGRATION, _scaffold(context, roles=True)).counts
    return [f"{MIGRATION}: {counts}", *(f"{stack_name(o)}: {CHANGED[o]}" for o in OWNERS)]


def make_roles(context: Context) -> list[str]:
    """A role for each service that may change its stack and no other."""
    made = context.stacks.reach(MIGRATION, _scaffold(context, roles=True), Counts(add=2))
    return [f"{MIGRATION}: {made.counts}"]


def remove_roles(context: Context) -> list[str]:
    """The roles go."""
    gone = context.stacks.reach(MIGRATION, _scaffold(context, roles=False), Counts(remove=2))
    return [f"{MIGRATION}: {gone.counts}"]


def _scaffold(context: Context, *, roles: bool) -> Template:
    return Templates(context).scaffold(replica=True, shared=True, roles=roles)


def deliver(owner: str, context: Context) -> list[str]:
    """Another version of one service, as its role; the other service does not notice."""
    other = _other(owner)
    before = footprint(context, other)
    stacks = as_role(context, owner)
    done = stacks.reach(stack_name(owner), _template(context, owner, DELIVERED), CHANGED[owner])
    evidence = {
        "untouched": footprint(context, other) == before,
        "refused": _refusal(stacks, other),
    }
    context.keep(f"delivered-{owner}", evidence)
    return [f"{stack_name(owner)} as {ROLES[owner]}: {done.counts}"]


def take_back(owner: str, context: Context) -> list[str]:
    """The version before."""
    template = _template(context, owner, BEFORE)
    done = context.stacks.reach(stack_name(owner), template, CHANGED[owner])
    return [f"{stack_name(owner)}: {done.counts}"]


def _other(owner: str) -> str:
    [other] = set(OWNERS) - {owner}
    return other


def _template(context: Context, owner: str, version: str) -> Template:
    templates = Templates(context)
    return templates.alone(version) if owner == "processor" else templates.apart(version)


def footprint(context: Context, owner: str) -> list[str]:
    """When a stack was changed last, and the revisions of its functions."""
    client = context.account.client
    [stack] = client("cloudformation").describe_stacks(StackName=stack_name(owner))["Stacks"]
    revisions = (
        client("lambda").get_function_configuration(FunctionName=name)["RevisionId"]
        for name in FUNCTIONS[owner]
    )
    return [str(stack.get("LastUpdatedTime")), *revisions]


def as_role(context: Context, owner: str) -> Stacks:
    """CloudFormation as the role that delivers a service."""
    credentials = context.account.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{context.account_id}:role/{ROLES[owner]}",
        RoleSessionName="delivery",
    )["Credentials"]
    session = boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        context.region,
    )
    client: Any = session.client("cloudformation", endpoint_url=context.account.endpoint)
    return Stacks(client)


def _refusal(stacks: Stacks, other: str) -> str:
    """What CloudFormation answers when the role reaches for the other service's stack."""
    try:
        stacks.template(stack_name(other))
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "allowed"


STEPS: Final = (
    Step("roles", make_roles, remove_roles),
    *(Step(f"deliver {one}", partial(deliver, one), partial(take_back, one)) for one in OWNERS),
)


def checks(context: Context, asked_ms: int) -> Iterator[Check]:
    """Each was delivered alone, and all that held before holds."""
    for owner in OWNERS:
        evidence = context.kept(f"delivered-{owner}")
        untouched = "untouched" if evidence["untouched"] else "changed"
        yield Check(f"{owner} delivered, the other", untouched, evidence["untouched"])
        denied = evidence["refused"] in ("AccessDenied", "AccessDeniedException")
        yield Check(f"{ROLES[owner]} on the other's stack", evidence["refused"], denied)
        versions = {context.variables(name)["SERVICE_VERSION"] for name in FUNCTIONS[owner]}
        yield Check(f"version of {owner}", ", ".join(versions), versions == {DELIVERED})
    templates = Templates(context)
    yield planned_anew(context, PROCESSOR, templates.alone(DELIVERED))
    yield planned_anew(context, REPORTER, templates.apart(DELIVERED))
    yield planned_anew(context, MIGRATION, _scaffold(context, roles=True))
    yield from p2.apart(context, asked_ms)
