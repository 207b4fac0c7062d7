"""What the last comparison with the Processor found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cv_reporter.adapters.table import Table, integer, key, number, string, text
from cv_reporter.application.ports import ComparedDay, LastComparison
from cv_reporter.domain.report import Comparison


@dataclass(frozen=True, slots=True)
class DynamoComparisons:
    """One item: the last comparison with the Processor."""

    table: Table

    def put(self, compared: LastComparison) -> None:
        """Keep it in place of the one before."""
        comparison = compared.comparison
        self.table.put(
            {
                **key("COMPARISON", "LAST"),
                "at": number(compared.at),
                "days": number(comparison.days),
                "compared": number(comparison.compared),
                "healed": number(comparison.healed),
                "problem": text(comparison.problem or ""),
                "lately": {
                    "M": {str(day): _compared(result) for day, result in compared.days.items()}
                },
            }
        )

    def last(self) -> LastComparison | None:
        """It, if there ever was one."""
        item = self.table.get("COMPARISON", "LAST")
        if item is None:
            return None
        comparison = Comparison(
            days=integer(item, "days"),
            compared=integer(item, "compared"),
            healed=integer(item, "healed"),
            problem=string(item, "problem") or None,
        )
        lately = item.get("lately", {"M": {}})["M"]
        days = {
            date.fromisoformat(day): ComparedDay(*(int(n["N"]) for n in result["L"]))
            for day, result in lately.items()
        }
        return LastComparison(comparison, integer(item, "at"), days)


def _compared(day: ComparedDay) -> dict[str, Any]:
    return {"L": [number(n) for n in day]}
