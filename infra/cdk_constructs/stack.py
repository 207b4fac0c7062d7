"""The stack of one deployable: its names, its parameters, its place."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from cv_contracts.parameters import parameter_name

from cdk_constructs.emulator import LeaveOutWhatTheEmulatorLacks
from cdk_constructs.stage import Stage

PRODUCT: Final = "cv-analytics"
# What CDK calls a stack itself; CloudFormation passes its tags on to what they apply to.
STACK: Final = "aws:cdk:stack"
REPOSITORY: Final = Path(__file__).resolve().parents[2]


class ServiceStack(cdk.Stack):
    """A stack `cv-analytics-<service>-<stage>` that owns everything of one deployable.

    Its physical names start with `cv-analytics-<stage>-`; what others may find, it publishes as an
    SSM parameter. It never exports, and never reads another stack's exports.
    """

    def __init__(
        self, scope: Construct, service: str, stage: Stage, *, part: str = "", version: str = ""
    ) -> None:
        """`part` distinguishes a further stack of the same service, such as its links.

        With `version`, the deployment bears the tag `release` = `<service>-v<version>`.
        """
        suffix = f"-{part}" if part else ""
        name = f"{PRODUCT}-{service}{suffix}-{stage.name}"
        super().__init__(
            scope,
            name,
            stack_name=name,
            # The caller's own credentials: CDK's bootstrap roles reach every stack of the account.
            # Nobody else's pipeline may write what this stack deploys, so it has its own folder.
            synthesizer=cdk.CliCredentialsStackSynthesizer(
                bucket_prefix=f"{PRODUCT}/{stage.name}/{service}/"
            ),
            termination_protection=stage.keeps_data and not part,
        )
        self.service = service
        self._part = part
        self.deploy_stage = stage
        for key, value in (("product", PRODUCT), ("service", service), ("stage", stage.name)):
            cdk.Tags.of(self).add(key, value)
        if version:
            cdk.Tags.of(self).add(
                "release", release(service, version), include_resource_types=[STACK]
            )
        if stage.emulated:
            cdk.Aspects.of(self).add(LeaveOutWhatTheEmulatorLacks())

    def named(self, resource: str) -> str:
        """The physical name of one of this service's resources."""
        return f"{PRODUCT}-{self.deploy_stage.name}-{self.service}-{resource}"

    def global_name(self, resource: str) -> str:
        """The same for what is global in an account (roles, budgets): another region has its own.

        The embedded AWS has one region.
        """
        name = self.named(resource)
        return name if self.deploy_stage.emulated else f"{name}-{self.region}"

    @property
    def base_name(self) -> str:
        """The physical name of what a service has one of: its table, its bus."""
        return f"{PRODUCT}-{self.deploy_stage.name}-{self.service}"

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """What becomes of data when the stack is deleted.

        A creation that fails takes its new and empty resources away again: with `RETAIN` their
        fixed names would block the next attempt. A `part` owns no data: what waits in the queues of
        the links comes again by reconciliation.
        """
        if self.deploy_stage.keeps_data and not self._part:
            return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return cdk.RemovalPolicy.DESTROY

    def publish(self, resource: str, value: str) -> None:
        """Let other stacks, and running code, find a resource by its SSM parameter."""
        ssm.StringParameter(
            self,
            f"Parameter{_pascal(resource)}",
            parameter_name=parameter_name(self.deploy_stage.name, self.service, resource),
            string_value=value,
        )

    def output(self, key: str, value: str) -> None:
        """Show a value to whoever deploys. Not an export: no stack can depend on it."""
        cdk.CfnOutput(self, key, value=value)

    def parameter_arn(self, service: str, resource: str) -> str:
        """The ARN of a parameter, which need not exist yet."""
        name = parameter_name(self.deploy_stage.name, service, resource)
        return self.format_arn(service="ssm", resource="parameter", resource_name=name.lstrip("/"))


def release(service: str, version: str) -> str:
    """What a deployment of that version is tagged with, in AWS as in the repository."""
    return f"{service}-v{version}"


class MissingBundleError(FileNotFoundError):
    """The code to deploy has not been built."""


def bundle_of(service: str, stage: Stage) -> Path:
    """The folder with a service's code for this stage. Raises `MissingBundleError`.

    `CV_BUNDLES` may name another folder than `dist/bundles`.
    """
    root = Path(os.environ.get("CV_BUNDLES", REPOSITORY / "dist" / "bundles"))
    bundle = root / f"{service}-{'local' if stage.emulated else 'lambda'}"
    if not bundle.is_dir():
        raise MissingBundleError(f"{bundle} is missing: run `make build-{service}` first")
    return bundle


def version_of(service: str) -> str:
    """The service's own version, read from its package without importing it.

    Raises `ValueError` when the package says none.
    """
    folder = {"contracts": "shared-contracts"}.get(service, service)
    source = REPOSITORY / "services" / folder / "src" / f"cv_{service}" / "__init__.py"
    found = re.search(r'^__version__ = "([^"]+)"', source.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{source} has no line __version__ = ...")
    return found[1]


def commit_of_environment() -> str:
    """The commit that is deployed, from `COMMIT`; `unknown` without it."""
    return os.environ.get("COMMIT", "unknown")


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.replace("/", "-").split("-"))
