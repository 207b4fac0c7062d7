"""This project's own rules over templates, beside what cfn-lint and cdk-nag check.

A rule is a function of a template and its stage that yields one line per violation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cdk_constructs.queues import VISIBILITY_PER_TIMEOUT
from cdk_constructs.stage import Stage
from cdk_constructs.table import PROTECTION
from testing.template import Template, as_list, of_type, references, statements

Rule = Callable[[Template, Stage], Iterator[str]]

TAGS: Final = ("product", "service", "stage")
# What costs something, and can have the tags by which the budgets count.
TAGGED: Final = (
    "AWS::ApiGatewayV2::Api",
    "AWS::DynamoDB::Table",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)
# `RetainExceptOnCreate`: a creation that fails leaves nothing that blocks the next one.
RETAINED: Final = ("RetainExceptOnCreate", "Retain")
DELETED: Final = ("Delete", "Delete")
HOLDS_DATA: Final = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
KEPT: Final = (*HOLDS_DATA, "AWS::SQS::Queue")
CANARY: Final = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE: Final = "CodeDeployDefault.LambdaAllAtOnce"
ROLLBACK_EVENTS: Final = {
    "DEPLOYMENT_FAILURE",
    "DEPLOYMENT_STOP_ON_ALARM",
    "DEPLOYMENT_STOP_ON_REQUEST",
}
NOTIFICATIONS: Final = {("ACTUAL", 80), ("FORECASTED", 100)}


# ---- what fails is kept, and somebody learns of it -----------------------------------------------


def batching_windows_of_fifo_queues(template: Template, _: Stage) -> Iterator[str]:
    """Lambda refuses a batching window on a FIFO queue."""
    fifo = {q for q, p in of_type(template, "AWS::SQS::Queue") if p.get("FifoQueue")}
    for mapping, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        window = properties.get("MaximumBatchingWindowInSeconds")
        if window and references(properties["EventSourceArn"]) & fifo:
            yield f"{mapping} has a batching window on a FIFO queue"


def consumers_without_limit(template: Template, _: Stage) -> Iterator[str]:
    """One queue could take the whole account's concurrency."""
    for mapping, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        of_queue = "StartingPosition" not in properties
        if of_queue and "MaximumConcurrency" not in properties.get("ScalingConfig", {}):
            yield f"{mapping} has no maximum concurrency"


def messages_that_come_back_too_soon(template: Template, stage: Stage) -> Iterator[str]:
    """Lambda refuses a queue that hides a message for less than its consumer's timeout.

    It recommends six times that, for throttled batches: none on the embedded AWS.
    """
    times = 1 if stage.emulated else VISIBILITY_PER_TIMEOUT
    aliases = _functions_by_alias(template)
    timeouts = {f: p.get("Timeout", 3) for f, p in of_type(template, "AWS::Lambda::Function")}
    hidden = {q: p.get("VisibilityTimeout", 30) for q, p in of_type(template, "AWS::SQS::Queue")}
    for _, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        named = references(properties.get("FunctionName"))
        functions = set().union(*(aliases.get(name, {name}) for name in named))
        for queue in references(properties["EventSourceArn"]) & set(hidden):
            for function in sorted(functions):
                if hidden[queue] < times * timeouts[function]:
                    yield f"{queue} hides a message {hidden[queue]} s from {function}"


def missing_dead_letter_queues(template: Template, _: Stage) -> Iterator[str]:
    """Queues are cdk-nag's (SQS3); these are what delivers without a queue."""
    for mapping, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        if "StartingPosition" in properties and not properties.get("DestinationConfig"):
            yield f"stream mapping {mapping} has no on-failure queue"
    for rule, properties in of_type(template, "AWS::Events::Rule"):
        for target in properties.get("Targets", []):
            if "DeadLetterConfig" not in target:
                yield f"a target of rule {rule} has no dead-letter queue"
    for schedule, properties in of_type(template, "AWS::Scheduler::Schedule"):
        if "DeadLetterConfig" not in properties["Target"]:
            yield f"schedule {schedule} has no dead-letter queue"


def asynchronous_functions_without_destination(template: Template, _: Stage) -> Iterator[str]:
    """A rule or a schedule starts a function and never learns whether it succeeded."""
    with_destination = {
        function
        for _, properties in of_type(template, "AWS::Lambda::EventInvokeConfig")
        if properties.get("DestinationConfig", {}).get("OnFailure")
        for function in references(properties["FunctionName"])
    }
    for function in sorted(_started_by_events(template) - with_destination):
        yield f"{function} is started by events, and its failures go nowhere"


