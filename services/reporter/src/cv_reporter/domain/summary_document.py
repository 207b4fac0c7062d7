"""A summary's stored form: compact JSON, the same bytes for the same facts.

Session hashes are listed once, sorted, and referred to by their place in the list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from cv_reporter.domain.fact import Audience, Outcome
from cv_reporter.domain.sketch import Distinct, Durations
from cv_reporter.domain.summary import Limits, Summary
from cv_reporter.domain.tally import (
    GroupKey,
    GroupTally,
    Outcomes,
    Sample,
    SkillTally,
    Tally,
)
from cv_reporter.domain.visits import Edge, Turn, Visits

MAX_BYTES = 100_000
FORM = 1
"""Raised when the stored form changes; summaries of another form are recomputed from facts."""

# A dictionary finds a member in a fifth of the time that calling the enum takes.
_OUTCOMES = {str(member): member for member in Outcome}

Document = dict[str, Any]


def fitted(summary: Summary) -> str:
    """The summary's JSON in at most 100 KB: long tails are cut further until it fits."""
    limits = Limits()
    text = dumps(summary.bounded(limits))
    while len(text.encode()) > MAX_BYTES:
        limits = limits.halved()
        text = dumps(summary.bounded(limits))
    return text


def dumps(summary: Summary) -> str:
    """The summary as canonical JSON."""
    document: Document = {"form": FORM, "visitors": _tally(summary.visitors)}
    if summary.without_attacks is not None:
        document["peaceful"] = _tally(summary.without_attacks)
    if summary.excluded:
        document["excluded"] = {str(who): n for who, n in summary.excluded.items()}
        document["excludedLast"] = summary.excluded_last
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def loads(
    text: str, *, quotes: bool = True, parse: Callable[[str], Document] = json.loads
) -> Summary:
    """The summary that `dumps` wrote. Raises `ValueError` for another form.

    Without `quotes` its groups and listed questions are left out, and of a skill the sessions, the
    words and what was offered instead: most of what a busy day's summary has. A period that another
    is compared with is only counted. `parse` reads JSON.
    """
    document = parse(text)
    if document.get("form") != FORM:
        raise ValueError(f"summary of form {document.get('form')}, not {FORM}: rebuild the day")
    without = document.get("peaceful")
    return Summary(
        visitors=_read_tally(document["visitors"], quotes),
        without_attacks=None if without is None else _read_tally(without, quotes),
        excluded={Audience(who): n for who, n in document.get("excluded", {}).items()},
        excluded_last=document.get("excludedLast", 0),
    )


def _tally(tally: Tally) -> Document:
    hashes = sorted(tally.sessions.hashes)
    places = {member: place for place, member in enumerate(hashes)}
    return {
        "outcomes": tally.outcomes.counts,
        "anonymous": tally.anonymous,
        "corrected": tally.corrected,
        "skewed": tally.clock_skewed,
        "last": tally.last_asked,
        "scores": tally.scores,
        "latency": _durations(tally.latency),
        "cached": _durations(tally.cached_latency),
        "hours": tally.hours,
        "days": {day.isoformat(): outcomes.counts for day, outcomes in tally.days.items()},
        "intents": {name: outcomes.counts for name, outcomes in tally.intents.items()},
        "skills": {name: _skill(skill, places) for name, skill in tally.skills.items()},
        "groups": [
            [*key, group.count, group.last_asked, _rows(group.samples), _places(group, places)]
            for key, group in sorted(tally.groups.items())
        ],
        "sessions": hashes,
        "theta": tally.sessions.theta,
        "visits": _visits(tally.visits),
        "listed": _rows(tally.listed),
    }


def _skill(skill: SkillTally, places: Mapping[int, int]) -> list[Any]:
    return [
        skill.category,
        int(skill.umbrella),
        skill.outcomes.counts,
        skill.gap_points,
        skill.last_missed,
        skill.own,
        skill.offered,
        skill.words,
        _places(skill, places),
    ]


