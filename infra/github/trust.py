"""Which workflow may assume a role: the repository, the environment and the branch of its token."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
MAIN: Final = "refs/heads/main"
# `owner/name`, or with the numbers that GitHub gives both for ever: `owner@1/name@2`.
REPOSITORY_PATTERN: Final = r"^[\w.-]+(@[0-9]+)?/[\w.-]+(@[0-9]+)?$"


class Repository:
    """A GitHub repository that CloudFormation gets to know as a parameter.

    GitHub writes the subject of a token in two formats. Repositories made or renamed since July
    2026 have their numbers in it, others only names. A parameter without numbers trusts both; with
    numbers it trusts these numbers alone.
    """

    def __init__(self, value: str) -> None:
        """`value` is `owner/name` or `owner@id/name@id`, mostly a token."""
        self._value = value
        owner, name = (cdk.Fn.select(index, cdk.Fn.split("/", value)) for index in (0, 1))
        self._owner, self._owner_id = _with_id(owner)
        self._name, self._name_id = _with_id(name)

    @property
    def full_name(self) -> str:
        """`owner/name`, the claim `repository`."""
        return f"{self._owner}/{self._name}"

    def subjects(self, context: str) -> list[str]:
        """Both formats of the claim `sub`, for `StringLike`."""
        with_ids = f"{self._owner}@{self._owner_id}/{self._name}@{self._name_id}"
        return [f"repo:{self._value}:{context}", f"repo:{with_ids}:{context}"]


def _with_id(part: str) -> tuple[str, str]:
    """Name and number of one part; without a number `*`, because a wildcard is what is appended."""
    pieces = cdk.Fn.split("@", f"{part}@*")
    return cdk.Fn.select(0, pieces), cdk.Fn.select(1, pieces)


def by_environment(repository: Repository, environment: str) -> iam.WebIdentityPrincipal:
    """Jobs of one GitHub environment that run on `main`, and no others."""
    return _principal(
        repository,
        f"environment:{environment}",
        {f"{ISSUER}:environment": environment, f"{ISSUER}:ref": MAIN},
    )


def by_pull_request(repository: Repository) -> iam.WebIdentityPrincipal:
    """Pull requests from branches of the repository itself; GitHub gives forks no token."""
    return _principal(repository, "pull_request", {})


def provider_arn() -> str:
    """The OpenID Connect provider of the account: there is one for each issuer, so one name."""
    return f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:oidc-provider/{ISSUER}"


def _principal(
    repository: Repository, context: str, claims: dict[str, str]
) -> iam.WebIdentityPrincipal:
    exact = {
        f"{ISSUER}:aud": AUDIENCE,
        f"{ISSUER}:repository": repository.full_name,
        **claims,
    }
    return iam.WebIdentityPrincipal(
        provider_arn(),
        {
            "StringEquals": exact,
            # A number holds neither `/` nor `@`, and `repository` is exact: the wildcards stand
            # for the numbers and for nothing else.
            "StringLike": {f"{ISSUER}:sub": repository.subjects(context)},
        },
    )
