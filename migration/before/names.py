"""The names of the system before. All but the shared table's and the stack's are today's names."""

from __future__ import annotations

import os
from typing import Final

STAGE: Final = os.environ.get("STAGE") or "local"
"""`local` is an embedded AWS of its own; any other is a stage of the caller's account."""
PREFIX: Final = f"cv-analytics-{STAGE}"
SHARED_TABLE: Final = f"{PREFIX}-shared"
OWN_TABLE: Final = f"{PREFIX}-processor"
FACTS_TABLE: Final = f"{PREFIX}-reporter"
INGEST_QUEUE: Final = f"{PREFIX}-processor-ingest.fifo"
REPORT: Final = f"{PREFIX}-reporter-report"
WRITERS: Final = (f"{PREFIX}-processor-ingest", f"{PREFIX}-processor-expire")
"""The Processor's functions; the report is the Reporter's."""
PRAGMATIC: Final = "pragmatic"
SCAFFOLD: Final = "migration"
REPLICA: Final = f"{PREFIX}-migration-replica"
OWNERS: Final = ("processor", "reporter")
"""Who owns a resource one day: the constructs of each stand in a scope of its name."""


def stack_name(unit: str) -> str:
    """The CloudFormation stack of a unit, as `tools` names today's."""
    return f"cv-analytics-{unit}-{STAGE}"
