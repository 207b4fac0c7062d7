"""Going back to the version before: the aliases move, nothing is built or deployed.

Every deployment publishes a version of each function whose description is `<semver> <commit>`. The
alias `live` says which one runs. Going back takes one call a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.deploy import names, stacks
from tools.deploy.account import Account

LIVE: Final = "live"
# Each version keeps its code; all of a region's together may not exceed 75 GB.
KEPT_VERSIONS: Final = 10


class NoSuchReleaseError(LookupError):
    """There is no version to go back to."""


class UnderWayError(RuntimeError):
    """A deployment is under way that would undo a rollback."""


@dataclass(frozen=True)
class Version:
    """A published version of one function; `release` is `<semver> <commit>`."""

    number: int
    release: str


@dataclass(frozen=True)
class Move:
    """An alias that goes from one version to another."""

    function: str
    now: Version
    then: Version

    @property
    def stays(self) -> bool:
        """Whether there is nothing to go back to: the function came with the live release."""
        return self.now == self.then

    def __str__(self) -> str:
        if self.stays:
            return f"{self.function}: stays, it is new in {self.now.release}"
        return (
            f"{self.function}: version {self.now.number} ({self.now.release})"
            f" -> {self.then.number} ({self.then.release})"
        )


def choose(live: int, versions: list[Version], wanted: str | None) -> Version:
    """The version to go back to.

    Without `wanted` the newest before the live one; else the newest whose semver, commit or number
    it is. Raises `NoSuchReleaseError`.
    """
    if wanted is None:
        candidates = [version for version in versions if version.number < live]
    else:
        candidates = [
            version
            for version in versions
            if wanted in (*version.release.split(), version.release, str(version.number))
        ]
    if not candidates:
        known = ", ".join(f"{v.number} ({v.release})" for v in versions)
        raise NoSuchReleaseError(f"no version {wanted or 'before ' + str(live)}; there are {known}")
    return max(candidates, key=lambda version: version.number)


def plan(account: Account, service: str, wanted: str | None) -> list[Move]:
    """What a rollback of all functions of a service would do.

    During a canary the version that gets a part of the requests is the one to leave. A function
    that came with the live release stays. Raises `NoSuchReleaseError` if any other has no such
    version, `UnderWayError` while a deployment is under way that no canary can stop: then nothing
    moves.
    """
    client = account.client("lambda")
    moves, is_canary = [], False
    for function in _functions(client, f"cv-analytics-{account.stage}-{service}-"):
        versions = list(_versions(client, function))
        serving = _serving(client, function)
        is_canary = is_canary or len(serving) > 1
        [now] = [version for version in versions if version.number == max(serving)]
        moves.append(Move(function, now, _target(now, versions, wanted)))
    if not is_canary:
        _refuse_under_way(account, service)
    if not moves:
        raise NoSuchReleaseError(f"no functions of {service} in stage {account.stage}")
    if all(step.stays for step in moves):
        raise NoSuchReleaseError(f"{moves[0].now.release} is the only release of {service} there")
    return moves


def _serving(client: Any, function: str) -> set[int]:
    """The versions that get requests: one, and during a canary two."""
    alias = client.get_alias(FunctionName=function, Name=LIVE)
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {int(alias["FunctionVersion"]), *map(int, weights)}


def _refuse_under_way(account: Account, service: str) -> None:
    """CloudFormation knows nothing of a rollback: it would move the aliases when it comes to them.

    Raises `UnderWayError`.
    """
    name, status = names.stack_name(service, account.stage), stacks.status_of(account, service)
    if status is not None and status.endswith("_IN_PROGRESS"):
        raise UnderWayError(
            f"{name} is {status}: its end would move the aliases again. Wait, or end it:"
            f" aws cloudformation cancel-update-stack --stack-name {name}"
        )


def _target(now: Version, versions: list[Version], wanted: str | None) -> Version:
    try:
        return choose(now.number, versions, wanted)
    except NoSuchReleaseError:
        if {version.release for version in versions} == {now.release}:
            return now
        raise


def move(account: Account, service: str, moves: list[Move]) -> Iterator[Move]:
    """Move the aliases, one by one; yields each when it is done.

    A canary that is under way is stopped first, or it would move its alias forward again.
    """
    _stop_canaries(account, service)
    client = account.client("lambda")
    for step in moves:
        if not step.stays:
            client.update_alias(
                FunctionName=step.function,
                Name=LIVE,
                FunctionVersion=str(step.then.number),
                RoutingConfig={"AdditionalVersionWeights": {}},
            )
        yield step


def prune(account: Account, service: str, keep: int = KEPT_VERSIONS) -> Iterator[str]:
    """Delete all but the newest versions of each function, and never one that gets requests.

    Yields a line for each function that lost versions, or why none may be deleted.
    """
    client = account.client("lambda")
    for function in _functions(client, f"cv-analytics-{account.stage}-{service}-"):
        used = _serving(client, function)
        numbers = sorted(version.number for version in _versions(client, function))
        old = [number for number in numbers[:-keep] if number not in used]
        try:
            for number in old:
                client.delete_function(FunctionName=function, Qualifier=str(number))
        except ClientError as error:
            yield f"{function}: old versions stay, `make prune-{service}` deletes them: {error}"
            return
        if old:
            yield f"{function}: {len(old)} old versions deleted"


def _functions(client: Any, prefix: str) -> list[str]:
    pages = client.get_paginator("list_functions").paginate()
    names = [function["FunctionName"] for page in pages for function in page["Functions"]]
    return sorted(name for name in names if name.startswith(prefix))


def _versions(client: Any, function: str) -> Iterator[Version]:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    for page in pages:
        for version in page["Versions"]:
            if version["Version"] != "$LATEST":
                yield Version(int(version["Version"]), version["Description"])


def _stop_canaries(account: Account, service: str) -> None:
    if account.stage == "local":
        return  # the embedded AWS has no CodeDeploy
    client = account.client("codedeploy")
    application = f"cv-analytics-{account.stage}-{service}"
    groups = client.list_deployment_groups(applicationName=application)["deploymentGroups"]
    for group in groups:
        running = client.list_deployments(
            applicationName=application,
            deploymentGroupName=group,
            includeOnlyStatuses=["Created", "Queued", "InProgress", "Ready"],
        )
        for deployment in running["deployments"]:
            client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
