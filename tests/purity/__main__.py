"""`python -m tests.purity`: the scorecard, one line a criterion; exit code 1 if one fails."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.purity.checkout import ImpureError
from tests.purity.criteria import CRITERIA, HEADER, Evidence, row


def main() -> int:
    """Print each line as soon as it is known; how long it took goes to stderr."""
    failed = 0
    print(*HEADER, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="cv-analytics-purity-") as folder:
        evidence = Evidence(Path(folder))
        for criterion in CRITERIA:
            started = time.monotonic()
            try:
                line = row(criterion, criterion.proves(evidence))
            except ImpureError as error:
                failed += 1
                line = row(criterion, str(error), holds=False)
            print(line, flush=True)
            print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
