"""Summaries: merging is order-free, the stored form exact and bounded, sketches keep promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cv_reporter.application.wire.documents import read_report, report_json
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period
from cv_reporter.domain.fact import Audience, Fact, Outcome, Skill, Word
from cv_reporter.domain.report import build_report
from cv_reporter.domain.sketch import RELATIVE_ERROR, Distinct, Durations
from cv_reporter.domain.summary import Limits, Summary, merged, summarise
from cv_reporter.domain.summary_document import MAX_BYTES, dumps, fitted, loads
from cv_reporter.domain.tally import Tally
from tests.sample import MONDAY_NOON, fact
from tests.weeks import FACTS, LONDON, WEEK_46, by_day, report_of, variants, week_summary

POLICY = load_policy()
MONDAY = date(2025, 11, 10)
NAMES = st.sampled_from(["Go", "Rust", "AWS", "Kubernetes", "SQL"])


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    number = draw(st.integers(0, 10**6))
    outcome = draw(st.sampled_from(list(Outcome)))
    silent = outcome is Outcome.NO_RESPONSE
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    return fact(
        number,
        asked_at=MONDAY_NOON + draw(st.integers(-3 * 86_400_000, 3 * 86_400_000)),
        session_id=draw(st.sampled_from(["anonymous", "s1", "s2", "s3"])),
        outcome=outcome,
        question=draw(st.sampled_from(["Any Go?", "Golang at all?", "Pizza?", "Which pizza?"])),
        score=None if silent else draw(st.integers(0, 100)),
        total_ms=draw(st.none() | st.integers(0, 5_000)),
        cache_hit=draw(st.booleans()),
        audience=draw(st.sampled_from([Audience.VISITOR] * 4 + list(Audience))),
        skills=tuple(Skill(name, "any", name == "AWS") for name in names),
        words=tuple(Word(name, name.lower()) for name in names[:1]),
        intents=tuple(draw(st.lists(st.sampled_from(["skills", "prompt_attack"]), unique=True))),
        sources=tuple(draw(st.lists(NAMES, max_size=2))),
        revision=draw(st.integers(1, 3)),
    )


def summaries(asked: list[Fact]) -> list[Summary]:
    return [summarise(day_facts, day, LONDON, POLICY) for day, day_facts in by_day(asked).items()]


@settings(max_examples=60, deadline=None)
@given(st.lists(facts(), max_size=12, unique_by=lambda each: each.request_id), st.randoms())
def test_merging_is_associative_and_commutative_and_empty_is_neutral(
    asked: list[Fact], random: Random
) -> None:
    parts = summaries(asked)
    shuffled = list(parts)
    random.shuffle(shuffled)
    left = merged(parts)
    right = Summary()
    for part in reversed(shuffled):
        right = part.merge(right)
    assert left == right
    assert left.merge(Summary()) == Summary().merge(left) == left


@settings(max_examples=60, deadline=None)
@given(st.lists(facts(), max_size=12, unique_by=lambda each: each.request_id))
def test_shards_merge_to_what_one_shard_would_have_said(asked: list[Fact]) -> None:
    for day, day_facts in by_day(asked).items():
        shards = [[f for f in day_facts if (f.session_id == "s1") is one] for one in (True, False)]
        parts = merged(summarise(shard, day, LONDON, POLICY) for shard in shards)
        whole = summarise(day_facts, day, LONDON, POLICY)
        assert (parts.attacks, parts.excluded) == (whole.attacks, whole.excluded)
        assert _unlisted(parts) == _unlisted(whole)


def _unlisted(summary: Summary) -> object:
    """Without samples, of which each shard keeps its own few."""
    groups = {key: replace(g, samples=frozenset()) for key, g in summary.visitors.groups.items()}
    return summary.visitors._replace(listed=frozenset(), groups=groups)


@settings(max_examples=60, deadline=None)
@given(st.lists(facts(), max_size=12, unique_by=lambda each: each.request_id))
def test_the_stored_form_brings_back_the_same_summary(asked: list[Fact]) -> None:
    for summary in summaries(asked):
        assert loads(dumps(summary)) == summary
        assert dumps(loads(dumps(summary))) == dumps(summary)


@settings(max_examples=30, deadline=None)
@given(st.lists(facts(), max_size=12, unique_by=lambda each: each.request_id))
def test_without_quotes_the_stored_form_has_counts_alone(asked: list[Fact]) -> None:
    def counted(tally: Tally) -> Tally:
        skills = {
            name: skill._replace(offered={}, words={}, sessions=Distinct())
            for name, skill in tally.skills.items()
        }
        return tally._replace(groups={}, listed=frozenset(), skills=skills)

    for whole in summaries(asked):
        without = whole.without_attacks
        assert loads(dumps(whole), quotes=False) == whole._replace(
            visitors=counted(whole.visitors),
            without_attacks=None if without is None else counted(without),
        )


def test_a_report_needs_no_quotes_of_the_week_before() -> None:
    stored = {
        day: dumps(summarise(asked, day, LONDON, POLICY)) for day, asked in by_day(FACTS).items()
    }
    this = merged(loads(text) for day, text in stored.items() if day >= MONDAY)

    def report(*, quotes: bool) -> str:
        before = merged(loads(text, quotes=quotes) for day, text in stored.items() if day < MONDAY)
        assert before.visitors.outcomes.questions
        assert bool(before.visitors.groups) == quotes
        return report_json(build_report(WEEK_46, this, before, time_zone=LONDON, policy=POLICY))

    assert report(quotes=False) == report(quotes=True)


def test_the_order_of_facts_does_not_change_a_byte() -> None:
    for day, day_facts in by_day(FACTS).items():
        forward = dumps(summarise(day_facts, day, LONDON, POLICY))
        assert forward == dumps(summarise(day_facts[::-1], day, LONDON, POLICY))


def test_reports_come_back_from_their_json_as_they_were() -> None:
    for report in variants().values():
        assert read_report(report_json(report)) == report


def test_rebuilding_a_report_gives_the_same_bytes() -> None:
    assert report_json(report_of(FACTS)) == report_json(report_of(FACTS[::-1]))


def hostile_day(n: int) -> list[Fact]:
    """Long, ever new names for everything."""
    return [
        fact(
            number,
            session_id=f"session-{number}",
            outcome=Outcome.NONE,
            score=number % 80,
            question=f"{number} " + "ü" * 300,
            skills=tuple(Skill(f"{number}-{k}-" + "ß" * 70, "c" * 80) for k in range(3)),
            words=tuple(
                Word(f"{number}-{k}-" + "ß" * 70, f"{number}" + "w" * 70) for k in range(3)
            ),
            intents=(f"{number}-intent-" + "i" * 60,),
            sources=(f"{number}-" + "s" * 190,),
            total_ms=number * 7,
        )
        for number in range(n)
    ]


def test_a_day_summary_stays_below_100_kb_even_with_hostile_names() -> None:
    summary = summarise(hostile_day(3_000), MONDAY, LONDON, POLICY)
    stored = fitted(summary)
    assert len(stored.encode()) <= MAX_BYTES
    assert loads(stored).visitors.outcomes == summary.visitors.outcomes


def test_bounding_never_touches_totals() -> None:
    summary = summarise(hostile_day(800), MONDAY, LONDON, POLICY)
    small = summary.bounded(Limits(skills=5, groups=5, sessions=50, edges=5)).visitors
    whole = summary.visitors
    assert (small.outcomes, small.scores, small.latency) == (
        whole.outcomes, whole.scores, whole.latency
    )  # fmt: skip
    assert small.visits.visits == whole.visits.visits
    assert len(small.skills) == 5


def test_distinct_counts_are_exact_below_the_bound_and_within_the_stated_error_above() -> None:
    few = summarise(hostile_day(256), MONDAY, LONDON, POLICY).bounded(Limits()).visitors
    assert few.sessions.exact
    assert few.sessions.count == 256
    many = summarise(hostile_day(5_000), MONDAY, LONDON, POLICY).bounded(Limits()).visitors
    assert not many.sessions.exact
    # Three standard errors of 1/√256.
    assert abs(many.sessions.count - 5_000) <= 5_000 * 3 / 256**0.5


def test_thinned_sets_merge_to_the_coarser_one() -> None:
    left = Distinct(frozenset(range(0, 1000, 2))).thinned(100)
    right = Distinct(frozenset(range(0, 1000, 3)))
    assert left.merge(right) == right.merge(left)
    assert left.merge(right).theta == left.theta


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 86_400_000), min_size=1, max_size=900),
    st.sampled_from([50, 95]),
    st.integers(0, 900),
)
def test_percentiles_of_buckets_err_by_at_most_one_percent(
    values: list[int], percent: int, cut: int
) -> None:
    exact = sorted(values)[-(-len(values) * percent // 100) - 1]
    halves = Durations.of(values[:cut]).bucketed().merge(Durations.of(values[cut:]))
    estimate = halves.percentile(percent)
    assert estimate is not None
    assert abs(estimate - exact) <= exact * RELATIVE_ERROR + 0.5
    assert Durations(dict.fromkeys(values, 1)).exact


def test_few_durations_have_exact_percentiles() -> None:
    assert Durations.of([5, 1, 3]).percentile(50) == 3
    assert Durations.of([]).percentile(50) is None


def test_a_period_is_a_fold_over_its_days() -> None:
    days = Period.of_week(WEEK_46).days
    parts = by_day(FACTS)
    folded = merged(summarise(parts.get(day, []), day, LONDON, POLICY) for day in days)
    assert folded == week_summary(FACTS, WEEK_46)
