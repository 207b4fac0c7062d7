"""The owner's rules that are data, not code, as domain values: the domain itself reads no files."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from cv_reporter.domain.policy import Policy


@lru_cache(maxsize=1)
def load_policy() -> Policy:
    """The policy that ships with the package (`policy.json`)."""
    document = json.loads((Path(__file__).parent / "policy.json").read_bytes())
    return Policy(
        declined_by_rule=frozenset(document["declinedByRule"]),
        prompt_attack=document["promptAttack"],
    )
