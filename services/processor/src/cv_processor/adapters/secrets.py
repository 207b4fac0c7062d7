"""Secrets: fetched when first needed, and again when they may have been rotated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cv_processor.adapters.aws import translated


@dataclass(slots=True)
class Secret:
    """A secret's text, at most `max_age` seconds old."""

    secretsmanager: Callable[[], Any]
    arn: str
    clock: Callable[[], float]
    max_age: float = 300.0
    _text: str = ""
    _fresh_until: float = float("-inf")

    def text(self) -> str:
        """The secret as it is stored. Raises `UnavailableError`."""
        now = self.clock()
        if now >= self._fresh_until:
            with translated():
                answer = self.secretsmanager().get_secret_value(SecretId=self.arn)
            self._text, self._fresh_until = answer["SecretString"], now + self.max_age
        return self._text

    def bytes(self) -> bytes:
        """The secret as a key."""
        return self.text().encode()

    def active_keys(self) -> Sequence[str]:
        """The keys of `{"current": …, "previous": …}`; the previous one may be absent."""
        keys = json.loads(self.text())
        return [keys[name] for name in ("current", "previous") if keys.get(name)]
