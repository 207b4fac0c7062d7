"""The weekly mail: one view model, from which both templates (HTML and text) are filled.

Because both templates show every field of the model, the text part has the facts of the HTML.
All names and questions are untrusted: they are cut here and escaped by the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from cv_reporter.data import load_policy
from cv_reporter.domain.findings import Gap, Group
from cv_reporter.domain.report import (
    Action,
    GapState,
    Variant,
    WeeklyReport,
    by_sessions,
    counted,
    question_of,
    times,
)
from cv_reporter.domain.tally import TEXT, Sample
from cv_reporter.domain.visits import MAX_MARKED
from cv_reporter.domain.words import shown
from cv_reporter.presentation import TEMPLATES, wording

if TYPE_CHECKING:
    from jinja2 import Environment

ROWS = 5
NAME = 48
QUOTE = 140
MAX_URL = 600
IN_DASHBOARD = "in the dashboard"
"""Instead of a sign-in link: the letter is shown to the signed-in owner, beside the pages."""


@dataclass(frozen=True, slots=True)
class Number:
    """A headline number with its note and its value of the week before (`""` = no such week)."""

    label: str
    value: str
    note: str
    before: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list: what it is about, a note, a quoted question; `url` opens its questions."""

    title: str
    note: str
    quote: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that the mail says, in reading order. Empty fields are left out."""

    subject: str
    title: str
    warnings: tuple[str, ...]
    summary: str
    numbers: tuple[Number, ...]
    button: str
    actions: tuple[Row, ...]
    gaps: tuple[Row, ...]
    topics: tuple[Row, ...]
    questions: tuple[Row, ...]
    apart: str
    quality: tuple[str, ...]
    unsubscribe: str
    back: str


def render_html(report: WeeklyReport, link: str | None = None, unsubscribe: str = "") -> str:
    """The mail as an HTML document; `link` opens the dashboard, `unsubscribe` ends the mails.

    `link` may be `IN_DASHBOARD`.
    """
    model = letter(report, link, unsubscribe)
    html = _environment().get_template("mail.html").render(letter=model)
    return "\n".join(line.strip() for line in html.splitlines() if line.strip()) + "\n"


def render_text(report: WeeklyReport, link: str | None = None, unsubscribe: str = "") -> str:
    """The mail as plain text."""
    model = letter(report, link, unsubscribe)
    text = _environment().get_template("mail.txt").render(letter=model)
    return text.strip() + "\n"


@cache
def _environment() -> Environment:
    # Jinja2 is only loaded where a mail is rendered: most functions of the service never do.
    from jinja2 import (  # noqa: PLC0415
        Environment,
        FileSystemLoader,
        StrictUndefined,
        select_autoescape,
    )

    return Environment(
        loader=FileSystemLoader(TEMPLATES / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def subject(report: WeeklyReport) -> str:
    """Constants, dates and counts only: a subject is shown on locked screens."""
    so_far = " so far" if report.until else ""
    start = f"CV questions, {wording.dates(report.period)}{so_far}: "
    if report.variant is Variant.QUIET:
        return start + ("none" if wording.checked(report.comparison) else "none received")
    unanswered = report.findings.unanswered
    return f"{start}{report.totals.questions:,} asked, {unanswered:,} unanswered"


def letter(report: WeeklyReport, link: str | None, unsubscribe: str = "") -> Letter:
    """The mail's content."""
    links = Links(report, link)
    full = report.variant in {Variant.NORMAL, Variant.FIRST}
    findings = report.findings
    topics = [group for group in findings.groups if not _apart(group)]
    topics.sort(key=lambda group: (-group.sessions, -group.count, group.label))
    gaps = [gap for gap in by_sessions(findings.gaps) if gap.status != GapState.WONT]
    return Letter(
        subject=subject(report),
        title=wording.dates(report.period),
        warnings=wording.unfinished(report) + wording.unchecked(report.comparison),
        summary=wording.week_summary(report),
        numbers=tuple(_numbers(report, links)) if full else (),
        button=links.week(),
        actions=tuple(_action(item, report, links) for item in report.actions),
        gaps=tuple(_gap(gap, links) for gap in gaps[:ROWS]) if full else (),
        topics=tuple(_topic(item, links, report) for item in topics[:ROWS]) if full else (),
        questions=tuple(_question(item, links, report) for item in findings.listed),
        apart=_set_apart(report),
        quality=wording.data_problems(findings.health, report.delivery),
        unsubscribe=unsubscribe,
        back="reports" if link == IN_DASHBOARD else "",
    )


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses in the dashboard, behind the sign-in link; all empty without one."""

    report: WeeklyReport
    link: str | None

    def week(self) -> str:
        """The dashboard of the report's week."""
        return self._to("", **self._period)

    def questions(self, **chosen: str) -> str:
        """The list of the week's questions that the filters choose."""
        return self._to("questions", **self._period, **chosen)

    def marked(self, mark: str) -> str:
        """The list of the questions that the dashboard marks so, unless there are too many."""
        few = self.report.totals.questions <= MAX_MARKED
        return self.questions(show=mark) if few else ""

    def question(self, sample: Sample) -> str:
        """One question."""
        return self._to("question", at=str(sample.asked_at), id=sample.request_id)

    @property
    def _period(self) -> dict[str, str]:
        return {"from": str(self.report.first), "to": str(self.report.last)}

    def _to(self, page: str, **given: str) -> str:
        if self.link == IN_DASHBOARD:
            return f"{page or '../dashboard'}?{urlencode(given)}"
        query = urlencode({"page": page, **given} if page else given)
        url = f"{self.link}&{query}"
        return url if self.link and len(url) <= MAX_URL else ""


