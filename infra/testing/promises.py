"""What a stage promises of every template: rules over the synthesised JSON, as in `testing.never`.

A promise is a function of a template and its stage that yields one line per breach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cdk_constructs.stage import Stage
from testing.never import Template, as_list, of_type, references, statements

TAGS: Final = ("product", "service", "stage")
# What costs something, and can bear the tags by which the budgets count.
TAGGED: Final = (
    "AWS::ApiGatewayV2::Api",
    "AWS::DynamoDB::Table",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
)
# `RetainExceptOnCreate`: a creation that fails leaves nothing that blocks the next one.
KEPT_POLICIES: Final = ("RetainExceptOnCreate", "Retain")
DELETED_POLICIES: Final = ("Delete", "Delete")
OWNERS: Final = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
KEPT: Final = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
)
# The policy resources by which a queue, a topic or a bucket refuses plain HTTP.
POLICIES: Final = {
    "AWS::S3::Bucket": "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic": "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue": "AWS::SQS::QueuePolicy",
}
CANARY: Final = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE: Final = "CodeDeployDefault.LambdaAllAtOnce"
MOVING: Final = ("lambda:GetAlias", "lambda:UpdateAlias")
ASKING: Final = ("cloudwatch:DescribeAlarms", "*")
ROLLS_BACK_ON: Final = {
    "DEPLOYMENT_FAILURE",
    "DEPLOYMENT_STOP_ON_ALARM",
    "DEPLOYMENT_STOP_ON_REQUEST",
}
NOTIFICATIONS: Final = {("ACTUAL", 80), ("FORECASTED", 100)}


@dataclass(frozen=True)
class Promise:
    """What a stage promises, and how to find a breach."""

    says: str
    breaches: Callable[[Template, Stage], Iterator[str]]


def _logs(template: Template, stage: Stage) -> Iterator[str]:
    for group, properties in of_type(template, "AWS::Logs::LogGroup"):
        if properties.get("RetentionInDays") != stage.log_retention_days:
            yield f"{group} keeps its logs {properties.get('RetentionInDays')} days"


def _tables(template: Template, stage: Stage) -> Iterator[str]:
    for table, properties in of_type(template, "AWS::DynamoDB::Table"):
        recovery = properties.get("PointInTimeRecoverySpecification", {})
        if recovery.get("PointInTimeRecoveryEnabled") is not True:
            yield f"{table} cannot be restored to a point in time"
        if properties.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{table} is not on demand"
        protection = {"Ref": "TableDeletionProtection"} if stage.keeps_data else None
        if properties.get("DeletionProtectionEnabled") != protection:
            yield f"{table} has the wrong deletion protection"


def _data(template: Template, stage: Stage) -> Iterator[str]:
    """The links have no table, and no data: what waits in their queues comes again."""
    owns_data = any(resource["Type"] in OWNERS for resource in template["Resources"].values())
    kept = stage.keeps_data and owns_data
    for logical_id, resource in template.get("Resources", {}).items():
        if resource["Type"] in KEPT:
            policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
            if policies != (KEPT_POLICIES if kept else DELETED_POLICIES):
                yield f"{logical_id}: its policies are {policies}"


def _archives(template: Template, stage: Stage) -> Iterator[str]:
    archived = set()
    for archive, properties in of_type(template, "AWS::Events::Archive"):
        archived |= references(properties["SourceArn"])
        if properties.get("RetentionDays") != stage.archive_days:
            yield f"{archive} is kept {properties.get('RetentionDays')} days"
    for bus, _ in of_type(template, "AWS::Events::EventBus"):
        if bus not in archived:
            yield f"{bus} has no archive"


def _budgets(template: Template, stage: Stage) -> Iterator[str]:
    if not list(of_type(template, "AWS::Lambda::Function")):
        return
    budgets = [properties for _, properties in of_type(template, "AWS::Budgets::Budget")]
    if len(budgets) != 1:
        yield f"there are {len(budgets)} budgets"
    for properties in budgets:
        yield from _one_budget(properties, stage)


def _one_budget(properties: Mapping[str, Any], stage: Stage) -> Iterator[str]:
    budget = properties["Budget"]
    if budget["BudgetLimit"] != {"Amount": stage.monthly_budget_usd, "Unit": "USD"}:
        yield f"its limit is {budget['BudgetLimit']}"
    filters = budget.get("FilterExpression", {}).get("And", [])
    if {tag["Tags"]["Key"] for tag in filters} != {"user:service", "user:stage"}:
        yield "it does not count by the tags `service` and `stage`"
    notifications = properties["NotificationsWithSubscribers"]
    told = {
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
        for n in notifications
        if n["Subscribers"]
    }
    if told != NOTIFICATIONS:
        yield f"it rings at {sorted(told)}"


def _tags(template: Template, _: Stage) -> Iterator[str]:
    for logical_id, resource in template.get("Resources", {}).items():
        if resource["Type"] in TAGGED:
            tags = resource.get("Properties", {}).get("Tags", [])
            borne = set(tags) if isinstance(tags, Mapping) else {tag["Key"] for tag in tags}
            if missing := sorted(set(TAGS) - borne):
                yield f"{logical_id} lacks {missing}"


def _canaries(template: Template, stage: Stage) -> Iterator[str]:
    wanted = CANARY if stage.canary else AT_ONCE
    for group, properties in of_type(template, "AWS::CodeDeploy::DeploymentGroup"):
        if properties.get("DeploymentConfigName") != wanted:
            yield f"{group} deploys by {properties.get('DeploymentConfigName')}"
        if not properties.get("AlarmConfiguration", {}).get("Alarms"):
            yield f"{group} watches no alarm"
        back = properties.get("AutoRollbackConfiguration", {})
        if not back.get("Enabled") or set(back.get("Events", [])) != ROLLS_BACK_ON:
            yield f"{group} does not go back by itself"
    for alias, resource in template.get("Resources", {}).items():
        updates = resource.get("UpdatePolicy", {})
        if (
            resource["Type"] == "AWS::Lambda::Alias"
            and "CodeDeployLambdaAliasUpdate" not in updates
        ):
            yield f"{alias} moves without CodeDeploy"


def _movers(template: Template, _: Stage) -> Iterator[str]:
    """CodeDeploy's role moves the aliases of its groups, asks for alarms, and that is all.

    IAM authorises GetAlias and UpdateAlias on the function without a qualifier.
    """
    functions = set().union(
        *(
            references(properties["FunctionName"])
            for _, properties in of_type(template, "AWS::Lambda::Alias")
        )
    )
    may = set().union(
        *(
            {(action, function) for action in as_list(statement["Action"])}
            for policy, statement in statements(template)
            if policy.startswith("Canary")
            for function in references(statement["Resource"]) or {"*"}
        )
    )
    asked = {(action, function) for action in MOVING for function in functions}
    if functions and may != asked | {ASKING}:
        yield f"its role may {sorted(may ^ (asked | {ASKING}))} or may not"


def _encrypted_ways(template: Template, _stage: Stage) -> Iterator[str]:
    for kind, policy_kind in POLICIES.items():
        refusing: set[str] = set()
        for _, properties in of_type(template, policy_kind):
            if _refuses_plain_http(properties["PolicyDocument"]):
                refusing |= references([properties.get(key, []) for key in _SUBJECTS])
        for logical_id, _ in of_type(template, kind):
            if logical_id not in refusing:
                yield f"{logical_id} can be reached over plain HTTP"


_SUBJECTS: Final = ("Bucket", "Queues", "Topics")


def _refuses_plain_http(document: Mapping[str, Any]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Principal"] in ("*", {"AWS": "*"})
        for statement in document["Statement"]
    )


PROMISES: Final = (
    Promise("logs are kept as long as the stage says", _logs),
    Promise("tables on demand, restorable, protected from deletion", _tables),
    Promise("data outlives its stack where the stage keeps it", _data),
    Promise("an archive for every bus, kept as long as the stage says", _archives),
    Promise("a budget of the stage's amount that rings", _budgets),
    Promise("cost tags on everything that costs", _tags),
    Promise("a canary with alarms and a way back before every alias", _canaries),
    Promise("a canary's role that may move its aliases, no more and no less", _movers),
    Promise("TLS on every queue, topic and bucket", _encrypted_ways),
)
# The embedded AWS has no archive, budget, canary or TLS; `cdk_constructs.emulator` says so.
ALSO_EMULATED: Final = (*PROMISES[:3], PROMISES[5])


def breaches(template: Template, stage: Stage) -> list[str]:
    """Everything that a template does not keep of what its stage promises, as readable lines."""
    promises = ALSO_EMULATED if stage.emulated else PROMISES
    return [
        f"{promise.says}: {found}"
        for promise in promises
        for found in promise.breaches(template, stage)
    ]
