"""The taxonomy that ships with the code: skills, rules for ambiguous words, intents.

Constants kept as JSON, one entry a line, because people who are no programmers extend them; `make
taxonomy ARGS=lint` checks a change. Read when first asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def skills_document() -> dict[str, Any]:
    """The parsed `skills.json`: `skills`, `rules`, `cues`."""
    return _read("skills.json")


LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")
"""Languages beside English whose phrases for intents are known, each in a file of its own."""


def intents_document() -> dict[str, Any]:
    """The parsed `intents/en.json`: `intents`, with `phrases_elsewhere` of the other languages."""
    document = _read("intents/en.json")
    for language in LANGUAGES:
        phrases = _read(f"intents/{language}.json")
        for intent in document["intents"]:
            intent.setdefault("phrases_elsewhere", []).extend(phrases.get(intent["name"], ()))
    return document


def word_list(name: str) -> frozenset[str]:
    """The words of a list, small letters.

    `everyday-words`: words that mean something else in everyday English, so that an alias among
    them needs a rule. `not-names`: words that follow "I'm" without being somebody's name.
    """
    return frozenset((_HERE / f"{name}.txt").read_text("utf-8").split())


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((_HERE / name).read_bytes())
    return document
