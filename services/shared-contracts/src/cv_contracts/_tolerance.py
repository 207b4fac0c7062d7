"""What readers of chatbot events put right in a document before they refuse it."""

from __future__ import annotations

import json
from typing import Any

from cv_contracts._types import MAX_QUESTION
from cv_contracts.errors import NotJsonError

_LAST_WORD = 200  # characters: further back than this no end of a word is looked for
_LONGEST_INTEGER = 400  # digits: Python refuses to read integers of more than 4,300
_OBJECTS = ("metadata", "performance")


def completed(document: Any) -> Any:
    """The document with its `eventType`, objects for empty lists, and a question that fits.

    >>> completed({"query": "Go?", "metadata": []})
    {'query': 'Go?', 'metadata': {}, 'eventType': 'query'}
    """
    if not isinstance(document, dict):
        return document
    event = dict(document)
    for name in _OBJECTS:
        if event.get(name) == []:
            event[name] = {}
    if "eventType" not in event:
        event["eventType"] = "query" if "query" in event else "response"
    question = event.get("query")
    if isinstance(question, str) and len(question) > MAX_QUESTION:
        event |= {"query": beginning(question), "truncated": True}
    return event


def beginning(question: str) -> str:
    """At most 4,000 characters, up to the end of a word: half an address would not be redacted."""
    kept = question[:MAX_QUESTION]
    if question[MAX_QUESTION].isspace():
        return kept
    words, space, last = kept.rpartition(" ")
    return words if space and len(last) <= _LAST_WORD and words.strip() else kept


def parse_json(text: str | bytes) -> Any:
    """The document of a JSON text, so that each event in it is judged by itself.

    Takes a byte order mark, `NaN`, raw control characters, lone surrogates and integers of any
    length: the model refuses them where they matter. Raises `NotJsonError`.

    >>> parse_json(b'\\xef\\xbb\\xbf[NaN]')
    [nan]
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text.removeprefix("\ufeff"), strict=False, parse_int=_integer)
    except (ValueError, RecursionError):  # their messages may repeat the input
        raise NotJsonError("the text is no JSON") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)
