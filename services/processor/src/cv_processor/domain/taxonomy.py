"""The taxonomy as the domain sees it: skills with their aliases, rules for ambiguous ones, intents.

Built once from two parsed documents (see `cv_processor.data`), it answers two questions about a
list of tokens: which aliases stand there, and which intents do the phrases show.

A word that is also an everyday word ("Go", "REST", "Swift") carries a `Rule`. It counts as a skill
only where something around it says so: it stands in a list with another skill, after a cue ("know
Go"), before one ("Go developer"), or is written as a name in the middle of a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from cv_processor.domain.phrases import first_words, number_mark, plausible, stands
from cv_processor.domain.tokens import INNER_DOT, Token, phrase

MAX_ROLL_UPS = 8
"""Longest chain of parents that is followed; the lint refuses longer ones and cycles."""


class SkillEntry(NamedTuple):
    """One skill of the data file; `rolls_up_to` names the skill that is reported in its place."""

    name: str
    category: str
    umbrella: bool = False
    parent: str | None = None
    aliases: tuple[str, ...] = ()


class Rule(NamedTuple):
    """When an ambiguous alias is a skill. Words are compared as `tokens.Token.key`."""

    forms: frozenset[str] = frozenset()
    """If any: no other way of writing it counts ("R", never "r")."""
    strong: frozenset[str] = frozenset()
    """Ways of writing it that need nothing else ("REST")."""
    not_after: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()
    small_not_before: frozenset[str] = frozenset()
    """The same, unless it is written as a name in the middle of a sentence ("used Go to")."""
    after: frozenset[str] = frozenset()
    """Further words that are a cue when they stand before it."""
    before: frozenset[str] = frozenset()
    """Further words that are a cue when they follow it."""
    near: frozenset[str] = frozenset()
    """Words that are a cue wherever they stand in the question."""
    named: bool = False
    """Whether a capital in the middle of a sentence is enough."""
    usual: bool = False
    """Whether it counts wherever nothing refuses it: the everyday meaning is the exception."""
    own_cues_only: bool = False
    """Whether the cues that all rules share ("know", "experience") do not count."""


class Alias(NamedTuple):
    """A word for a skill, as the data file writes it."""

    written: str
    entry: SkillEntry
    rule: Rule | None


class Cues(NamedTuple):
    """The words that show an ambiguous alias to be a skill, whichever alias it is."""

    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    fillers: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    """Enough, wherever they stand, for an alias that is written as a name."""


class IntentEntry(NamedTuple):
    """What a question may be about; `declined` = the bot refuses it by rule, on purpose."""

    name: str
    declined: bool = False
    yields_to: tuple[str, ...] = ()
    """Intents beside which this one says nothing more."""
    phrases: tuple[str, ...] = ()


class Mention(NamedTuple):
    """An alias at `tokens[start:end]`."""

    start: int
    end: int
    alias: Alias


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """An index over skills and intents. Equal documents make equal answers; nothing is mutable."""

    skills: Mapping[str, SkillEntry]
    intents: Mapping[str, IntentEntry]
    cues: Cues
    aliases: Mapping[tuple[str, ...], Alias] = field(repr=False)
    longest: Mapping[str, int] = field(repr=False)
    phrases: Mapping[str, tuple[tuple[str, str], ...]] = field(repr=False)

    @classmethod
    def from_documents(cls, skills: Mapping[str, Any], intents: Mapping[str, Any]) -> Taxonomy:
        """Index the parsed data files. Raises `KeyError` or `TypeError` on a wrong shape."""
        entries = [_skill(each) for each in skills["skills"]]
        rules = {alias: _rule(each) for alias, each in skills["rules"].items()}
        wanted = [_intent(each) for each in intents["intents"]]
        aliases = dict(_index(entries, rules))
        return cls(
            skills={entry.name: entry for entry in entries},
            intents={intent.name: intent for intent in wanted},
            cues=Cues(**_words(skills["cues"])),
            aliases=aliases,
            longest=_longest(aliases),
            phrases=_phrases(wanted),
        )

    @property
    def declined_intents(self) -> frozenset[str]:
        """Intents that the bot declines by rule: an unanswered one is no gap in the CV."""
        return frozenset(name for name, intent in self.intents.items() if intent.declined)

    def root(self, entry: SkillEntry) -> SkillEntry:
        """The skill that is reported for this one: the end of its chain of parents."""
        for _ in range(MAX_ROLL_UPS):
            if entry.parent is None:
                break
            entry = self.skills[entry.parent]
        return entry

    def mentions(self, tokens: Sequence[Token]) -> list[Mention]:
        """The skills that the tokens name, in their order; the longest alias wins."""
        named = list(self.candidates(tokens))
        if not named:
            return []
        question = Question.of(tokens)
        found = [each for each in named if not _refused(question, each)]
        alone = _nothing_else(tokens, found, self.cues.fillers)
        counted = [alone or self._counts(question, mention) for mention in found]
        _vouch(tokens, found, counted)
        return [mention for mention, counts in zip(found, counted, strict=True) if counts]

    def intents_of(self, tokens: Sequence[Token]) -> list[str]:
        """The intents whose phrases stand in the tokens, in the order of the data file."""
        words = [number_mark(token.key) for token in tokens if token.is_word]
        present = frozenset(words)
        shown: set[str] = set()
        for at, (word, following) in enumerate(pairwise([*words, ""])):
            for pattern, intent in self.phrases.get(word, ()):
                if (
                    intent not in shown
                    and plausible(pattern, following, present)
                    and stands(pattern, words, at)
                ):
                    shown.add(intent)
        if not shown:
            return []
        return [
            name
            for name, intent in self.intents.items()
            if name in shown and shown.isdisjoint(intent.yields_to)
        ]

    def candidates(self, tokens: Sequence[Token]) -> Iterator[Mention]:
        """Every alias that stands in the tokens, whether or not it is meant as a skill."""
        at = 0
        while at < len(tokens):
            key = tokens[at].key
            mention = self._longest_at(tokens, at) if key in self.longest else None
            if mention is None and key[-1].isdigit():
                mention = self._versioned_at(tokens, at)
            if mention:
                yield mention
            at = mention.end if mention else at + 1

    def _longest_at(self, tokens: Sequence[Token], at: int) -> Mention | None:
        longest = min(self.longest.get(tokens[at].key, 0), len(tokens) - at)
        for size in range(longest, 0, -1):
            alias = self.aliases.get(tuple(token.key for token in tokens[at : at + size]))
            if alias:
                return Mention(at, at + size, alias)
        return None

    def _versioned_at(self, tokens: Sequence[Token], at: int) -> Mention | None:
        """`Python3` is Python; two letters and a digit (`R2`, `C4`) are names of their own."""
        key = tokens[at].key
        bare = key.rstrip("0123456789")
        alias = self.aliases.get((bare,)) if 3 <= len(bare) < len(key) else None
        return Mention(at, at + 1, alias) if alias else None

    def _counts(self, question: Question, mention: Mention) -> bool:
        rule = mention.alias.rule
        if rule is None or rule.usual:
            return True
        return (
            question.tokens[mention.start].raw in rule.strong
            or self._cued(question, mention, rule)
            or self._named(question, mention, rule)
        )

    def _cued(self, question: Question, mention: Mention, rule: Rule) -> bool:
        leading = self._leading_word(question, mention.start)
        following = question.key(mention.end)
        if leading in rule.after or following in rule.before or question.has(rule.near):
            return True
        if rule.own_cues_only:
            return False
        return following in self.cues.after or leading in self.cues.before

    def _leading_word(self, question: Question, start: int) -> str:
        """The word before, with fillers ("any", "some", "in") skipped."""
        at = start - 1
        while question.key(at) in self.cues.fillers:
            at -= 1
        return question.key(at)

    def _named(self, question: Question, mention: Mention, rule: Rule) -> bool:
        if not question.is_name(mention.start):
            return False
        return rule.named or (not rule.own_cues_only and question.has(self.cues.near))


class Question(NamedTuple):
    """The tokens of a text, and what is asked of them for each mention."""

    tokens: Sequence[Token]
    keys: frozenset[str]
    shouted: bool
    """Whether nothing is in small letters, so that capitals tell nothing."""

    @classmethod
    def of(cls, tokens: Sequence[Token]) -> Question:
        """The question that these tokens are."""
        shouted = not any(token.raw[0].islower() for token in tokens)
        return cls(tokens, frozenset(token.key for token in tokens), shouted)

    def key(self, at: int) -> str:
        """The word at a place; empty outside of the question."""
        return self.tokens[at].key if 0 <= at < len(self.tokens) else ""

    def has(self, words: frozenset[str]) -> bool:
        """Whether any of the words stands anywhere."""
        return not words.isdisjoint(self.keys)

    def is_name(self, at: int) -> bool:
        """Whether a word has a capital where the sentence asks for none."""
        token = self.tokens[at]
        return token.raw[0].isupper() and not token.opens and not self.shouted


_JOINTS = frozenset({",", "/", "&", "+", "and", "or", "vs", "versus", "than", "not", "then"})


def _joined(tokens: Sequence[Token], left: Mention, right: Mention) -> bool:
    """Whether only a list's joints stand between two mentions."""
    between = tokens[left.end : right.start]
    return 0 < len(between) <= 3 and all(token.key in _JOINTS for token in between)