def _started_by_events(template: Template) -> set[str]:
    """Logical ids of the functions that rules and schedules start, by their aliases."""
    aliases = _functions_by_alias(template)
    targets = [target for _, target in _targets_of_rules(template)]
    targets += [p["Target"] for _, p in of_type(template, "AWS::Scheduler::Schedule")]
    started = set().union(*(references(target["Arn"]) for target in targets))
    return set().union(*(aliases[alias] for alias in started & set(aliases)))


def _functions_by_alias(template: Template) -> dict[str, set[str]]:
    return {
        alias: references(properties["FunctionName"])
        for alias, properties in of_type(template, "AWS::Lambda::Alias")
    }


def failure_queues(template: Template) -> set[str]:
    """Logical ids of the queues that hold what failed elsewhere."""
    values = [
        properties.get(key, {})
        for kind, key in (
            ("AWS::SQS::Queue", "RedrivePolicy"),
            ("AWS::Lambda::EventSourceMapping", "DestinationConfig"),
            ("AWS::Lambda::EventInvokeConfig", "DestinationConfig"),
        )
        for _, properties in of_type(template, kind)
    ]
    targets = [target for _, target in _targets_of_rules(template)]
    targets += [p["Target"] for _, p in of_type(template, "AWS::Scheduler::Schedule")]
    return references([*values, *(target.get("DeadLetterConfig", {}) for target in targets)])


def failure_queues_without_alarm(template: Template, _: Stage) -> Iterator[str]:
    """Nobody would look at the queue."""
    watched = json.dumps([p for _, p in of_type(template, "AWS::CloudWatch::Alarm")])
    names = {queue: p.get("QueueName") for queue, p in of_type(template, "AWS::SQS::Queue")}
    for queue in sorted(failure_queues(template)):
        if f'"Name": "QueueName", "Value": "{names[queue]}"' not in watched:
            yield f"{queue} collects failures and has no alarm"


def alarms_without_action(template: Template, _: Stage) -> Iterator[str]:
    """Nobody would learn of the alarm: neither it nor a composite alarm over it has an action."""
    composites = [p for _, p in of_type(template, "AWS::CloudWatch::CompositeAlarm")]
    notified = references([p["AlarmRule"] for p in composites if p.get("AlarmActions")])
    for alarm, properties in of_type(template, "AWS::CloudWatch::Alarm"):
        if not properties.get("AlarmActions") and alarm not in notified:
            yield f"{alarm} has no action"


def topics_without_subscriber(template: Template, stage: Stage) -> Iterator[str]:
    """In a stage whose alarms must reach somebody."""
    subscribed = references([p["TopicArn"] for _, p in of_type(template, "AWS::SNS::Subscription")])
    for topic, properties in of_type(template, "AWS::SNS::Topic"):
        inline = properties.get("Subscription")
        if stage.needs_subscriber and not inline and topic not in subscribed:
            yield f"{topic} has no subscriber"


# ---- who may call --------------------------------------------------------------------------------


def deliveries_that_are_not_permitted(template: Template, _: Stage) -> Iterator[str]:
    """A rule needs a permission for its function, and for its dead-letter queue."""
    permitted = {
        (invoked, caller)
        for _, properties in of_type(template, "AWS::Lambda::Permission")
        for invoked in references(properties["FunctionName"])
        for caller in references(properties.get("SourceArn", {}))
    }
    aliases = {alias for alias, _ in of_type(template, "AWS::Lambda::Alias")}
    queues = _queues_that_rules_send_to(template)
    for rule, target in _targets_of_rules(template):
        for alias in references(target["Arn"]) & aliases:
            if (alias, rule) not in permitted:
                yield f"{alias} does not permit {rule}"
        for queue in references(target.get("DeadLetterConfig", {})):
            if (queue, rule) not in queues:
                yield f"{queue} does not permit {rule}"


def routes_that_are_not_permitted(template: Template, _: Stage) -> Iterator[str]:
    """Each route of an API needs a permission that ends in its path."""
    paths = {
        str(properties["SourceArn"]["Fn::Join"][1][-1])
        for _, properties in of_type(template, "AWS::Lambda::Permission")
        if properties["Principal"] == "apigateway.amazonaws.com"
    }
    for route, properties in of_type(template, "AWS::ApiGatewayV2::Route"):
        path = properties["RouteKey"].split(" ", 1)[1]
        if f"/*/*{path}" not in paths:
            yield f"no function permits {route}"


