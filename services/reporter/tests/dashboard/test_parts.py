"""The dashboard's pure parts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cv_reporter.application.dashboard_fold import Folds
from cv_reporter.application.dashboard_view import Selection, Span, read_selection, read_view
from cv_reporter.application.entry import (
    LINK,
    SESSION,
    Token,
    form_token,
    is_form_of,
    opened,
    session_token,
    token,
)
from cv_reporter.application.ports import Partition
from cv_reporter.data import load_policy
from cv_reporter.domain.calendar import Period
from cv_reporter.domain.fact import Audience, Fact, Outcome, Skill
from cv_reporter.domain.findings import DayCount, Proportion
from cv_reporter.domain.freshness import Pulse, freshness
from cv_reporter.domain.report import Context, GapState, GapStatus
from cv_reporter.domain.summary import SMALL, Summary, merged, summarise
from cv_reporter.domain.summary_document import dumps, loads
from cv_reporter.domain.tally import Outcomes
from cv_reporter.entrypoints.dashboard import board_text
from cv_reporter.presentation import charts, wording
from tests.sample import fact
from tests.weeks import report_of

TODAY = date(2025, 11, 17)
KEY = "k" * 64
NOW = 1_763_370_000_000


def asked(day: date, count: int = 1) -> Summary:
    facts = [fact(number, session_id=f"{day}-{number}") for number in range(count)]
    return summarise(facts, day, "Europe/London", load_policy())


def test_a_token_is_good_for_its_purpose_until_it_expires() -> None:
    link = token(LINK, KEY, NOW // 1_000 + 60, id="a1")
    assert opened(link, LINK, KEY, NOW) is not None
    assert opened(link, SESSION, KEY, NOW) is None
    assert opened(link, LINK, KEY, NOW + 60_000) is None
    assert opened(link, LINK, "another key", NOW) is None


@pytest.mark.parametrize("forged", ["", "link", "link...", "link.a1.99999999999.é", "x" * 5_000])
def test_what_was_not_signed_opens_nothing(forged: str) -> None:
    assert opened(forged, LINK, KEY, NOW) is None


def test_a_form_belongs_to_the_session_whose_page_it_was_on() -> None:
    link = Token(LINK, "", NOW // 1_000 + 60)
    mine, other = session_token(KEY, link, "one"), session_token(KEY, link, "two")
    assert is_form_of(form_token(mine, KEY), mine, KEY)
    assert not is_form_of(form_token(other, KEY), mine, KEY)
    assert not is_form_of("é", mine, KEY)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, "2025-10-21", "2025-11-17"),
        ({"period": "week"}, "2025-11-17", "2025-11-23"),
        ({"period": "last"}, "2025-11-10", "2025-11-16"),
        ({"period": "quarter"}, "2025-08-19", "2025-11-17"),
        ({"from": "2025-11-01", "to": "2025-11-02"}, "2025-11-01", "2025-11-02"),
        ({"period": "never"}, "2025-10-21", "2025-11-17"),
    ],
)
def test_an_address_names_its_period(given: dict[str, str], first: str, last: str) -> None:
    view = read_view(given, TODAY)
    assert (str(view.period.first), str(view.period.last)) == (first, last)
    assert not view.problem


@pytest.mark.parametrize(
    ("first", "last"),
    [("2025-11-02", "2025-11-01"), ("x", "2025-11-01"), ("2020-01-01", "2025-01-01"),
     ("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31"), ("", "")],
)  # fmt: skip
def test_dates_that_are_no_period_are_told_and_four_weeks_shown(first: str, last: str) -> None:
    view = read_view({"period": "custom", "from": first, "to": last}, TODAY)
    assert view.span is Span.FOUR_WEEKS
    assert view.problem


def test_filters_survive_the_way_through_an_address() -> None:
    given = {"outcome": "unanswered", "skill": "Go", "audience": "excluded", "attacks": "no"}
    assert read_selection(given, "prompt_attack").parameters() == given
    assert read_selection({"outcome": "?", "audience": "?"}, "x").parameters() == {}


def test_unanswered_means_both_kinds_of_miss_and_excluded_means_nobody_else() -> None:
    missed = Selection(unanswered=True)
    admitted = [outcome for outcome in Outcome if missed.admits(fact(1, outcome=outcome))]
    assert admitted == [Outcome.NONE, Outcome.NO_RESPONSE]
    left_out = Selection(audience=None, excluded=True)
    assert [who for who in Audience if left_out.admits(fact(1, audience=who))] == [
        Audience.BOT, Audience.OWNER, Audience.TEST,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days_ago", "pulse"),
    [([], Pulse.NEVER), ([0], Pulse.FRESH), ([2], Pulse.FRESH), ([3], Pulse.LATE),
     ([5], Pulse.SILENT), ([7, 14, 21], Pulse.FRESH), ([9, 16], Pulse.LATE),
     ([15, 22], Pulse.SILENT)],
)  # fmt: skip
def test_lateness_is_measured_by_the_usual_pause(days_ago: list[int], pulse: Pulse) -> None:
    days = {TODAY - timedelta(days=n): asked(TODAY - timedelta(days=n)) for n in days_ago}
    assert freshness(days, TODAY).pulse is pulse


@pytest.mark.parametrize("audience", list(Audience))
def test_the_light_is_green_while_anybodys_events_arrive(audience: Audience) -> None:
    facts = [fact(1, asked_at=NOW - 9, audience=audience), fact(2, asked_at=NOW - 99)]
    stored = dumps(summarise(facts, TODAY, "Europe/London", load_policy()))
    found = freshness({TODAY: loads(stored), TODAY - timedelta(9): asked(TODAY)}, TODAY)
    assert (found.pulse, found.last_asked) == (Pulse.FRESH, NOW - 9)
    only = summarise([facts[0]], TODAY, "Europe/London", load_policy())
    assert freshness({TODAY: only}, TODAY).pulse is Pulse.FRESH


def test_a_column_is_as_high_as_its_questions_and_stands_on_the_ground() -> None:
    pieces = charts.stacked(Outcomes(2, 1, 1, 0, 0), 8)
    assert [(piece.part, piece.start, piece.length) for piece in pieces] == [
        ("full", 75.0, 25.0), ("partial", 62.5, 12.5), ("none", 50.0, 12.5),
    ]  # fmt: skip


def test_a_chart_scales_to_the_larger_of_both_periods_and_skips_an_empty_one() -> None:
    days = [DayCount(TODAY, Outcomes(full=3))]
    assert charts.day_chart(days, [Outcomes(full=90)], ()).top == 100
    assert charts.day_chart(days, [Outcomes()], ()).points == ""


@pytest.mark.parametrize(("n", "top"), [(0, 4), (4, 4), (7, 8), (9, 10), (95, 100), (1_001, 2_000)])
def test_a_scale_ends_at_a_round_number(n: int, top: int) -> None:
    assert charts.rounded_up(n) == top


def test_every_share_up_to_400_is_rounded_once_and_alike_everywhere() -> None:
    """Board, mail, and the number that API and CSV carry; 100 only without a miss."""
    for whole in range(SMALL, 401):
        for part in range(whole + 1):
            exact = 1000 * part / whole
            percent = Proportion.of(part, whole).percent
            assert percent is not None
            assert wording.share(part, whole).value == wording.percent_text(percent)
            assert (percent == 0, percent == 100) == (part == 0, part == whole)
            assert abs(10 * percent - exact) <= 0.5 + 1e-9
            assert float(wording.percent_text(percent).rstrip("%")) == percent


@pytest.mark.parametrize(("part", "text"), [(1, "0.1%"), (9_999, "99.9%"), (10_000, "100%")])
def test_a_share_of_many_is_never_rounded_to_none_or_all(part: int, text: str) -> None:
    assert wording.share(part, 10_000).value == text


def test_percentages_need_five_and_bring_their_interval() -> None:
    assert wording.sure(Proportion.of(1, 4)) == ""
    assert wording.sure(Proportion.of(2, 5)) == "40% (likely 11–77%)"


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [((2025, 11, 10), (2025, 11, 16), "10–16 Nov 2025"),
     ((2025, 10, 27), (2025, 11, 2), "27 Oct – 2 Nov 2025"),
     ((2024, 12, 30), (2025, 1, 5), "30 Dec 2024 – 5 Jan 2025"),
     ((2025, 11, 10), (2025, 11, 10), "10 Nov 2025")],
)  # fmt: skip
def test_dates_are_told_as_people_write_them(
    first: tuple[int, int, int], last: tuple[int, int, int], text: str
) -> None:
    assert wording.dates(Period(date(*first), date(*last))) == text


def test_folding_gives_what_merging_gives_and_is_not_done_twice() -> None:
    days = [TODAY - timedelta(days=n) for n in range(3)]
    found = {Partition(day, 0): asked(day, 2) for day in days}
    folds, period = Folds(), Period(days[-1], TODAY)
    first = folds.of(found, period)
    assert first == merged(found.values())
    assert folds.of(dict(found), period) is first
    found[Partition(TODAY, 0)] = asked(TODAY, 5)
    assert folds.of(found, period) == merged(found.values())
    assert folds.of({}, period) == Summary()


def test_folding_forgets_what_was_long_not_asked_for() -> None:
    folds = Folds()
    for back in range(40):
        day = TODAY - timedelta(days=back)
        folds.of({Partition(day, 0): asked(day)}, Period(day, day))
    assert len(folds._known) <= 12


def test_a_lone_question_is_told_in_words() -> None:
    summary = asked(TODAY)
    assert wording.outcome_text(summary.visitors.outcomes.counts) == "1 in full"


def test_mail_and_board_name_the_same_gap_which_most_sessions_met_and_which_is_open() -> None:
    often = [asked_about("COBOL", number, "one") for number in range(50)]
    by_two = [asked_about("Rust", 100 + number, f"r{number}") for number in range(2)]
    wont = [asked_about("Kafka", 200 + number, f"k{number}") for number in range(3)]
    decided = {"Kafka": GapStatus("Kafka", GapState.WONT, since=0)}
    context = Context(first_day=date(2025, 11, 3), statuses=decided)
    report = report_of([*often, *by_two, *wont], context=context)
    lead = board_text.lead(report.totals, report.findings)
    assert lead == (
        "55 questions: none got an answer. "
        "The most common gap is Rust: asked 2 times in 2 sessions."
    )
    assert "The most common gap is Rust." in wording.week_summary(report)


def asked_about(skill: str, number: int, session: str) -> Fact:
    return fact(
        number, session_id=session, outcome=Outcome.NONE, score=0, skills=(Skill(skill, "other"),)
    )


@pytest.mark.parametrize(("full", "start"), [(0, "none answered in full"), (1, "1 answered in")])
def test_no_full_answer_is_told_in_words(full: int, start: str) -> None:
    outcomes = [Outcome.FULL] * full + [Outcome.PARTIAL] * (5 - full) + [Outcome.NONE]
    report = report_of([fact(n, outcome=outcome) for n, outcome in enumerate(outcomes)])
    for sentence in (
        board_text.lead(report.totals, report.findings),
        wording.week_summary(report),
    ):
        assert f": {start}" in sentence
        assert ", 1 not at all." in sentence
