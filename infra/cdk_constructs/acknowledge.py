"""Findings of cdk-nag that are meant: each with its resource, its reason and its date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from constructs import Construct, IConstruct

_METADATA: Final = "cv-analytics:acknowledged"


@dataclass(frozen=True)
class Acknowledged:
    """A finding that stands: where, which rule, why, and since when (ISO date)."""

    path: str
    rule: str
    reason: str
    since: str


def acknowledge(construct: Construct, rule: str, reason: str, *, since: str) -> None:
    """Let one finding on one construct stand. Never call it on a whole stack."""
    cdk.Validations.of(construct).acknowledge(
        cdk.Acknowledgment(id=rule, reason=f"{reason} ({since})")
    )
    construct.node.add_metadata(_METADATA, f"{rule}|{since}|{reason}")


def acknowledged_in(scope: IConstruct) -> Iterator[Acknowledged]:
    """Every acknowledgement below a construct."""
    for construct in scope.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == _METADATA:
                rule, since, reason = str(entry.data).split("|", 2)
                yield Acknowledged(construct.node.path, rule, reason, since)
