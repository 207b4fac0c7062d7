"""What the pipelines' roles may do. Every name is of one deployable in one stage, or says why not.

The lists of actions are those of CloudFormation's resource handlers for the types in the stacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aws_cdk as cdk
from cv_contracts.parameters import parameter_name

from cdk_constructs.stack import PRODUCT

QUALIFIER: Final = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
BOOTSTRAP_VERSION: Final = f"cdk-bootstrap/{QUALIFIER}/version"
SMOKE_ROUTES: Final = ("POST/v1/events", "GET/v1/correlations/smoke-*", "GET/v1/questions")


@dataclass(frozen=True)
class Grant:
    """Actions of one AWS service on resources. `why` states why a wildcard in them is meant."""

    service: str
    actions: str
    resources: Sequence[str]
    why: str = "Names of this deployable in this stage, by their prefix"
    conditions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_actions(self) -> list[str]:
        """The actions with their service: `sqs:CreateQueue`."""
        return [f"{self.service}:{action}" for action in self.actions.split()]


@dataclass(frozen=True)
class Names:
    """The names of one deployable (`contracts`, `processor`, `reporter`) in one stage, as ARNs."""

    stage: str
    unit: str

    @property
    def prefix(self) -> str:
        """What all its physical names start with."""
        return f"{PRODUCT}-{self.stage}-{self.unit}"

    @property
    def stacks(self) -> list[str]:
        """Its CloudFormation stacks."""
        names = [f"{PRODUCT}-{self.unit}-{self.stage}"]
        return names + [f"{PRODUCT}-reporter-links-{self.stage}"] * (self.unit == "reporter")

    @property
    def assets(self) -> str:
        """Its own folder in the bucket of CDK's bootstrap, which all stages share."""
        return f"{PRODUCT}/{self.stage}/{self.unit}/"

    @property
    def asset_bucket(self) -> str:
        """The bucket of CDK's bootstrap."""
        name = f"cdk-{QUALIFIER}-assets-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"
        return f"arn:{cdk.Aws.PARTITION}:s3:::{name}"

    def regional(self, service: str, resource: str) -> str:
        """An ARN in this account and region."""
        place = f"{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}"
        return f"arn:{cdk.Aws.PARTITION}:{service}:{place}:{resource}"

    def global_(self, service: str, resource: str) -> str:
        """An ARN of a service without regions."""
        return f"arn:{cdk.Aws.PARTITION}:{service}::{cdk.Aws.ACCOUNT_ID}:{resource}"

    def stack_arns(self) -> list[str]:
        """Its stacks, whatever their unique ids."""
        return [self.regional("cloudformation", f"stack/{name}/*") for name in self.stacks]

    def parameters(self, unit: str) -> str:
        """The SSM parameters that a deployable publishes."""
        return self.regional("ssm", f"parameter/{PRODUCT}/{self.stage}/{unit}/*")


# ---- the role that a workflow assumes -----------------------------------------------------------


def deploying(names: Names, execution_role: str) -> Iterator[Grant]:
    """Upload assets, and let CloudFormation change this deployable's stacks with its own role.

    Whoever may update a stack uses the role that the stack was last updated with, even without
    being allowed to pass it. So each call must name the execution role, or it is refused.
    """
    named = {"StringEquals": {"cloudformation:RoleArn": execution_role}}
    yield Grant(
        "cloudformation", "CreateChangeSet DeleteStack", names.stack_arns(), conditions=named
    )
    yield Grant(
        "cloudformation",
        "DeleteChangeSet DescribeChangeSet DescribeEvents DescribeStackEvents DescribeStacks"
        " ExecuteChangeSet GetTemplate UpdateTerminationProtection",
        names.stack_arns(),
    )
    yield Grant(
        "iam",
        "PassRole",
        [execution_role],
        conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    )
    yield Grant(
        "s3", "GetBucketLocation GetEncryptionConfiguration ListBucket", [names.asset_bucket]
    )
    yield Grant("s3", "GetObject PutObject", [f"{names.asset_bucket}/{names.assets}*"])
    yield Grant(
        "ssm",
        "GetParameter GetParameters",
        [names.regional("ssm", f"parameter/{BOOTSTRAP_VERSION}")],
    )


