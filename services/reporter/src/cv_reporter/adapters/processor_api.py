"""The Processor's API through the contracts' typed client, signed with this function's role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cv_contracts.client import Backoff, ProcessorClient
from cv_contracts.errors import ContractsError
from cv_contracts.rest import CorrelationQuery
from cv_contracts.sigv4 import SigV4Auth
from pydantic import ValidationError

from cv_reporter.adapters.aws import session, translated
from cv_reporter.application.errors import UnavailableError
from cv_reporter.application.ports import ProcessorError, RemoteDay
from cv_reporter.application.wire.arrivals import AudienceRules, to_fact
from cv_reporter.domain.fact import Fact

TIMEOUT_SECONDS = 3.0


def connect(base_url: str) -> ProcessorClient:
    """A client with short time-outs: a report must not wait for a slow Processor."""
    aws = session()
    auth = SigV4Auth(aws.get_credentials(), aws.region_name)
    return ProcessorClient(
        base_url, auth=auth, timeout=TIMEOUT_SECONDS, backoff=Backoff(attempts=2)
    )


@contextmanager
def failures_named() -> Iterator[None]:
    """Turn whatever asking the Processor raises into `ProcessorError`."""
    try:
        with translated():
            yield
    except ProcessorError:
        raise
    except (ContractsError, UnavailableError) as error:
        raise ProcessorError(str(error)) from error
    except ValidationError as error:
        raise ProcessorError("the Processor's answer breaks the contract") from error
    except Exception as error:
        raise ProcessorError(type(error).__name__) from error


@dataclass(slots=True)
class ProcessorApi:
    """Asks the Processor. The address is looked up when first needed, for it may not exist yet."""

    address: Callable[[], str]
    rules: AudienceRules
    connect: Callable[[str], ProcessorClient] = connect
    _client: ProcessorClient | None = None

    def day(self, day: date) -> RemoteDay:
        """Count and digest of a UTC day."""
        with self._asking() as client:
            answer = client.day(day.isoformat())
            return RemoteDay(answer.correlations, answer.digest)

    def facts(self, day: date) -> Iterator[Fact]:
        """The questions asked on a UTC day."""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
        end = start + int(timedelta(days=1).total_seconds()) * 1_000
        with self._asking() as client:
            for correlation in client.correlations(CorrelationQuery(from_=start, to=end)):
                yield to_fact(correlation, self.rules)

    @contextmanager
    def _asking(self) -> Iterator[ProcessorClient]:
        with failures_named():
            if self._client is None:
                self._client = self.connect(self.address())
            yield self._client
