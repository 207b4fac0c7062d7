"""How good the taxonomy is: words that it does not know, and its answers to labelled questions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cv_processor.domain.aliases import base_forms
from cv_processor.domain.enrichment import enrich
from cv_processor.domain.taxonomy import Taxonomy
from cv_processor.domain.tokens import tokenize

FEWEST_SESSIONS = 2


@dataclass(frozen=True, slots=True, order=True)
class UnknownWord:
    """A word that the taxonomy does not know, and how many asked with it."""

    word: str
    sessions: int
    questions: int


def unknown_words(
    asked: Iterable[tuple[str, str]],
    taxonomy: Taxonomy,
    everyday: frozenset[str],
    fewest_sessions: int = FEWEST_SESSIONS,
) -> list[UnknownWord]:
    """Words of (session id, question) pairs that are neither skills nor everyday English.

    Only words of several sessions are listed: one visitor's typing is no reason for a new alias,
    and a word that only one person used could tell who that was.
    """
    sessions: dict[str, set[str]] = {}
    questions: Counter[str] = Counter()
    for session, text in asked:
        for word in _unknown_in(text, taxonomy, everyday):
            sessions.setdefault(word, set()).add(session)
            questions[word] += 1
    found = [
        UnknownWord(word, len(who), questions[word])
        for word, who in sessions.items()
        if len(who) >= fewest_sessions
    ]
    return sorted(found, key=lambda each: (-each.sessions, -each.questions, each.word))


def _unknown_in(text: str, taxonomy: Taxonomy, everyday: frozenset[str]) -> set[str]:
    tokens = tokenize(text)
    known = {at for each in taxonomy.index.candidates(tokens) for at in range(each.start, each.end)}
    return {
        token.key
        for at, token in enumerate(tokens)
        if at not in known
        and token.is_word
        and not token.key.isdigit()
        and len(token.key) > 1
        and everyday.isdisjoint(base_forms(token.key))
    }


def asked_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Session and text of each question of a file; answers have no text and are passed over."""
    for line in filter(str.strip, lines):
        document = json.loads(line)
        for each in document.get("items", [document]):
            text = each.get("query", each.get("question"))
            if isinstance(text, str):
                yield str(each.get("sessionId")), text


@dataclass(slots=True)
class Figures:
    """Hits and misses over labels; precision and recall are 1.0 where there is nothing."""

    right: int = 0
    extra: int = 0
    missed: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of what was found, how much is labelled."""
        return self.right / (self.right + self.extra or 1)

    @property
    def recall(self) -> float:
        """Of what is labelled, how much was found."""
        return self.right / (self.right + self.missed or 1)

    def count(self, text: str, found: set[str], labelled: set[str]) -> None:
        """Take one question into account."""
        self.right += len(found & labelled)
        self.extra += len(found - labelled)
        self.missed += len(labelled - found)
        if found != labelled:
            extra, missed = sorted(found - labelled), sorted(labelled - found)
            self.wrong.append(f"{text} | extra {extra} | missed {missed}")


def evaluate(rows: Iterable[Mapping[str, Any]]) -> tuple[Figures, Figures]:
    """Figures for skills and for intents over labelled questions."""
    skills, intents = Figures(), Figures()
    for row in rows:
        enrichment = enrich(row["text"])
        skills.count(row["text"], {each.name for each in enrichment.skills}, set(row["skills"]))
        intents.count(row["text"], set(enrichment.intents), set(row["intents"]))
    return skills, intents


def by_part(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Labelled questions by their part of the set, or else by their language."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        parts.setdefault(row.get("part") or row["lang"], []).append(row)
    return parts
