"""Measure everything and say what holds."""

from __future__ import annotations

import sys

from benchmarks.reporter import board, cold, scale, warm


def main() -> int:
    """Print each figure as it is measured; returns 1 if a promise does not hold."""
    broken = 0
    for measure in (*warm.MEASURES, *scale.MEASURES, *board.MEASURES, *cold.MEASURES):
        for figure in measure():
            print(figure.line, flush=True)
            broken += not figure.holds
    print(f"{broken} promises do not hold" if broken else "every promise holds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
