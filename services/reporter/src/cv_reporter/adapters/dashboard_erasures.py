"""Erasing a session through the Processor's API, which owns the questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cv_contracts.client import ProcessorClient
from cv_contracts.errors import ContractsError
from cv_contracts.rest import Erasure

from cv_reporter.adapters.aws import error_code
from cv_reporter.adapters.processor_api import connect
from cv_reporter.application.dashboard_ports import Receipt
from cv_reporter.application.ports import ProcessorError


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
        try:
            with self.connect(self.address()) as client:
                answer = call(client)
        except ContractsError as error:
            raise ProcessorError(str(error)) from error
        except Exception as error:
            raise ProcessorError(error_code(error)) from error
        removed = tuple((each.service, each.removed) for each in answer.removed)
        return Receipt(answer.erasure_id, answer.requested_at, removed)
