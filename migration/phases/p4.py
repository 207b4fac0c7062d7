"""Phase 4: events and REST in place of rows. Consumers first: a bus keeps nothing for later.

The Processor's stack becomes today's with its relay at rest, then the Reporter's, then the links;
then the relay starts, both feeds run side by side, and the replica goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from cv_reporter.adapters.stream import FACTS
from cv_reporter.application.ports import Partition
from cv_reporter.bootstrap import Services
from cv_reporter.settings import Settings

from migration import sender
from migration.before.names import FACTS_TABLE, OWNERS, PREFIX, REPORT, STAGE, WRITERS, stack_name
from migration.kit import rows
from migration.kit.changes import Counts, Declared, Limits
from migration.kit.templates import MAPPING, Template
from migration.kit.traffic import OLDEST_DAYS
from migration.phases import p2
from migration.phases.checks import Check, planned_anew, until
from migration.phases.context import Context, StateError
from migration.phases.p3 import DELIVERED
from migration.phases.stack_templates import LINKS, MIGRATION, PROCESSOR, REPORTER, Templates
from migration.phases.steps import Step
from tools.deploy import cdk
from tools.emulator.watch import waiting

NUMBER: Final = 4
TITLE: Final = "events and REST"
FACTS_QUEUE: Final = f"{PREFIX}-reporter-facts"
AT_ONCE: Final = 20
"""So many events are under way at any time."""
RECONCILE: Final = f"{PREFIX}-reporter-reconcile"
DAYS: Final = OLDEST_DAYS + 2
"""So many days hold all questions."""
MAPPINGS: Final = "mappings-before"


UNLIMITED: Final = Limits()


def plan(context: Context) -> list[str]:
    """The change set of each stack, as far as it can be planned now."""
    templates, stacks = Templates(context), context.stacks
    return [
        f"{PROCESSOR}: {stacks.plan(PROCESSOR, templates.today('processor', relay=False)).counts}",
        f"{REPORTER}: {stacks.plan(REPORTER, templates.today('reporter')).counts}",
        f"then {LINKS}, the relay, and the replica goes",
    ]


def _publish_assets(context: Context) -> None:
    for owner in OWNERS:
        flags = [*cdk.assembly(STAGE, owner), "--unstable=publish-assets", stack_name(owner)]
        cdk.run(context.account, "publish-assets", owner, flags)


def _reach(context: Context, stack: str, template: Template, declared: Declared = UNLIMITED) -> str:
    return f"{stack}: {context.stacks.reach(stack, template, declared).counts}"


def processor(context: Context) -> list[str]:
    """Today's Processor; its relay is there, and nothing feeds it yet."""
    if not context.has_kept(MAPPINGS):
        context.keep(MAPPINGS, _mappings(context))
    _publish_assets(context)
    return [_reach(context, PROCESSOR, Templates(context).today("processor", relay=False))]


def processor_back(context: Context) -> list[str]:
    """The Processor of state 3."""
    template = Templates(context).alone(DELIVERED)
    return [_reach(context, PROCESSOR, template, Limits(remove=None))]


def reporter(context: Context) -> list[str]:
    """Today's Reporter; the replica goes on to make its facts."""
    return [_reach(context, REPORTER, Templates(context).today("reporter"))]


def reporter_back(context: Context) -> list[str]:
    """The Reporter of state 3."""
    template = Templates(context).apart(DELIVERED)
    return [_reach(context, REPORTER, template, Limits(remove=None))]


def link(context: Context) -> list[str]:
    """The Reporter's rule on the Processor's bus, and its permission to call the API."""
    made = context.stacks.make(LINKS, Templates(context).today("reporter-links"))
    return [f"{LINKS}: {made.counts}"]


def unlink(context: Context) -> list[str]:
    """The links go."""
    context.stacks.delete(LINKS)
    return [f"{LINKS}: deleted"]


def start_relay(context: Context) -> list[str]:
    """Events, from the oldest change that the stream still has."""
    return [_reach(context, PROCESSOR, Templates(context).today("processor"), Counts(add=1))]


def stop_relay(context: Context) -> list[str]:
    """No events any more; the replica makes the facts again."""
    template = Templates(context).today("processor", relay=False)
    return [_reach(context, PROCESSOR, template, Counts(remove=1))]


