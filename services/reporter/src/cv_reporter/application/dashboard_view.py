"""What a page of the dashboard is about: its period and filters, from its address and back to it.

Addresses are typed, shared and bookmarked, so reading one never fails: what can't be understood is
left out, and `problem` says so on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from cv_reporter.application.dashboard_marks import Mark
from cv_reporter.application.queries import MAX_PERIOD_DAYS, Filter
from cv_reporter.domain.calendar import Period, Week
from cv_reporter.domain.fact import MISSES, Audience, Fact, Outcome, row
from cv_reporter.domain.summary import group_key
from cv_reporter.domain.tally import GroupKey

MAX_TEXT = 128
MAX_GROUP = 256


class Span(StrEnum):
    """The periods that have a name."""

    WEEK = "week"
    LAST = "last"
    FOUR_WEEKS = "4w"
    QUARTER = "quarter"
    CUSTOM = "custom"


SPAN_NAMES = {
    Span.WEEK: "This week",
    Span.LAST: "Last week",
    Span.FOUR_WEEKS: "Last 28 days",
    Span.QUARTER: "Last 91 days",
    Span.CUSTOM: "Custom",
}
UNANSWERED = "unanswered"
EXCLUDED = "excluded"
EVERYBODY = "all"
DAYS = {Span.FOUR_WEEKS: 28, Span.QUARTER: 91}


@dataclass(frozen=True, slots=True)
class View:
    """A period, and whether prompt attacks count."""

    span: Span
    period: Period
    attacks: bool = True
    problem: str = ""

    def query(self, **changes: str) -> str:
        """The address's query string, with some parameters changed (`""` leaves one out)."""
        given = {"period": self.span.value}
        if self.span is Span.CUSTOM:
            given |= {"from": str(self.period.first), "to": str(self.period.last)}
        if not self.attacks:
            given["attacks"] = "no"
        return urlencode({name: value for name, value in (given | changes).items() if value})

    def over(self, period: Period) -> View:
        """The same view of other days."""
        return replace(self, span=Span.CUSTOM, period=period)


def read_view(given: Mapping[str, str], today: date) -> View:
    """The view that an address asks for; four weeks up to today if it asks for none."""
    attacks = given.get("attacks") != "no"
    span = _span(given)
    if span is Span.CUSTOM:
        period = _custom(given)
        if period is None:
            problem = (
                f"From and to must be dates, in order, fewer than {MAX_PERIOD_DAYS} days apart."
            )
            return View(Span.FOUR_WEEKS, named(Span.FOUR_WEEKS, today), attacks, problem)
        return View(span, period, attacks)
    return View(span, named(span, today), attacks)


def _span(given: Mapping[str, str]) -> Span:
    asked = given.get("period", "")
    if asked in set(Span):
        return Span(asked)
    return Span.CUSTOM if given.get("from") and given.get("to") else Span.FOUR_WEEKS


def named(span: Span, today: date) -> Period:
    """The days of a named period."""
    if span is Span.WEEK:
        return Period.of_week(Week.of(today))
    if span is Span.LAST:
        return Period.of_week(Week.of(today).minus(1))
    return Period(today - timedelta(days=DAYS[span] - 1), today)


def _custom(given: Mapping[str, str]) -> Period | None:
    try:
        first = date.fromisoformat(given.get("from", ""))
        last = date.fromisoformat(given.get("to", ""))
    except ValueError:
        return None
    # The period before it must exist too, and calendars start with the year 1.
    sound = 0 <= (last - first).days < MAX_PERIOD_DAYS and first.year >= 1970  # noqa: PLR2004
    return Period(first, last) if sound and last.year < 9999 else None  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Selection(Filter):
    """Which questions a list shows. Beyond the API's filters: all misses, who is excluded, and the
    questions of an unanswered group; `members` are what the group was joined from; `rows` are the
    questions that a mark is about."""

    unanswered: bool = False
    excluded: bool = False
    without_intent: str | None = None
    group: GroupKey | None = None
    members: frozenset[GroupKey] = frozenset()
    mark: Mark | None = None
    rows: frozenset[str] = frozenset()

    def admits(self, fact: Fact) -> bool:
        """Whether a question is wanted."""
        return (
            Filter.admits(self, fact)
            and not (self.unanswered and fact.outcome not in MISSES)
            and not (self.excluded and fact.audience is Audience.VISITOR)
            and self.without_intent not in fact.intents
            and (self.group is None or self._in_group(fact))
            and (self.mark is None or row(fact.asked_at, fact.request_id) in self.rows)
        )

    def _in_group(self, fact: Fact) -> bool:
        return fact.outcome in MISSES and group_key(fact) in self.members

    def parameters(self) -> dict[str, str]:
        """The parameters of the address; those that are as usual are left out."""
        given = {
            "outcome": UNANSWERED if self.unanswered else self.outcome or "",
            "skill": self.skill or "",
            "intent": self.intent or "",
            "session": self.session_id or "",
            "text": self.text or "",
            "group": ":".join(self.group or ()),
            "offered": self.offered or "",
            "word": self.word or "",
            "show": self.mark or "",
            "audience": self._audience(),
            "attacks": "no" if self.without_intent else "",
        }
        return {name: str(value) for name, value in given.items() if value}

    def _audience(self) -> str:
        if self.excluded:
            return EXCLUDED
        if self.audience is None:
            return EVERYBODY
        return "" if self.audience is Audience.VISITOR else self.audience.value


def read_selection(given: Mapping[str, str], attack: str) -> Selection:
    """The filters that an address asks for. `attack` is the intent that prompt attacks have."""
    outcome, audience = given.get("outcome", ""), given.get("audience", "")
    return Selection(
        outcome=Outcome(outcome) if outcome in set(Outcome) else None,
        skill=_text(given, "skill"),
        intent=_text(given, "intent"),
        session_id=_text(given, "session"),
        text=_text(given, "text"),
        group=_group(given),
        offered=_text(given, "offered"),
        word=_text(given, "word"),
        mark=Mark(given["show"]) if given.get("show") in set(Mark) else None,
        audience=_who(audience),
        unanswered=outcome == UNANSWERED,
        excluded=audience == EXCLUDED,
        without_intent=attack if given.get("attacks") == "no" else None,
    )


def _who(asked: str) -> Audience | None:
    if asked in {EXCLUDED, EVERYBODY}:
        return None
    return Audience(asked) if asked in set(Audience) else Audience.VISITOR


def _group(given: Mapping[str, str]) -> GroupKey | None:
    kind, _, name = given.get("group", "")[:MAX_GROUP].partition(":")
    return GroupKey(kind, name) if kind and name else None


def _text(given: Mapping[str, str], name: str) -> str | None:
    return given.get(name, "").strip()[:MAX_TEXT] or None
