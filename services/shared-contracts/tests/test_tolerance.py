"""A question is not lost for something that is cut, reduced or rounded anyway."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cv_contracts.chatbot import (
    QueryEvent,
    QueryMetadata,
    QuestionAnswered,
    QuestionAsked,
    ResponseEvent,
    canonical_id,
    parse_json,
    read_chatbot_event,
    read_chatbot_event_json,
)
from cv_contracts.errors import NotJsonError

QUERY = {"eventType": "query", "requestId": "r1", "timestamp": 1_762_161_120_037, "query": "Go?"}
RESPONSE = {
    "eventType": "response",
    "requestId": "r1",
    "timestamp": 1_762_161_120_037,
    "matchType": "full",
    "matchScore": 80,
}
PUBLISHED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@=+-]{0,127}")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def query(**change: Any) -> QueryEvent:
    """The event that both ways of reading give."""
    document = {**QUERY, **change}
    event = read_chatbot_event(document)
    assert read_chatbot_event_json(json.dumps(document)) == event
    assert isinstance(event, QueryEvent)
    return event


def response(**change: Any) -> ResponseEvent:
    document = {**RESPONSE, **change}
    event = read_chatbot_event(document)
    assert read_chatbot_event_json(json.dumps(document)) == event
    assert isinstance(event, ResponseEvent)
    return event


@pytest.mark.parametrize("length", [4_001, 4_339, 30_000])
def test_a_long_question_is_cut_to_4000_characters_and_flagged(length: int) -> None:
    event = query(query="x" * length)
    assert (len(event.query), event.truncated) == (4_000, True)


def test_a_question_of_4000_characters_is_whole() -> None:
    assert query(query="x" * 4_000).truncated is None


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("x" * 3_990 + " jane@acme.example", "x" * 3_990),
        ("x" * 4_000 + " more", "x" * 4_000),
        (" " + "x" * 4_001, " " + "x" * 3_999),
        ("y" + " " + "x" * 4_001, "y" + " " + "x" * 3_998),
    ],
)
def test_a_long_question_is_cut_at_the_end_of_a_word_where_one_is_near(
    question: str, kept: str
) -> None:
    assert query(query=question).query == kept


def test_texts_that_are_reduced_later_are_cut_not_refused() -> None:
    asked = query(metadata={"userAgent": "u" * 5_000, "referer": "r" * 5_000}).metadata
    assert asked
    assert (len(asked.user_agent or ""), len(asked.referer or "")) == (1_024, 2_048)
    answered = response(reasoning="x" * 9_000, metadata={"sourcesUsed": ["s" * 300] * 60})
    assert len(answered.reasoning or "") == 4_000
    assert answered.metadata
    assert [len(source) for source in answered.metadata.sources_used] == [200] * 50


def test_a_writer_may_construct_metadata_of_any_length() -> None:
    assert QueryMetadata(user_agent="x" * 1_025).user_agent == "x" * 1_024


@pytest.mark.parametrize(
    "name",
    [
        "-MxYzAbCdEf",
        "_V1StGXR8_Z5jdHi6B-my",
        "19:meeting_abc@thread.v2/0",
        "a|b;c",
        "aGVsbG8/d29ybGQ=",
        "two words",
        "größe-é",
        "x" * 256,
        -1_001_234_567_890,
        7,
    ],
)
def test_the_ids_of_real_chatbots_become_ids_that_every_released_consumer_reads(name: Any) -> None:
    event = query(requestId=name, sessionId=name)
    assert PUBLISHED_ID.fullmatch(event.request_id)
    assert event.session_id == event.request_id == response(requestId=name).request_id


@given(st.text(min_size=1))
def test_a_canonical_id_is_published_form_and_stays_as_it_is(raw: str) -> None:
    assert PUBLISHED_ID.fullmatch(canonical_id(raw))
    assert canonical_id(canonical_id(raw)) == canonical_id(raw)


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_ids_stay_different(one: str, other: str) -> None:
    assert (canonical_id(one) == canonical_id(other)) == (one == other)


def test_an_empty_session_is_no_session() -> None:
    assert query(sessionId="").session_id is None


def test_numbers_are_read_as_json_schema_understands_them() -> None:
    assert query(timestamp=1_762_161_120_037.9).timestamp == 1_762_161_120_037
    event = response(
        matchScore=57.0,
        vectorMatches=5.0,
        performance={"totalTime": 1720.4, "retrievalTime": 0.2, "llmTime": 9.0},
    )
    assert (event.match_score, event.vector_matches) == (57, 5)
    assert event.performance
    times = event.performance
    assert (times.total_time, times.retrieval_time, times.llm_time) == (1720, 0, 9)


def test_an_empty_list_for_an_object_is_an_empty_object() -> None:
    assert query(metadata=[]) == query(metadata={})
    assert response(metadata=[], performance=[]) == response(metadata={}, performance={})


@pytest.mark.parametrize("document", [QUERY, RESPONSE])
def test_an_event_without_its_type_is_known_by_its_fields(document: dict[str, Any]) -> None:
    bare = {key: value for key, value in document.items() if key != "eventType"}
    assert read_chatbot_event(bare) == read_chatbot_event(document)
    assert read_chatbot_event_json(json.dumps(bare)) == read_chatbot_event(document)


def test_an_event_on_the_bus_is_read_as_tolerantly() -> None:
    asked = QuestionAsked.from_event({"detail": {**QUERY, "query": "x" * 5_000}})
    assert (asked.truncated, asked.DETAIL_TYPE) == (True, "Question" + "Asked")
    answered = QuestionAnswered.read_json(json.dumps({**RESPONSE, "performance": []}))
    assert answered.performance is not None


def test_a_callers_trace_is_carried_and_one_of_another_form_left_out() -> None:
    assert query(traceparent=TRACE).traceparent == TRACE
    assert query(traceparent="01-future").traceparent is None


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_byte_order_mark_is_no_fault(mark: str) -> None:
    text = mark + json.dumps(QUERY)
    assert read_chatbot_event_json(text).request_id == "r1"
    assert read_chatbot_event_json(text.encode()).request_id == "r1"


@pytest.mark.parametrize(
    "odd", ['"Nice \\ud83d"', "NaN", "-Infinity", "1" * 5_000, '"a\tb\x01"', "1e999"]
)
def test_one_odd_value_leaves_the_other_events_of_a_batch_alone(odd: str) -> None:
    text = f'[{json.dumps(QUERY)}, {{"eventType": "query", "requestId": {odd}}}]'
    good, bad = parse_json(text.encode())
    assert read_chatbot_event(good).request_id == "r1"
    with pytest.raises(ValidationError):
        read_chatbot_event(bad)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff\xfe", "nothing"])
def test_what_is_no_json_is_refused_without_repeating_it(text: str | bytes) -> None:
    with pytest.raises(NotJsonError, match=r"^the text is no JSON$"):
        parse_json(text)
    with pytest.raises(ValidationError):
        read_chatbot_event_json(text)


# --- each kind of input, varied ------------------------------------------------------------------


def _text(value: str) -> str:
    """A JSON text with what JSON forbids in it, as sloppy writers send it."""
    return '"' + value.replace("\\", "").replace('"', "") + '"'


ODD = st.one_of(
    st.integers(0xD800, 0xDFFF).map(lambda half: f'"half a \\u{half:04x}"'),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", "-1e999"]),
    st.integers(400, 5_000).map(lambda digits: "7" * digits),
    st.integers(0, 0x1F).map(lambda control: _text(f"a{chr(control)}b")),
)


@given(
    odd=ODD,
    field=st.sampled_from(["requestId", "timestamp", "sessionId", "query"]),
    at=st.integers(0, 3),
)
def test_odd_json_costs_at_most_its_own_event(odd: str, field: str, at: int) -> None:
    texts = [json.dumps({**QUERY, "requestId": f"good-{n}"}) for n in range(3)]
    fields = {key: json.dumps(value) for key, value in QUERY.items()} | {field: odd}
    texts.insert(at, "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}")
    documents = parse_json(f"[{','.join(texts)}]")
    read = [read_chatbot_event(d).request_id for n, d in enumerate(documents) if n != at]
    assert read == ["good-0", "good-1", "good-2"]
    with suppress(ValidationError):
        read_chatbot_event(documents[at])


def longer_than(limit: int) -> st.SearchStrategy[str]:
    """Texts of 1 to 999 characters more than the limit, of a piece that repeats."""
    pieces = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1)
    return st.builds(
        lambda piece, more: (piece * (limit + more))[: limit + more], pieces, st.integers(1, 999)
    )


@given(query_text=longer_than(4_000), user_agent=longer_than(1_024), referer=longer_than(2_048))
def test_texts_of_any_length_cost_no_question(
    query_text: str, user_agent: str, referer: str
) -> None:
    asked = "Q" + query_text
    event = query(query=asked, metadata={"userAgent": user_agent, "referer": referer})
    assert asked.startswith(event.query)
    assert len(event.query) <= 4_000
    assert event.truncated
    assert event.metadata
    assert (event.metadata.user_agent, event.metadata.referer) == (
        user_agent[:1_024],
        referer[:2_048],
    )


@given(reasoning=longer_than(4_000), sources=st.lists(st.text(max_size=300)))
def test_reasons_and_sources_of_any_length_cost_no_answer(
    reasoning: str, sources: list[str]
) -> None:
    event = response(reasoning=reasoning, metadata={"sourcesUsed": sources})
    assert event.reasoning == reasoning[:4_000]
    assert event.metadata
    assert len(event.metadata.sources_used) <= len(sources)


PRINTABLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])


@given(st.text(PRINTABLE, min_size=1, max_size=256) | st.integers(-(1 << 53), 1 << 53))
def test_an_id_of_printable_characters_is_an_id(name: str | int) -> None:
    event = query(requestId=name, sessionId=name)
    assert event.request_id == event.session_id == canonical_id(str(name))


@given(
    fraction=st.floats(0, 0.999),
    total=st.floats(0, 86_400_000),
    score=st.integers(0, 100).map(float),
    objects=st.sampled_from([{}, []]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_numbers_and_objects_may_be_written_as_other_languages_do(
    fraction: float, total: float, score: float, objects: Any, mark: str
) -> None:
    document = {**QUERY, "timestamp": 1_762_161_120_037 + fraction, "metadata": objects}
    event = read_chatbot_event_json(mark + json.dumps(document))
    assert event.timestamp == 1_762_161_120_037
    answer = response(matchScore=score, performance={"totalTime": total}, metadata=objects)
    assert answer.match_score == score
    assert answer.performance
    assert answer.performance.total_time == int(total)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.sampled_from([QUERY, RESPONSE]),
    st.dictionaries(
        st.sampled_from(
            [
                *("requestId", "timestamp", "sessionId", "query", "metadata", "performance"),
                *("matchScore", "matchType", "reasoning", "vectorMatches", "traceparent"),
            ]
        ),
        json_values,
    ),
)
def test_any_document_is_read_or_refused(base: dict[str, Any], change: dict[str, Any]) -> None:
    """No other error, and what is read can be written and read again."""
    try:
        event = read_chatbot_event({**base, **change})
    except ValidationError:
        return
    assert read_chatbot_event_json(event.to_json()) == event
