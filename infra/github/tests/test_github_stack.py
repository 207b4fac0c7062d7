from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from cdk_constructs.stage import Stage, stage_named
from contracts.stack import ContractsStack
from github.stack import UNITS, GithubProviderStack, GithubStack
from github.trust import ISSUER, REPOSITORY_PATTERN
from processor.stack import ProcessorStack
from reporter.links import ReporterLinksStack
from reporter.stack import ReporterStack
from testing.synthesis import empty_bundle, synthesise, template_of
from testing.template import as_list, of_type

STAGES = ("dev", "prod")
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "111122223333"}
OLD = "repo:owner/name"
NEW = "repo:owner@12/name@34"
# What IAM authorises on no resource, or on none whose name is known before; see `Grant.why`.
BEYOND_OWN_NAMES = {
    "apigateway:DELETE",
    "apigateway:GET",
    "apigateway:PATCH",
    "apigateway:POST",
    "apigateway:PUT",
    "codedeploy:GetDeploymentConfig",
    "codedeploy:StopDeployment",
    "dynamodb:ListTables",
    "events:PutPermission",
    "events:RemovePermission",
    "execute-api:Invoke",
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctions",
    "lambda:ListTags",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateEventSourceMapping",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "s3:GetBucketLocation",
    "s3:GetEncryptionConfiguration",
    "s3:ListBucket",
    "ssm:DescribeParameters",
    "ssm:GetParameter",
    "ssm:GetParameters",
}
READS_DATA = re.compile(r"dynamodb:(\w*Get\w*|Query|Scan|GetRecords)$|sqs:ReceiveMessage$")


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(stage: str) -> Any:
    return template_of(GithubStack, stage)


def resolved(value: Any, repository: str = "owner/name") -> Any:
    """A value of the template as CloudFormation would resolve it; `<id>` for other resources."""
    if isinstance(value, list):
        return [resolved(inner, repository) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return {**PSEUDO, "Repository": repository}.get(argument, f"<{argument}>")
        if function == "Fn::GetAtt":
            return f"<{argument[0]}>"
        if function == "Fn::Join":
            return argument[0].join(resolved(argument[1], repository))
        if function == "Fn::Split":
            return resolved(argument[1], repository).split(argument[0])
        if function == "Fn::Select":
            return resolved(argument[1], repository)[argument[0]]
    return {key: resolved(inner, repository) for key, inner in value.items()}


def role(template: Any, logical_id: str) -> Any:
    [found] = [p for key, p in of_type(template, "AWS::IAM::Role") if key.startswith(logical_id)]
    return found


def statements_of(template: Any, logical_id: str) -> Iterator[Any]:
    """What one role may do, its overflow policies included; or one managed policy."""
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for key, properties in of_type(template, kind):
            if re.match(rf"{logical_id}(Default|Overflow|[0-9A-F]{{8}})", key):
                yield from resolved(properties["PolicyDocument"]["Statement"])


def allowed(template: Any, logical_id: str) -> set[tuple[str, str]]:
    """Action and resource pattern of all that a role may do."""
    return {
        (action, resource)
        for statement in statements_of(template, logical_id)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def trusts(template: Any, logical_id: str, claims: dict[str, str], repository: str) -> bool:
    """Whether a token with these claims may assume the role, by IAM's rules for conditions."""
    [statement] = resolved(
        role(template, logical_id)["AssumeRolePolicyDocument"]["Statement"], repository
    )
    assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{ISSUER}")
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    match: dict[str, Callable[[str, str], bool]] = {
        "StringEquals": str.__eq__,
        "StringLike": fnmatchcase,
    }
    return all(
        any(
            match[operator](claims.get(key.removeprefix(f"{ISSUER}:"), ""), wanted)
            for wanted in as_list(values)
        )
        for operator, conditions in statement["Condition"].items()
        for key, values in conditions.items()
    )


def token(subject: str, **claims: str) -> dict[str, str]:
    usual = {"aud": "sts.amazonaws.com", "repository": "owner/name", "ref": "refs/heads/main"}
    return {**usual, "sub": subject, **claims}


@pytest.mark.parametrize("repository", [OLD, NEW])
@pytest.mark.parametrize("unit", UNITS)
def test_a_role_trusts_its_own_environment_on_main_in_both_formats(
    template: Any, stage: str, unit: str, repository: str
) -> None:
    own = f"{unit}-{stage}"
    deploy = f"{unit.capitalize()}Deploy"

    def trusted(environment: str, **claims: str) -> bool:
        subject = f"{repository}:environment:{environment}"
        return trusts(
            template, deploy, token(subject, environment=environment, **claims), "owner/name"
        )

    assert trusted(own)
    others = {f"{u}-{s}" for u in (*UNITS, "upkeep") for s in STAGES} - {own}
    assert not [environment for environment in others if trusted(environment)]
    assert not trusted(own, ref="refs/heads/feature")
    assert not trusted(own, repository="owner/other")
    assert not trusted(own, aud="https://github.com/owner")
    assert not trusts(template, deploy, token(f"{repository}:pull_request"), "owner/name")


def test_a_repository_given_with_its_numbers_is_trusted_by_these_numbers_alone(
    template: Any, stage: str
) -> None:
    def trusted(repository: str) -> bool:
        environment = f"processor-{stage}"
        claims = token(f"{repository}:environment:{environment}", environment=environment)
        return trusts(template, "ProcessorDeploy", claims, "owner@12/name@34")

    assert trusted("repo:owner@12/name@34")
    assert not trusted("repo:owner@13/name@34")
    assert not trusted("repo:owner@12/name@35")
    assert not trusted("repo:owner/name")


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("owner/name", True),
        ("my-org/my.name_1", True),
        ("owner@1/name@2", True),
        ("owner", False),
        ("owner/name/more", False),
        ("owner@x/name", False),
        ("owner/*", False),
    ],
)
def test_the_parameter_accepts_both_formats_and_nothing_else(value: str, valid: bool) -> None:
    assert bool(re.fullmatch(REPOSITORY_PATTERN, value)) == valid
    parameter = template_of(GithubStack, "dev")["Parameters"]["Repository"]
    assert parameter["AllowedPattern"] == REPOSITORY_PATTERN


