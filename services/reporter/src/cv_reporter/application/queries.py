"""What the API and the dashboard read: periods, and the questions behind every number."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from heapq import merge

from cv_reporter.application.ports import FactStore, Partition, StatusStore, SummaryStore
from cv_reporter.domain.calendar import Period, local_day
from cv_reporter.domain.fact import Audience, Fact, Outcome, Placement, row
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.report import PeriodSummary, period_summary
from cv_reporter.domain.summary import Summary, merged, offered_instead, words_for
from cv_reporter.domain.words import searchable

MAX_PERIOD_DAYS = 400
MAX_PAGE = 100
MAX_EXAMINED = 5_000
MAX_PAGE_BYTES = 5_000_000
"""A page ends behind the question that exceeds this: Lambda answers with at most 6 MB."""
MAX_ANSWER_BYTES = 6_000_000
ROW_BYTES = 150
"""No question takes less: times, outcome, id and separators."""
OTHER_BYTES = 20_000
"""Room for what is not text: ids, skills, their words, times."""


class BadCursorError(ValueError):
    """A cursor that no page gave out."""


class TooManyError(ValueError):
    """More questions than one answer can hold."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which questions are wanted. What is `None` is not filtered.

    A skill's and an intent's name count in any case; so does `text`, in any Unicode form and
    spacing. `offered` is the source that was offered instead of the skill, `word` the visitor's
    word for it.
    """

    outcome: Outcome | None = None
    skill: str | None = None
    intent: str | None = None
    session_id: str | None = None
    text: str | None = None
    audience: Audience | None = Audience.VISITOR
    offered: str | None = None
    word: str | None = None

    def admits(self, fact: Fact) -> bool:
        """Whether a question is wanted."""
        return (
            (self.outcome is None or fact.outcome is self.outcome)
            and (self.audience is None or fact.audience is self.audience)
            and (self.session_id is None or fact.session_id == self.session_id)
            and (self.intent is None or _names(self.intent, fact.intents))
            and (self.skill is None or _names(self.skill, [skill.name for skill in fact.skills]))
            and (self.text is None or searchable(self.text) in searchable(fact.question))
            and (self.offered is None or _names(self.offered, self._offers(fact)))
            and (self.word is None or _names(self.word, self._words(fact)))
        )

    def _offers(self, fact: Fact) -> list[str]:
        return [source for skill in self._skills(fact) for source in offered_instead(fact, skill)]

    def _words(self, fact: Fact) -> list[str]:
        return [word for skill in self._skills(fact) for word in words_for(fact, skill)]

    def _skills(self, fact: Fact) -> list[str]:
        """The question's skills that the filter is about."""
        return [
            skill.name
            for skill in fact.skills
            if self.skill is None or skill.name.casefold() == self.skill.casefold()
        ]


def _names(wanted: str, names: Iterable[str]) -> bool:
    return wanted.casefold() in (name.casefold() for name in names)


@dataclass(frozen=True, slots=True)
class Page:
    """Questions, newest first; `next_cursor` leads to older ones, if there may be any."""

    items: tuple[Fact, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Queries:
    """Reads over summaries and facts."""

    facts: FactStore
    summaries: SummaryStore
    statuses: StatusStore
    placement: Placement
    policy: Policy

    def period(self, period: Period, *, attacks: bool = True) -> PeriodSummary:
        """The numbers of a period; `attacks=False` leaves prompt attacks out."""
        before = period.before()
        summaries = self.summaries.between(before.first, period.last)
        this, earlier = _within(summaries, period), _within(summaries, before)
        return period_summary(
            this,
            earlier,
            period,
            time_zone=self.placement.time_zone,
            policy=self.policy,
            statuses=self.statuses.all(),
            attacks=attacks,
        )

    def questions(
        self, period: Period, wanted: Filter, *, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """A page of questions. A page may be short of `limit`, even empty, and still lead on:

        at most 5,000 questions are examined for it.
        """
        facts: list[Fact] = []
        last: Fact | None = None
        size = 0
        for examined, fact in enumerate(self.newest(period, _opened(cursor))):
            full = len(facts) == min(limit, MAX_PAGE) or size > MAX_PAGE_BYTES
            if full or examined == MAX_EXAMINED:
                return Page(tuple(facts), _cursor(last) if last else None)
            last = fact
            if wanted.admits(fact):
                facts.append(fact)
                size += most_bytes(fact)
        return Page(tuple(facts))

    def every(self, period: Period, wanted: Filter) -> list[Fact]:
        """All wanted questions, newest first. Raises `TooManyError` if no answer can hold them."""
        facts: list[Fact] = []
        size = 0
        for fact in filter(wanted.admits, self.newest(period)):
            facts.append(fact)
            size += ROW_BYTES + len(fact.question)
            if size > MAX_ANSWER_BYTES:
                raise TooManyError("more questions than one answer can hold")
        return facts

    def count(self, period: Period, wanted: Filter) -> int | None:
        """How many questions are wanted; `None` if the period has too many to look through."""
        found = 0
        for examined, fact in enumerate(self.newest(period)):
            if examined == MAX_EXAMINED:
                return None
            found += wanted.admits(fact)
        return found

    def question(self, request_id: str, asked_at: int) -> Fact | None:
        """One question, of whatever audience, by its id and the time of asking."""
        return self.facts.asked(request_id, asked_at)

    def newest(self, period: Period, before: str | None = None) -> Iterator[Fact]:
        """The period's questions from before a row on, newest first, then by id, the last first."""
        start = self._day_of(before) if before else period.last
        for day in reversed(period.days):
            if day <= start:
                shards = (
                    self.facts.newest_first(Partition(day, shard), before if day == start else None)
                    for shard in range(self.placement.shards)
                )
                yield from merge(*shards, key=_age, reverse=True)

    def _day_of(self, before: str) -> date:
        return local_day(int(before.partition("#")[0]), self.placement.time_zone)


def most_bytes(fact: Fact) -> int:
    """At most how large a question is in an answer, whatever is in its texts.

    A character takes four bytes, be it as UTF-8 or as a quotation mark that is escaped twice.
    """
    texts = (fact.question, fact.reasoning or "", *fact.sources)
    return OTHER_BYTES + 4 * sum(map(len, texts))


def _within(summaries: dict[Partition, Summary], period: Period) -> Summary:
    return merged(summary for at, summary in summaries.items() if at.day in period)


def _age(fact: Fact) -> str:
    return row(fact.asked_at, fact.request_id)


def _cursor(fact: Fact) -> str:
    return urlsafe_b64encode(_age(fact).encode()).rstrip(b"=").decode()


def _opened(cursor: str | None) -> str | None:
    """The row that a cursor stands for. Raises `BadCursorError`."""
    if cursor is None:
        return None
    try:
        opened = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadCursorError("not a cursor of this API") from error
    asked_at, separator, request_id = opened.partition("#")
    if (
        not (separator and request_id and asked_at.isascii() and asked_at.isdigit())
        or len(asked_at) != len(row(0, "")) - 1
    ):
        raise BadCursorError("not a cursor of this API")
    return opened
