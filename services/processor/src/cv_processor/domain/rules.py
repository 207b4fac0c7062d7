"""What the data file says of a skill's words: aliases, and rules for the ambiguous ones."""

from __future__ import annotations

from typing import NamedTuple


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
    not_near: frozenset[str] = frozenset()
    """Words that refuse it wherever they stand in the question."""
    person: bool = False
    """Whether people are called so, too: beside another name it is one ("Katie Jenkins")."""
    versioned: bool = False
    """Whether digits may be attached although it has but two letters (`Go1.22`)."""


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
    compounds: frozenset[str] = frozenset()
    """Words that German and Dutch write behind a name without a blank: `Javaentwickler`."""
