"""`python -m tests.purity`: the scorecard, one line a criterion; exit code 1 if one fails."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.purity.checkout import ImpureError
from tests.purity.criteria import CRITERIA, Evidence


def main() -> int:
    """Print each line as soon as it is known."""
    failed = 0
    print("| independently | | evidence |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="cv-analytics-purity-") as folder:
        evidence = Evidence(Path(folder))
        for criterion in CRITERIA:
            try:
                line = f"| {criterion.name} | yes | {criterion.proves(evidence)} |"
            except ImpureError as error:
                failed += 1
                line = f"| {criterion.name} | **no** | {error} |"
            print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
