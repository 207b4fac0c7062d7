"""Run with one version of the contracts: writes everything that this version can write.

One JSON line per document: {"kind": "event" | "page", "name": ..., "document": ...}.
"""

from __future__ import annotations

import json

from cv_contracts import registry
from cv_contracts.events import ClientClass, Correlation, CorrelationCompleted, Outcome
from cv_contracts.rest import CorrelationPage

KNOWN = {
    "revision": 2,
    "answeredAt": 1_762_161_422_016,
    "matchScore": 57,
    "reasoning": "best match Docker at 0.57",
    "sources": ["Docker"],
    "vectorMatches": 5,
    "responseTimes": {"totalMs": 1905, "cacheHit": False},
    "skills": [{"name": "Kubernetes", "category": "infrastructure"}],
    "aliasesUsed": [{"skill": "Kubernetes", "alias": "K8s"}],
    "intents": ["skills"],
    "refererHost": "cv.example",
}
ADDED = {"mood": "curious"} if "mood" in Correlation.model_fields else {}


def correlations() -> list[Correlation]:
    """One per outcome and class of client that this version may write, with all its fields."""
    pairs = [(one, ClientClass.BROWSER) for one in Outcome if one is not Outcome.UNKNOWN]
    pairs += [(Outcome.FULL, client) for client in ClientClass]
    return [correlation(number, *pair) for number, pair in enumerate(pairs)]


def correlation(number: int, outcome: Outcome, client: ClientClass) -> Correlation:
    """A correlation with every field set."""
    document = {
        "requestId": f"r{number}",
        "outcome": outcome,
        "askedAt": 1_762_161_420_111,
        "sessionId": "s01",
        "question": "Any K8s experience?",
        "client": client,
    }
    return Correlation.model_validate({**document, **KNOWN, **ADDED})


def main() -> None:
    """Write all events and a page of the API."""
    written = correlations()
    for number, data in enumerate(written):
        event = CorrelationCompleted.of(
            data,
            id=f"0e7b9a2e-4b0a-5d5c-8a37-{number:012x}",
            subject=data.request_id,
            time="2025-11-03T09:17:02.016Z",
        )
        entry = event.to_entry("bus")
        show("event", entry["DetailType"], json.loads(entry["Detail"]))
    page = CorrelationPage(items=tuple(written), next_cursor="c2")
    show("page", "correlations", json.loads(page.to_json()))
    show("registry", "events", [one.event.DETAIL_TYPE for one in registry.PUBLICATIONS])


def show(kind: str, name: str, document: object) -> None:
    """One line."""
    print(json.dumps({"kind": kind, "name": name, "document": document}))


if __name__ == "__main__":
    main()
