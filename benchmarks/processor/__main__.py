"""The Processor's numbers, each beside its limit: `python -m benchmarks.processor` (make bench)."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processor import cold, usage

READS = {f"dynamodb.{call}" for call in ("GetItem", "BatchGetItem", "Query", "Scan")}


@dataclass(frozen=True)
class Line:
    """A measured number and what it may be at most, or, if `exact`, has to be."""

    name: str
    value: float
    limit: float
    note: str = ""
    exact: bool = False

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.value == self.limit if self.exact else self.value <= self.limit

    def __str__(self) -> str:
        broken, sign = ("OFF", "=") if self.exact else ("OVER", "≤")
        mark = "ok" if self.holds else broken
        return f"{mark:5} {self.name:58} {self.value:8.3f}  {sign} {self.limit}{self.note}"


def main() -> int:
    """Print them all; the exit code says whether every one is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=cold.BUNDLE, help="default: %(default)s")
    options = parser.parse_args()
    cold.require_bundle(options.bundle)
    cold.require_valgrind()
    broken = 0
    for measure in (
        _calls,
        _naive,
        _warm,
        lambda: _size(options.bundle),
        lambda: _cold(options.bundle),
    ):
        for line in measure():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            broken += not line.holds
    sys.stdout.write(f"{broken} promises do not hold\n" if broken else "every promise holds\n")
    return int(broken > 0)


def _calls() -> list[Line]:
    counted = usage.count(together=10)
    ingest, relay = counted.functions["ingest"], counted.functions["relay"]
    writes = ingest.calls["dynamodb.PutItem"] + ingest.calls["dynamodb.UpdateItem"]
    together = usage.writes_of_a_shared_batch()
    reads = sum(number for name, number in ingest.calls.items() if name in READS)
    return [
        Line("reads a pair on the way in", reads, 0, exact=True),
        Line("conditional writes a pair whose halves share a batch", together, 1, exact=True),
        Line("conditional writes a pair", writes, 2, exact=True),
        Line("deadline sends a pair", ingest.calls["sqs.SendMessageBatch"], 0.2),
        Line("PutEvents a pair", relay.calls["events.PutEvents"], 0.2),
        Line("write units a pair, both indexes included", ingest.write_units, 4),
        Line("largest item of a sample pair: bytes", counted.largest_item, 1_024),
    ]


def _warm() -> list[Line]:
    """In a process of its own: clients keep the address that they see when they are made."""
    command = [sys.executable, "-m", "benchmarks.processor.warm"]
    done = subprocess.run(  # noqa: S603 (our own interpreter and module)
        command, stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        Line("warm batch of 10: CPU / bare boto3 with the same calls", found["cpuToBare"], 0.8),
        Line("warm batch of 10: CPU / naive handler", found["cpuToNaive"], 0.2),
        Line("warm batch of 10: CPU / without log line and metrics", found["cpuToSilent"], 1.1),
        Line("warm batch of 10, 5 ms a call: wall / sequential", found["wallToSequential"], 0.4),
    ]


def _naive() -> list[Line]:
    """That the yardstick is what it is said to be."""
    calls = sum(usage.naive().calls.values())
    return [Line("naive handler, calls a pair", calls, 9, exact=True)]


def _size(bundle: Path) -> list[Line]:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in bundle.rglob("*"):
                archive.write(path, path.relative_to(bundle))
        return [Line("bundle with its pinned SDK, zipped: MB", file.tell() / 1e6, 12)]


def _cold(bundle: Path) -> list[Line]:
    times = cold.ratios(cold.cpu_seconds, bundle, cold.ROUNDS)
    counts = cold.ratios(cold.instructions, bundle, 1)
    return [
        Line(
            f"cold start of {name}: CPU time / boto3 client",
            times[name],
            limit,
            f"  (instructions: {counts[name]:.3f})",
        )
        for name, limit in cold.LIMITS.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