@pytest.mark.parametrize("repository", [OLD, NEW])
def test_a_pull_request_assumes_the_diff_role_and_no_other(template: Any, repository: str) -> None:
    claims = token(f"{repository}:pull_request", ref="refs/pull/1/merge")
    roles = [
        key
        for key, properties in of_type(template, "AWS::IAM::Role")
        if "Federated" in str(properties["AssumeRolePolicyDocument"])
    ]
    assert [key for key in roles if trusts(template, key, claims, "owner/name")] == [
        key for key in roles if key.startswith("Diff")
    ]


def test_the_diff_role_reads_templates_and_states_of_stacks_alone(
    template: Any, stage: str
) -> None:
    grants = allowed(template, "Diff")
    assert {action for action, _ in grants} == {
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
    }
    assert all(f"-{stage}/*" in resource for _, resource in grants)


@pytest.mark.parametrize("unit", UNITS)
def test_no_role_assumes_another_one(template: Any, unit: str) -> None:
    for key in (f"{unit.capitalize()}Deploy", f"{unit.capitalize()}Execution", "Upkeep", "Diff"):
        assert not [a for a, _ in allowed(template, key) if a.startswith("sts:")]


@pytest.mark.parametrize("unit", UNITS)
def test_a_deploy_role_changes_its_own_stacks_with_its_own_execution_role(
    template: Any, stage: str, unit: str
) -> None:
    title = unit.capitalize()
    stacks = {f"cv-analytics-{unit}-{stage}"}
    if unit == "reporter":
        stacks.add(f"cv-analytics-reporter-links-{stage}")
    changing = re.compile(r"cloudformation:(Create|Delete|Execute|Update)")
    changed = {
        resource.split("stack/")[1].removesuffix("/*")
        for action, resource in allowed(template, f"{title}Deploy")
        if changing.match(action)
    }
    assert changed == stacks
    [execution] = {
        resource
        for action, resource in allowed(template, f"{title}Deploy")
        if action == "iam:PassRole"
    }
    assert execution.startswith(f"<{title}Execution")
    for statement in statements_of(template, f"{title}Deploy"):
        if {"cloudformation:CreateChangeSet", "cloudformation:DeleteStack"} & set(
            as_list(statement["Action"])
        ):
            assert statement["Condition"] == {"StringEquals": {"cloudformation:RoleArn": execution}}


