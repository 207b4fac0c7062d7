"""The invariants that hold in every state, as lines of a phase's evidence."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cv_processor.domain.correlation import Correlation
from cv_reporter.adapters.items import from_item
from cv_reporter.application.wire.arrivals import AudienceRules
from cv_reporter.domain.fact import Fact

from cv_pragmatic.replica import fact_of
from migration.before.names import FACTS_TABLE, OWN_TABLE, PREFIX
from migration.kit import checks, rows
from migration.kit.templates import Template
from migration.kit.traffic import of_traffic, settled
from migration.phases.context import Context
from tools.emulator.watch import waiting

INGEST_DEAD_LETTERS: Final = f"{PREFIX}-processor-ingest-dlq.fifo"
DEADLINE_DEAD_LETTERS: Final = f"{PREFIX}-processor-deadline-dlq"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of evidence; `holds` says whether it is as it must be."""

    name: str
    value: str
    holds: bool = True


def common(context: Context, table: str, asked_ms: int) -> Iterator[Check]:
    """What is exact in every state; `table` is where the Processor's rows are.

    All that was asked until `asked_ms`, when the checks began, must have settled. So checks that
    take long come before these: questions settle meanwhile.
    """
    dynamodb = context.account.client("dynamodb")
    questions = checks.watch(context.journal, lambda: rows.correlations(dynamodb, table), asked_ms)
    yield Check("questions", str(questions), questions.holds and questions.compared > 0)
    yield _dead_letters(context)
    errors = lines_of(context.errors)
    yield Check("send errors", str(errors), errors == 0)
    twice = mailed_twice(context)
    yield Check("mails sent twice", str(twice), twice == 0)


def lines_of(path: Any) -> int:
    """How many lines a file has; none if there is no file."""
    return len(path.read_text("utf-8").splitlines()) if path.exists() else 0


def _dead_letters(context: Context) -> Check:
    """What was sent so that nobody can read it, and nothing else."""
    sent = lines_of(context.poison)

    def count() -> int:
        names = (INGEST_DEAD_LETTERS, DEADLINE_DEAD_LETTERS)
        return sum(waiting(context.account, name) for name in names)

    holds = until(lambda: count() == sent)
    return Check("dead letters", f"{count()}, {sent} sent on purpose", holds)


def until(claim: Callable[[], bool], patience: float = checks.PATIENCE_SECONDS) -> bool:
    """Whether a claim comes true in time."""
    deadline = time.monotonic() + patience
    while True:
        began = time.monotonic()
        if claim():
            return True
        if time.monotonic() > deadline:
            return False
        checks.pause(began)


def mails(context: Context) -> Counter[tuple[str, str]]:
    """How many mails there were of a report to a recipient."""
    return Counter(
        (mail["Subject"].split(":")[0], recipient)
        for mail in context.account.mails()
        for recipient in mail["To"]
    )


SECOND_MAILS: Final = "second-mails"


def mailed_twice(context: Context) -> int:
    """Mails of a report to a recipient beyond the first, but for those that a control caused."""
    caused: int = context.kept(SECOND_MAILS) if context.has_kept(SECOND_MAILS) else 0
    return sum(number - 1 for number in mails(context).values()) - caused


def planned_anew(context: Context, stack: str, template: Template) -> Check:
    """A stack is what its template says."""
    counts = context.stacks.plan(stack, template).counts
    return Check(f"{stack}, planned anew", str(counts), str(counts) == "no changes")


@dataclass(frozen=True, slots=True)
class FactAccount:
    """The Reporter's facts against the Processor's rows; all but `compared` must be 0.

    `missing`: a closed question has no fact. `stale`: its fact is of another revision, or says
    something else. `extra`: a fact without a closed row. `doubled`: a question with two facts.
    """

    compared: int
    missing: int
    stale: int
    extra: int
    doubled: int

    @property
    def holds(self) -> bool:
        """Whether the facts are what the rows say."""
        return self.compared > 0 and not any((self.missing, self.stale, self.extra, self.doubled))

    def __str__(self) -> str:
        return (
            f"{self.compared} questions: missing {self.missing}, stale {self.stale}, "
            f"extra {self.extra}, doubled {self.doubled}"
        )


def fact_account(
    found_rows: Mapping[str, Correlation], facts: list[Fact], chosen: set[str]
) -> FactAccount:
    """Hold the facts of chosen questions against the rows. Pure."""
    wanted = {id_: fact_of(row, AudienceRules()) for id_, row in found_rows.items()}
    by_id = {fact.request_id: fact for fact in facts}
    compared = {id_: fact for id_, fact in wanted.items() if id_ in chosen and fact is not None}
    return FactAccount(
        compared=len(compared),
        missing=len(compared.keys() - by_id.keys()),
        stale=sum(by_id.get(id_, fact) != fact for id_, fact in compared.items()),
        extra=len(by_id.keys() - found_rows.keys()),
        doubled=len(facts) - len(by_id),
    )


def settled_now(context: Context) -> set[str]:
    """The questions that get no further event."""
    return settled(context.journal.entries(), int(time.time() * 1_000))


def facts_now(context: Context, closed: set[str]) -> FactAccount:
    """The account of some questions that get no further event, and of both sample weeks."""
    dynamodb = context.account.client("dynamodb")
    facts = all_facts(dynamodb)
    found = rows.correlations(dynamodb, OWN_TABLE)  # read after the facts: it has their questions
    samples = found.keys() - of_traffic(found).keys() - independent(context)
    return fact_account(found, facts, closed | samples)


def independent(context: Context) -> set[str]:
    """What the independent sender asked."""
    path = context.home / "independent.jsonl"
    text = path.read_text("utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    return {json.loads(line)["requestId"] for line in whole.splitlines()}


def all_facts(dynamodb: Any) -> list[Fact]:
    """All facts of the Reporter's table."""
    return [
        from_item(item)
        for key, item in rows.everything(dynamodb, FACTS_TABLE).items()
        if key[0].startswith("DAY#")
    ]


def facts(context: Context, patience: float = checks.PATIENCE_SECONDS) -> Check:
    """Each question that gets no further event is one fact, and it says what the row says.

    Those that are settled now: an event may be longer under way than a question takes to settle.
    """
    closed = settled_now(context)
    until(lambda: facts_now(context, closed).holds, patience)
    account = facts_now(context, closed)
    return Check("facts", str(account), account.holds)


def refused(context: Context, function: str, table: str, own: str) -> Check:
    """A function's role may not write a table any more, and may write its own."""
    other, its_own = (_decision(context, function, name) for name in (table, own))
    holds = other != "allowed" and its_own == "allowed"
    return Check(f"{function} on {table}", f"{other}; on its own: {its_own}", holds)


def _decision(context: Context, role: str, table: str) -> str:
    """What IAM says of a role and a table."""
    answer = context.account.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{context.account_id}:role/{role}",
        ActionNames=["dynamodb:PutItem"],
        ResourceArns=[context.table_arn(table)],
    )
    return str(answer["EvaluationResults"][0]["EvalDecision"])
