"""Measure everything and say what holds."""

from __future__ import annotations

import io
import logging
import os
import sys

from cv_reporter.entrypoints.batch import warm as warmed
from cv_reporter.entrypoints.observability import SERVICE

from benchmarks.reporter import board, cold, scale, warm
from benchmarks.reporter.cold import NotMeasuredError
from benchmarks.reporter.workload import ENVIRONMENT


def main() -> int:
    """Print each figure as it is measured; returns 1 if a promise does not hold."""
    as_deployed()
    broken = 0
    for measure in (*warm.MEASURES, *scale.MEASURES, *board.MEASURES, *cold.MEASURES):
        try:
            for figure in measure():
                sys.stdout.write(f"{figure.line}\n")
                sys.stdout.flush()
                broken += not figure.holds
        except NotMeasuredError as lack:
            sys.stdout.write(f"NOT  {lack}\n")
            broken += 1
    sys.stdout.write(f"{broken} promises do not hold\n" if broken else "every promise holds\n")
    return 1 if broken else 0


def as_deployed() -> None:
    """The collector's settings of a warm function, for what is measured in this process.

    The functions' log lines are written, but not among the figures.
    """
    for handler in logging.getLogger(SERVICE).handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())
    os.environ.update(ENVIRONMENT)  # read once in a process, by what is measured first
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "bench"
    warmed(lambda: None)
    del os.environ["AWS_LAMBDA_FUNCTION_NAME"]


if __name__ == "__main__":
    sys.exit(main())
