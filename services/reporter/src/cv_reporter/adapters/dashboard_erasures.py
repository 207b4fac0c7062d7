"""Erasing a session through the Processor's API, which owns the questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cv_contracts.client import ProcessorClient
from cv_contracts.rest import Erasure

from cv_reporter.adapters.processor_api import connect, failures_named
from cv_reporter.application.dashboard_ports import Receipt


@dataclass(frozen=True, slots=True)
class ProcessorErasures:
    """The typed client; the address is looked up when first needed, for it may not exist yet."""

    address: Callable[[], str]
    connect: Callable[[str], ProcessorClient] = connect

    def request(self, session_id: str) -> Receipt:
        """Have a session erased."""
        return self._ask(lambda client: client.erase_session(session_id))

    def receipt(self, erasure_id: str) -> Receipt:
        """The receipt as it stands."""
        return self._ask(lambda client: client.erasure(erasure_id))

    def _ask(self, call: Callable[[ProcessorClient], Erasure]) -> Receipt:
        with failures_named(), self.connect(self.address()) as client:
            answer = call(client)
        removed = tuple((part.service, part.removed) for part in answer.removed)
        return Receipt(answer.erasure_id, answer.requested_at, removed)