def end_replica(context: Context) -> list[str]:
    """Events alone make facts, when they have caught up; summaries are made anew once."""
    if not until(lambda: waiting(context.account, FACTS_QUEUE) < AT_ONCE):
        raise StateError(f"{FACTS_QUEUE} still holds events of before: repeat the command")
    scaffold = Templates(context).scaffold(shared=True, roles=True)
    return [_reach(context, MIGRATION, scaffold, Counts(remove=4)), rebuild(context)]


def restart_replica(context: Context) -> list[str]:
    """The replica again, from the oldest change that the stream still has, and all rows once."""
    scaffold = Templates(context).scaffold(replica=True, shared=True, roles=True)
    lines = [p2.history(context), _reach(context, MIGRATION, scaffold, Counts(add=4))]
    return [*lines, p2.followed(context)]


def rebuild(context: Context) -> str:
    """Every day summary, made anew of its facts as `ops-reporter rebuild` does."""
    client = context.account.client
    services = Services(Settings.read(context.variables(REPORT)), client, client)
    keys = {key[0] for key in rows.everything(client("dynamodb"), FACTS_TABLE)}
    days = [key.split("#") for key in keys if key.startswith(FACTS)]
    partitions = [Partition(date.fromisoformat(day), int(shard)) for _, day, shard in days]
    services.summariser.refresh_all(partitions)
    return f"rebuilt {len(partitions)} day summaries"


STEPS: Final = (
    Step("today's Processor, its relay at rest", processor, processor_back),
    Step("today's Reporter", reporter, reporter_back),
    Step("links", link, unlink),
    Step("relay", start_relay, stop_relay),
    Step("replica goes", end_replica, restart_replica),
)


def checks(context: Context, asked_ms: int) -> Iterator[Check]:
    """The stacks are today's without what observes, and events alone keep the facts whole."""
    templates = Templates(context)
    for unit in (*OWNERS, "reporter-links"):
        yield planned_anew(context, stack_name(unit), templates.today(unit))
    scaffold = templates.scaffold(shared=True, roles=True)
    yield planned_anew(context, MIGRATION, scaffold)
    yield from events_and_rest(context, asked_ms)


def events_and_rest(context: Context, asked_ms: int) -> Iterator[Check]:
    """What holds as soon as events make the facts."""
    before, after = context.kept(MAPPINGS), _mappings(context)
    same = sum(before[name] == after.get(name) for name in before)
    yield Check("mappings of the same UUID", f"{same} of {len(before)}", same == len(before))
    yield _foreign_grants(context)
    yield from p2.of_two_tables(context, asked_ms)
    yield reconciled(context)


def _mappings(context: Context) -> dict[str, str]:
    """The UUID of what feeds each function that there has been from the beginning."""
    listed = context.account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    by_function = {one["FunctionArn"].split(":")[6]: one["UUID"] for one in listed}
    return {name: by_function[name] for name in WRITERS}


def _foreign_grants(context: Context) -> Check:
    """No policy of a service names the other's table."""
    found = []
    for owner, other in (OWNERS, OWNERS[::-1]):
        resources = context.stacks.template(stack_name(owner))["Resources"]
        names = (f":table/{PREFIX}-{other}", f'"{PREFIX}-{other}"')
        found += [
            id_
            for id_, resource in resources.items()
            if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::Role", MAPPING)
            and any(name in json.dumps(resource) for name in names)
        ]
    return Check("grants on the other's table", str(len(found)), not found)


def reconciled(context: Context) -> Check:
    """Each day's digest, the Processor's through REST against the Reporter's.

    While questions come, an event that is under way counts as healed; without them none may.
    Days that the API did not give in time are compared by the next run, as with its schedule.
    """
    answers: list[dict[str, Any]] = []

    def whole() -> bool:
        answers.append(_invoke(context, RECONCILE, {"days": DAYS}))
        return answers[-1]["problem"] is None and answers[-1]["compared"] == DAYS

    holds, quiet = until(whole), sender.running(context.home) is None
    healed = sum(answer["healed"] for answer in answers)
    value = f"{answers[-1]['compared']} days compared through REST, {healed} facts fetched"
    return Check("reconciliation", value, holds and not (quiet and healed))


def _invoke(context: Context, function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = context.account.client("lambda").invoke(
        FunctionName=function, Qualifier="live", Payload=json.dumps(event).encode()
    )
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise StateError(f"{function} failed: {document.get('errorType')}")
    return document
