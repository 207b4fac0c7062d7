"""Makes the embedded AWS write down every IAM decision that it takes, when it is asked to.

Python imports a module of this name by itself at start-up; the tests put this folder on the path of
the emulator's process, and only there.
"""

from __future__ import annotations

import json
import os
import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Any

LOG = os.environ.get("IAM_DECISIONS")


def record_decisions(path: str) -> None:
    """Wrap the emulator's enforcement: one JSON line a decision about a principal's request."""
    from ministack.core import iam_evaluator

    enforce, evaluate = iam_evaluator.enforce, iam_evaluator.evaluate
    asked: ContextVar[Any] = ContextVar("asked", default=None)

    def evaluated(context: Any, *policies: Any, **options: Any) -> Any:
        asked.set(asked.get() or context)  # later ones ask the resource's own policy
        return evaluate(context, *policies, **options)

    def enforced(*request: Any, **options: Any) -> Any:
        asked.set(None)
        refusal = enforce(*request, **options)
        context = asked.get()
        if context is not None:
            decision = {
                "principal": context.principal_arn,
                "action": context.action,
                "resource": context.resource_arn,
                "decision": "Allow" if refusal is None else "Deny",
            }
            with Path(path).open("a", encoding="utf-8") as log:
                log.write(json.dumps(decision) + "\n")
        return refusal

    iam_evaluator.enforce, iam_evaluator.evaluate = enforced, evaluated


if LOG and "tools.emulator.server" in sys.orig_argv:
    record_decisions(LOG)
