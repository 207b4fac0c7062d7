"""A change of the layout: what is counted at every moment of a re-projection, and what is left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from cv_reporter.adapters.items import generation_of
from cv_reporter.application.known_layout import LAYOUT_SECONDS
from cv_reporter.application.reproject import Reprojection, UnderWayError
from cv_reporter.bootstrap import Services, one_layout, services
from cv_reporter.domain.calendar import EARLIEST, LATEST
from cv_reporter.domain.summary import merged
from cv_reporter.domain.summary_document import fitted
from cv_reporter.entrypoints import project
from tests.component import world as worlds
from tests.component.world import World, sqs_record
from tests.faults.faults import Crash, Fault, Injector, injected
from tests.sample import completed, erased, question_erased

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOW = int(datetime(2025, 11, 17, 8, tzinfo=UTC).timestamp() * 1_000)
CLOCKS_CHANGE = int(datetime(2025, 10, 26, tzinfo=UTC).timestamp() * 1_000)
RETENTION = int(worlds.ENVIRONMENT["RETENTION_DAYS"])
LOS_ANGELES, LONDON = "America/Los_Angeles", "Europe/London"
ZONES = (LOS_ANGELES, LONDON, "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kolkata")
Rules = tuple[str, int]


def question(number: int, asked_at: int, session: str = "", revision: int = 1) -> dict[str, Any]:
    """A question that is the only one to name its skill, so that it can be counted by itself."""
    return {
        "requestId": f"11111111-1111-4111-8111-{number:012d}",
        "revision": revision,
        "outcome": "none",
        "askedAt": asked_at,
        "sessionId": session or f"s{number % 4}",
        "question": f"text of {number}",
        "skills": [{"name": f"skill {number}", "category": "language", "umbrella": False}],
        "client": "browser",
    }


def skill(document: dict[str, Any]) -> str:
    name: str = document["skills"][0]["name"]
    return name


@dataclass
class Scene:
    """A deployed Reporter under settings that change, and what must be counted in it."""

    world: World
    patch: pytest.MonkeyPatch
    clock: float = 1_000_000.0
    newest: dict[str, dict[str, Any]] = field(default_factory=dict)
    every: list[dict[str, Any]] = field(default_factory=list)
    containers: list[tuple[float, Services]] = field(default_factory=list)
    erased_sessions: set[str] = field(default_factory=set)

    def deploy(self, rules: Rules) -> None:
        """Deploy with other settings."""
        self.patch.setenv("TIME_ZONE", rules[0])
        self.patch.setenv("SHARDS", str(rules[1]))
        worlds.forget()

    def now(self) -> Services:
        """A process that starts now."""
        worlds.forget()
        return services()

    def container(self) -> Services:
        """A container that starts now and knows the layout of now."""
        worlds.forget()
        made = services()
        assert made.layout
        self.containers.append((self.clock, made))
        return made

    def stale(self, random: Random) -> Services:
        """One that may still run: it follows what it knew, for as long as any may."""
        alive = [made for at, made in self.containers if self.clock - at < LAYOUT_SECONDS]
        return random.choice(alive or [self.container()])

    def project(self, *events: Any, by: Services | None = None) -> None:
        """Bring events to a container."""
        records = [sqs_record(number, event) for number, event in enumerate(events)]
        with one_layout(by or self.container()):
            assert project.handler({"Records": records}, None) == {"batchItemFailures": []}

    def ask(self, *documents: dict[str, Any], by: Services | None = None) -> None:
        """Questions are asked, or corrected."""
        for document in documents:
            known = self.newest.get(document["requestId"], {"revision": 0})
            if known["revision"] < document["revision"]:
                self.newest[document["requestId"]] = document
        self.every += documents
        self.project(*map(completed, documents), by=by)

    def expected(self) -> Counter[str]:
        """Each question that is not erased, once."""
        kept = self.newest.values()
        return Counter(skill(d) for d in kept if d["sessionId"] not in self.erased_sessions)

    def counted(self, by: Services | None = None) -> Counter[str]:
        """How often the current summaries count each question, once the stream is drained."""
        with one_layout(by or self.now()):
            self.world.pump()
        worlds.forget()
        found = merged(services().summary_store.between(EARLIEST, LATEST).values()).visitors
        named = {name: tally.outcomes.questions for name, tally in found.skills.items()}
        assert sum(named.values()) == found.outcomes.questions
        return Counter(named)

    def work(self, wait: Callable[[int], None] | None = None) -> Reprojection:
        """The command of an operator."""
        worlds.forget()
        return services().reprojection(wait or self.passes, lambda _: None)

    def passes(self, seconds: int) -> None:
        """Time goes on."""
        self.clock += seconds

    def summaries(self) -> dict[tuple[str, int], str]:
        """The text of each summary that counts something, by day and shard."""
        worlds.forget()
        found = services().summary_store.between(services().placement.first_day, LATEST)
        return {
            (str(at.day), at.shard): fitted(summary)
            for at, summary in found.items()
            if summary.last_event
        }

    def afresh(self, rules: Rules) -> dict[tuple[str, int], str]:
        """The same of the questions as they are now, in a table that never had another layout."""
        first = services().placement.first_day
        kept = worlds.snapshot()
        worlds.restore(worlds.EMPTY)
        self.world.position = 0
        self.deploy(rules)
        documents = [
            each for each in self.newest.values() if each["sessionId"] not in self.erased_sessions
        ]
        self.project(*map(completed, documents))
        self.world.pump()
        made = {at: text for at, text in self.summaries().items() if at[0] >= str(first)}
        self.world.position = worlds.restore(kept)
        worlds.forget()
        return made

    def generations(self) -> set[int | None]:
        """Those that have rows of facts, locators or summaries."""
        return {generation_of(*at) for at in self.world.items()} - {None}


@pytest.fixture
def scene(world: World, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(Services, "now_ms", lambda _: NOW)
    return Scene(world, monkeypatch)


def filled(scene: Scene, rules: Rules) -> None:
    """Questions by day and night, around a change of clocks, corrected ones, moved ones."""
    scene.deploy(rules)
    night = NOW - NOW % DAY_MS + 2 * HOUR_MS
    scene.ask(*(question(n, night - n * 7 * HOUR_MS) for n in range(8)))
    scene.ask(*(question(n, CLOCKS_CHANGE + (n - 10) * 6 * HOUR_MS) for n in range(8, 13)))
    scene.ask(question(3, night - 30 * HOUR_MS, revision=2), question(9, CLOCKS_CHANGE, revision=3))
    assert scene.counted() == scene.expected()


def test_a_changed_zone_is_not_followed_and_counts_nothing_twice(scene: Scene) -> None:
    """At 02:00Z it is still the day before in Los Angeles: its row is there and stays."""
    scene.deploy((LOS_ANGELES, 1))
    asked = question(1, NOW - NOW % DAY_MS + 2 * HOUR_MS)
    scene.ask(asked)
    scene.deploy((LONDON, 2))
    assert scene.now().placement.rules == (LOS_ANGELES, 1)
    scene.ask(asked)  # as reconcile records it, and a repeated event
    assert scene.counted() == {"skill 1": 1}
    assert [day for day, _ in scene.summaries()] == ["2025-11-16"]
    scene.work().run()
    assert scene.counted() == {"skill 1": 1}
    assert [day for day, _ in scene.summaries()] == ["2025-11-17"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((LOS_ANGELES, 1), (LONDON, 1)),
        ((LONDON, 1), (LOS_ANGELES, 1)),
        ((LONDON, 4), (LONDON, 1)),
        ((LONDON, 1), (LONDON, 3)),
        (("Pacific/Kiritimati", 2), ("Pacific/Honolulu", 3)),
    ],
)
def test_it_ends_as_if_there_had_never_been_another_layout(
    scene: Scene, before: Rules, after: Rules
) -> None:
    filled(scene, before)
    scene.deploy(after)
    seen = []

    def wait(seconds: int) -> None:
        scene.passes(seconds)
        seen.append(scene.counted())

    scene.work(wait).run()
    assert seen == [scene.expected()] * 2
    assert scene.counted() == scene.expected()
    assert scene.summaries() == scene.afresh(after)
    assert scene.generations() == {2}
    assert scene.now().layout.current.rules == after
    assert scene.now().unfollowed == ""


def test_the_next_change_is_a_generation_of_its_own_and_the_same_again_is_none(
    scene: Scene,
) -> None:
    filled(scene, (LONDON, 1))
    for number, rules in enumerate([(LONDON, 2), (LOS_ANGELES, 2), (LONDON, 1)], 2):
        scene.deploy(rules)
        scene.work().run()
        assert scene.now().placement.generation == number
        assert scene.counted() == scene.expected()
        assert scene.summaries() == scene.afresh(rules)
    before = worlds.snapshot()[0]
    scene.work().run()
    assert worlds.snapshot()[0] == before


WRITES = {"PutItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem", "UpdateItem"}


def test_a_command_that_is_cut_off_at_any_write_goes_on_when_it_is_repeated(scene: Scene) -> None:
    after = (LOS_ANGELES, 2)
    filled(scene, (LONDON, 1))
    scene.deploy(after)
    start, position = worlds.snapshot(), scene.world.position
    counting = Injector()
    with injected(counting):
        scene.work().run()
    scene.counted()
    expected, counts = scene.summaries(), scene.expected()
    assert expected == scene.afresh(after)
    writes = [at for at, call in enumerate(counting.calls) if call in WRITES]
    for at in writes[::4]:
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            worlds.restore(start)
            scene.world.position = position
            scene.deploy(after)
            with injected(Injector(at, fault)), suppress(Crash):
                scene.work().run()
            assert scene.counted() == counts, (at, fault)
            scene.work().run()
            assert scene.counted() == counts, (at, fault)
            assert scene.summaries() == expected, (at, fault)
            assert scene.generations() == {2}, (at, fault)


def test_one_that_is_cancelled_at_any_write_leaves_nothing_behind(scene: Scene) -> None:
    filled(scene, (LONDON, 1))
    before, start, position = scene.summaries(), worlds.snapshot(), scene.world.position
    scene.deploy((LOS_ANGELES, 2))
    counting = Injector()
    with injected(counting):
        scene.work().run()
    writes = [at for at, call in enumerate(counting.calls) if call in WRITES]
    for at in writes[::3]:
        worlds.restore(start)
        scene.world.position = position
        scene.deploy((LOS_ANGELES, 2))
        with injected(Injector(at, Fault.CRASH_AFTER)), suppress(Crash):
            scene.work().run()
        if scene.now().placement.generation == 2:
            break  # readers have changed over: there is nothing to give up
        scene.work().cancel()
        assert scene.counted() == scene.expected()
        assert scene.generations() == {1}
        assert scene.summaries() == before
        assert scene.now().layout.next is None
        assert scene.now().layout.old is None
    worlds.restore(start)
    scene.deploy((LOS_ANGELES, 2))
    with injected(Injector(writes[1], Fault.CRASH_AFTER)), suppress(Crash):
        scene.work().run()
    scene.work().cancel()
    scene.work().run()
    assert (
        scene.now().placement.generation == 3
    )  # the number of one that was given up is not reused
    assert scene.counted() == scene.expected()


def test_the_setting_changes_while_one_is_under_way(scene: Scene) -> None:
    filled(scene, (LONDON, 1))
    scene.deploy((LOS_ANGELES, 1))

    def leave(_: int) -> None:
        raise Crash

    with suppress(Crash):
        scene.work(leave).run()
    scene.deploy(("Europe/Berlin", 1))
    assert "A re-projection to America/Los_Angeles (1 shard) is not" in scene.now().unfollowed
    with pytest.raises(UnderWayError):
        scene.work().run()
    assert scene.counted() == scene.expected()
    scene.deploy((LOS_ANGELES, 1))
    scene.work().run()
    assert scene.counted() == scene.expected()
    assert scene.now().placement.rules == (LOS_ANGELES, 1)


def test_two_operators_at_once_end_the_same(scene: Scene) -> None:
    """Before a call of one, the other one runs whole."""
    after = (LOS_ANGELES, 3)
    filled(scene, (LONDON, 1))
    start, position = worlds.snapshot(), scene.world.position
    scene.deploy(after)
    counting = Injector()
    with injected(counting):
        scene.work().run()
    reads, expected = len(counting.calls), scene.afresh(after)
    for at in range(0, reads, reads // 7):
        worlds.restore(start)
        scene.world.position = position
        scene.deploy(after)
        with injected(Interrupted(at, lambda: scene.work().run())):
            scene.work().run()
        assert scene.counted() == scene.expected(), at
        assert scene.generations() == {2}, at
        assert scene.summaries() == expected, at


@dataclass
class Interrupted(Injector):
    """Lets something happen before one of the calls."""

    other: Callable[[], object] = print
    begun: bool = False

    def __init__(self, at: int, other: Callable[[], object]) -> None:
        super().__init__(at)
        self.other, self.begun = other, False

    def before_call(self, model: Any, **others: Any) -> Any:
        answer = super().before_call(model, **others)
        if len(self.calls) - 1 == self.at and not self.begun:
            self.begun = True
            self.other()
        return answer


class Traffic(Injector):
    """Before some of the calls, somebody asks, corrects, repeats or erases; then all is counted."""

    def __init__(self, scene: Scene, random: Random) -> None:
        super().__init__()
        self.scene, self.random = scene, random
        self.busy, self.number = False, 100

    def before_call(self, model: Any, **others: Any) -> Any:
        if not self.busy and self.random.random() < 0.04:
            self.happens()
        return None

    def happens(self) -> None:
        self.busy = True
        self.random.choice((self.asks, self.asks, self.corrects, self.repeats, self.erases))()
        assert self.scene.counted(self.scene.stale(self.random)) == self.scene.expected()
        self.busy = False

    def asks(self) -> None:
        self.number += 1
        at = NOW - self.random.randrange(60 * DAY_MS)
        self.scene.ask(question(self.number, at), by=self.scene.stale(self.random))

    def corrects(self) -> None:
        known = self.random.choice(list(self.scene.newest.values()))
        moved = known["askedAt"] + self.random.choice((0, -20, 5, 30)) * HOUR_MS
        newer = known | {"revision": known["revision"] + 1, "askedAt": moved}
        self.scene.ask(newer, by=self.scene.stale(self.random))

    def repeats(self) -> None:
        self.scene.ask(self.random.choice(self.scene.every), by=self.scene.stale(self.random))

    def erases(self) -> None:
        if self.random.random() < 0.5:
            session = f"s{self.random.randrange(4)}"
            self.scene.erased_sessions.add(session)
            self.scene.project(erased(session), by=self.scene.stale(self.random))
            return
        gone = self.random.choice(list(self.scene.newest))
        times = sorted({d["askedAt"] for d in self.scene.every if d["requestId"] == gone})
        del self.scene.newest[gone]
        self.scene.every = [d for d in self.scene.every if d["requestId"] != gone]
        self.scene.project(question_erased(gone, times), by=self.scene.stale(self.random))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_meanwhile_each_question_is_counted_once_at_every_moment(
    scene: Scene, seed: int
) -> None:
    random = Random(seed)
    before, after = ((random.choice(ZONES), random.randrange(1, 4)) for _ in range(2))
    filled(scene, before)
    scene.container()
    scene.deploy(after)
    traffic = Traffic(scene, random)

    def wait(seconds: int) -> None:
        for _ in range(2):
            traffic.happens()
            scene.passes(seconds // 2)

    with injected(traffic):
        scene.work(wait).run()
    assert scene.counted() == scene.expected()
    assert scene.summaries() == scene.afresh(after)
    texts = json.dumps([*scene.world.items().values()])
    assert not [s for s in scene.erased_sessions if f'\\"session\\":\\"{s}\\"' in texts]
