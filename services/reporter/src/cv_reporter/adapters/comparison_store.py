"""What the last comparison with the Processor found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cv_reporter.adapters.table import Table, integer, key, number, string, text
from cv_reporter.application.ports import Compared, ComparedDay
from cv_reporter.domain.report import Comparison


@dataclass(frozen=True, slots=True)
class DynamoComparisons:
    """One item: the last comparison with the Processor."""

    table: Table

    def put(self, compared: Compared) -> None:
        """Keep it in place of the one before."""
        found = compared.comparison
        self.table.put(
            {
                **key("COMPARISON", "LAST"),
                "at": number(compared.at),
                "days": number(found.days),
                "compared": number(found.compared),
                "healed": number(found.healed),
                "problem": text(found.problem or ""),
                "lately": {"M": {str(day): _compared(each) for day, each in compared.days.items()}},
            }
        )

    def last(self) -> Compared | None:
        """It, if there ever was one."""
        item = self.table.get("COMPARISON", "LAST")
        if item is None:
            return None
        found = Comparison(
            days=integer(item, "days"),
            compared=integer(item, "compared"),
            healed=integer(item, "healed"),
            problem=string(item, "problem") or None,
        )
        lately = item.get("lately", {"M": {}})["M"]
        days = {
            date.fromisoformat(day): ComparedDay(*(int(n["N"]) for n in each["L"]))
            for day, each in lately.items()
        }
        return Compared(found, integer(item, "at"), days)


def _compared(day: ComparedDay) -> dict[str, Any]:
    return {"L": [number(n) for n in day]}
