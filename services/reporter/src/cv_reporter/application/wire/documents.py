"""The Reporter's own values as JSON: what the API answers, and the reports that are stored.

They are declared once, as data classes; pydantic writes and reads them. Each use of `Document[...]`
stands in a function: pydantic builds a type's serialiser when it is first named, and a cold start
should build only what it uses.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import ConfigDict, RootModel
from pydantic.alias_generators import to_camel

from cv_reporter.domain.report import WeeklyReport

Value = TypeVar("Value")


class Document(RootModel[Value], Generic[Value]):
    """A data class as a JSON object with keys in camelCase, in the order of its fields.

    The same value is always the same bytes. The data classes inside take this configuration too.
    """

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)


def report_json(report: WeeklyReport) -> str:
    """A report's JSON text. Only that of an unfinished week says until when it counts."""
    without = {"until"} if report.until is None else None
    return Document[WeeklyReport](report).model_dump_json(exclude=without)


def read_report(text: str) -> WeeklyReport:
    """The report that `report_json` wrote, now or in an older version: fields that are missing take
    their defaults. Raises `ValueError` for anything else."""
    return Document[WeeklyReport].model_validate_json(text).root
