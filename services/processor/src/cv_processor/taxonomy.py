"""Looking after the taxonomy: `python -m cv_processor.taxonomy lint|unknown|evaluate`.

`lint` checks the data files, `unknown` lists the words that visitors use and the taxonomy does not
know, `evaluate` measures the enrichment on labelled questions. Exit codes: 0 = fine, 1 = something
was found, 2 = wrong usage or unreadable input.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from cv_processor.data import intents_document, skills_document, word_list
from cv_processor.domain.enrichment import default_taxonomy, enrich
from cv_processor.domain.phrases import first_words, slots
from cv_processor.domain.taxonomy import MAX_ROLL_UPS, Taxonomy, alias_keys, spellings
from cv_processor.domain.tokens import phrase, tokenize

FEWEST_SESSIONS = 2
WANTED = 0.95
_SHORT = 2
_NESTED = re.compile(r"\([^)]*[(*]")
_WORDS_OF_RULES = frozenset(
    {"not_after", "not_before", "small_not_before", "after", "before", "near"}
)


def main(arguments: Sequence[str] | None = None, out: TextIO = sys.stdout) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options, out))
    except (OSError, ValueError, KeyError) as problem:
        sys.stderr.write(f"cannot read the input: {type(problem).__name__}: {problem}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cv_processor.taxonomy",
        description="Check and extend the taxonomy of skills and intents (cv_processor/data).",
        epilog="Exit codes: 0 fine, 1 something was found, 2 wrong usage or unreadable input.",
    )
    commands = parser.add_subparsers(required=True, metavar="lint|unknown|evaluate")
    lint_parser = commands.add_parser("lint", help="check the data files")
    lint_parser.set_defaults(run=_run_lint)
    unknown = commands.add_parser("unknown", help="words asked that the taxonomy does not know")
    unknown.add_argument("file", help="JSON lines: chatbot events or correlations; - = stdin")
    unknown.add_argument("--sessions", type=int, default=FEWEST_SESSIONS, help="at least so many")
    unknown.set_defaults(run=_run_unknown)
    measure = commands.add_parser("evaluate", help="precision and recall on labelled questions")
    measure.add_argument("file", help="JSON lines of {part, text, skills, intents}")
    measure.add_argument("--misses", action="store_true", help="show each question that is wrong")
    measure.set_defaults(run=_run_evaluate)
    return parser


# --- lint ---------------------------------------------------------------------------------------


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
        for pattern in entry["phrases"]:
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


def _run_lint(_options: argparse.Namespace, out: TextIO) -> int:
    skills, intents = skills_document(), intents_document()
    found = lint(skills, intents, word_list("everyday-words"))
    for line in found:
        out.write(f"{line}\n")
    aliases = sum(len(entry["aliases"]) for entry in skills["skills"])
    out.write(
        f"{len(skills['skills'])} skills, {aliases} aliases, {len(skills['rules'])} rules, "
        f"{len(intents['intents'])} intents: {len(found)} problems\n"
    )
    return 1 if found else 0


# --- unknown words ------------------------------------------------------------------------------


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
        and everyday.isdisjoint(_base_forms(token.key))
    }


def _base_forms(word: str) -> Iterator[str]:
    """The word, and what it is a plural or another form of, roughly: `talks`, `asked`, `using`."""
    yield word
    for ending in ("s", "es", "d", "ed", "r", "er", "ly", "ing"):
        if word.endswith(ending):
            bare = word.removesuffix(ending)
            yield from (bare, f"{bare}e", bare[:-1])


def _asked(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Session and text of each question of a file; answers have no text and are passed over."""
    for line in filter(str.strip, lines):
        document = json.loads(line)
        for each in document.get("items", [document]):
            text = each.get("query", each.get("question"))
            if isinstance(text, str):
                yield str(each.get("sessionId")), text


def _run_unknown(options: argparse.Namespace, out: TextIO) -> int:
    lines = sys.stdin if options.file == "-" else Path(options.file).read_text("utf-8").split("\n")
    everyday = word_list("everyday-words")
    found = unknown_words(_asked(lines), default_taxonomy(), everyday, options.sessions)
    for each in found:
        out.write(f"{each.word}\t{each.sessions} sessions\t{each.questions} questions\n")
    out.write(f"{len(found)} unknown words asked in at least {options.sessions} sessions\n")
    return 1 if found else 0


# --- evaluation ---------------------------------------------------------------------------------


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


def _run_evaluate(options: argparse.Namespace, out: TextIO) -> int:
    lines = Path(options.file).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    worst = 1.0
    for part in dict.fromkeys(row["part"] for row in rows):
        chosen = [row for row in rows if row["part"] == part]
        for name, figures in zip(("skills", "intents"), evaluate(chosen), strict=True):
            out.write(
                f"{part:9} {name:7} {len(chosen):4} questions  "
                f"precision {figures.precision:.3f}  recall {figures.recall:.3f}\n"
            )
            if options.misses:
                out.writelines(f"    {line}\n" for line in figures.wrong)
            if part != "hold-out":
                worst = min(worst, figures.precision, figures.recall)
    return 0 if worst >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