def operating(names: Names) -> Iterator[Grant]:
    """What `ship`, `smoke` and `rollback` ask of AWS besides the deployment."""
    # A question goes through both services, and links wait for both.
    units = ["processor", "reporter"] if names.unit != "contracts" else ["contracts"]
    yield Grant("ssm", "GetParameters", [names.parameters(unit) for unit in units])
    if names.unit == "contracts":
        bucket = f"arn:{cdk.Aws.PARTITION}:s3:::{PRODUCT}-contracts-{names.stage}-*"
        yield Grant("s3", "GetObject PutObject", [f"{bucket}/*.whl"])
        return
    yield Grant(
        "cloudformation",
        "DescribeStacks",
        [names.regional("cloudformation", f"stack/{PRODUCT}-reporter-links-{names.stage}/*")],
        "A stack's unique id is not known before",
    )
    yield Grant(
        "execute-api",
        "Invoke",
        [names.regional("execute-api", f"*/$default/{route}") for route in SMOKE_ROUTES],
        "The smoke test follows its own question through both APIs, whose ids are not known before",
    )
    functions = [names.regional("lambda", f"function:{names.prefix}-*")]
    # IAM authorises the deletion of a version on its function: this could delete the whole
    # function, too, as the role can with its stack.
    yield Grant("lambda", "DeleteFunction GetAlias ListVersionsByFunction UpdateAlias", functions)
    yield Grant("lambda", "ListFunctions", ["*"], "Listing functions knows no resources")
    application = names.regional("codedeploy", f"application:{names.prefix}")
    group = names.regional("codedeploy", f"deploymentgroup:{names.prefix}/{names.prefix}-*")
    yield Grant("codedeploy", "ListDeploymentGroups", [application])
    yield Grant("codedeploy", "ListDeployments", [group])
    yield Grant("codedeploy", "StopDeployment", ["*"], "Stopping a deployment knows no resources")


def upkeep(stage: str) -> Iterator[Grant]:
    """The nightly restore of a copy of each table, and the reconciliation."""
    names = Names(stage, "reporter")
    tables = [
        names.regional("dynamodb", f"table/{PRODUCT}-{stage}-{unit}")
        for unit in ("processor", "reporter")
    ]
    copies = [f"{table}-restored-*" for table in tables]
    yield Grant("dynamodb", "DescribeTable RestoreTableToPointInTime", [*tables, *copies])
    yield Grant(
        "dynamodb",
        # DynamoDB fills the copy in the caller's name, and the test reads whether it holds items.
        "BatchWriteItem DeleteItem DeleteTable GetItem PutItem Query Scan UpdateItem",
        copies,
        "A restored copy, and no other table, is filled, read and deleted",
    )
    yield Grant("dynamodb", "ListTables", ["*"], "Listing tables knows no resources")
    yield Grant(
        "lambda",
        "InvokeFunction",
        [names.regional("lambda", f"function:{names.prefix}-reconcile:live")],
    )


def looking(stage: str) -> Iterator[Grant]:
    """What a diff reads: templates and states of stacks. A pull request's code runs with this."""
    stacks = [
        arn
        for unit in ("contracts", "processor", "reporter")
        for arn in Names(stage, unit).stack_arns()
    ]
    yield Grant(
        "cloudformation",
        "DescribeStacks GetTemplate",
        stacks,
        "A stack's unique id is not known before",
    )


# ---- the role that CloudFormation uses, and the limit of every role that it makes ---------------


