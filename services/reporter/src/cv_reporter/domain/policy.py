"""The owner's rules that are data, not code: which intents a bot declines, what is an attack."""

from __future__ import annotations

from typing import NamedTuple


class Policy(NamedTuple):
    """Intents by what the Reporter does with them. Names are those of the enrichment."""

    declined_by_rule: frozenset[str]
    prompt_attack: str

    def declines(self, intents: tuple[str, ...]) -> bool:
        """Whether the bot stays silent on such a question on purpose."""
        return not self.declined_by_rule.isdisjoint(intents)

    def label(self, intent: str) -> str:
        """How the report calls an intent: `right_to_work` → `Right to work`."""
        return intent.replace("_", " ").capitalize()
