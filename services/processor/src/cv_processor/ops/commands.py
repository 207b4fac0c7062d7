"""The commands. Each returns its exit code."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from cv_contracts.chatbot import ANONYMOUS_SESSION, read_chatbot_event_json
from pydantic import ValidationError

from cv_processor.adapters.dlq import DeadLetter, DeadLetterQueue
from cv_processor.application.erasure import request_erasure
from cv_processor.domain.correlation import Correlation
from cv_processor.ops.console import Console
from cv_processor.ops.house import House

DONE, NOT_DONE = 0, 1
RETRIES_RAN_OUT = "its retries ran out"


def dlq_list(house: House, console: Console, _: Namespace) -> int:
    """What is in the DLQ and why; the messages stay."""
    queue = house.dlq()
    waiting = queue.waiting()
    letters = _look(queue, console)
    for letter in letters:
        reason = letter.reason or RETRIES_RAN_OUT
        console.say(f"{letter.message_id}  {_when(letter.sent_at)}  {reason}")
    console.result(f"{_found(letters, waiting)}.")
    return DONE


def dlq_show(house: House, console: Console, options: Namespace) -> int:
    """One message with its text."""
    found = [each for each in _look(house.dlq(), console) if each.message_id == options.message_id]
    for letter in found:
        console.say(f"sent      {_when(letter.sent_at)}")
        console.say(f"group     {letter.group}")
        console.say(f"reason    {letter.reason or RETRIES_RAN_OUT}")
        console.say(f"body      {letter.body}")
        return DONE
    console.say("No such message in the ingest DLQ; `dlq list` names those that are.")
    return NOT_DONE


def dlq_redrive(house: House, console: Console, options: Namespace) -> int:
    """Send messages back to the ingest queue; those that are no events stay, without `--all`."""
    queue = house.dlq()
    waiting = queue.waiting()
    letters = _look(queue, console)
    chosen = [each for each in letters if options.all or _is_event(each)]
    console.say(
        f"{_found(letters, waiting)}. To send back: {len(chosen)}. "
        f"To stay, as no chatbot events: {len(letters) - len(chosen)} (--all sends these too)."
    )
    if options.dry_run or not chosen:
        console.result("0 messages sent.")
        return DONE
    if not console.confirmed("Send them back, and those behind them?"):
        return NOT_DONE
    sent = _send_back(queue, console, everything=options.all)
    console.result(f"{_counted(sent, 'message')} sent.")
    return DONE


def conflicts(house: House, console: Console, _: Namespace) -> int:
    """Questions whose events contradict each other."""
    console.say("Reading the whole table for parked events ...")
    found = list(house.table().conflicted())
    for request_id, digest in found:
        console.say(f"{request_id}  {digest}")
    console.say(
        f"{_counted(len(found), 'parked event')}; GET /v1/correlations/<id>/conflicts shows one."
    )
    return DONE


def open_questions(house: House, console: Console, _: Namespace) -> int:
    """Questions without an outcome, and answers without a question."""
    console.say("Reading the whole table for what is not closed ...")
    found = list(house.table().unclosed())
    for each in found:
        console.say(_open_line(each))
    orphans = sum(each.query is None for each in found)
    questions = _counted(len(found) - orphans, "open question")
    console.say(f"{questions}, {_counted(orphans, 'answer')} without a question.")
    return DONE


def republish_days(house: House, console: Console, options: Namespace) -> int:
    """Events once more, and erasures not confirmed; consumers know them by their ids."""
    days = (options.last - options.first).days + 1
    if days < 1:
        console.say("--to must not be before --from.")
        return NOT_DONE
    if not console.confirmed(
        f"Publish the events of {_counted(days, 'UTC day')} on {house.name} again?"
    ):
        return NOT_DONE
    published = refused = 0
    for each in house.republication().days(options.first, options.last):
        published, refused = published + each.published, refused + each.refused
        console.progress(f"{each.what}: {published} published, {refused} refused")
    console.result(f"{_counted(published, 'event')} published, {refused} refused by the bus.")
    return DONE if refused == 0 else NOT_DONE


def erase_session(house: House, console: Console, options: Namespace) -> int:
    """Forget a session: here, and through `SessionErased` in every service that reads of us."""
    if options.session_id == ANONYMOUS_SESSION:
        console.say("Anonymous visitors share one session; it cannot be erased.")
        return NOT_DONE
    if not console.confirmed("Erase this session's text and identifiers? It cannot be undone."):
        return NOT_DONE
    now = int(time.time() * 1_000)
    erasure_id = request_erasure(house.erasures(), house.erasure_queue(), options.session_id, now)
    console.say(f"Asked for; GET /v1/erasures/{erasure_id} shows how far it is.")
    return DONE


def _look(queue: DeadLetterQueue, console: Console) -> Sequence[DeadLetter]:
    letters = []
    for letter in queue.letters():
        letters.append(letter)
        console.progress(f"{len(letters)} read")
    for letter in letters:
        queue.put_back(letter)
    return letters


def _send_back(queue: DeadLetterQueue, console: Console, *, everything: bool) -> int:
    """Each as soon as it is read, so that it is still ours to delete, and its group goes on."""
    sent, kept = 0, []
    for letter in queue.letters():
        if everything or _is_event(letter):
            queue.redrive(letter)
            sent += 1
            console.progress(f"{sent} sent")
        else:
            kept.append(letter)
    for letter in kept:
        queue.put_back(letter)
    return sent


def _found(letters: Sequence[DeadLetter], waiting: int) -> str:
    behind = waiting - len(letters)
    more = f", and about {behind} behind them in their message groups" if behind > 0 else ""
    return f"{_counted(len(letters), 'message')} in the ingest DLQ{more}"


def _counted(number: int, thing: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _is_event(letter: DeadLetter) -> bool:
    try:
        read_chatbot_event_json(letter.body)
    except ValidationError:
        return False
    return True


def _open_line(correlation: Correlation) -> str:
    half = correlation.query or correlation.response
    kind = "answer without a question" if correlation.query is None else "open"
    return f"{correlation.request_id}  {_when(half.at if half else 0)}  {kind}"


def _when(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
