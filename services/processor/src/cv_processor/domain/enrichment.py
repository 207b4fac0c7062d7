"""Enrichment: which skills a question names, in whose words, and what it is about.

No model and no network: a taxonomy in data files (`cv_processor.data`), matched in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from cv_processor.data import intents_document, skills_document, word_list
from cv_processor.domain.aliases import Mention
from cv_processor.domain.rules import SkillEntry
from cv_processor.domain.taxonomy import Taxonomy
from cv_processor.domain.tokens import tokenize
from cv_processor.domain.values import AliasUse, Skill

MAX_SKILLS = 40
"""Skills kept of one question; a text that names more is a pasted document, not a question."""
MAX_ALIASES = 60

SKILLS_INTENT = "skills"
PROMPT_ATTACK_INTENT = "prompt_attack"


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What the text of a question tells. Skills are rolled up, each once, in the order named."""

    skills: tuple[Skill, ...] = ()
    aliases_used: tuple[AliasUse, ...] = ()
    intents: tuple[str, ...] = ()


def enrich(text: str, taxonomy: Taxonomy | None = None) -> Enrichment:
    """Skills, words used for them, and intents of a question. Never raises, whatever the text.

    A prompt attack asks the CV for nothing, so it names no skills.
    """
    taxonomy = taxonomy or default_taxonomy()
    tokens = tokenize(text)
    intents = taxonomy.intents_of(tokens)
    if PROMPT_ATTACK_INTENT in intents:
        return Enrichment(intents=(PROMPT_ATTACK_INTENT,))
    mentions = taxonomy.mentions(tokens)
    if mentions and SKILLS_INTENT not in intents:
        intents.insert(0, SKILLS_INTENT)
    return Enrichment(
        skills=_skills(taxonomy, mentions),
        aliases_used=_aliases_used(taxonomy, mentions),
        intents=tuple(intents),
    )


@cache
def default_taxonomy() -> Taxonomy:
    """The taxonomy that ships with the code; built on first use, then kept."""
    return Taxonomy.from_documents(
        skills_document(), intents_document(), word_list("everyday-words")
    )


def _skills(taxonomy: Taxonomy, mentions: Iterable[Mention]) -> tuple[Skill, ...]:
    roots = dict.fromkeys(taxonomy.root(mention.alias.entry) for mention in mentions)
    return tuple(_published(entry) for entry in list(roots)[:MAX_SKILLS])


def _published(entry: SkillEntry) -> Skill:
    return Skill(name=entry.name, category=entry.category, umbrella=entry.umbrella)


def _aliases_used(taxonomy: Taxonomy, mentions: Iterable[Mention]) -> tuple[AliasUse, ...]:
    used = dict.fromkeys(
        (taxonomy.root(mention.alias.entry).name, mention.alias.written) for mention in mentions
    )
    return tuple(AliasUse(skill=skill, alias=alias) for skill, alias in list(used)[:MAX_ALIASES])
