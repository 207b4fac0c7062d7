"""The rehearsal on an embedded AWS of its own, in order: each test starts where the last ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from migration import sender
from migration.before import deploy
from migration.before.names import OWN_TABLE, OWNERS, SHARED_TABLE
from migration.kit import checks, rows
from migration.kit.changes import ChangeError, Counts
from migration.kit.templates import NAMES, Template
from migration.kit.traffic import SETTLED_SECONDS
from migration.phases import controls, final, p1, rehearsal
from migration.phases.checks import Check, facts_now, settled_now
from migration.phases.context import BEFORE, Context, Position, StateError
from tools.build.progress import Steps
from tools.paths import ROOT

RATE = "1"
INSIDE = (0.3, 1.0, 2.0, 4.0)
"""Seconds after a step's beginning at which its command is killed."""
# What S0 has in another way than today: code, settings and grants of today's services come later.
DIFFERENT = {
    "AWS::Lambda::Function": {"Code", "Handler", "Environment", "Role", "LoggingConfig"},
    "AWS::IAM::Role": {"Policies"},
    "AWS::Lambda::EventSourceMapping": {"EventSourceArn", "FunctionName"},
    "AWS::Scheduler::Schedule": {"Target"},
    "AWS::SES::ConfigurationSet": {"ReputationOptions", "DeliveryOptions", "SuppressionOptions"},
    "AWS::SQS::Queue": {"RedrivePolicy"},
}


def test_the_system_before_mails_the_golden_totals(context: Context) -> None:
    plan = deploy.send_samples(context.account, datetime.now(UTC))
    ids = {event["requestId"] for event in (*plan.by_queue, *plan.by_api)}
    deploy.settle(context.account, lambda: deploy.closed(context.account, ids))
    assert len(deploy.prove(context.account, plan)) == 2
    context.keep("sample-weeks", plan.weeks)
    assert len(context.account.mails()) == 2


def test_a_week_is_mailed_once(context: Context) -> None:
    deploy.report(context.account, _week(context))
    assert len(context.account.mails()) == 2


def _week(context: Context) -> str:
    """A week whose report was mailed."""
    found = context.account.client("dynamodb").query(
        TableName=SHARED_TABLE,
        KeyConditionExpression="pk = :report",
        ExpressionAttributeValues={":report": {"S": "REPORT"}},
    )
    return str(found["Items"][0]["sk"]["S"])


def test_wrong_totals_are_named() -> None:
    found = list(deploy.differences({"questions": 27}, "2025-W46"))
    assert "2025-W46 questions: 27, not 28" in found


def test_what_there_is_today_has_todays_names_and_properties(context: Context) -> None:
    before = _by_name(context.stacks.template(BEFORE))
    today = {key: value for unit in OWNERS for key, value in _by_name(context.today(unit)).items()}
    assert set(before) - set(today) == {("AWS::DynamoDB::Table", SHARED_TABLE)}
    for key in set(before) & set(today):
        left, right = before[key], today[key]
        unlike = {name for name in left | right if left.get(name) != right.get(name)}
        assert unlike <= DIFFERENT.get(key[0], set()), key


def _by_name(template: Template) -> dict[tuple[str, str], dict[str, object]]:
    found = {}
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        name = properties.get(NAMES.get(resource["Type"], ""))
        if isinstance(name, str):
            found[resource["Type"], name] = properties
    return found


