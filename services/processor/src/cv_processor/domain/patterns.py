"""A regular expression that costs nothing until a text needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is compiled when a text first needs it: most questions need few of them, and
    compiling all would be a noticeable part of a cold start. `re` keeps what it compiled."""

    source: str
    flags: int = 0

    @property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return _compiled(self.source, self.flags)


_compiled = cache(re.compile)
