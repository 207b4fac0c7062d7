"""SSM parameter names: how one stack finds another's resources, without CloudFormation exports."""

from __future__ import annotations


def parameter_name(stage: str, service: str, resource: str) -> str:
    """The name under which a service's stack publishes a resource of its own.

    >>> parameter_name("dev", "processor", "bus-name")
    '/cv-analytics/dev/processor/bus-name'
    """
    return f"/cv-analytics/{stage}/{service}/{resource}"
