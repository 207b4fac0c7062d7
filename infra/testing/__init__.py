"""What tests need of a template: its synthesis, its graph of dependencies, and rules over it."""

from __future__ import annotations

import cdk_constructs  # noqa: F401  chooses the Node of aws_cdk, so it comes first