def _vouch(tokens: Sequence[Token], found: Sequence[Mention], counted: list[bool]) -> None:
    """Count what stands in a list with a skill that counts: `Golang or rust`, `C/C++`."""
    forth = range(1, len(found))
    for n in forth:
        counted[n] |= counted[n - 1] and _joined(tokens, found[n - 1], found[n])
    for n in reversed(forth):
        counted[n - 1] |= counted[n] and _joined(tokens, found[n - 1], found[n])


def _nothing_else(
    tokens: Sequence[Token], found: Sequence[Mention], fillers: frozenset[str]
) -> bool:
    """Whether the whole question is the words alone: `Rust?`, `Any Go or Swift`."""
    covered = {at for mention in found for at in range(mention.start, mention.end)}
    return bool(found) and all(
        at in covered or not token.is_word or token.key in fillers or token.key in _JOINTS
        for at, token in enumerate(tokens)
    )


def _refused(question: Question, mention: Mention) -> bool:
    """Whether something beside the word makes it no skill, whatever else is said."""
    rule = mention.alias.rule
    if _in_address(question, mention):
        return True
    if rule is None:
        return False
    first, last = question.tokens[mention.start], question.tokens[mention.end - 1]
    following = question.key(mention.end)
    return (
        bool(rule.forms and first.raw not in rule.forms)
        or question.key(mention.start - 1) in rule.not_after
        or following in rule.not_before
        or (following in rule.small_not_before and not question.is_name(mention.start))
        or first.hyphen_before
        or (last.hyphen_after and following not in _COMPOUND)
    )


