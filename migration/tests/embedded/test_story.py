"""The rehearsal on an embedded AWS of its own, in order: each test starts where the last ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType

import pytest

from migration import sender
from migration.before import deploy
from migration.before.names import OWN_TABLE, OWNERS, SHARED_TABLE, stack_name
from migration.kit import checks, rows
from migration.kit.changes import ChangeError, Counts
from migration.kit.templates import NAMES, Template
from migration.phases import controls, p0, p1, p2, rehearsal
from migration.phases.context import BEFORE, Context, StateError
from tools.build.progress import Steps
from tools.deploy import stacks
from tools.emulator.emulator import Emulator, free_port
from tools.paths import LOGS, ROOT

RATE = "2"
# What S0 has in another way than today: code, settings and grants of today's services come later.
DIFFERENT = {
    "AWS::Lambda::Function": {"Code", "Handler", "Environment", "Role", "LoggingConfig"},
    "AWS::IAM::Role": {"Policies"},
    "AWS::Lambda::EventSourceMapping": {"EventSourceArn", "FunctionName"},
    "AWS::Scheduler::Schedule": {"Target"},
    "AWS::SES::ConfigurationSet": {"ReputationOptions", "DeliveryOptions"},
    "AWS::SQS::Queue": {"RedrivePolicy"},
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """The system before, deployed; no questions yet."""
    home = tmp_path_factory.mktemp("rehearsal")
    emulator = Emulator(home)
    try:
        with stacks.start(emulator, Steps(), free_port()) as account:
            deploy.deploy(account, Steps())
            yield Context(account, home)
    finally:
        sender.stop(home)
        emulator.stop()
        LOGS.mkdir(parents=True, exist_ok=True)
        shutil.copy(emulator.log, LOGS / "migration-emulator.log")


def test_the_system_before_mails_the_golden_totals(context: Context) -> None:
    plan = deploy.send_samples(context.account, datetime.now(UTC))
    ids = {event["requestId"] for event in (*plan.by_queue, *plan.by_api)}
    deploy.settle(context.account, lambda: deploy.closed(context.account, ids))
    assert len(deploy.prove(context.account, plan)) == 2
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


def test_phase_0_restores_every_row_and_finds_an_owner_for_everything(context: Context) -> None:
    p0.do(context)
    _holds(p0, context)


def test_a_row_without_an_owner_fails_phase_0(context: Context) -> None:
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


def test_phase_1_moves_forward_back_and_forward(context: Context) -> None:
    for step, state in ((p1.do, 1), (p1.back, 0), (p1.do, 1)):
        step(context)
        assert context.state == state
    _holds(p1, context)


def test_a_move_that_was_cut_off_goes_on(context: Context) -> None:
    for owner in OWNERS:
        context.stacks.delete(stack_name(owner))
    assert context.state == 0.5
    p1.do(context)
    assert context.state == 1
    _holds(p1, context)


def test_fire_and_forget_is_detected_and_healed(context: Context) -> None:
    found = controls.run(context, "fire-and-forget")
    assert found.lost > 0
    assert context.state == 1
    assert [one for one in rehearsal.check(context) if not one.holds] == []


@pytest.mark.parametrize(("case", "message"), [("none", "no case 'none'")])
def test_a_control_that_is_not_there_is_refused(context: Context, case: str, message: str) -> None:
    with pytest.raises(StateError, match=message):
        controls.run(context, case)


def test_a_phase_that_was_killed_goes_on(context: Context) -> None:
    code = "from migration import sender; from migration.phases import p2; p2.do(sender.here())"
    paths = {"MIGRATION_HOME": str(context.home), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **paths}, cwd=ROOT)
    deadline = time.monotonic() + 60
    while context.state == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert context.state == 1.5
    p2.do(context)
    assert context.state == 2
    _holds(p2, context)


def test_phase_2_moves_the_rows_back_and_forward(context: Context) -> None:
    for step, state in ((p2.back, 1), (p2.do, 2)):
        step(context)
        assert context.state == state
    _holds(p2, context)


def test_a_week_is_not_mailed_again_after_the_rows_moved(context: Context) -> None:
    deploy.report(context.account, _week(context))
    assert len(context.account.mails()) == 2


def test_a_control_in_another_state_is_refused(context: Context) -> None:
    with pytest.raises(StateError, match="starts from state 1; the system is in 2"):
        controls.run(context, "fire-and-forget")


def test_a_deleted_row_is_reported_as_lost(context: Context) -> None:
    dynamodb = context.account.client("dynamodb")
    found = rows.correlations(dynamodb, OWN_TABLE)
    victim = next(id_ for id_ in sorted(found) if id_.startswith("rehearsal-"))
    key = {"pk": {"S": f"REQ#{victim}"}, "sk": {"S": "CORRELATION"}}
    item = dynamodb.get_item(TableName=OWN_TABLE, Key=key)["Item"]
    dynamodb.delete_item(TableName=OWN_TABLE, Key=key)
    read = checks.now(context.journal, lambda: rows.correlations(dynamodb, OWN_TABLE))
    assert read.lost == 1
    dynamodb.put_item(TableName=OWN_TABLE, Item=item)


def _holds(phase: ModuleType, context: Context) -> None:
    wrong = [one for one in phase.checks(context) if not one.holds]
    assert wrong == []
