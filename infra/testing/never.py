"""What must never be in a template: rules over the synthesised JSON, each with what it found.

A rule is a function of a template that yields one line per violation. `violations` asks them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from testing.graph import cycle

Template = Mapping[str, Any]
Resource = tuple[str, Mapping[str, Any]]

# X-Ray knows no resources, and alarms asked for together need the wide scope; nothing else.
STAR_ALLOWED_FOR: Final = {
    "cloudwatch:DescribeAlarms",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
RESERVED_VARIABLES: Final = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "TZ",
}
NAME_PROPERTIES: Final = (
    "AlarmName",
    "FunctionName",
    "Name",
    "QueueName",
    "RoleName",
    "TableName",
    "TopicName",
)


@dataclass(frozen=True)
class Rule:
    """A thing that must never be, and how to find it."""

    says: str
    finds: Callable[[Template], Iterator[str]]


def of_type(template: Template, kind: str) -> Iterator[Resource]:
    """The logical ids and properties of the resources of a type."""
    for logical_id, resource in template.get("Resources", {}).items():
        if resource["Type"] == kind:
            yield logical_id, resource.get("Properties", {})


def statements(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every policy statement that allows something to a role, with its policy's logical id."""
    for logical_id, properties in of_type(template, "AWS::IAM::Policy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            yield logical_id, statement
    for logical_id, properties in of_type(template, "AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield logical_id, statement


def grants_in(template: Template) -> set[tuple[str, str, str]]:
    """Policy, action and resource (as JSON) of everything that a template allows to a role."""
    return {
        (policy, action, json.dumps(resource, sort_keys=True))
        for policy, statement in statements(template)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def as_list(value: Any) -> list[Any]:
    """IAM's JSON writes a list of one as its element."""
    return value if isinstance(value, list) else [value]


def references(value: Any) -> set[str]:
    """The logical ids that a value refers to, by `Ref` or `Fn::GetAtt`."""
    if isinstance(value, Mapping):
        if "Ref" in value:
            return {str(value["Ref"])}
        if "Fn::GetAtt" in value:
            return {str(value["Fn::GetAtt"][0])}
        return set().union(*(references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(references(inner) for inner in value))
    return set()


def _stars(template: Template) -> Iterator[str]:
    for policy, statement in statements(template):
        actions = as_list(statement["Action"])
        if any("*" in action for action in actions):
            yield f"{policy} allows {actions}"
        if "*" in as_list(statement["Resource"]) and not set(actions) <= STAR_ALLOWED_FOR:
            yield f"{policy} allows {actions} on every resource"


def _managed_policies(template: Template) -> Iterator[str]:
    for role, properties in of_type(template, "AWS::IAM::Role"):
        if properties.get("ManagedPolicyArns"):
            yield f"{role} has managed policies, which grant more than it needs"


def _reserved_variables(template: Template) -> Iterator[str]:
    for function, properties in of_type(template, "AWS::Lambda::Function"):
        variables = properties.get("Environment", {}).get("Variables", {})
        for name in sorted(RESERVED_VARIABLES & set(variables)):
            yield f"{function} sets {name}, which belongs to Lambda"


def _reserved_names(template: Template) -> Iterator[str]:
    for logical_id, resource in template.get("Resources", {}).items():
        for key in NAME_PROPERTIES:
            name = resource.get("Properties", {}).get(key)
            if isinstance(name, str) and name.lower().lstrip("/").startswith(("aws", "default")):
                yield f"{logical_id} has the reserved name {name!r}"


def _fifo_windows(template: Template) -> Iterator[str]:
    fifo = {q for q, p in of_type(template, "AWS::SQS::Queue") if p.get("FifoQueue")}
    for mapping, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        window = properties.get("MaximumBatchingWindowInSeconds")
        if window and references(properties["EventSourceArn"]) & fifo:
            yield f"{mapping} has a batching window on a FIFO queue"


def failure_queues(template: Template) -> set[str]:
    """Logical ids of the queues that hold what failed elsewhere."""
    found: set[str] = set()
    for _, properties in of_type(template, "AWS::SQS::Queue"):
        found |= references(properties.get("RedrivePolicy", {}))
    for _, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        found |= references(properties.get("DestinationConfig", {}))
    for _, properties in of_type(template, "AWS::Lambda::EventInvokeConfig"):
        found |= references(properties.get("DestinationConfig", {}))
    for _, properties in of_type(template, "AWS::Events::Rule"):
        for target in properties.get("Targets", []):
            found |= references(target.get("DeadLetterConfig", {}))
    for _, properties in of_type(template, "AWS::Scheduler::Schedule"):
        found |= references(properties["Target"].get("DeadLetterConfig", {}))
    return found


def _missing_dead_letters(template: Template) -> Iterator[str]:
    failures = failure_queues(template)
    for queue, properties in of_type(template, "AWS::SQS::Queue"):
        if queue not in failures and "RedrivePolicy" not in properties:
            yield f"queue {queue} has no dead-letter queue"
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


def _unattended_failures(template: Template) -> Iterator[str]:
    """A rule or schedule starts a function and never learns whether it succeeded."""
    attended = _functions_of(template, "AWS::Lambda::EventInvokeConfig")
    for function in sorted(_started_by_events(template) - attended):
        yield f"{function} is started by events, and nothing keeps what it failed on"


def _functions_of(template: Template, kind: str) -> set[str]:
    """Logical ids of the functions whose failures a resource of that kind sends on."""
    return {
        function
        for _, properties in of_type(template, kind)
        if properties.get("DestinationConfig", {}).get("OnFailure")
        for function in references(properties["FunctionName"])
    }


def _started_by_events(template: Template) -> set[str]:
    """Logical ids of the functions that rules and schedules start, by their aliases."""
    aliases = {
        alias: references(properties["FunctionName"])
        for alias, properties in of_type(template, "AWS::Lambda::Alias")
    }
    targets = [
        target
        for _, properties in of_type(template, "AWS::Events::Rule")
        for target in properties.get("Targets", [])
    ]
    targets += [p["Target"] for _, p in of_type(template, "AWS::Scheduler::Schedule")]
    started = set().union(*(references(target["Arn"]) for target in targets))
    return set().union(*(aliases[alias] for alias in started & set(aliases)))


def _closed_doors(template: Template) -> Iterator[str]:
    """Whoever delivers must be let in: a rule to its function, a rule's dead letters to a queue."""
    let_in = {
        (invoked, caller)
        for _, properties in of_type(template, "AWS::Lambda::Permission")
        for invoked in references(properties["FunctionName"])
        for caller in references(properties.get("SourceArn", {}))
    }
    aliases = {alias for alias, _ in of_type(template, "AWS::Lambda::Alias")}
    queues = _queues_that_rules_feed(template)
    for rule, properties in of_type(template, "AWS::Events::Rule"):
        for target in properties.get("Targets", []):
            for alias in references(target["Arn"]) & aliases:
                if (alias, rule) not in let_in:
                    yield f"{alias} does not let {rule} in"
            for queue in references(target.get("DeadLetterConfig", {})):
                if (queue, rule) not in queues:
                    yield f"{queue} does not let {rule} in"
    yield from _closed_routes(template)


def _closed_routes(template: Template) -> Iterator[str]:
    """Each route of an API is let in by a permission that ends in its path."""
    paths = {
        str(properties["SourceArn"]["Fn::Join"][1][-1])
        for _, properties in of_type(template, "AWS::Lambda::Permission")
        if properties["Principal"] == "apigateway.amazonaws.com"
    }
    for route, properties in of_type(template, "AWS::ApiGatewayV2::Route"):
        path = properties["RouteKey"].split(" ", 1)[1]
        if f"/*/*{path}" not in paths:
            yield f"no function lets {route} in"


def _queues_that_rules_feed(template: Template) -> set[tuple[str, str]]:
    """Pairs of a queue and the one rule that its policy admits."""
    return {
        (queue, rule)
        for _, properties in of_type(template, "AWS::SQS::QueuePolicy")
        for statement in properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Action"] == "sqs:SendMessage"
        for queue in references(properties["Queues"])
        for rule in references(statement.get("Condition", {}).get("ArnEquals", {}))
    }


def _open_doors(template: Template) -> Iterator[str]:
    for permission, properties in of_type(template, "AWS::Lambda::Permission"):
        if not (properties.get("SourceArn") or properties.get("SourceAccount")):
            yield f"{permission} lets a whole AWS service in, on whosever behalf"
    for policy, properties in of_type(template, "AWS::SQS::QueuePolicy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow" and not statement.get("Condition"):
                yield f"{policy} admits {statement['Principal']} without a condition"


def _silent_dead_letters(template: Template) -> Iterator[str]:
    watched: set[str] = set()
    for _, properties in of_type(template, "AWS::CloudWatch::Alarm"):
        watched |= references(properties.get("Dimensions", []))
    for queue in sorted(failure_queues(template) - watched):
        yield f"{queue} collects failures and has no alarm"


def _alarms_without_action(template: Template) -> Iterator[str]:
    for alarm, properties in of_type(template, "AWS::CloudWatch::Alarm"):
        if not properties.get("AlarmActions"):
            yield f"{alarm} tells nobody"


def _plain_queues(template: Template) -> Iterator[str]:
    for queue, properties in of_type(template, "AWS::SQS::Queue"):
        if not (properties.get("SqsManagedSseEnabled") or properties.get("KmsMasterKeyId")):
            yield f"{queue} is not encrypted"


def _exports(template: Template) -> Iterator[str]:
    for name, output in template.get("Outputs", {}).items():
        if "Export" in output:
            yield f"output {name} is exported"
    if "Fn::ImportValue" in json.dumps(template):
        yield "it imports another stack's export"


def _logs_for_ever(template: Template) -> Iterator[str]:
    for group, properties in of_type(template, "AWS::Logs::LogGroup"):
        if "RetentionInDays" not in properties:
            yield f"{group} keeps its logs for ever"


def _functions_without_version(template: Template) -> Iterator[str]:
    aliased: set[str] = set()
    for _, properties in of_type(template, "AWS::Lambda::Alias"):
        aliased |= references(properties["FunctionName"])
    for function, properties in of_type(template, "AWS::Lambda::Function"):
        if function not in aliased:
            yield f"{function} has no alias to roll back"
        if properties.get("TracingConfig", {}).get("Mode") != "Active":
            yield f"{function} is not traced"


def _cycles(template: Template) -> Iterator[str]:
    if found := cycle(template):
        yield " -> ".join(found)


RULES: Final = (
    Rule("no resources that depend on each other in a circle", _cycles),
    Rule("no `*` in actions or resources", _stars),
    Rule("no managed policies", _managed_policies),
    Rule("no variable that belongs to Lambda", _reserved_variables),
    Rule("no reserved name", _reserved_names),
    Rule("no batching window on a FIFO queue", _fifo_windows),
    Rule("a dead-letter queue behind everything", _missing_dead_letters),
    Rule("an on-failure queue behind every function that events start", _unattended_failures),
    Rule("an alarm on every dead-letter queue", _silent_dead_letters),
    Rule("an action on every alarm", _alarms_without_action),
    Rule("whoever delivers is let in", _closed_doors),
    Rule("nobody is let in on whosever behalf", _open_doors),
    Rule("encrypted queues", _plain_queues),
    Rule("no exports between stacks", _exports),
    Rule("logs with a retention", _logs_for_ever),
    Rule("functions traced, and with an alias", _functions_without_version),
)


def violations(template: Template) -> list[str]:
    """Everything in a template that must never be there, as readable lines."""
    return [f"{rule.says}: {found}" for rule in RULES for found in rule.finds(template)]


def open_routes(template: Template) -> set[str]:
    """The API routes that ask for no authorisation."""
    return {
        properties["RouteKey"]
        for _, properties in of_type(template, "AWS::ApiGatewayV2::Route")
        if properties.get("AuthorizationType", "NONE") == "NONE"
    }


def names_table_of(template: Template, service: str) -> bool:
    """Whether a template names another service's table, which no stack may."""
    stages = ("local", "dev", "prod")
    return any(_mentions(template, f"cv-analytics-{stage}-{service}") for stage in stages)


def _mentions(value: Any, table: str) -> bool:
    if isinstance(value, str):
        return value == table or f"table/{table}" in value
    if isinstance(value, Mapping):
        return any(_mentions(inner, table) for inner in value.values())
    return isinstance(value, list) and any(_mentions(inner, table) for inner in value)