@pytest.mark.parametrize("unit", UNITS)
def test_a_deploy_role_writes_assets_of_its_own_folder_only(
    template: Any, stage: str, unit: str
) -> None:
    written = {
        resource.split(":::")[1]
        for action, resource in allowed(template, f"{unit.capitalize()}Deploy")
        if action == "s3:PutObject" and ":::cdk-" in resource
    }
    assert written == {f"cdk-hnb659fds-assets-111122223333-us-east-1/cv-analytics/{stage}/{unit}/*"}


@pytest.mark.parametrize("unit", UNITS)
def test_roles_reach_names_of_their_own_deployable_and_stage_only(
    template: Any, stage: str, unit: str
) -> None:
    own = [f"cv-analytics-{stage}-{unit}", f"cv-analytics/{stage}/{unit}/", f"-{unit}-{stage}"]
    if unit == "reporter":
        own += [
            f"reporter-links-{stage}",
            # the links' rule on the Processor's bus
            f"rule/cv-analytics-{stage}-processor/cv-analytics-{stage}-reporter-",
        ]
    if unit == "contracts":
        own.append(f"cv-analytics-contracts-{stage}-")
    else:
        own.append(f"stack/cv-analytics-reporter-links-{stage}/*")
    foreign = {
        (action, resource)
        for kind in ("Deploy", "Execution")
        for action, resource in allowed(template, f"{unit.capitalize()}{kind}")
        if not resource.startswith("<")
        and not any(name in resource for name in own)
        and action not in BEYOND_OWN_NAMES
    }
    assert foreign == set()


@pytest.mark.parametrize("unit", ["processor", "reporter"])
def test_an_execution_role_makes_only_roles_within_the_boundary(
    template: Any, stage: str, unit: str
) -> None:
    title = unit.capitalize()
    making = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    made = [
        statement
        for statement in statements_of(template, f"{title}Execution")
        if making & set(as_list(statement["Action"]))
    ]
    assert making == making & {a for s in made for a in as_list(s["Action"])}
    for statement in made:
        [boundary] = statement["Condition"]["StringEquals"].values()
        assert boundary.startswith(f"<{title}Boundary")
        assert list(statement["Condition"]["StringEquals"]) == ["iam:PermissionsBoundary"]
        assert as_list(statement["Resource"]) == [
            f"arn:aws:iam::111122223333:role/cv-analytics-{stage}-{unit}-*"
        ]
    everything = {action for action, _ in allowed(template, f"{title}Execution")}
    assert (
        not {
            "iam:AttachRolePolicy",
            "iam:CreatePolicyVersion",
            "iam:DeleteRolePermissionsBoundary",
        }
        & everything
    )


def test_no_role_of_a_pipeline_reads_a_table_or_a_queue_except_restored_copies(
    template: Any,
) -> None:
    reading = {
        (key, resource)
        for unit in UNITS
        for key in (f"{unit.capitalize()}Deploy", f"{unit.capitalize()}Execution", "Upkeep", "Diff")
        for action, resource in allowed(template, key)
        if READS_DATA.match(action) and not action.endswith("GetResourcePolicy")
    }
    assert {key for key, _ in reading} == {"Upkeep"}
    assert all(resource.endswith("-restored-*") for _, resource in reading)


def built(unit: str, bundle: Path) -> list[Callable[[cdk.App, Stage], cdk.Stack]]:
    """The stacks of a deployable."""
    if unit == "processor":
        return [lambda app, stage: ProcessorStack(app, stage, bundle, "1.0.0")]
    if unit == "reporter":
        return [
            lambda app, stage: ReporterStack(app, stage, bundle, "1.0.0"),
            ReporterLinksStack,
        ]
    return [lambda app, stage: ContractsStack(app, stage, "1.0.0")]


# CDK writes an ARN as an attribute; this is what the names in the template make of it.
ARN_OF = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:111122223333:table/{TableName}",
    "AWS::Events::EventBus": "arn:aws:events:us-east-1:111122223333:event-bus/{Name}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:111122223333:function:{FunctionName}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:111122223333:log-group:{LogGroupName}:*",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:111122223333:{QueueName}",
    "AWS::SES::EmailIdentity": "{EmailIdentity}",
}


