"""What an account needs once, beside the stacks of the deployables: to build on, and to take away.

CDK's bootstrap, the SES identity that reports are sent from, and the roles of the pipelines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from tools.deploy import cdk
from tools.deploy.preflight import BOOTSTRAP_PARAMETER, ISSUER, UNITS
from tools.deploy.retained import delete_bucket
from tools.paths import ASSEMBLIES

if TYPE_CHECKING:
    from tools.deploy.account import Account

SENDER: Final = "cv-analytics-reporter-sender"
PROVIDER: Final = "cv-analytics-github-provider"
TOOLKIT: Final = "CDKToolkit"
STAGES: Final = ("local", "dev", "prod")


class FoundationError(RuntimeError):
    """Nothing was changed; the message says what to do first."""


def bootstrap(account: Account) -> Iterator[str]:
    """Make CDK's bucket for assets, unless it is there."""
    if account.client("ssm").get_parameters(Names=[BOOTSTRAP_PARAMETER])["Parameters"]:
        yield "CDK's bootstrap is there"
        return
    place = f"aws://{_account_id(account)}/{account.session.region_name}"
    cdk.run(account, "bootstrap", account.stage, [place])
    yield f"CDK's bootstrap is in {place}"


def deploy_sender(account: Account, assemblies: Path = ASSEMBLIES) -> Iterator[str]:
    """Make the SES identity: one for all stages of an account. Yields what the owner does next."""
    if account.is_local:
        yield "the embedded AWS has its sender in the Reporter's stack"
        return
    flags = cdk.assembly(account.stage, "reporter", assemblies)
    _deploy(account, SENDER, flags)
    outputs = _outputs(account, SENDER)
    for key in sorted(outputs):
        yield f"publish the DNS record {outputs[key]}"
    if not outputs:
        yield "AWS has sent a mail to the sender's address: follow its link"


def deploy_github(
    account: Account, repository: str, assemblies: Path = ASSEMBLIES
) -> Iterator[str]:
    """Make the roles of a stage's pipelines. Yields the commands that tell GitHub about them.

    `repository` is `owner/name` or `owner@id/name@id`. The provider of GitHub's tokens is made if
    the account has none, whoever made it.
    """
    flags = cdk.assembly(account.stage, "github", assemblies)
    # The embedded AWS has no such providers.
    if not account.is_local and not _provider_exists(account):
        _deploy(account, PROVIDER, flags)
    stack = _github_stack(account.stage)
    _deploy(account, stack, [*flags, "--parameters", f"Repository={repository}"])
    yield from _variables(account, repository, _outputs(account, stack))


def _variables(account: Account, repository: str, roles: dict[str, str]) -> Iterator[str]:
    """GitHub's environments and variables, as commands of its command line."""
    name = "/".join(part.partition("@")[0] for part in repository.split("/"))
    stage = account.stage
    gh = f"gh variable set --repo {name}"
    for unit in (*UNITS, "upkeep"):
        yield f"gh api --method PUT repos/{name}/environments/{unit}-{stage}"
    yield f"{gh} AWS_REGION --body {account.session.region_name}"
    for unit in UNITS:
        for variable, output in (("DEPLOY", "Deploy"), ("EXECUTION", "Execution")):
            role = roles[f"{unit.capitalize()}{output}Role"]
            yield f"{gh} AWS_{variable}_ROLE --env {unit}-{stage} --body {role}"
    yield f"{gh} AWS_UPKEEP_ROLE --env upkeep-{stage} --body {roles['UpkeepRole']}"
    if stage == "dev":  # pull requests are compared with dev
        yield f"{gh} AWS_DIFF_ROLE --body {roles['DiffRole']}"


def remove(account: Account) -> Iterator[str]:
    """Take all of it away again. Raises `FoundationError` while a deployable is there.

    The provider of GitHub's tokens stays: other products of the account may use it.
    """
    client = account.client("cloudformation")
    deployed = [
        name
        for unit in UNITS
        for stage in STAGES
        if _exists(client, name := f"cv-analytics-{unit}-{stage}")
    ]
    if deployed:
        raise FoundationError(f"destroy first: {', '.join(deployed)}")
    for stack in (_github_stack(account.stage), PROVIDER, SENDER):
        if _exists(client, stack):
            _delete(client, stack)
            yield f"{stack} is deleted"
    yield from _remove_toolkit(account, client)
    if _provider_exists(account):
        arn = _provider_arn(account)
        yield f"if nothing else uses it: aws iam delete-open-id-connect-provider {arn}"


def _remove_toolkit(account: Account, client: Any) -> Iterator[str]:
    """CDK's bootstrap keeps its bucket when it goes."""
    if not _exists(client, TOOLKIT):
        return
    resource = client.describe_stack_resource(StackName=TOOLKIT, LogicalResourceId="StagingBucket")[
        "StackResourceDetail"
    ]
    _delete(client, TOOLKIT)
    delete_bucket(account, resource["PhysicalResourceId"])
    yield f"{TOOLKIT} and its bucket are deleted"


def _deploy(account: Account, stack: str, flags: list[str] | tuple[str, ...]) -> None:
    method = ["--method", "direct"] if account.is_local else []
    approved = ["--exclusively", "--require-approval", "never"]
    cdk.run(account, "deploy", stack, [*flags, *approved, *method, stack])


def _delete(client: Any, stack: str) -> None:
    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stack)


def _exists(client: Any, stack: str) -> bool:
    try:
        client.describe_stacks(StackName=stack)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return False
    return True


def _outputs(account: Account, stack: str) -> dict[str, str]:
    [found] = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _provider_exists(account: Account) -> bool:
    client = account.client("iam")
    try:
        client.get_open_id_connect_provider(OpenIDConnectProviderArn=_provider_arn(account))
    except client.exceptions.NoSuchEntityException:
        return False
    return True


def _provider_arn(account: Account) -> str:
    return f"arn:aws:iam::{_account_id(account)}:oidc-provider/{ISSUER}"


def _account_id(account: Account) -> str:
    return str(account.client("sts").get_caller_identity()["Account"])


def _github_stack(stage: str) -> str:
    return f"cv-analytics-github-{stage}"