def executing(names: Names, boundary: str) -> Iterator[Grant]:
    """Create, change and delete what the stacks of one deployable hold."""
    yield Grant("s3", "GetObject", [f"{names.asset_bucket}/{names.assets}*"])
    yield Grant(
        "ssm",
        "AddTagsToResource DeleteParameter GetParameter GetParameters ListTagsForResource"
        " PutParameter RemoveTagsFromResource",
        [names.parameters(names.unit)],
    )
    if names.unit == "contracts":
        yield from _bucket(names)
    else:
        yield from _compute(names)
        yield from _data(names)
        yield from _messaging(names)
        yield from _observation(names)
        yield from _roles(names, boundary)
        yield from _account_wide(names)
    if names.unit == "reporter":
        yield from _mail(names)
        yield from _links(names)


def _bucket(names: Names) -> Iterator[Grant]:
    yield Grant(
        "s3",
        "CreateBucket DeleteBucket DeleteBucketPolicy GetBucketPolicy GetBucketPublicAccessBlock"
        " GetBucketTagging GetBucketVersioning GetEncryptionConfiguration"
        " GetLifecycleConfiguration ListBucket PutBucketPolicy PutBucketPublicAccessBlock"
        " PutBucketTagging PutBucketVersioning PutEncryptionConfiguration"
        " PutLifecycleConfiguration",
        [f"arn:{cdk.Aws.PARTITION}:s3:::{PRODUCT}-contracts-{names.stage}-*"],
    )


def _compute(names: Names) -> Iterator[Grant]:
    functions = names.regional("lambda", f"function:{names.prefix}-*")
    mappings = names.regional("lambda", "event-source-mapping:*")
    ours = {"ArnLike": {"lambda:FunctionArn": functions}}
    yield Grant(
        "lambda",
        "AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction"
        " DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig GetAlias GetFunction"
        " GetFunctionCodeSigningConfig GetFunctionConfiguration GetFunctionEventInvokeConfig"
        " GetFunctionRecursionConfig GetPolicy GetProvisionedConcurrencyConfig"
        " GetRuntimeManagementConfig ListAliases ListTags ListVersionsByFunction PublishVersion"
        " PutFunctionConcurrency PutFunctionEventInvokeConfig RemovePermission TagResource"
        " UntagResource UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration"
        " UpdateFunctionEventInvokeConfig",
        [functions],
    )
    yield Grant(
        "lambda",
        "CreateEventSourceMapping",
        ["*"],
        "A new mapping has no name; the condition limits whose function it feeds",
        ours,
    )
    yield Grant(
        "lambda",
        "DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping",
        [mappings],
        "A mapping's id is not known before; the condition limits whose function it feeds",
        ours,
    )
    yield Grant(
        "lambda",
        "ListTags TagResource UntagResource",
        [mappings],
        "A mapping's id is not known before",
    )
    yield Grant(
        "codedeploy",
        "CreateApplication DeleteApplication GetApplication GetApplicationRevision"
        " ListTagsForResource RegisterApplicationRevision TagResource UntagResource"
        " UpdateApplication",
        [names.regional("codedeploy", f"application:{names.prefix}")],
    )
    yield Grant(
        "codedeploy",
        "CreateDeployment CreateDeploymentGroup DeleteDeploymentGroup GetDeployment"
        " GetDeploymentGroup ListTagsForResource TagResource UntagResource"
        " UpdateDeploymentGroup",
        [names.regional("codedeploy", f"deploymentgroup:{names.prefix}/{names.prefix}-*")],
    )
    yield Grant(
        "codedeploy",
        "GetDeploymentConfig",
        [names.regional("codedeploy", "deploymentconfig:CodeDeployDefault.*")],
        "AWS's own deployment configurations",
    )
    apis = f"arn:{cdk.Aws.PARTITION}:apigateway:{cdk.Aws.REGION}::"
    known = "An API has an id in place of a name: this reaches the other deployable's API, too"
    yield Grant("apigateway", "GET POST", [f"{apis}/apis", f"{apis}/apis/*"], known)
    yield Grant("apigateway", "DELETE PATCH PUT", [f"{apis}/apis/*"], known)


