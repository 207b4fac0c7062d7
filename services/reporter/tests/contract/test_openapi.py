"""The published description of the API is the API's own."""

from __future__ import annotations

import json
from pathlib import Path

from cv_reporter import __version__
from cv_reporter.entrypoints.api.app import create_app

SNAPSHOTS = Path(__file__).parents[3] / "shared-contracts" / "openapi" / "reporter"
REMEDY = """the API is not the one that services/shared-contracts publishes. In services/reporter:

.venv/bin/python -c 'import json; from cv_reporter.entrypoints.api.app import create_app
print(json.dumps(create_app().openapi()))' |
  ../shared-contracts/.venv/bin/cv-contracts snapshot --root ../shared-contracts --api reporter
"""


def test_the_published_api_is_the_one_that_runs() -> None:
    live = json.loads(json.dumps(create_app().openapi()))
    snapshot = SNAPSHOTS / f"{__version__.rpartition('.')[0]}.json"
    published = json.loads(snapshot.read_text("utf-8")) if snapshot.exists() else {"info": {}}
    # a patch keeps the API, so it keeps the snapshot too
    live["info"]["version"] = published["info"].get("version")
    assert live == published, REMEDY
