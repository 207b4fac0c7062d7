"""The contracts' wheel in the account's own place for releases: each version once, for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from cv_contracts.parameters import parameter_name

from tools.build.versions import version_of
from tools.deploy.account import Account
from tools.paths import CONTRACTS

RELEASES: Final = CONTRACTS / "releases"


class WheelError(RuntimeError):
    """The wheel is not there, or another one is; the message says what to do."""


def upload(account: Account, releases: Path = RELEASES) -> Iterator[str]:
    """Put the released wheel of the present version there, unless it is. Raises `WheelError`."""
    wheel = _released(releases)
    bucket = _bucket(account)
    client = account.client("s3")
    try:
        client.put_object(Bucket=bucket, Key=wheel.name, Body=wheel.read_bytes(), IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
        _must_be_the_same(client, bucket, wheel)
        yield f"{wheel.name} was in s3://{bucket} already"
        return
    yield f"{wheel.name} is in s3://{bucket}"


def _released(releases: Path) -> Path:
    version = version_of("contracts")
    found = sorted(releases.glob(f"cv_contracts-{version}-*.whl"))
    if not found:
        raise WheelError(
            f"contracts {version} are not released: `make build-contracts`, then"
            " `cv-contracts release --wheel` in services/shared-contracts"
        )
    return found[0]


def _bucket(account: Account) -> str:
    name = parameter_name(account.stage, "contracts", "release-bucket")
    found = account.client("ssm").get_parameters(Names=[name])["Parameters"]
    if not found:
        raise WheelError(f"{name} is not there: `make deploy-contracts STAGE={account.stage}`")
    return str(found[0]["Value"])


def _must_be_the_same(client: Any, bucket: str, wheel: Path) -> None:
    there = client.get_object(Bucket=bucket, Key=wheel.name)["Body"].read()
    if there != wheel.read_bytes():
        raise WheelError(f"s3://{bucket}/{wheel.name} has other content: raise the version")
