"""What the use cases know of failures.

Exception
└── UnavailableError         another service did not do it; the same call may work later
    └── UnacceptableError    ... because of the call itself: it will fail for ever
"""

from __future__ import annotations

import traceback
from pathlib import PurePath


class UnavailableError(Exception):
    """A service that we depend on did not do what was asked; the same call may work later."""


class UnacceptableError(UnavailableError):
    """It refused this very input: the same call will fail for ever."""


_PACKAGE = __name__.partition(".")[0]


def cause(error: BaseException) -> str:
    """What to log of an error: its class, and the place in our code where it came from.

    Its message is left out, because it may quote what a visitor wrote.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _PACKAGE in PurePath(frame.filename).parts]
    place = f" at {_shown(ours[-1])}" if ours else ""
    return f"{type(error).__name__}{place}"


def _shown(frame: traceback.FrameSummary) -> str:
    parts = PurePath(frame.filename).parts
    inside = parts[len(parts) - parts[::-1].index(_PACKAGE) :]
    return f"{'/'.join(inside)}:{frame.lineno}"
