"""An operators' command on the embedded AWS in HOME: `python -m tests.kills.operate HOME ...`."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.deploy.account import LOCAL_STAGE, account_of
from tools.deploy.run import operate

if __name__ == "__main__":
    operate(sys.argv[2], sys.argv[3:], account_of(LOCAL_STAGE, Path(sys.argv[1])))
