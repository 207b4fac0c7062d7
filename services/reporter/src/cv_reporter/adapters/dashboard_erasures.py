"""Erasing a session or a question through the Processor's API, which owns the questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from cv_contracts.client import ProcessorClient
from cv_contracts.errors import StatusError
from cv_contracts.rest import Erasure

from cv_reporter.adapters.processor_api import connect, failures_named
from cv_reporter.application.dashboard_ports import Receipt
from cv_reporter.application.ports import OldProcessorError

_ROUTE_UNKNOWN = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
OLD_PROCESSOR = "the deployed Processor is older than 1.3.0 and erases whole sessions only"


@dataclass(frozen=True, slots=True)
class ProcessorErasures:
    """The typed client; the address is looked up when first needed, for it may not exist yet."""

    address: Callable[[], str]
    connect: Callable[[str], ProcessorClient] = connect

    def request(self, session_id: str) -> Receipt:
        """Have a session erased."""
        with self._asking() as client:
            return _receipt(client.erase_session(session_id))

    def request_question(self, request_id: str) -> Receipt:
        """Have a question erased."""
        with self._asking() as client:
            try:
                return _receipt(client.erase_question(request_id))
            except StatusError as error:
                if error.status not in _ROUTE_UNKNOWN:
                    raise
                raise OldProcessorError(OLD_PROCESSOR) from error

    def receipt(self, erasure_id: str) -> Receipt | None:
        """The receipt as it stands; `None` if the Processor knows none of this id."""
        with self._asking() as client:
            try:
                return _receipt(client.erasure(erasure_id))
            except StatusError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                return None

    @contextmanager
    def _asking(self) -> Iterator[ProcessorClient]:
        with failures_named(), self.connect(self.address()) as client:
            yield client


def _receipt(answer: Erasure) -> Receipt:
    removed = tuple((part.service, part.removed) for part in answer.removed)
    return Receipt(answer.erasure_id, answer.requested_at, removed)