_COMPOUND = frozenset({"based", "like", "style", "native", "first", "written", "related", "heavy"})
_TOP_LEVEL = frozenset(
    {"com", "org", "net", "io", "dev", "ai", "co", "uk", "de", "fr", "eu", "app", "info", "example"}
)
"""Domains whose hosts are named like tools: `python.org`, `react.dev`."""


def _in_address(question: Question, mention: Mention) -> bool:
    """Whether the mention is a piece of a host name, such as `python.org`."""
    return question.key(mention.end) == INNER_DOT and question.key(mention.end + 1) in _TOP_LEVEL


def _skill(document: Mapping[str, Any]) -> SkillEntry:
    return SkillEntry(**{**document, "aliases": tuple(document["aliases"])})


def _intent(document: Mapping[str, Any]) -> IntentEntry:
    lists = {name: tuple(document.get(name, ())) for name in ("phrases", "yields_to")}
    return IntentEntry(**{**document, **lists})


def _words(document: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in document.items()}


def _rule(document: Mapping[str, Any]) -> Rule:
    flags = {name: value for name, value in document.items() if isinstance(value, bool)}
    words = {name: value for name, value in document.items() if isinstance(value, str)}
    fields: dict[str, Any] = {**flags, **_words(words)}
    return Rule(**fields)


def spellings(alias: str) -> tuple[str, ...]:
    """An alias with its plural, if the data file asks for it.

    >>> spellings("LLM(s)")
    ('LLM', 'LLMs')
    """
    if alias.endswith("(s)"):
        return alias[:-3], alias[:-3] + "s"
    return (alias,)


def _index(
    entries: Iterable[SkillEntry], rules: Mapping[str, Rule]
) -> Iterator[tuple[tuple[str, ...], Alias]]:
    for entry in entries:
        for alias in entry.aliases:
            written = spellings(alias)
            target = Alias(written[0], entry, rules.get(written[0].casefold()))
            for spelling in written:
                yield alias_keys(spelling), target


def alias_keys(alias: str) -> tuple[str, ...]:
    """`phrase`, by a shorter way where an alias has no symbols, because cold starts wait for it."""
    if alias.isalnum():
        return (alias.casefold(),)
    if alias.replace(" ", "").isalnum():
        return tuple(alias.casefold().split())
    return phrase(alias)


def _longest(aliases: Iterable[tuple[str, ...]]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for keys in aliases:
        if len(keys) > longest.get(keys[0], 0):
            longest[keys[0]] = len(keys)
    return longest


def _phrases(intents: Iterable[IntentEntry]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The patterns by the word that each may begin with."""
    by_first: dict[str, list[tuple[str, str]]] = {}
    for intent in intents:
        for pattern in intent.phrases:
            for word in first_words(pattern):
                by_first.setdefault(word, []).append((pattern, intent.name))
    return {first: tuple(found) for first, found in by_first.items()}