def confused_deputies(template: Template, _: Stage) -> Iterator[str]:
    """An AWS service must not be permitted whoever asks it to call."""
    for permission, properties in of_type(template, "AWS::Lambda::Permission"):
        if not (properties.get("SourceArn") or properties.get("SourceAccount")):
            yield f"{permission} permits {properties['Principal']} for any account"
    for policy, properties in of_type(template, "AWS::SQS::QueuePolicy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow" and not statement.get("Condition"):
                yield f"{policy} permits {statement['Principal']} without a condition"


def open_routes_without_throttle(template: Template, _: Stage) -> Iterator[str]:
    """A flood of an open route must not take the callers' share of the others."""
    throttled = {
        route
        for _, properties in of_type(template, "AWS::ApiGatewayV2::Stage")
        for route in properties.get("RouteSettings", {})
    }
    for route, properties in of_type(template, "AWS::ApiGatewayV2::Route"):
        is_open = properties.get("AuthorizationType", "NONE") == "NONE"
        if is_open and properties["RouteKey"] not in throttled:
            yield f"{route} is open and has no throttle of its own"


def _targets_of_rules(template: Template) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (rule, target)
        for rule, properties in of_type(template, "AWS::Events::Rule")
        for target in properties.get("Targets", [])
    ]


def _queues_that_rules_send_to(template: Template) -> set[tuple[str, str]]:
    """Pairs of a queue and the one rule that its policy permits."""
    return {
        (queue, rule)
        for _, properties in of_type(template, "AWS::SQS::QueuePolicy")
        for statement in properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Action"] == "sqs:SendMessage"
        for queue in references(properties["Queues"])
        for rule in references(statement.get("Condition", {}).get("ArnEquals", {}))
    }


# ---- deployments ---------------------------------------------------------------------------------


def exports(template: Template, _: Stage) -> Iterator[str]:
    """An export ties two stacks' deployments together."""
    for name, output in template.get("Outputs", {}).items():
        if "Export" in output:
            yield f"output {name} is exported"
    if "Fn::ImportValue" in json.dumps(template):
        yield "it imports another stack's export"


def functions_without_alias(template: Template, _: Stage) -> Iterator[str]:
    """An alias is what a rollback moves."""
    aliased = references([p["FunctionName"] for _, p in of_type(template, "AWS::Lambda::Alias")])
    for function, properties in of_type(template, "AWS::Lambda::Function"):
        if function not in aliased:
            yield f"{function} has no alias"
        # At a question every few seconds X-Ray would record every invocation, $5 a million, and
        # it joins nothing: queues and streams break its traces. Log lines carry the trace's id.
        if properties.get("TracingConfig", {}).get("Mode") == "Active":
            yield f"{function} pays for traces that nothing reads"


def canaries(template: Template, stage: Stage) -> Iterator[str]:
    """CodeDeploy moves every alias, watches an alarm and rolls back by itself."""
    expected = CANARY if stage.canary else AT_ONCE
    for group, properties in of_type(template, "AWS::CodeDeploy::DeploymentGroup"):
        if properties.get("DeploymentConfigName") != expected:
            yield f"{group} deploys by {properties.get('DeploymentConfigName')}"
        if not properties.get("AlarmConfiguration", {}).get("Alarms"):
            yield f"{group} watches no alarm"
        rollback = properties.get("AutoRollbackConfiguration", {})
        if not rollback.get("Enabled") or set(rollback.get("Events", [])) != ROLLBACK_EVENTS:
            yield f"{group} does not roll back by itself"
    for alias, resource in template.get("Resources", {}).items():
        by_codedeploy = "CodeDeployLambdaAliasUpdate" in resource.get("UpdatePolicy", {})
        if resource["Type"] == "AWS::Lambda::Alias" and not by_codedeploy:
            yield f"{alias} moves without CodeDeploy"


def canaries_of_all_versions(template: Template, stage: Stage) -> Iterator[str]:
    """Errors of the old version must not stop the deployment that mends them."""
    alarms = dict(of_type(template, "AWS::CloudWatch::Alarm"))
    for group, properties in of_type(template, "AWS::CodeDeploy::DeploymentGroup"):
        for alarm in references(properties.get("AlarmConfiguration", {})):
            if stage.canary and "ExecutedVersion" not in json.dumps(alarms[alarm]):
                yield f"{group} watches {alarm}, which counts other versions too"


def permissions_of_codedeploy(template: Template, _: Stage) -> Iterator[str]:
    """Its role moves the aliases of the functions, reads alarms, and may do nothing else."""
    functions = references([p["FunctionName"] for _, p in of_type(template, "AWS::Lambda::Alias")])
    actual = {
        (action, resource)
        for policy, statement in statements(template)
        if policy.startswith("Canary")
        for action in as_list(statement["Action"])
        for resource in references(statement["Resource"]) or {"*"}
    }
    moves = {(f"lambda:{verb}Alias", name) for verb in ("Get", "Update") for name in functions}
    expected = moves | {("cloudwatch:DescribeAlarms", "*")} if functions else set()
    for action, resource in sorted(actual ^ expected):
        yield f"CodeDeploy's role: {action} on {resource}"


