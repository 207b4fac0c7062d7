"""What the board says: its numbers with the list behind each, and what is known about the data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cv_reporter.application.dashboard import Board, EffectOf
from cv_reporter.application.dashboard_marks import Mark
from cv_reporter.domain.findings import Excluded, Findings, Group, Proportion, Totals
from cv_reporter.domain.freshness import Freshness, Pulse
from cv_reporter.domain.policy import Policy
from cv_reporter.domain.report import GapState, by_sessions, counted, times
from cv_reporter.domain.summary import SMALL
from cv_reporter.domain.visits import MAX_MARKED
from cv_reporter.domain.words import shown
from cv_reporter.presentation.wording import NAME, RHYTHM, in_full, likely, moment, percent_text

SIGNS = {"better": "▲ better", "worse": "▼ worse", "": ""}
"""A change for the better and one for the worse differ by sign and word, not by colour alone."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number and the filters of the list that it opens; no list if `filters` is `None`."""

    n: int
    filters: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline number: a share or a count, what is behind it, and how it was before.

    `count` opens its questions; it stands in large type unless there is a `share`.
    """

    label: str
    count: Count
    share: str = ""
    approx: str = ""
    note: str = ""
    before: str = ""
    verdict: str = ""


def tiles(board: Board) -> tuple[Tile, ...]:
    """The five tiles."""
    now, found = board.totals, board.findings
    sessions, exits = found.sessions, found.exits_on_miss
    before = {trend.name: trend.before for trend in found.trends} if board.compared else {}
    then = board.previous
    anonymous = sessions.anonymous_questions
    unanswered = Proportion.of(found.unanswered, now.questions)
    return (
        Tile("Questions", Count(now.questions, {}), before=_count_before(before, "questions")),
        Tile(
            "Sessions",
            Count(sessions.named, _marked(board, Mark.SESSIONS) if sessions.exact else None),
            approx="" if sessions.exact else "≈ ",
            note=f"and {counted(anonymous, 'question')} without a session" if anonymous else "",
            before=_count_before(before, "sessions"),
        ),
        _share(
            board, "Answered in full", found.full, {"outcome": "full"}, then.full, then.answered
        ),
        _share(
            board,
            "No answer",
            unanswered,
            {"outcome": "unanswered"},
            then.none + then.no_response,
            then.questions,
            more_is_better=False,
        ),
        Tile(
            "Left after no answer",
            Count(exits.part, _marked(board, Mark.EXITS)),
            note=f"of {counted(exits.whole, 'visit')}",
            before=_count_before(before, "exitsOnMiss"),
        ),
    )


def _marked(board: Board, mark: Mark) -> dict[str, str] | None:
    """Which they are is worked out from all questions of the period, unless those are too many."""
    return {"show": mark.value} if board.totals.questions <= MAX_MARKED else None


def _count_before(before: dict[str, int], name: str) -> str:
    return f"{before[name]:,} before" if name in before else ""


def _share(
    board: Board,
    label: str,
    share: Proportion,
    filters: dict[str, str],
    before: int,
    whole_before: int,
    *,
    more_is_better: bool = True,
) -> Tile:
    """A share beside the share before; counts while there are too few for percentages."""
    enough = share.whole >= SMALL
    then = ""
    if board.compared and whole_before:
        earlier = Proportion.of(before, whole_before)
        percent = f"{percent_text(earlier.percent)}, " if whole_before >= SMALL else ""
        then = f"before: {percent}{before:,} of {whole_before:,}"
        verdict = judged(earlier, share, more_is_better=more_is_better)
    else:
        verdict = ""
    return Tile(
        label,
        Count(share.part, filters),
        share=percent_text(share.percent) if enough else "",
        note=f"of {share.whole:,}" + (f", {likely(share)}" if enough else ""),
        before=then,
        verdict=verdict,
    )


def judged(before: Proportion, after: Proportion, *, more_is_better: bool = True) -> str:
    """`better` or `worse` if the intervals of both shares lie apart; else nothing can be said."""
    if None in (before.low, before.high, after.low, after.high):
        return ""
    rose = (after.low or 0) > (before.high or 0)
    fell = (after.high or 0) < (before.low or 0)
    if not (rose or fell):
        return ""
    return "better" if rose is more_is_better else "worse"


def lead(total: Totals, found: Findings) -> str:
    """The period in a sentence or two; nothing is praised of which nothing is known."""
    if not total.questions:
        return "No question arrived in this period."
    start = _answers(total, found)
    open_gaps = by_sessions(gap for gap in found.gaps if gap.status != GapState.WONT)
    if not open_gaps:
        return start
    gap = open_gaps[0]
    where = f" in {counted(gap.sessions, 'session')}" if gap.sessions else ""
    name = shown(gap.skill, NAME)
    return f"{start} The most common gap is {name}: asked {times(gap.times)}{where}."


def _answers(total: Totals, found: Findings) -> str:
    if total.questions == 1:
        answer = "no answer" if found.unanswered else "an answer"
        full = " in full" if total.full else " in part" if total.partial else ""
        return f"The only question got {answer}{full}."
    asked = counted(total.questions, "question")
    if not found.unanswered:
        return f"{asked}: all got an answer, {total.full:,} in full."
    if found.unanswered == total.questions:
        return f"{asked}: none got an answer."
    return f"{asked}: {in_full(total)}, {found.unanswered:,} not at all."


def pulse(fresh: Freshness, time_zone: str) -> str:
    """When the last question came, and whether the pause since then is unusual here."""
    if fresh.pulse is Pulse.NEVER:
        return "No question in the last four weeks. Check that the chatbot still sends."
    last = f"The last question came on {moment(fresh.last_asked, time_zone)}"
    if fresh.pulse is Pulse.FRESH:
        return f"{last}."
    if fresh.days < RHYTHM:
        ago = counted(fresh.pause, "day")
        return f"{last}, {ago} ago. Too few came before to say if that is unusual."
    return (
        f"No question for {counted(fresh.pause, 'day')} (usually {fresh.usual} at most). {last}. "
        "Check that the chatbot still sends."
    )


def comparison(board: Board) -> str:
    """What the last comparison with the Processor showed; never more than that."""
    last = board.comparison
    if last is None:
        return "Not compared with the Processor yet: questions may be missing."
    done, when = last.comparison, moment(last.at, board.time_zone)
    if done.problem and not done.compared:
        why = shown(done.problem, 160)
        return f"Not compared with the Processor on {when}: {why}. Questions may be missing."
    if done.problem:
        return (
            f"Only {done.compared} of {counted(done.days, 'day')} were compared with the Processor "
            f"on {when}: {shown(done.problem, 160)}. Questions may be missing."
        )
    missing = (
        f"{counted(done.healed, 'missing question')} came back" if done.healed else "no difference"
    )
    return f"{counted(done.compared, 'day')} compared with the Processor on {when}: {missing}."


def excluded(out: Excluded) -> tuple[tuple[str, int, str], ...]:
    """Who does not count: the audience's name, how many, and what they are."""
    listed = (("test", out.tests, "test"), ("bot", out.bots, "bot"), ("owner", out.owner, "own"))
    return tuple(
        (name, n, f"{noun}s" if n > 1 and noun != "own" else noun) for name, n, noun in listed if n
    )


