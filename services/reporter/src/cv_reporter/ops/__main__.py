"""`python -m cv_reporter.ops <command>`."""

from __future__ import annotations

import sys

from cv_reporter.ops.cli import main

sys.exit(main())
