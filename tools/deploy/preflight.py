"""What stands between an account and a deployment.

Every check reads the account, changes nothing, and is green or names the command that helps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from tools.deploy import names
from tools.deploy.account import Account
from tools.deploy.releases import LIVE
from tools.paths import ASSEMBLIES

BOOTSTRAP_PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"
# The least version whose bucket takes the assets of today's CDK.
BOOTSTRAP_VERSION: Final = 6
# Lambda keeps so many for functions without a reservation.
UNRESERVED: Final = 100
# Below this, the consumers of all queues can take what the APIs need.
COMFORTABLE_CONCURRENCY: Final = 100
ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
# The budgets of a stage count what has both.
COST_TAGS: Final = ("service", "stage")
UNITS: Final = ("contracts", "processor", "reporter")
AT_ONCE: Final = 8
DENIED: Final = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
)
STUCK: Final = {
    "DELETE_FAILED": "aws cloudformation delete-stack --stack-name {}",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack --stack-name {}",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {}",
}


class Level(Enum):
    """How a finding counts. Only `BLOCKING` fails the preflight."""

    OK = "[green]✓[/]"
    WARNING = "[yellow]![/]"
    BLOCKING = "[red]✗[/]"
    NOT_HERE = "[dim]–[/]"


@dataclass(frozen=True)
class Finding:
    """What a check saw; `remedy` is the command that helps, or what to do."""

    check: str
    level: Level
    fact: str
    remedy: str = ""


@dataclass(frozen=True)
class Preflight:
    """A stage of an account, and the deployables that are to be deployed there."""

    account: Account
    units: Sequence[str] = UNITS
    assemblies: Path = ASSEMBLIES
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def stage(self) -> str:
        """The stage's name."""
        return self.account.stage

    @property
    def region(self) -> str:
        """Where the stage is."""
        return str(self.account.session.region_name)

    @cached_property
    def account_id(self) -> str:
        """The account's number."""
        return str(self.account.client("sts").get_caller_identity()["Account"])

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


# ---- the checks ---------------------------------------------------------------------------------