def test_questions_come(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", RATE)
    sender.start(context)
    deadline = time.monotonic() + 60
    while not context.journal.entries() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert sender.running(context.home) is not None


def test_a_row_without_an_owner_is_reported(context: Context) -> None:
    dynamodb = context.account.client("dynamodb")
    key = {"pk": {"S": "NEW#1"}, "sk": {"S": "1"}}
    dynamodb.put_item(TableName=SHARED_TABLE, Item=key)
    try:
        assert rows.unowned(dynamodb, SHARED_TABLE) == ["NEW"]
    finally:
        dynamodb.delete_item(TableName=SHARED_TABLE, Key=key)


def test_a_change_set_with_other_counts_changes_nothing(context: Context) -> None:
    template = json.loads(json.dumps(context.stacks.template(BEFORE)))
    [mapping] = [id_ for id_ in template["Resources"] if id_.startswith("ProcessorIngestFromQueue")]
    template["Resources"][mapping]["Properties"]["BatchSize"] = 5
    plan = context.stacks.plan(BEFORE, template)
    with pytest.raises(ChangeError, match="declared was: no changes"):
        context.stacks.apply(plan, Counts())
    assert context.stacks.template(BEFORE) != template


def test_a_phase_in_another_state_is_refused(context: Context) -> None:
    with pytest.raises(StateError, match="phase 3 starts from state 2; the system is in 0"):
        rehearsal.run(context, 3, Steps())
    with pytest.raises(StateError, match="there is no phase 6"):
        rehearsal.run(context, 6, Steps())


def test_a_control_in_another_state_is_refused(context: Context) -> None:
    with pytest.raises(StateError, match="starts from state 1; the system is in 0"):
        controls.run(context, "fire-and-forget")
    with pytest.raises(StateError, match="no case 'none'"):
        controls.run(context, "none")


@pytest.mark.parametrize("phase", range(6))
def test_a_phase_whose_every_step_is_killed_twice_ends_whole(context: Context, phase: int) -> None:
    if phase == 1:
        rehearsal.poison(context)
    for number in range(rehearsal.start_of(phase), rehearsal.ENDS[phase]):
        for seconds in (0.0, INSIDE[number % len(INSIDE)]):
            killed(context, f"forward(context, {number + 1}, print)", number, seconds)
        assert command(context, f"forward(context, {number + 1}, print)").wait() == 0
        assert context.position == Position(number + 1, number + 1)
    assert wrong_checks(context) == []
    if phase == 1:
        assert p1.same(context, revisions=True).holds


def killed(context: Context, call: str, number: int, seconds: float) -> None:
    """Begin a step in either direction, and kill the command so many seconds later."""
    process = command(context, call)
    deadline = time.monotonic() + 120
    between = {Position(number, number + 1)}
    while process.poll() is None and context.position not in between:
        assert time.monotonic() < deadline, f"{call} did not begin"
        time.sleep(0.02)
    time.sleep(seconds)
    process.kill()
    process.wait()


def command(context: Context, call: str) -> subprocess.Popen[bytes]:
    """A process of its own that goes forward or back."""
    code = (
        "from migration import sender; from migration.phases import rehearsal; "
        f"context = sender.here(); rehearsal.{call}"
    )
    paths = {"MIGRATION_HOME": str(context.home), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **paths}, cwd=ROOT)


def wrong_checks(context: Context) -> list[Check]:
    return [one for one in rehearsal.check(context) if not one.holds]


def test_a_deleted_row_is_reported_as_lost_and_its_fact_as_extra(context: Context) -> None:
    dynamodb = context.account.client("dynamodb")
    found = rows.correlations(dynamodb, OWN_TABLE)
    victim = next(id_ for id_ in sorted(found) if id_.startswith("rehearsal-"))
    key = {"pk": {"S": f"REQ#{victim}"}, "sk": {"S": "CORRELATION"}}
    item = dynamodb.get_item(TableName=OWN_TABLE, Key=key)["Item"]
    dynamodb.delete_item(TableName=OWN_TABLE, Key=key)
    read = checks.now(
        context.journal, lambda: rows.correlations(dynamodb, OWN_TABLE), controls.UNDER_WAY_SECONDS
    )
    assert (read.lost, facts_now(context, settled_now(context)).extra) == (1, 1)
    dynamodb.put_item(TableName=OWN_TABLE, Item=item)


def test_the_last_report_has_all_questions_of_both_senders(context: Context) -> None:
    sender.stop(context.home)
    time.sleep(SETTLED_SECONDS + 1)
    assert wrong_checks(context) == []
    assert [one for one in final.accounts(context) if not one.holds] == []


def test_the_way_back_whose_every_step_is_killed_loses_nothing(context: Context) -> None:
    os.environ["RATE"] = RATE
    sender.start(context)
    for state in range(4, -1, -1):
        for number in reversed(range(rehearsal.ENDS[state], rehearsal.ENDS[state + 1])):
            call = f"backward(context, {number}, print)"
            killed(context, call, number, INSIDE[number % len(INSIDE)])
            assert command(context, call).wait() == 0
            assert context.position == Position(number, number)
        assert wrong_checks(context) == []
    assert context.stacks.status(BEFORE) is not None
