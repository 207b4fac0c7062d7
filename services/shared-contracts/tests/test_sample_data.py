"""The models read everything that the original chatbot sent, and write it back unchanged."""

from __future__ import annotations

import json
from typing import Any

from cv_contracts.chatbot import QueryEvent, ResponseEvent, read_chatbot_event_json
from cv_contracts.rest import Totals


def test_every_sample_event_is_read_and_none_of_its_fields_is_lost(sample_lines: list[str]) -> None:
    for line in sample_lines:
        event = read_chatbot_event_json(line)
        sent, kept = json.loads(line), json.loads(event.to_json())
        assert contained(sent, kept), line


def contained(sent: Any, kept: Any) -> bool:
    """Whether all that was sent was kept; null and absent are the same."""
    if isinstance(sent, dict):
        return all(contained(value, kept.get(key)) for key, value in sent.items())
    return bool(sent == kept)


def test_the_sample_is_forty_questions_of_which_five_have_no_answer(
    sample_lines: list[str], golden: dict[str, Any]
) -> None:
    events = [read_chatbot_event_json(line) for line in sample_lines]
    weeks = golden["zones"]["Europe/London"].values()
    asked = sum(isinstance(event, QueryEvent) for event in events)
    answered = sum(isinstance(event, ResponseEvent) for event in events)
    assert asked == sum(week["questions"] for week in weeks)
    assert answered == sum(week["answered"] for week in weeks)


def test_totals_have_exactly_the_golden_names(golden: dict[str, Any]) -> None:
    for zone in golden["zones"].values():
        for numbers in zone.values():
            assert json.loads(Totals.model_validate(numbers).model_dump_json()) == numbers
