"""The Processor's numbers, each beside its limit: `python -m benchmarks.processor` (make bench)."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processor import cold, cost, warm
from benchmarks.processor.workload import ROOT


@dataclass(frozen=True)
class Line:
    """A measured number and what it may be at most."""

    name: str
    value: float
    limit: float

    def __str__(self) -> str:
        mark = "ok " if self.value <= self.limit else "OVER"
        return f"{mark:5} {self.name:58} {self.value:8.2f}  ≤ {self.limit}"


def main() -> int:
    """Print them all; the exit code says whether every one is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=_bundle(), help="default: %(default)s")
    options = parser.parse_args()
    lines = [*_calls(), *_warm(), *_cold(options.bundle)]
    for line in lines:
        print(line)
    return int(any(line.value > line.limit for line in lines))


def _bundle() -> Path | None:
    """The bundle that `make` built for this machine, if it is there."""
    built = ROOT / "dist/bundles/processor-local"
    return built if built.is_dir() else None


def _calls() -> list[Line]:
    bill = cost.processor()
    writes = bill.calls["dynamodb.PutItem"] + bill.calls["dynamodb.UpdateItem"]
    return [
        Line("conditional writes a pair", writes, 2),
        Line("deadline sends a pair", bill.calls["sqs.SendMessageBatch"], 0.2),
        Line("PutEvents a pair", bill.calls["events.PutEvents"], 0.2),
        Line("write units a pair, both indexes included", bill.units["write units"], 4),
    ]


def _warm() -> list[Line]:
    found = warm.measure()
    return [
        Line("warm batch of 10: CPU / bare boto3 with the same calls", found["cpuToBare"], 0.8),
        Line("warm batch of 10: CPU / naive handler", found["cpuToNaive"], 0.2),
        Line("warm batch of 10, 5 ms a call: wall / sequential", found["wallToSequential"], 0.4),
    ]


def _cold(bundle: Path | None) -> list[Line]:
    limits = cold.LIMITS
    times = cold.ratios(cold.cpu_seconds, bundle, cold.ROUNDS)
    lines = [Line(f"cold start of {name}: CPU / boto3", times[name], limits[name]) for name in times]
    if shutil.which("valgrind"):
        counts = cold.ratios(cold.instructions, bundle, 1)
        lines += [
            Line(f"cold start of {name}: instructions / boto3", counts[name], limits[name])
            for name in counts
        ]
    else:
        print("no valgrind here: instruction counts left out")
    return lines


if __name__ == "__main__":
    sys.exit(main())
