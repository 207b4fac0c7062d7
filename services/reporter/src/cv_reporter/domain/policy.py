"""The owner's rules that are data, not code: which intents a bot declines, what is an attack."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parent.parent / "data" / "policy.json"


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


@lru_cache(maxsize=1)
def load_policy() -> Policy:
    """The policy that ships with the package (`data/policy.json`)."""
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return Policy(
        declined_by_rule=frozenset(document["declinedByRule"]),
        prompt_attack=document["promptAttack"],
    )