def cut(text: str, limit: int) -> str:
    """Untrusted text as a harmless line: at most `limit` characters, in HTML 4/3 as many bytes.

    `&` takes five bytes there and an emoji four: the mail stays small whatever it quotes.
    """
    line = shown(text, limit)
    most = 4 * limit // 3
    if _html_bytes(line) <= most:
        return line
    return shown(line, sum(1 for size in accumulate(map(_html_bytes, line)) if size <= most))


def _html_bytes(text: str) -> int:
    return len(escape(text).encode())


def _numbers(report: WeeklyReport, links: Links) -> Iterator[Number]:
    total, findings = report.totals, report.findings
    before = {trend.name: f"{trend.before:,}" for trend in findings.trends}
    if report.previous is None:
        before = dict.fromkeys(before, "")
    share = wording.share(total.full, total.answered)
    share_before = ""
    if report.previous and report.previous.answered:
        share_before = wording.share(report.previous.full, report.previous.answered).value
    exits = findings.exits_on_miss
    anonymous = findings.sessions.anonymous_questions
    approx = "" if findings.sessions.exact else "≈ "
    yield Number("Questions", f"{total.questions:,}", "", before["questions"], links.questions())
    yield Number(
        "Sessions",
        f"{approx}{findings.sessions.named:,}",
        f"and {counted(anonymous, 'question')} without a session" if anonymous else "",
        before["sessions"],
        links.marked("sessions") if findings.sessions.exact else "",
    )
    yield Number(
        "Answered in full", share.value, share.note, share_before, links.questions(outcome="full")
    )
    yield Number(
        "No answer",
        f"{findings.unanswered:,}",
        _unanswered_note(report),
        before["unanswered"],
        links.questions(outcome="unanswered"),
    )
    yield Number(
        "Left after no answer",
        f"{exits.part:,}",
        f"of {counted(exits.whole, 'visit')}",
        before["exitsOnMiss"],
        links.marked("exits"),
    )


def _unanswered_note(report: WeeklyReport) -> str:
    """What the questions without an answer were, where some are no task for the owner.

    Nothing if not every one of them is in a group: then the parts would not add up.
    """
    policy, unanswered = load_policy(), report.findings.unanswered
    apart = {group.key: group.count for group in report.findings.groups if _apart(group)}
    if not apart or report.findings.ungrouped:
        return ""
    attacks = apart.pop(policy.prompt_attack, 0)
    declined = sum(apart.values())
    parts = [f"{unanswered - declined - attacks:,} it could not"]
    parts += [f"{declined:,} declined"] if declined else []
    parts += [counted(attacks, "trick")] if attacks else []
    return ", ".join(parts)


def _action(action: Action, report: WeeklyReport, links: Links) -> Row:
    sample = question_of(action, report.findings.groups)
    return Row(
        title=cut(action.text, 4 * NAME),
        note=cut(action.evidence, 3 * NAME),
        quote=cut(sample.text, QUOTE) if sample else "",
        url=links.question(sample) if sample else links.questions(skill=action.skill),
    )


def _gap(gap: Gap, links: Links) -> Row:
    note = f"asked {times(gap.times)} in {counted(max(gap.sessions, 1), 'session')}"
    if gap.offered:
        note += f", offered instead: {cut(gap.offered, NAME)}"
    if gap.reopened:
        note += ", missed again after “done”"
    elif gap.status in wording.DECISIONS:
        note += f", {wording.DECISIONS[gap.status]}"
    return Row(cut(gap.skill, NAME), note, f"{gap.gap:.1f}", links.questions(skill=gap.skill))


def _topic(group: Group, links: Links, report: WeeklyReport) -> Row:
    newest = group.samples[0] if group.samples else None
    url = links.questions(group=f"{group.kind}:{group.key}")
    if group.kind == TEXT:  # a kept report does not repeat the question as a key
        url = links.question(newest) if newest else ""
    last = wording.moment(group.last_asked, report.time_zone)
    if group.kind == TEXT or newest is None:
        return Row(cut(group.label, QUOTE), f"{times(group.count)}, last {last}", "", url)
    note = f"{times(group.count)}, last {last}"
    return Row(cut(group.label, NAME), note, cut(newest.text, QUOTE), url)


def _question(sample: Sample, links: Links, report: WeeklyReport) -> Row:
    outcome = wording.OUTCOMES[sample.outcome].lower()
    note = f"{outcome}, {wording.moment(sample.asked_at, report.time_zone)}"
    return Row(f"“{cut(sample.text, QUOTE)}”", note, "", links.question(sample))


def _apart(group: Group) -> bool:
    """Whether a group is no task for the owner: declined by design, or an attack."""
    policy = load_policy()
    return group.kind == "intent" and (
        group.key == policy.prompt_attack or group.key in policy.declined_by_rule
    )


def _set_apart(report: WeeklyReport) -> str:
    """What is no task for the owner, in a line: declined by design, and attacks."""
    policy = load_policy()
    groups = [group for group in report.findings.groups if _apart(group)]
    least = "at least " if report.findings.ungrouped else ""
    declined = [group for group in groups if group.key != policy.prompt_attack]
    parts = []
    if declined:
        names = ", ".join(policy.label(group.key).lower() for group in declined)
        n = sum(group.count for group in declined)
        parts.append(f"{least}{n:,} declined as you set it ({names})")
    if report.findings.prompt_attacks:
        n = report.findings.prompt_attacks
        parts.append(f"{counted(n, 'attempt')} to trick the bot")
    return f"Counted above, but no task: {'; '.join(parts)}." if parts else ""
