"""Letters for a browser: `python -m tests.letters` writes a JSON object, name → HTML."""

from __future__ import annotations

import json
import sys

from cv_reporter.presentation.mail import render_html
from tests.weeks import HOSTILE, hostile_report, variants

LINK = "https://api.example/dashboard?token=link.1763942400.c2lnbmF0dXJl"
UNSUBSCRIBE = "https://api.example/dashboard/unsubscribe?token=stop.cmVhZGVy.1763942400.c2ln"

if __name__ == "__main__":
    reports = variants() | {f"hostile {n}": hostile_report(text) for n, text in enumerate(HOSTILE)}
    json.dump(
        {name: render_html(report, LINK, UNSUBSCRIBE) for name, report in reports.items()},
        sys.stdout,
    )