def apart(found: Findings, policy: Policy) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """The unanswered groups: those that are a task, and those that the bot declines by design."""
    by_design = policy.declined_by_rule | {policy.prompt_attack}
    aside = [g for g in found.groups if g.kind == "intent" and g.key in by_design]
    declined = [group for group in aside if group.key != policy.prompt_attack]
    tasks = [group for group in found.groups if group not in aside]
    tasks.sort(key=lambda group: (-group.sessions, -group.count, group.label))
    return tuple(tasks), tuple(declined)


@dataclass(frozen=True, slots=True)
class Helped:
    """A note and what is known of its effect."""

    day: date
    text: str
    skill: str
    told: str
    verdict: str


def helped(effects: Iterable[EffectOf]) -> tuple[Helped, ...]:
    """Whether each noted change helped, as far as the answers since then show it."""
    return tuple(_helped(effect) for effect in effects)


def _helped(effect: EffectOf) -> Helped:
    note, before, after = effect.note, effect.before, effect.after
    if note.skill is None or before is None or after is None:
        return Helped(note.day, note.text, "", "", "")
    if not after.whole:
        told = "Not asked since."
    elif not before.whole:
        told = f"{_part(after)} since; not asked in the four weeks before."
    else:
        told = f"{_part(before)} before, {_part(after)} since."
    verdict = judged(before, after)
    if before.whole and after.whole and not verdict:
        told += " Too few to tell."
    return Helped(note.day, note.text, note.skill, told, verdict)


def _part(share: Proportion) -> str:
    return f"{share.part:,} of {share.whole:,} in full"