def _rows(samples: Iterable[Sample]) -> list[list[Any]]:
    return [
        [sample.asked_at, sample.request_id, sample.text, sample.outcome, sample.score]
        for sample in sorted(samples)
    ]


def _places(counted: SkillTally | GroupTally, places: Mapping[int, int]) -> list[int]:
    return sorted(places[member] for member in counted.sessions.hashes)


def _durations(durations: Durations) -> Document:
    return {"exact": int(durations.exact), "counts": durations.counts}


def _visits(visits: Visits) -> list[Any]:
    edges = [
        [edge.session, edge.day.isoformat(), int(edge.head), *_turn(edge.turn)]
        for edge in sorted(visits.edges, key=lambda edge: edge[:3])
    ]
    return [
        visits.visits,
        visits.exits_on_miss,
        visits.missed,
        visits.rephrased,
        visits.repeated,
        edges,
    ]


def _turn(turn: Turn) -> list[Any]:
    return [turn.asked_at, turn.outcome, sorted(turn.skills), turn.text]


def _read_tally(document: Document, quotes: bool) -> Tally:
    hashes: list[int] = document["sessions"]
    theta: int = document["theta"]
    return Tally(
        outcomes=Outcomes(*document["outcomes"]),
        anonymous=document["anonymous"],
        corrected=document["corrected"],
        clock_skewed=document["skewed"],
        last_asked=document["last"],
        scores=_counts(document["scores"]),
        latency=_read_durations(document["latency"]),
        cached_latency=_read_durations(document["cached"]),
        hours=_counts(document["hours"]),
        days={date.fromisoformat(day): Outcomes(*n) for day, n in document["days"].items()},
        intents={intent: Outcomes(*n) for intent, n in document["intents"].items()},
        skills={
            name: _read_skill(skill, hashes, theta) if quotes else _read_counts(skill)
            for name, skill in document["skills"].items()
        },
        groups={
            GroupKey(kind, name): GroupTally(
                count, last, _samples(samples), _distinct(places, hashes, theta)
            )
            for kind, name, count, last, samples, places in (document["groups"] if quotes else ())
        },
        sessions=Distinct(frozenset(hashes), theta),
        visits=_read_visits(document["visits"]),
        listed=_samples(document["listed"] if quotes else []),
    )


def _counts(document: Mapping[str, int]) -> dict[int, int]:
    return {int(key): n for key, n in document.items()}


def _read_durations(document: Document) -> Durations:
    return Durations(_counts(document["counts"]), bool(document["exact"]))


def _distinct(places: list[int], hashes: list[int], theta: int) -> Distinct:
    return Distinct(frozenset([hashes[place] for place in places]), theta)


def _read_skill(document: list[Any], hashes: list[int], theta: int) -> SkillTally:
    category, umbrella, outcomes, points, missed, own, offered, words, places = document
    return SkillTally(
        category=category,
        umbrella=bool(umbrella),
        outcomes=Outcomes(*outcomes),
        gap_points=points,
        last_missed=missed,
        own=own,
        offered=offered,
        words=words,
        sessions=_distinct(places, hashes, theta),
    )


def _read_counts(document: list[Any]) -> SkillTally:
    category, umbrella, outcomes, points, missed, own, *_ = document
    return SkillTally(category, bool(umbrella), Outcomes(*outcomes), points, missed, own)


def _samples(documents: list[list[Any]]) -> frozenset[Sample]:
    return frozenset(
        [
            Sample(asked_at, request_id, text, _OUTCOMES[outcome], score)
            for asked_at, request_id, text, outcome, score in documents
        ]
    )


def _read_visits(document: list[Any]) -> Visits:
    visits, exits, missed, rephrased, repeated, edges = document
    return Visits(visits, exits, missed, rephrased, repeated, frozenset(map(_read_edge, edges)))


def _read_edge(document: list[Any]) -> Edge:
    session, day, head, asked_at, outcome, skills, text = document
    turn = Turn(asked_at, _OUTCOMES[outcome], frozenset(skills), text)
    return Edge(session, date.fromisoformat(day), bool(head), turn)