def identity(here: Preflight) -> Iterator[Finding]:
    """Who is asking."""
    try:
        arn = str(here.account.client("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as error:
        remedy = "sign in again: `aws sso login`, or set AWS_PROFILE to a profile that works"
        yield Finding("identity", Level.BLOCKING, f"AWS refuses these credentials: {error}", remedy)
        return
    if arn.endswith(":root"):
        yield Finding("identity", Level.WARNING, f"{arn} is the root user", "use a role or a user")
    else:
        yield Finding("identity", Level.OK, arn)


def region(here: Preflight) -> Iterator[Finding]:
    """Which region all tools use."""
    chosen = {here.environment.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION")} - {None}
    if not here.account.endpoint and chosen and chosen != {here.region}:
        remedy = f"export AWS_REGION={here.region} AWS_DEFAULT_REGION={here.region}"
        fact = f"{here.region} is used, but the environment also names another region"
        yield Finding("region", Level.WARNING, fact, remedy)
    else:
        yield Finding("region", Level.OK, f"{here.region}, account {here.account_id}")


def bootstrap(here: Preflight) -> Iterator[Finding]:
    """Whether CDK has its bucket for assets."""
    found = here.account.client("ssm").get_parameters(Names=[BOOTSTRAP_PARAMETER])["Parameters"]
    version = int(found[0]["Value"]) if found else 0
    if version >= BOOTSTRAP_VERSION:
        yield Finding("CDK bootstrap", Level.OK, f"version {version}")
        return
    fact = f"version {version} is older than {BOOTSTRAP_VERSION}" if found else "not there"
    yield Finding("CDK bootstrap", Level.BLOCKING, fact, f"make bootstrap STAGE={here.stage}")


def concurrency(here: Preflight) -> Iterator[Finding]:
    """Whether Lambda may run enough functions at a time. A new account may run ten."""
    limit = here.account.client("lambda").get_account_settings()["AccountLimit"]
    total = int(limit["ConcurrentExecutions"])
    remedy = (
        "aws service-quotas request-service-quota-increase --service-code lambda"
        " --quota-code L-B99A9384 --desired-value 1000"
    )
    reserved = sum(_reserved(template) for template in _templates(here))
    if reserved and total - reserved < UNRESERVED:
        fact = f"{total} at a time; the stacks reserve {reserved}, and {UNRESERVED} must be left"
        yield Finding("Lambda concurrency", Level.BLOCKING, fact, remedy)
    elif total < COMFORTABLE_CONCURRENCY:
        fact = f"{total} at a time: queues may take what the APIs need"
        yield Finding("Lambda concurrency", Level.WARNING, fact, remedy)
    else:
        yield Finding("Lambda concurrency", Level.OK, f"{total} at a time")


def _reserved(template: Any) -> int:
    return sum(
        int(resource.get("Properties", {}).get("ReservedConcurrentExecutions", 0))
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )


def sender(here: Preflight) -> Iterator[Finding]:
    """Whether SES sends in the owner's name."""
    if "reporter" not in here.units:
        return
    client = here.account.client("sesv2")
    for name in _senders(here):
        try:
            found = client.get_email_identity(EmailIdentity=name)
        except client.exceptions.NotFoundException:
            remedy = f"make deploy-sender STAGE={here.stage}"
            yield Finding("sender", Level.WARNING, f"{name} is no identity of SES", remedy)
            continue
        if found["VerifiedForSendingStatus"]:
            yield Finding("sender", Level.OK, f"{name} is confirmed")
        else:
            remedy = (
                "follow the link in the mail from AWS; of a domain, publish the DNS records that"
                f" `aws sesv2 get-email-identity --email-identity {name}` shows"
            )
            yield Finding("sender", Level.WARNING, f"{name} is not confirmed: no mail", remedy)


def sandbox(here: Preflight) -> Iterator[Finding]:
    """Whether SES sends to everybody, or to confirmed addresses only."""
    if "reporter" not in here.units:
        return
    found = here.account.client("sesv2").get_account()
    if not found["SendingEnabled"]:
        remedy = "aws sesv2 get-account"
        yield Finding("SES", Level.WARNING, "AWS has paused sending of this account", remedy)
    elif not found["ProductionAccessEnabled"]:
        remedy = (
            "aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL"
            " --website-url https://YOUR-SITE; or confirm every recipient: aws sesv2"
            " create-email-identity --email-identity RECIPIENT"
        )
        fact = "in the sandbox: mail goes to confirmed addresses only"
        yield Finding("SES", Level.WARNING, fact, remedy)
    else:
        yield Finding("SES", Level.OK, "sends to everybody")


def provider(here: Preflight) -> Iterator[Finding]:
    """Whether the account trusts GitHub's tokens. Only the pipelines need it."""
    if here.account.endpoint:
        yield Finding("GitHub", Level.NOT_HERE, "the embedded AWS knows no OpenID Connect")
        return
    client = here.account.client("iam")
    arn = f"arn:aws:iam::{here.account_id}:oidc-provider/{ISSUER}"
    try:
        found = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except client.exceptions.NoSuchEntityException:
        remedy = f"for the pipelines: make deploy-github REPOSITORY=owner/name STAGE={here.stage}"
        yield Finding("GitHub", Level.WARNING, "no OpenID Connect provider", remedy)
        return
    if AUDIENCE in found["ClientIDList"]:
        yield Finding("GitHub", Level.OK, "OpenID Connect provider")
        return
    remedy = (
        "aws iam add-client-id-to-open-id-connect-provider"
        f" --open-id-connect-provider-arn {arn} --client-id {AUDIENCE}"
    )
    yield Finding("GitHub", Level.WARNING, f"the provider does not know {AUDIENCE}", remedy)


def stacks(here: Preflight) -> Iterator[Finding]:
    """Whether CloudFormation would take a change of the stacks now."""
    client = here.account.client("cloudformation")
    for unit in here.units:
        name = names.stack_name(unit, here.stage)
        try:
            [stack] = client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            yield Finding(f"stack {unit}", Level.OK, "not there yet")
            continue
        status = str(stack["StackStatus"])
        if status in STUCK:
            yield Finding(f"stack {unit}", Level.BLOCKING, status, STUCK[status].format(name))
        elif status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            remedy = f"wait: aws cloudformation describe-stack-events --stack-name {name}"
            yield Finding(f"stack {unit}", Level.BLOCKING, status, remedy)
        else:
            yield Finding(f"stack {unit}", Level.OK, status)


def aliases(here: Preflight) -> Iterator[Finding]:
    """Whether CodeDeploy would find every alias where CloudFormation believes that it is.

    CloudFormation tells CodeDeploy the version of its own last deployment as the current one. After
    `make rollback-X` the alias is at another, and CodeDeploy fails a deployment that names a wrong
    one. Without CodeDeploy (`CANARY=off`), CloudFormation sets the alias itself: then both agree.
    """
    for unit in here.units:
        try:
            template = names.template_of(unit, here.stage, here.assemblies)
        except names.NotSynthesisedError:
            continue  # `taken_names` reports it
        if not _uses_codedeploy(template):
            continue
        moved = sorted(_moved_by_hand(here, unit))
        if moved:
            fact = f"CloudFormation deployed another version of {', '.join(moved)}: a rollback"
            remedy = f"CANARY=off make deploy-{unit} STAGE={here.stage}"
            yield Finding(f"aliases {unit}", Level.BLOCKING, fact, remedy)
        else:
            yield Finding(f"aliases {unit}", Level.OK, "where CloudFormation put them")


def _uses_codedeploy(template: Any) -> bool:
    return any(
        "CodeDeployLambdaAliasUpdate" in resource.get("UpdatePolicy", {})
        for resource in template["Resources"].values()
    )


def _moved_by_hand(here: Preflight, unit: str) -> Iterator[str]:
    """The functions whose alias is not at the version that the stack holds."""
    client = here.account.client("lambda")
    for arn in names.versions(here.account, names.stack_name(unit, here.stage)):
        *_, function, version = arn.split(":")
        alias = client.get_alias(FunctionName=function, Name=LIVE)
        if alias["FunctionVersion"] != version:
            yield function


def taken_names(here: Preflight) -> Iterator[Finding]:
    """Whether a name that a stack wants is somebody else's, such as an earlier stack's data."""
    for unit in here.units:
        check = f"names {unit}"
        try:
            taken = names.taken(here.account, unit, here.account_id, here.assemblies)
        except names.NotSynthesisedError as error:
            yield Finding(check, Level.WARNING, str(error), f"make synth-{unit} STAGE={here.stage}")
            continue
        if not taken:
            yield Finding(check, Level.OK, "all free, or this stack's own")
        for named in taken:
            remedy = _remedy_for(named, unit, here.stage)
            fact = f"{named.kind} {named.name} is there, and not of this stack"
            yield Finding(check, Level.BLOCKING, fact, remedy)


def _remedy_for(named: names.Named, unit: str, stage: str) -> str:
    removal = f"make remove-data-{unit} STAGE={stage}"
    if named.retained:
        return f"make adopt-{unit} STAGE={stage} keeps it; {removal} deletes it"
    if named.kind == "AWS::Logs::LogGroup":
        return f"{removal} deletes it"
    return (
        "find its owner: aws cloudformation describe-stack-resources"
        f" --physical-resource-id {named.name}"
    )


def subscriber(here: Preflight) -> Iterator[Finding]:
    """Whether alarms reach anybody."""
    client = here.account.client("sns")
    for unit in here.units:
        if unit == "contracts":
            continue
        check = f"alarms {unit}"
        topic = here.arn("sns", f"cv-analytics-{here.stage}-{unit}-alarms")
        remedy = f"ALARM_EMAIL=you@your-domain make deploy-{unit} STAGE={here.stage}"
        try:
            found = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        except client.exceptions.NotFoundException:
            if address := here.environment.get("ALARM_EMAIL"):
                yield Finding(check, Level.OK, f"will go to {address}")
            else:
                yield Finding(
                    check, Level.WARNING, "no topic yet, and ALARM_EMAIL is unset", remedy
                )
            continue
        if not found:
            yield Finding(check, Level.WARNING, "nobody has subscribed", remedy)
        elif all(entry["SubscriptionArn"] == "PendingConfirmation" for entry in found):
            fact = "the subscription is not confirmed"
            yield Finding(check, Level.WARNING, fact, "follow the link in the mail from AWS")
        else:
            yield Finding(check, Level.OK, f"{len(found)} subscribed")


def cost_tags(here: Preflight) -> Iterator[Finding]:
    """Whether budgets count anything: they count by two tags that billing must know."""
    if here.account.endpoint:
        yield Finding("cost tags", Level.NOT_HERE, "the embedded AWS has no billing")
        return
    found = here.account.client("ce").list_cost_allocation_tags(TagKeys=list(COST_TAGS))
    active = {tag["TagKey"] for tag in found["CostAllocationTags"] if tag["Status"] == "Active"}
    missing = [tag for tag in COST_TAGS if tag not in active]
    if not missing:
        yield Finding("cost tags", Level.OK, f"active: {', '.join(COST_TAGS)}")
        return
    wanted = " ".join(f"TagKey={tag},Status=Active" for tag in missing)
    remedy = (
        "aws ce update-cost-allocation-tags-status --cost-allocation-tags-status"
        f" {wanted} (a day after the first deployment)"
    )
    fact = f"no cost allocation tag: {', '.join(missing)}; budgets count nothing"
    yield Finding("cost tags", Level.WARNING, fact, remedy)


CHECKS: Final[tuple[Callable[[Preflight], Iterator[Finding]], ...]] = (
    region,
    bootstrap,
    concurrency,
    sender,
    sandbox,
    provider,
    stacks,
    aliases,
    taken_names,
    subscriber,
    cost_tags,
)


# ---- what the checks read from the assembly -----------------------------------------------------


def _templates(here: Preflight) -> Iterator[Any]:
    for unit in here.units:
        try:
            yield names.template_of(unit, here.stage, here.assemblies)
        except names.NotSynthesisedError:
            continue  # `taken_names` reports it


def _senders(here: Preflight) -> list[str]:
    """The SES identities that the sender's stack makes."""
    folder = here.assemblies / here.stage / "reporter"
    return sorted(
        str(resource["Properties"]["EmailIdentity"])
        for path in folder.glob("*.template.json")
        for resource in names.read(path)["Resources"].values()
        if resource["Type"] == "AWS::SES::EmailIdentity"
    )


# ---- all of them --------------------------------------------------------------------------------


def run(here: Preflight) -> list[Finding]:
    """All findings, in the order of the checks. Without an identity there is nothing to ask."""
    who = list(identity(here))
    if any(finding.level is Level.BLOCKING for finding in who):
        return who
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda check: list(_allowed(here, check)), CHECKS)
        return [*who, *(finding for findings in found for finding in findings)]


def _allowed(here: Preflight, check: Callable[[Preflight], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that the caller may not make is a warning: a pipeline's role may read little."""
    try:
        yield from check(here)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in DENIED:
            raise
        name = check.__name__.replace("_", " ")
        fact = f"not allowed: {error.operation_name}"
        yield Finding(name, Level.WARNING, fact, "run it as a person who may read the account")


def show(findings: Iterable[Finding], console: Console) -> int:
    """Print every finding and its remedy; the exit code is 1 if one blocks a deployment."""
    blocking = 0
    for finding in findings:
        console.print(f"{finding.level.value} {finding.check:<20} {escape(finding.fact)}")
        if finding.remedy:  # one line, to be copied
            console.print(f"  → [bold]{escape(finding.remedy)}[/]")
        blocking += finding.level is Level.BLOCKING
    if blocking:
        console.print(f"{blocking} of these would make the deployment fail.")
    return 1 if blocking else 0
