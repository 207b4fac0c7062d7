"""Each number of docs/metrics.md, pinned at its edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from cv_reporter.data import load_policy
from cv_reporter.domain.annotation import Annotation, effect
from cv_reporter.domain.calendar import Period, Week, day_start_ms, last_complete_week, local_day
from cv_reporter.domain.fact import Audience, Outcome, Skill, Word
from cv_reporter.domain.findings import MAX_GROUPS, BusiestHour, Findings
from cv_reporter.domain.numbers import Change, percent, rounded, wilson
from cv_reporter.domain.report import (
    ActionKind,
    Comparison,
    Context,
    Coverage,
    GapState,
    GapStatus,
    WeeklyReport,
)
from cv_reporter.domain.summary import summarise
from tests.sample import MONDAY_NOON, fact
from tests.weeks import COMPARED, FACTS, LONDON, WEEK_46, report_of

MONDAY = date(2025, 11, 10)
MINUTE = 60_000
HOUR = 60 * MINUTE
GO = (Skill("Go", "language"),)
AWS = (Skill("AWS", "cloud", umbrella=True),)


def found(*facts: object, **changes: object) -> Findings:
    return report_of(list(facts)).findings  # type: ignore[arg-type]  # facts, as the name says


def miss(number: int, **changes: object) -> object:
    return fact(number, **({"outcome": Outcome.NONE, "score": 40} | changes))


def test_percentages_and_means_round_half_up() -> None:
    assert percent(1, 8) == 12.5
    assert rounded(1506, 24) == 62.8
    assert rounded(86, 80, 2) == 1.08
    assert percent(1, 3) == 33.3
    assert percent(0, 0) is None


def test_wilson_intervals_match_published_values_and_stay_within_bounds() -> None:
    assert wilson(8, 25) == (17.2, 51.6)
    assert wilson(0, 10) == (0.0, 27.8)
    assert wilson(10, 10) == (72.2, 100.0)
    assert wilson(0, 0) is None


def test_a_percentage_of_change_needs_ten_on_both_sides() -> None:
    assert Change(28, 12).text == "+16 (+133 %)"
    assert Change(28, 9).text == "+19"
    assert Change(3, 0).text == "new"
    assert Change(0, 0).text == "no change"
    assert Change(10, 20).text == "-10 (-50 %)"


def test_sessions_count_named_ones_and_keep_anonymous_apart() -> None:
    sessions = found(
        fact(1), fact(2), fact(3, session_id="s2"), fact(4, session_id="anonymous")
    ).sessions
    assert (sessions.named, sessions.anonymous_questions, sessions.exact) == (2, 1, True)


def test_a_visit_ends_after_thirty_idle_minutes() -> None:
    later = MONDAY_NOON + 1_000 + 30 * MINUTE
    assert found(fact(1), fact(2, asked_at=later)).sessions.visits == 1
    assert found(fact(1), fact(2, asked_at=later + 1)).sessions.visits == 2


def test_an_exit_on_a_miss_is_a_visit_whose_last_outcome_is_none_or_no_response() -> None:
    ends_well = found(miss(1), fact(2)).exits_on_miss
    assert (ends_well.part, ends_well.whole) == (0, 1)
    ends_badly = found(fact(1), miss(2)).exits_on_miss
    assert (ends_badly.part, ends_badly.whole) == (1, 1)
    silent = found(fact(1), fact(2, outcome=Outcome.NO_RESPONSE, score=None)).exits_on_miss
    assert silent.part == 1
    assert found(miss(1, session_id="anonymous")).exits_on_miss.whole == 0


def test_a_visit_across_midnight_is_one_visit() -> None:
    midnight = day_start_ms(date(2025, 11, 11), LONDON)
    before, after = midnight - 5 * MINUTE, midnight + 5 * MINUTE
    result = found(
        miss(1, asked_at=before, question="Any Go?", skills=GO),
        fact(2, asked_at=after, question="Golang then?", skills=GO),
    )
    assert result.sessions.visits == 1
    assert result.exits_on_miss.part == 0
    assert result.rephrased.part == 1


def test_a_visit_through_two_midnights_is_still_one_visit() -> None:
    start = day_start_ms(date(2025, 11, 11), LONDON) - MINUTE
    step = 29 * MINUTE
    through = [fact(n, asked_at=start + n * step) for n in range(52)]
    assert found(*through).sessions.visits == 1


def test_a_rephrase_shares_a_skill_or_half_of_the_words() -> None:
    first = miss(1, question="Any Go?", skills=GO)
    assert found(first, fact(2, question="Golang at all?", skills=GO)).rephrased.part == 1
    by_words = (
        miss(1, question="notice period length please", skills=()),
        fact(2, question="what notice period length", skills=()),
    )
    assert found(*by_words).rephrased.part == 1


def test_no_rephrase_after_ten_minutes_a_full_answer_or_by_an_umbrella_skill() -> None:
    late = MONDAY_NOON + 1_000 + 10 * MINUTE + 1
    again = fact(2, question="Golang?", skills=GO)
    first = miss(1, question="Any Go?", skills=GO)
    assert found(first, replace(again, asked_at=late)).rephrased.part == 0
    assert found(fact(1, question="Any Go?", skills=GO), again).rephrased.part == 0
    umbrella = miss(1, question="AWS?", skills=AWS), fact(2, question="Amazon?", skills=AWS)
    assert found(*umbrella).rephrased.part == 0


def test_an_exact_repeat_is_a_repeat_and_no_rephrase() -> None:
    result = found(miss(1, question="Any Go?", skills=GO), miss(2, question="any  GO?", skills=GO))
    assert (result.rephrased.part, result.health.exact_repeats) == (0, 1)


def test_questions_that_only_begin_alike_are_no_repeat() -> None:
    """As when both stand below the same pasted job advertisement."""
    pasted = "We look for an engineer who has done all of this. " * 20
    texts = (f"{pasted} Any Go?", f"{pasted} Any Golang?")
    result = found(*(miss(n, question=text, skills=GO) for n, text in enumerate(texts)))
    assert (result.rephrased.part, result.health.exact_repeats) == (1, 0)


def test_silence_is_a_full_gap_unless_the_bot_declines_by_rule() -> None:
    silent = {"outcome": Outcome.NO_RESPONSE, "score": None, "skills": GO}
    assert found(fact(1, **silent)).gaps[0].gap == 1.0
    for declined in ("compensation", "location"):
        assert found(fact(1, **silent, intents=(declined,))).gaps == ()


def test_umbrella_skills_have_no_gap_and_are_not_asked_for() -> None:
    result = found(miss(1, skills=AWS, sources=("Azure",)))
    assert result.gaps == ()
    assert result.offers == ()


def test_offered_instead_is_another_entry_than_the_one_asked_for() -> None:
    asked = {"outcome": Outcome.PARTIAL, "score": 60, "skills": GO}
    assert found(fact(1, **asked, sources=("go",))).offers == ()
    [offer] = found(fact(1, **asked, sources=("Python", "Rust"))).offers
    assert (offer.asked, offer.source, offer.times) == ("Go", "Python", 1)
    assert found(fact(1, skills=GO, sources=("Python",))).offers == ()


def test_unanswered_group_by_skill_else_intent_else_likeness() -> None:
    plain = {"skills": (), "intents": ()}
    result = found(
        miss(1, skills=(*AWS, *GO)),
        miss(2, skills=(), intents=("location",)),
        miss(3, question="favourite pizza topping?", **plain),
        miss(4, question="pizza topping you like?", **plain),
        miss(5, question="your cat's name?", **plain),
    )
    groups = {(group.kind, group.label): group.count for group in result.groups}
    assert groups == {
        ("text", "pizza topping you like?"): 2,
        ("skill", "Go"): 1,
        ("intent", "Location"): 1,
        ("text", "your cat's name?"): 1,
    }
    assert result.ungrouped == 0


def test_what_stands_in_no_listed_group_is_counted_as_such() -> None:
    result = found(*(miss(n, skills=(Skill(f"Skill {n}", "any"),)) for n in range(33)))
    assert len(result.groups) == MAX_GROUPS
    assert result.ungrouped == 33 - MAX_GROUPS


def test_bots_the_owner_and_tests_are_excluded_and_counted_as_such() -> None:
    report = report_of(
        [
            fact(1),
            fact(2, audience=Audience.BOT),
            fact(3, audience=Audience.OWNER),
            fact(4, audience=Audience.TEST),
            fact(5, audience=Audience.TEST),
        ]
    )
    out = report.findings.excluded
    assert report.totals.questions == 1
    assert (out.bots, out.owner, out.tests) == (1, 1, 2)


def test_latency_is_nearest_rank_of_fresh_answers_and_says_how_many_reported() -> None:
    answers = [fact(n, total_ms=n * 100) for n in range(1, 21)]
    cached = fact(30, total_ms=5, cache_hit=True)
    silent = fact(31, total_ms=None)
    times = found(*answers, cached, silent).latency
    assert (times.p50_ms, times.p95_ms, times.cached_p50_ms) == (1_000, 1_900, 5)
    assert (times.reported, times.answered) == (21, 22)


def test_without_performance_data_latency_is_not_reported() -> None:
    times = found(fact(1, total_ms=None)).latency
    assert (times.p50_ms, times.reported, times.answered) == (None, 0, 1)


def test_the_histogram_has_ten_bins_and_100_is_in_the_last() -> None:
    assert found(fact(1, score=0), fact(2, score=9), fact(3, score=100)).histogram == (
        (2, *[0] * 8, 1)
    )


def test_hours_are_of_the_owners_clock() -> None:
    hours = found(fact(1)).hours
    assert hours[0][12] == 1
    assert sum(map(sum, hours)) == 1


def test_the_busiest_hour_is_the_first_of_those_with_the_most_questions() -> None:
    tuesday = MONDAY_NOON + 24 * HOUR
    twice = fact(1, asked_at=tuesday), fact(2, asked_at=tuesday)
    at_ten = fact(3, asked_at=tuesday - 2 * HOUR), fact(4, asked_at=tuesday - 2 * HOUR)
    assert found(fact(5), *twice).busiest_hour == BusiestHour(weekday=1, hour=12, questions=2)
    assert found(*twice, *at_ten).busiest_hour == BusiestHour(weekday=1, hour=10, questions=2)
    earlier_day = fact(5), fact(6)
    assert found(*at_ten, *earlier_day).busiest_hour == BusiestHour(weekday=0, hour=12, questions=2)
    assert found().busiest_hour is None


def test_days_begin_at_the_owners_midnight_when_clocks_change() -> None:
    spring, autumn = date(2026, 3, 29), date(2025, 10, 26)
    for day, length in ((spring, 23), (autumn, 25)):
        start, end = (
            day_start_ms(day, LONDON), day_start_ms(day + timedelta(days=1), LONDON)
        )  # fmt: skip
        assert end - start == length * HOUR
        assert local_day(start, LONDON) == local_day(end - 1, LONDON) == day


def test_iso_weeks_cross_the_year() -> None:
    assert str(Week.of(date(2024, 12, 30))) == "2025-W01"
    assert str(Week.parse("2026-W53").minus(53)) == "2025-W52"
    with pytest.raises(ValueError, match=r".*"):
        Week.parse("2025-W53")


def test_monday_morning_reports_the_week_that_just_ended() -> None:
    monday_seven = day_start_ms(date(2025, 11, 17), LONDON) + 7 * HOUR
    assert last_complete_week(monday_seven, LONDON) == WEEK_46


def reported(**context: object) -> WeeklyReport:
    whole = {"first_day": date(2025, 11, 3), "comparison": COMPARED} | context
    return report_of(FACTS, context=Context(**whole))  # type: ignore[arg-type]  # by name


def test_a_gap_marked_done_reopens_when_the_skill_is_missed_again() -> None:
    def status(since: int) -> tuple[str, bool]:
        decided = {"Kubernetes": GapStatus("Kubernetes", GapState.DONE, since)}
        gap = reported(statuses=decided).findings.gaps[0]
        return gap.status, gap.reopened

    last_missed = reported().findings.gaps[0].last_missed
    assert status(last_missed - 1) == ("open", True)
    assert status(last_missed) == ("done", False)


def test_actions_are_one_of_each_kind_by_sessions_of_gaps_that_are_still_open() -> None:
    declined = {"Kubernetes": GapStatus("Kubernetes", GapState.WONT, 0)}
    actions = reported(statuses=declined).actions
    assert [(action.kind, action.skill) for action in actions] == [
        (ActionKind.DECIDE, "Go"),
        (ActionKind.DECIDE, "GraphQL"),
        (ActionKind.STRENGTHEN, "Docker"),
    ]
    assert "GraphQL and Rust" in actions[1].text


def test_a_planned_skill_that_is_asked_for_again_is_to_be_added_now() -> None:
    planned = {"Kubernetes": GapStatus("Kubernetes", GapState.PLANNED, 0)}
    assert "add it now" in reported(statuses=planned).actions[0].text


def test_a_word_used_twice_and_more_than_the_skills_own_is_to_be_used() -> None:
    def actions(*aliases: str) -> list[ActionKind]:
        asked = [fact(n, skills=GO, words=(Word("Go", alias),)) for n, alias in enumerate(aliases)]
        return [each.kind for each in report_of(asked).actions]

    assert actions("Golang", "Golang", "Go") == [ActionKind.USE_THEIR_WORD]
    assert actions("Golang", "Golang", "Go", "Go") == []
    assert actions("Golang") == []


def test_a_gap_of_a_skill_that_the_cv_has_is_to_be_strengthened() -> None:
    weak = fact(1, outcome=Outcome.PARTIAL, score=50, skills=GO, sources=("Go",), words=())
    [action] = report_of([weak]).actions
    assert action.kind is ActionKind.STRENGTHEN


def test_vocabulary_shows_other_words_but_not_plurals_or_additions() -> None:
    asked = [
        fact(1, skills=GO, words=(Word("Go", "Golang"),)),
        fact(2, skills=GO, words=()),
        fact(3, skills=(Skill("GraphQL", "api"),), words=(Word("GraphQL", "GraphQL APIs"),)),
    ]
    [spoken] = report_of(asked).findings.vocabulary
    assert [(each.word, each.times) for each in spoken.words] == [("Go", 1), ("Golang", 1)]


def test_an_effect_is_measured_over_four_weeks_on_each_side() -> None:
    """Of the days around a note, 28 before it and 28 from it on count, and those at the ends."""
    note = Annotation(MONDAY, "added a Go project", "Go")
    offsets = (-29, -28, -1, 0, 27, 28)
    days = []
    for offset in offsets:
        day = MONDAY + timedelta(days=offset)
        outcome = Outcome.FULL if offset == 27 else Outcome.NONE
        noon = MONDAY_NOON + offset * 24 * HOUR
        asked = fact(offset, asked_at=noon, skills=GO, outcome=outcome)
        days.append((day, summarise([asked], day, LONDON, load_policy())))
    measured = effect(note, days)
    assert measured.before == "0 of 2 in full: 0.0 % (95 % sure: 0.0–65.8 %)"
    assert measured.after == "1 of 2 in full: 50.0 % (95 % sure: 9.5–90.5 %)"
    assert effect(note, []).after == "not asked"


def test_coverage_names_the_skills_that_nobody_asked_about() -> None:
    report = reported(coverage=Coverage(3, ("Elixir",)))
    assert report.coverage is not None
    assert report.coverage.never_asked == ("Elixir",)


def test_a_report_says_what_was_not_compared() -> None:
    assert not reported().degraded
    assert reported(comparison=Comparison(7, 2, 0, "circuit open")).degraded


def test_what_no_event_carries_is_unknown_and_not_zero() -> None:
    bare = report_of([fact(n, total_ms=None, score=None, skills=()) for n in range(6)])
    assert bare.totals.mean_score is None
    assert (bare.findings.latency.reported, bare.findings.latency.p50_ms) == (0, None)
    assert (bare.findings.health.conflicts, bare.findings.health.dead_letters) == (None, None)


def test_outcomes_of_a_newer_writer_count_as_answered() -> None:
    newer = report_of([fact(n, outcome=Outcome.UNKNOWN) for n in range(6)])
    assert (newer.totals.questions, newer.totals.answered) == (6, 6)
    assert newer.findings.health.unknown_outcome == 6


def test_data_health_counts_corrections_and_skewed_clocks() -> None:
    health = found(fact(1, revision=2), fact(2, clock_skewed=True), fact(3)).health
    assert (health.queries, health.corrected, health.clock_skewed) == (3, 1, 1)
    assert (health.conflicts, health.dead_letters) == (None, None)


def test_every_day_of_the_period_is_counted_also_empty_ones() -> None:
    days = found(fact(1)).days
    assert [day.day for day in days] == list(Period.of_week(WEEK_46).days)
    assert [day.outcomes.questions for day in days] == [1, 0, 0, 0, 0, 0, 0]


def test_intents_count_each_question_once_per_intent() -> None:
    asked = found(fact(1, intents=("skills", "skills", "location")))
    assert [(each.intent, each.outcomes.questions) for each in asked.intents] == [
        ("location", 1),
        ("skills", 1),
    ]


def test_the_bot_declines_what_the_owner_answers_in_person() -> None:
    """The intents that the enrichment marks as declined; contact details are not among them."""
    assert load_policy().declined_by_rule == {
        "availability",
        "compensation",
        "location",
        "personal",
        "references",
        "right_to_work",
    }
    assert not load_policy().declines(("contact",))
