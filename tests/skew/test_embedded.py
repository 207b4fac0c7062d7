"""An old consumer on the embedded AWS: the Reporter carries an earlier release of the contracts.

Real bundles, real deploys, and the sample weeks through them to the reports. The Processor admits
no release before 1.2, whose tolerant reader it needs, so today's code cannot run with an older one;
what earlier producers sent is read by `test_skew.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cv_contracts import __version__

from tests.skew.versions import Version, released
from tests.system.conftest import eventually, system_of
from tools.build import bundle, synth
from tools.build.progress import Steps
from tools.demo import samples
from tools.demo.demo import ZONE
from tools.demo.system import DeployedSystem
from tools.deploy import stacks
from tools.deploy.account import Account
from tools.emulator.emulator import SAVE_RARELY, Emulator, free_port
from tools.paths import DIST, SAMPLE_DATA

GOLDEN = samples.golden(SAMPLE_DATA, str(ZONE))
PLAN = samples.plan(samples.load(SAMPLE_DATA), datetime(2025, 11, 17, 12, tzinfo=UTC), ZONE)
FOLDER = DIST / "skew"


def previous() -> Version:
    """The newest release of another minor version: a patch changes no contract."""
    minor = __version__.rpartition(".")[0]
    return [one for one in released() if not one.name.startswith(f"released-{minor}.")][-1]


@pytest.fixture(scope="module")
def older() -> Path:
    """The Reporter's assembly whose code carries the release before today's contracts."""
    bundles, assemblies = FOLDER / "bundles", FOLDER / "cdk"
    bundles.mkdir(parents=True, exist_ok=True)
    bundle.build("reporter", bundle.LOCAL, contracts=previous().path, into=bundles)
    synth.synthesise("reporter", "local", bundles=bundles, assemblies=assemblies)
    return assemblies


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A running embedded AWS that services are deployed into, with either version."""
    emulator = Emulator(tmp_path_factory.mktemp("embedded-aws"), SAVE_RARELY)
    try:
        with stacks.start(emulator, Steps(), free_port()) as account:
            yield account
    finally:
        emulator.stop()


def contracts_of(system: DeployedSystem) -> tuple[str, str]:
    """The contracts' version that each service runs, by its own word."""
    apis = (system.processor, system.reporter)
    processor, reporter = (api.get("/health").raise_for_status().json() for api in apis)
    return processor["contracts"], reporter["contracts"]


def week_runs(
    system: DeployedSystem, week: str, events: list[samples.Event], days: tuple[str, str]
) -> None:
    """Send a week's events; the report's totals are the golden ones, after reconciliation too."""
    for event in events:
        system.send_to_queue(event)
    questions = GOLDEN[week]["questions"]
    eventually(lambda: system.projected(*days) == questions, f"{week} projected")
    system.build_report(week, send=False)
    assert system.totals(week) == GOLDEN[week]


def test_an_old_consumer_then_todays_read_what_todays_producer_sends(
    account: Account, older: Path
) -> None:
    before = previous().name.removeprefix("released-")
    assert before != __version__
    stacks.deploy(account, ("processor", "reporter", stacks.LINKS), Steps())
    stacks.deploy_stack(account, "reporter", older)
    with system_of(account) as system:
        assert contracts_of(system) == (__version__, before)
        week_runs(system, PLAN.first_week, PLAN.by_queue, ("2025-11-03", "2025-11-09"))
    stacks.deploy_stack(account, "reporter")
    with system_of(account) as system:
        assert contracts_of(system) == (__version__, __version__)
        week_runs(system, PLAN.second_week, PLAN.by_api, ("2025-11-10", "2025-11-16"))
        assert system.totals(PLAN.first_week) == GOLDEN[PLAN.first_week]