def arn(template: Any, value: Any) -> str:
    """A granted resource as an ARN."""
    if isinstance(value, str):
        return value
    [(function, argument)] = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(arn(template, part) for part in argument[1])
    if function == "Ref" and argument in PSEUDO:
        return PSEUDO[argument]
    logical_id = argument if function == "Ref" else argument[0]
    resource = template["Resources"].get(logical_id)
    if resource is None:  # a parameter: the Processor's API
        return "arn:aws:execute-api:us-east-1:111122223333:abc"
    if resource["Type"] == "AWS::Lambda::Alias":
        return arn(template, resource["Properties"]["FunctionName"]) + ":live"
    pattern = ARN_OF[resource["Type"]]
    if function == "Ref" and resource["Type"] == "AWS::Lambda::Function":
        pattern = "arn:aws:lambda:us-east-1:111122223333:function:{FunctionName}"
    made = pattern.format(**resource["Properties"])
    return made + "/stream/2026" if argument[1:] == ["StreamArn"] else made


def grants_of_stack(template: Any) -> Iterator[tuple[str, str]]:
    for _, properties in of_type(template, "AWS::IAM::Policy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, arn(template, resource)


@pytest.mark.parametrize("unit", ["processor", "reporter"])
def test_the_boundary_holds_all_that_the_templates_grant(
    template: Any, stage: str, unit: str, tmp_path: Path
) -> None:
    limit = allowed(template, f"{unit.capitalize()}Boundary")
    granted = {
        grant
        for build in built(unit, empty_bundle(tmp_path))
        for grant in grants_of_stack(template_of(build, stage))
    }
    assert granted
    outside = {
        (action, resource)
        for action, resource in granted
        if not any(action == a and fnmatchcase(resource, r) for a, r in limit)
    }
    assert outside == set()


@pytest.mark.parametrize("unit", ["processor", "reporter"])
def test_every_role_of_a_service_takes_the_boundary_that_a_pipeline_gives(
    stage: str, unit: str, tmp_path: Path
) -> None:
    [build, *_] = built(unit, empty_bundle(tmp_path))
    template = template_of(build, stage)
    taken = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
    roles = [properties for _, properties in of_type(template, "AWS::IAM::Role")]
    assert roles
    assert all(properties["PermissionsBoundary"] == taken for properties in roles)
    assert template["Parameters"]["PermissionsBoundary"]["Default"] == ""


@pytest.mark.parametrize("unit", UNITS)
def test_a_stack_is_deployed_with_the_callers_credentials_from_its_own_folder(
    stage: str, unit: str, tmp_path: Path
) -> None:
    for build in built(unit, empty_bundle(tmp_path)):
        app = cdk.App()
        stack = build(app, replace(stage_named(stage), alarm_email="owner@cv.example"))
        artifact = app.synth().get_stack_by_name(stack.stack_name)
        assert artifact.assume_role_arn is None
        assert artifact.cloud_formation_execution_role_arn is None
        assert f"/cv-analytics/{stage}/{unit}/" in str(artifact.stack_template_asset_object_url)


def test_the_provider_is_a_stack_of_its_own_that_leaves_it_for_others(template: Any) -> None:
    assert not list(of_type(template, "AWS::IAM::OIDCProvider"))
    provider = template_of(lambda app, _: GithubProviderStack(app), "dev")
    [resource] = provider["Resources"].values()
    assert resource["Type"] == "AWS::IAM::OIDCProvider"
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


def test_there_are_no_long_lived_keys_and_no_wildcard_actions(template: Any) -> None:
    assert not list(of_type(template, "AWS::IAM::User"))
    assert not list(of_type(template, "AWS::IAM::AccessKey"))
    assert not re.search(r'"[a-z0-9-]+:[A-Za-z]*\*"', json.dumps(template))


def test_names_differ_by_stage_and_by_region(template: Any, stage: str) -> None:
    names = [
        resolved(properties[key])
        for kind, key in (
            ("AWS::IAM::Role", "RoleName"),
            ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
        )
        for _, properties in of_type(template, kind)
        if key in properties  # CDK puts what is too long for a role into policies without names
    ]
    assert len(names) == 10
    assert all(f"-{stage}-" in name and name.endswith("-us-east-1") for name in names)
    longest = max(len(name) - len("us-east-1") + len("ap-southeast-2") for name in names)
    assert longest <= 64


def test_findings_of_cdk_nag_that_stand_say_why(stage: str) -> None:
    acknowledged = synthesise(GithubStack, stage).acknowledged
    assert {entry.rule.split("[")[0] for entry in acknowledged} == {"AwsSolutions-IAM5"}
    for entry in acknowledged:
        assert len(entry.reason) > 20
        assert date.fromisoformat(entry.since)