# ---- data and cost -------------------------------------------------------------------------------


def log_retention(template: Template, stage: Stage) -> Iterator[str]:
    """As long as the stage says."""
    for group, properties in of_type(template, "AWS::Logs::LogGroup"):
        if properties.get("RetentionInDays") != stage.log_retention_days:
            yield f"{group} keeps its logs {properties.get('RetentionInDays')} days"


def tables(template: Template, stage: Stage) -> Iterator[str]:
    """On demand, restorable, protected from deletion."""
    for table, properties in of_type(template, "AWS::DynamoDB::Table"):
        recovery = properties.get("PointInTimeRecoverySpecification", {})
        if recovery.get("PointInTimeRecoveryEnabled") is not True:
            yield f"{table} cannot be restored to a point in time"
        if properties.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{table} is not on demand"
        protection = {"Ref": PROTECTION} if stage.keeps_data else None
        if properties.get("DeletionProtectionEnabled") != protection:
            yield f"{table} has the wrong deletion protection"


def retained_data(template: Template, stage: Stage) -> Iterator[str]:
    """Data outlives its stack. The links have none: what waits in their queues comes again."""
    resources = template.get("Resources", {})
    keeps = stage.keeps_data and any(r["Type"] in HOLDS_DATA for r in resources.values())
    for logical_id, resource in resources.items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if resource["Type"] in KEPT and policies != (RETAINED if keeps else DELETED):
            yield f"{logical_id}: its policies are {policies}"


def archives(template: Template, _: Stage) -> Iterator[str]:
    """There are none: they keep text that no erasure reaches."""
    for archive, _properties in of_type(template, "AWS::Events::Archive"):
        yield f"{archive} keeps what was published"


def budgets(template: Template, stage: Stage) -> Iterator[str]:
    """One for a service, of the stage's amount, of this service and stage alone."""
    if not list(of_type(template, "AWS::Lambda::Function")):
        return
    found = [properties for _, properties in of_type(template, "AWS::Budgets::Budget")]
    if len(found) != 1:
        yield f"there are {len(found)} budgets"
    for properties in found:
        yield from _faults_of_budget(properties, stage)


def _faults_of_budget(properties: Mapping[str, Any], stage: Stage) -> Iterator[str]:
    budget = properties["Budget"]
    if budget["BudgetLimit"] != {"Amount": stage.monthly_budget_usd, "Unit": "USD"}:
        yield f"the budget's limit is {budget['BudgetLimit']}"
    filters = budget.get("FilterExpression", {}).get("And", [])
    if {tag["Tags"]["Key"] for tag in filters} != {"user:service", "user:stage"}:
        yield "the budget does not count by the tags `service` and `stage`"
    notifications = {
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
        for n in properties["NotificationsWithSubscribers"]
        if n["Subscribers"]
    }
    if notifications != NOTIFICATIONS:
        yield f"the budget notifies at {sorted(notifications)}"


def cost_tags(template: Template, _: Stage) -> Iterator[str]:
    """On everything that costs."""
    for logical_id, resource in template.get("Resources", {}).items():
        if resource["Type"] in TAGGED:
            tags = resource.get("Properties", {}).get("Tags", [])
            keys = set(tags) if isinstance(tags, Mapping) else {tag["Key"] for tag in tags}
            if missing := sorted(set(TAGS) - keys):
                yield f"{logical_id} lacks {missing}"


EVERYWHERE: Final[tuple[Rule, ...]] = (
    batching_windows_of_fifo_queues,
    consumers_without_limit,
    messages_that_come_back_too_soon,
    missing_dead_letter_queues,
    asynchronous_functions_without_destination,
    topics_without_subscriber,
    deliveries_that_are_not_permitted,
    archives,
    routes_that_are_not_permitted,
    confused_deputies,
    open_routes_without_throttle,
    exports,
    functions_without_alias,
    log_retention,
    tables,
    retained_data,
    cost_tags,
)
# The embedded AWS has no budget or canary; `cdk_constructs.emulator` says so.
ON_AWS: Final[tuple[Rule, ...]] = (
    failure_queues_without_alarm,
    alarms_without_action,
    canaries,
    canaries_of_all_versions,
    permissions_of_codedeploy,
    budgets,
)


def violations(template: Template, stage: Stage) -> list[str]:
    """Everything in a template that breaks a rule, as readable lines."""
    rules = EVERYWHERE if stage.emulated else (*EVERYWHERE, *ON_AWS)
    return [f"{rule.__name__}: {line}" for rule in rules for line in rule(template, stage)]
