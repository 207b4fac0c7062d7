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
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from cv_processor.domain.aliases import AliasIndex, Mention
from cv_processor.domain.phrases import first_words, number_mark, plausible, stands
from cv_processor.domain.rules import Alias, Cues, Rule, SkillEntry
from cv_processor.domain.tokens import INNER_DOT, Token, phrase

MAX_ROLL_UPS = 8
"""Longest chain of parents that is followed; the lint refuses longer ones and cycles."""


class IntentEntry(NamedTuple):
    """What a question may be about; `declined` = the bot refuses it by rule, on purpose."""

    name: str
    declined: bool = False
    yields_to: tuple[str, ...] = ()
    """Intents beside which this one says nothing more."""
    phrases: tuple[str, ...] = ()
    phrases_elsewhere: tuple[str, ...] = ()
    """The phrases of other languages than English."""


_ByWord = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class PhraseIndex:
    """Patterns with their intents, by the word that each may begin with."""

    intents: tuple[IntentEntry, ...]

    @cached_property
    def english(self) -> _ByWord:
        """Those of English."""
        return _by_first_word((intent.name, intent.phrases) for intent in self.intents)

    @cached_property
    def everywhere(self) -> _ByWord:
        """Those of all languages, made when first asked for: a cold start seldom needs them."""
        return _by_first_word(
            (intent.name, intent.phrases + intent.phrases_elsewhere) for intent in self.intents
        )