def _data(names: Names) -> Iterator[Grant]:
    yield Grant(
        "dynamodb",
        "CreateTable DeleteTable DescribeContinuousBackups DescribeContributorInsights"
        " DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetResourcePolicy"
        " ListTagsOfResource TagResource UntagResource UpdateContinuousBackups UpdateTable"
        " UpdateTimeToLive",
        [names.regional("dynamodb", f"table/{names.prefix}")],
    )


def _messaging(names: Names) -> Iterator[Grant]:
    yield Grant(
        "sqs",
        "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes"
        " TagQueue UntagQueue",
        [names.regional("sqs", f"{names.prefix}-*")],
    )
    yield Grant(
        "sns",
        # A subscription's ARN begins with its topic's.
        "CreateTopic DeleteTopic GetDataProtectionPolicy GetSubscriptionAttributes"
        " GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource SetTopicAttributes"
        " Subscribe TagResource Unsubscribe UntagResource",
        [names.regional("sns", f"{names.prefix}-*")],
    )
    yield Grant(
        "events",
        "CreateEventBus DeleteEventBus DescribeEventBus ListTagsForResource"
        " TagResource UntagResource UpdateEventBus",
        [names.regional("events", f"event-bus/{names.prefix}")],
    )
    yield from _rules(
        [
            names.regional("events", f"rule/{names.prefix}/{names.prefix}-*"),
            # On the account's default bus a rule has no bus in its ARN.
            names.regional("events", f"rule/{names.prefix}-*"),
        ]
    )
    yield Grant(
        "scheduler",
        "CreateSchedule DeleteSchedule GetSchedule UpdateSchedule",
        [names.regional("scheduler", f"schedule/default/{names.prefix}-*")],
    )


def _rules(rules: list[str]) -> Iterator[Grant]:
    yield Grant(
        "events",
        "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets"
        " RemoveTargets TagResource UntagResource",
        rules,
    )


def _observation(names: Names) -> Iterator[Grant]:
    yield Grant(
        "logs",
        "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy ListTagsForResource"
        " PutRetentionPolicy TagResource UntagResource",
        [
            names.regional("logs", f"log-group:/aws/{kind}/{names.prefix}*")
            for kind in ("lambda", "apigateway")
        ],
    )
    yield Grant(
        "cloudwatch",
        "DeleteAlarms DescribeAlarms ListTagsForResource PutCompositeAlarm PutMetricAlarm"
        " TagResource UntagResource",
        [names.regional("cloudwatch", f"alarm:{names.prefix}-*")],
    )
    yield Grant(
        "budgets",
        "ListTagsForResource ModifyBudget TagResource UntagResource ViewBudget",
        [names.global_("budgets", f"budget/{names.prefix}-*")],
    )


def _roles(names: Names, boundary: str) -> Iterator[Grant]:
    """Roles, none of which can do more than the boundary: without it, whoever may write a role's
    policy and run code with the role may do everything."""
    roles = [names.global_("iam", f"role/{names.prefix}-*")]
    yield Grant(
        "iam",
        "CreateRole DeleteRolePolicy PutRolePermissionsBoundary PutRolePolicy",
        roles,
        conditions={"StringEquals": {"iam:PermissionsBoundary": boundary}},
    )
    yield Grant(
        "iam",
        "DeleteRole GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies ListRoleTags"
        " TagRole UntagRole UpdateAssumeRolePolicy UpdateRole",
        roles,
    )
    services = ["codedeploy", "lambda", "scheduler"]
    passed = [f"{service}.amazonaws.com" for service in services]
    yield Grant(
        "iam", "PassRole", roles, conditions={"StringEquals": {"iam:PassedToService": passed}}
    )


