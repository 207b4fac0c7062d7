"""Writers are strict, readers are tolerant, and neither repeats its input in an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from cv_contracts.chatbot import read_chatbot_event, read_chatbot_event_json
from cv_contracts.errors import reasons
from cv_contracts.events import ClientClass, Correlation, CorrelationCompleted, Outcome
from cv_contracts.registry import PUBLICATIONS

QUERY = {"eventType": "query", "requestId": "r1", "timestamp": 1_762_161_120_037, "query": "Go?"}


def test_a_writer_can_not_emit_an_undeclared_field(correlation: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Correlation.model_validate({**correlation, "note": "x"})
    expected = "a field that is not declared: Extra inputs are not permitted"
    assert reasons(refused.value) == (expected,)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, "unknown", "shrug"])
def test_a_writer_can_not_emit_an_outcome_that_only_readers_have(
    correlation: dict[str, Any], outcome: str
) -> None:
    with pytest.raises(ValidationError):
        Correlation.model_validate({**correlation, "outcome": outcome})


def test_a_writer_may_say_that_the_client_is_unknown(correlation: dict[str, Any]) -> None:
    written = Correlation.model_validate({**correlation, "client": ClientClass.UNKNOWN})
    assert json.loads(written.to_json())["client"] == "unknown"


def test_what_a_reader_did_not_understand_can_not_be_published_again(
    correlation: dict[str, Any], completed: dict[str, Any]
) -> None:
    vague = Correlation.read({**correlation, "outcome": "shrug"})
    with pytest.raises(ValidationError, match="for readers only"):
        CorrelationCompleted.of(
            vague, id=completed["id"], subject=completed["subject"], time=completed["time"]
        )


def test_a_reader_survives_fields_and_members_of_later_versions(completed: dict[str, Any]) -> None:
    later = {
        **completed,
        "dataschema": "urn:cv-analytics:CorrelationCompleted:1.7",
        "tenant": "x",
        "data": {**completed["data"], "outcome": "shrug", "client": "kiosk", "mood": {"a": [1]}},
    }
    read = CorrelationCompleted.from_event({"detail": later})
    assert (read.data.outcome, read.data.client) == (Outcome.UNKNOWN, ClientClass.UNKNOWN)
    assert CorrelationCompleted.read_json(json.dumps(later)) == read


def test_a_reader_refuses_another_major_version(completed: dict[str, Any]) -> None:
    later = {**completed, "dataschema": "urn:cv-analytics:CorrelationCompleted:2.0"}
    with pytest.raises(ValidationError, match="dataschema"):
        CorrelationCompleted.read(later)


@pytest.mark.parametrize("name", ["source", "type", "dataschema"])
def test_a_writer_can_not_travel_under_another_events_name(
    completed: dict[str, Any], name: str
) -> None:
    with pytest.raises(ValidationError, match=name):
        CorrelationCompleted.model_validate({**completed, name: "urn:cv-analytics:Other:1.0"})


def test_an_event_comes_back_from_its_entry(completed: dict[str, Any]) -> None:
    event = CorrelationCompleted.read(completed)
    entry = event.to_entry("bus")
    assert CorrelationCompleted.from_event({"detail": json.loads(entry["Detail"])}) == event
    pattern = {"source": [entry["Source"]], "detail-type": [entry["DetailType"]]}
    assert pattern == event.event_pattern()


def test_the_same_state_is_the_same_bytes(completed: dict[str, Any]) -> None:
    first = CorrelationCompleted.read(completed)
    again = CorrelationCompleted.read(dict(reversed(completed.items())))
    assert first.to_json() == again.to_json()


def test_on_the_wire_only_the_camel_case_name_counts() -> None:
    renamed = {"request_id" if key == "requestId" else key: value for key, value in QUERY.items()}
    with pytest.raises(ValidationError, match="requestId"):
        read_chatbot_event(renamed)


HOSTILE = "secret-canary-7d1f"


@pytest.mark.parametrize(
    "document",
    [
        {**QUERY, "query": [HOSTILE]},
        {**QUERY, "query": ""},
        {**QUERY, "eventType": HOSTILE},
        {**QUERY, "requestId": f"\n{HOSTILE}"},
        {**QUERY, "metadata": {"userAgent": 3, HOSTILE: 1}},
        {**QUERY, "metadata": HOSTILE},
        {**QUERY, "timestamp": HOSTILE},
        {"query": HOSTILE},
        HOSTILE,
        [HOSTILE],
    ],
)
def test_the_reasons_of_a_refusal_never_repeat_the_input(document: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        read_chatbot_event(document)
    assert reasons(refused.value)
    assert HOSTILE not in " ".join(reasons(refused.value))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"requestId": None}, "requestId"),
        ({"requestId": "x" * 257}, "requestId"),
        ({"requestId": "a\tb"}, "requestId"),
        ({"requestId": True}, "requestId"),
        ({"requestId": 1.5}, "requestId"),
        ({"sessionId": "x" * 257}, "sessionId"),
        ({"timestamp": 1_762_161_120}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": "1762161120037"}, "timestamp"),
        ({"timestamp": 1e300}, "timestamp"),
        ({"query": "Nice \ud83d"}, "query"),
        ({"query": ["x" * 4_001]}, "query"),
        ({"metadata": {"userAgent": 3}}, "metadata.userAgent"),
        ({"metadata": [1]}, "metadata"),
        ({"traceparent": 7}, "traceparent"),
        ({"eventType": "question"}, "eventType"),
    ],
)
def test_a_bad_query_event_is_refused_and_the_place_is_named(
    change: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        read_chatbot_event_json(json.dumps({**QUERY, **change}))
    assert [reason.partition(":")[0] for reason in reasons(refused.value)] == [place]


@pytest.mark.parametrize("score", [-1, 101, 80.5, "80", True])
def test_a_score_that_is_no_percentage_is_refused(score: Any) -> None:
    response = {
        **{key: QUERY[key] for key in ("requestId", "timestamp")},
        "eventType": "response",
        "matchType": "full",
        "matchScore": score,
    }
    with pytest.raises(ValidationError, match="matchScore"):
        read_chatbot_event(response)


def test_no_two_publications_share_a_name() -> None:
    names = [publication.event.DETAIL_TYPE for publication in PUBLICATIONS]
    assert len(names) == len(set(names))