def _by_first_word(intents: Iterable[tuple[str, tuple[str, ...]]]) -> _ByWord:
    by_first: dict[str, list[tuple[str, str]]] = {}
    for intent, patterns in intents:
        for pattern in patterns:
            for word in first_words(pattern):
                by_first.setdefault(word, []).append((pattern, intent))
    return by_first


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """An index over skills and intents. Equal documents make equal answers; nothing is mutable."""

    skills: Mapping[str, SkillEntry]
    intents: Mapping[str, IntentEntry]
    cues: Cues
    index: AliasIndex = field(repr=False)
    phrases: PhraseIndex = field(repr=False)

    @classmethod
    def from_documents(
        cls,
        skills: Mapping[str, Any],
        intents: Mapping[str, Any],
        ordinary: frozenset[str] = frozenset(),
    ) -> Taxonomy:
        """Index the parsed data files; `ordinary` words are no misspelt names.

        Raises `KeyError` or `TypeError` on a wrong shape.
        """
        entries = [_skill(each) for each in skills["skills"]]
        rules = {alias: _rule(each) for alias, each in skills["rules"].items()}
        wanted = [_intent(each) for each in intents["intents"]]
        aliases = dict(_index(entries, rules))
        cues = Cues(**_words(skills["cues"]))
        return cls(
            skills={entry.name: entry for entry in entries},
            intents={intent.name: intent for intent in wanted},
            cues=cues,
            index=AliasIndex(aliases, tuple(cues.compounds), ordinary),
            phrases=PhraseIndex(tuple(wanted)),
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
        named = list(self.index.candidates(tokens))
        if not named:
            return []
        question = Question.of(tokens, named)
        found = [mention for mention in named if not self._refused(question, mention)]
        alone = _nothing_else(tokens, found, self.cues.fillers)
        counted = [alone or self._counts(question, mention) for mention in found]
        _vouch(tokens, found, counted)
        return [mention for mention, counts in zip(found, counted, strict=True) if counts]

    def intents_of(self, tokens: Sequence[Token]) -> list[str]:
        """The intents whose phrases stand in the tokens, in the order of the data file."""
        words = [number_mark(token.key) for token in tokens if token.is_word]
        present = frozenset(words)
        shown: set[str] = set()
        phrases = self.phrases.english if self._is_english(present) else self.phrases.everywhere
        for at, (word, following) in enumerate(pairwise([*words, ""])):
            for pattern, intent in phrases.get(word, ()):
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

    def _is_english(self, words: frozenset[str]) -> bool:
        """Whether all words are everyday English or names of skills: most questions are."""
        unknown = words - self.index.known
        return not unknown or all(word[0] in "#0123456789" for word in unknown)

    def _counts(self, question: Question, mention: Mention) -> bool:
        rule = mention.alias.rule
        if rule is None or rule.usual or question.foreign:
            return True
        return (
            question.tokens[mention.start].raw in rule.strong
            or (not rule.own_cues_only and (mention.attached or question.ties_on(mention)))
            or self._cued(question, mention, rule)
            or self._named(question, mention, rule)
        )

    def _refused(self, question: Question, mention: Mention) -> bool:
        """Whether something beside the word makes it no skill, whatever else is said."""
        rule = mention.alias.rule
        if rule is None or _in_address(question, mention):
            return rule is not None or _in_address(question, mention)
        return (
            (_is_everyday(question, mention, rule) and not self._is_named(question, mention))
            or (rule.person and self._is_person(question, mention))
            or self._is_place(question, mention)
            or self._is_half_of_a_word(question, mention)
        )

    def _is_named(self, question: Question, mention: Mention) -> bool:
        """Whether a hyphen ties a word to it that only names of techniques have: `a Swift-dev`."""
        following = question.key(mention.end)
        return question.ties_on(mention) and following in self.cues.after

    def _is_half_of_a_word(self, question: Question, mention: Mention) -> bool:
        """Whether a hyphen makes it a part of another word: `stop-go`, but not `Go-Entwickler`."""
        rule, following = mention.alias.rule, question.key(mention.end)
        usual = rule is not None and rule.usual
        leading = question.key(mention.start - 1)
        second = question.tokens[mention.start].hyphen_before and not (
            usual or leading in self.cues.before or mention.start in question.ends
        )
        first = question.ties_on(mention) and not (
            usual
            or following in _COMPOUND | self.cues.after
            or question.tokens[mention.start].raw[0].isupper()
            or mention.end in question.starts
        )
        return second or first

    def _is_person(self, question: Question, mention: Mention) -> bool:
        """Whether a first or last name stands beside it, or who that is: `Jasmine, our lead`."""
        if question.key(mention.end) == "," and question.key(mention.end + 1) in _WHOSE:
            return True
        return any(
            at not in question.covered and self._is_proper(question.tokens[at])
            for at in (mention.start - 1, mention.end)
            if 0 <= at < len(question.tokens) and not question.shouted
        )

    def _is_place(self, question: Question, mention: Mention) -> bool:
        """Whether it is a street or town: `Oracle street`, `move to Phoenix, Arizona`."""
        if question.key(mention.end) in _STREETS:
            return True
        at = mention.end + (question.key(mention.end) == ",")
        return (
            question.key(mention.start - 1) in _TOWARDS
            and at < len(question.tokens)
            and at not in question.starts
            and self._is_proper(question.tokens[at])
        )

    def _is_proper(self, token: Token) -> bool:
        cues = self.cues
        return token.raw.istitle() and not (
            token.key in self.index.ordinary
            or token.key in cues.before | cues.after | cues.fillers | cues.near | _JOINTS
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
    foreign: bool
    """Whether it is in another script: Latin words there are names."""
    starts: frozenset[int]
    ends: frozenset[int]
    covered: frozenset[int]
    """Where aliases begin, where they end, and all their places."""

    @classmethod
    def of(cls, tokens: Sequence[Token], named: Sequence[Mention]) -> Question:
        """The question that these tokens are, with all aliases that stand there."""
        shouted = not any(token.raw[0].islower() for token in tokens)
        keys = frozenset(token.key for token in tokens)
        foreign = not "".join(keys).isascii() and any(token.is_foreign for token in tokens)
        return cls(
            tokens,
            keys,
            shouted,
            foreign,
            starts=frozenset(mention.start for mention in named),
            ends=frozenset(mention.end for mention in named),
            covered=_places(named),
        )

    def key(self, at: int) -> str:
        """The word at a place; empty outside of the question."""
        return self.tokens[at].key if 0 <= at < len(self.tokens) else ""

    def has(self, words: frozenset[str]) -> bool:
        """Whether any of the words stands anywhere."""
        return not words.isdisjoint(self.keys)

    def ties_on(self, mention: Mention) -> bool:
        """Whether a hyphen ties the next word to a mention."""
        return self.tokens[mention.end - 1].hyphen_after

    def is_name(self, at: int) -> bool:
        """Whether a word has a capital where the sentence asks for none."""
        token = self.tokens[at]
        return token.raw[0].isupper() and not token.opens and not self.shouted


def _places(mentions: Iterable[Mention]) -> frozenset[int]:
    return frozenset(at for mention in mentions for at in range(mention.start, mention.end))


_JOINTS = frozenset(
    {
        *("|", "*", "{", "}"),
        *(",", "/", "&", "+", "and", "or", "vs", "versus", "than", "not", "then"),
        *("oder", "und", "sowie", "ou", "et", "y", "o", "e", "u", "en", "of", "ed"),
        *("od", "plus"),
    }
)
_BREAKS = frozenset({"\n", ";"})
"""What ends an item of a list."""
_YEARS = frozenset(
    {
        *("(", ")", "[", "]", "years", "year", "yrs", "yr", "jahre", "jahren", "ans"),
        *("anos", "anni", "jaar"),
    }
)
_REMARKS = frozenset({"must", "nice", "required", "optional", "preferred", "bonus", "have"})
_IN_LISTS = _JOINTS | _BREAKS | _YEARS | _REMARKS
_WIDEST = 10
"""Tokens between two items of a list: `Go (2+ yrs),` and a new line."""


def _joined(tokens: Sequence[Token], left: Mention, right: Mention) -> bool:
    """Whether only what a list has between its items stands between two mentions."""
    between = tokens[left.end : right.start]
    return 0 < len(between) <= _WIDEST and all(
        token.key in _IN_LISTS or token.key.isdigit() or _is_numbering(tokens, at)
        for at, token in enumerate(between, left.end)
    )


def _is_numbering(tokens: Sequence[Token], at: int) -> bool:
    """Whether a dot or bracket stands behind a number: `2. Go`."""
    return tokens[at].key == "!" and tokens[at - 1].key.isdigit()


def _is_item(tokens: Sequence[Token], mention: Mention) -> bool:
    """Whether nothing but a version or years stands behind a mention in its line."""
    following = tokens[mention.end] if mention.end < len(tokens) else None
    return following is None or not following.is_word or following.key.isdigit()


def _vouch(tokens: Sequence[Token], found: Sequence[Mention], counted: list[bool]) -> None:
    """Count what stands in a list with a skill that counts: `Golang or rust`, `C/C++`."""
    ties = [_tie(tokens, left, right) for left, right in pairwise(found)]
    for run in _runs(ties):
        if len(run) + 1 >= _FEWEST_ITEMS or any(ties[n] == _LINES for n in run):
            counted[run[0]] |= all(_is_item(tokens, found[n]) for n in (*run, run[-1] + 1))
    for n in range(len(ties)):
        counted[n + 1] |= counted[n] and _may_follow(tokens, found[n + 1], ties[n])
    for n in reversed(range(len(ties))):
        counted[n] |= counted[n + 1] and _may_follow(tokens, found[n], ties[n])


_APART, _LINE, _LINES = range(3)
"""How two mentions are tied: not, as items of one line, or as lines of a list."""
_FEWEST_ITEMS = 3
"""Items that make a list of ambiguous words one of skills."""


def _tie(tokens: Sequence[Token], left: Mention, right: Mention) -> int:
    if not _joined(tokens, left, right):
        return _APART
    broken = any(token.key in _BREAKS for token in tokens[left.end : right.start])
    return _LINES if broken else _LINE


def _may_follow(tokens: Sequence[Token], mention: Mention, tie: int) -> bool:
    return tie == _LINE or (tie == _LINES and _is_item(tokens, mention))


def _runs(ties: Sequence[int]) -> list[list[int]]:
    """The places of ties that follow each other without a gap."""
    runs: list[list[int]] = []
    for n, tie in enumerate(ties):
        if tie and runs and runs[-1][-1] == n - 1:
            runs[-1].append(n)
        elif tie:
            runs.append([n])
    return runs


def _nothing_else(
    tokens: Sequence[Token], found: Sequence[Mention], fillers: frozenset[str]
) -> bool:
    """Whether the whole question is the words alone: `Rust?`, `Any Go or Swift`."""
    covered = _places(found)
    return bool(found) and all(
        at in covered or not token.is_word or token.key in fillers or token.key in _JOINTS
        for at, token in enumerate(tokens)
    )


def _is_everyday(question: Question, mention: Mention, rule: Rule) -> bool:
    """Whether its form or the words around it say that the everyday word is meant."""
    first, following = question.tokens[mention.start], question.key(mention.end)
    small = following in rule.small_not_before
    return (
        bool(rule.forms and first.raw.rstrip("0123456789") not in rule.forms)
        or question.key(mention.start - 1) in rule.not_after
        or following in rule.not_before
        or (small and (question.ties_on(mention) or not question.is_name(mention.start)))
        or question.has(rule.not_near)
    )


_COMPOUND = frozenset(
    {
        *("based", "like", "style", "native", "first", "written", "related", "heavy"),
        *("powered", "compatible", "certified", "js"),
    }
)
"""Words that a hyphen ties to the name of a technique, even to one in small letters."""
_WHOSE = frozenset({"our", "my", "who", "the"})
_STREETS = frozenset({"street", "road", "avenue", "lane", "square", "hill", "hotel"})
_TOWARDS = frozenset({"to", "from", "near", "nach", "aus"})
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
    lists = {
        name: tuple(document.get(name, ()))
        for name in ("phrases", "phrases_elsewhere", "yields_to")
    }
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


_ACCENTS = str.maketrans("áàâãäçéèêëíìîïñóòôõöúùûü-", "aaaaaceeeeiiiinooooouuuu ")


def alias_keys(alias: str) -> tuple[str, ...]:
    """`phrase`, by a shorter way where an alias has no symbols, because cold starts wait for it."""
    plain = alias.lower().replace("-", " ") if alias.isascii() else _without_accents(alias)
    if plain.isascii() and plain.replace(" ", "").isalnum():
        return tuple(plain.split())
    return phrase(alias)


def _without_accents(alias: str) -> str:
    return alias.casefold().translate(_ACCENTS)