def _account_wide(names: Names) -> Iterator[Grant]:
    """Actions that IAM authorises on no resource."""
    yield Grant(
        "logs",
        "CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies"
        " GetLogDelivery ListLogDeliveries PutResourcePolicy UpdateLogDelivery",
        ["*"],
        "API Gateway's access logs: vended log deliveries know no resources",
    )
    yield Grant("lambda", "ListEventSourceMappings", ["*"], "Listing knows no resources")
    yield Grant("ssm", "DescribeParameters", ["*"], "Listing parameters knows no resources")
    yield Grant(
        "events",
        "PutPermission RemovePermission",
        ["*"],
        "The policy of a bus: IAM authorises these two on no resource, so any bus of the account",
    )
    yield Grant("codedeploy", "StopDeployment", ["*"], "Stopping a deployment knows no resources")


def _mail(names: Names) -> Iterator[Grant]:
    yield Grant(
        "ses",
        "CreateConfigurationSet CreateConfigurationSetEventDestination DeleteConfigurationSet"
        " DeleteConfigurationSetEventDestination GetConfigurationSet"
        " GetConfigurationSetEventDestinations UpdateConfigurationSetEventDestination"
        " TagResource UntagResource ListTagsForResource",
        [names.regional("ses", f"configuration-set/{names.prefix}")],
    )


def _links(names: Names) -> Iterator[Grant]:
    """The consumer's rules on both buses, and what they find by the producer's parameters."""
    producer = Names(names.stage, "processor")
    yield Grant("ssm", "GetParameters", [names.parameters("processor")])
    yield from _rules(
        [
            names.regional("events", f"rule/{producer.prefix}/{names.prefix}-*"),
            names.regional("events", f"rule/{names.prefix}/{producer.prefix}-erasure-receipts"),
        ]
    )


def bounding(names: Names) -> Iterator[Grant]:
    """The most that any role of one deployable may ever do, whatever its template grants."""
    table = names.regional("dynamodb", f"table/{names.prefix}")
    yield Grant(
        "dynamodb",
        "BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem DescribeTable GetItem PutItem"
        " Query Scan UpdateItem",
        [table],
    )
    yield Grant("dynamodb", "Query Scan", [f"{table}/index/*"])
    yield Grant("dynamodb", "DescribeStream GetRecords GetShardIterator", [f"{table}/stream/*"])
    yield Grant("dynamodb", "ListStreams", ["*"], "Listing streams knows no resources")
    yield Grant(
        "sqs",
        "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage SendMessage",
        [names.regional("sqs", f"{names.prefix}-*")],
    )
    yield Grant("events", "PutEvents", [names.regional("events", f"event-bus/{names.prefix}")])
    yield Grant(
        "lambda",
        "GetAlias InvokeFunction UpdateAlias",
        [names.regional("lambda", f"function:{names.prefix}-*")],
    )
    yield Grant(
        "logs",
        "CreateLogStream PutLogEvents",
        [names.regional("logs", f"log-group:/aws/lambda/{names.prefix}-*")],
    )
    yield Grant(
        "kms",
        "Decrypt Encrypt",
        [names.regional("kms", "key/*")],
        "The account's key of encrypted parameters, whose id is not known before",
        {"StringEquals": {"kms:ViaService": f"ssm.{cdk.Aws.REGION}.amazonaws.com"}},
    )
    readable = [names.parameters(names.unit)]
    if names.unit == "reporter":
        readable.append(names.parameters("processor"))
        yield Grant(
            "execute-api",
            "Invoke",
            [names.regional("execute-api", "*/$default/*/v1/*")],
            "The Processor's API, whose id is not known before",
        )
        mail = [
            names.regional("ses", "identity/*"),
            names.regional("ses", f"configuration-set/{names.prefix}"),
        ]
        yield Grant("ses", "SendEmail", mail, "Sender and recipients are settings of the owner")
        key = parameter_name(names.stage, names.unit, "dashboard-key").lstrip("/")
        yield Grant("ssm", "PutParameter", [names.regional("ssm", f"parameter/{key}")])
    yield Grant("ssm", "GetParameter GetParameters", readable)
    yield Grant(
        "cloudwatch", "DescribeAlarms", ["*"], "CodeDeploy reads several alarms in one call"
    )
