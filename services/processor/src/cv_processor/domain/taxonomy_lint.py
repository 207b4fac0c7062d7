"""What can be wrong with the data files of the taxonomy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cv_processor.domain.phrases import first_words, slots
from cv_processor.domain.taxonomy import MAX_ROLL_UPS, alias_keys, spellings
from cv_processor.domain.tokens import phrase

_SHORT = 2
_NESTED = re.compile(r"\([^)]*[(*]")
_WORDS_OF_RULES = frozenset(
    {"not_after", "not_before", "small_not_before", "after", "before", "near", "not_near"}
)


def lint(
    skills: Mapping[str, Any], intents: Mapping[str, Any], everyday: frozenset[str]
) -> list[str]:
    """What is wrong with the data files, one line each; empty if nothing is."""
    return [
        *_repeated((entry["name"] for entry in skills["skills"]), "skill"),
        *_wrong_parents(skills["skills"]),
        *_wrong_aliases(skills["skills"], skills["rules"], everyday),
        *_wrong_rules(skills["rules"]),
        *_wrong_intents(intents["intents"]),
    ]


def _repeated(names: Iterable[str], what: str) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name!r} is defined {count} times"


def _wrong_parents(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    by_name = {entry["name"]: entry for entry in entries}
    for entry in entries:
        name, steps = entry["name"], 0
        while (parent := by_name[name].get("parent")) and steps <= MAX_ROLL_UPS:
            if parent not in by_name:
                yield f"skill {name!r} rolls up to {parent!r}, which does not exist"
                break
            if by_name[parent].get("umbrella"):
                yield f"skill {name!r} rolls up to {parent!r}, an umbrella, and would be lost"
            name, steps = parent, steps + 1
        if steps > MAX_ROLL_UPS:
            yield f"skill {entry['name']!r} rolls up in a circle"


def _wrong_aliases(
    entries: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], everyday: frozenset[str]
) -> Iterator[str]:
    owner: dict[tuple[str, ...], str] = {}
    written: set[str] = set()
    for entry in entries:
        if not entry["aliases"]:
            yield f"skill {entry['name']!r} has no alias"
        for alias in entry["aliases"]:
            bare = spellings(alias)[0]
            written.add(bare.casefold())
            if _is_ambiguous(bare, everyday) and bare.casefold() not in rules:
                yield f"alias {bare!r} of {entry['name']!r} is ambiguous and has no rule"
            for keys in map(alias_keys, spellings(alias)):
                if keys in owner:
                    yield f"alias {bare!r} stands twice: {owner[keys]!r} and {entry['name']!r}"
                owner[keys] = entry["name"]
    yield from (f"rule {name!r} belongs to no alias" for name in rules if name not in written)


def _wrong_rules(rules: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Words that no question can have: they are compared after cutting into small-letter tokens."""
    for name, rule in rules.items():
        for place in _WORDS_OF_RULES & rule.keys():
            for word in rule[place].split():
                if phrase(word) != (word,):
                    yield f"rule {name!r} says {word!r}, which no question can have"


def _is_ambiguous(alias: str, everyday: frozenset[str]) -> bool:
    """An everyday word, or one or two letters without a symbol: `Go`, `R`, `Swift`."""
    return alias.casefold() in everyday or (len(alias) <= _SHORT and alias.isalpha())


def _wrong_intents(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = {entry["name"] for entry in entries}
    yield from _repeated((entry["name"] for entry in entries), "intent")
    for entry in entries:
        for other in set(entry.get("yields_to", ())) - names:
            yield f"intent {entry['name']!r} yields to {other!r}, which does not exist"
        for pattern in (*entry["phrases"], *entry.get("phrases_elsewhere", ())):
            yield from (f"intent {entry['name']!r}: {each}" for each in _wrong_phrase(pattern))


def _wrong_phrase(pattern: str) -> Iterator[str]:
    if not list(first_words(pattern)) or all(slot.optional for slot in slots(pattern)):
        yield f"{pattern!r} would stand everywhere"
    plain = pattern.isascii() and pattern == pattern.casefold()
    if not plain or pattern.count("(") != pattern.count(")"):
        yield f"{pattern!r} needs small letters without accents, and closed brackets"
    if _NESTED.search(pattern):
        yield f"{pattern!r} has a choice or a gap within a choice, which nothing reads"
    if "'" in pattern or "-" in pattern:
        yield f"{pattern!r} has an apostrophe or hyphen, which questions lose"
