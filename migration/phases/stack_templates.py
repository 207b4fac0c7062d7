"""The templates of every state: what each stack has, from the two of state 1 to today's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from migration.before.names import (
    FACTS_TABLE,
    OWN_TABLE,
    OWNERS,
    REPLICA,
    REPORT,
    SCAFFOLD,
    SHARED_TABLE,
    WRITERS,
    stack_name,
)
from migration.kit.templates import Template
from migration.phases import p1
from migration.phases.context import Context
from migration.phases.tables import (
    configured,
    granted,
    table_of,
    with_table,
    without,
    without_kind,
)

PROCESSOR: Final = stack_name("processor")
REPORTER: Final = stack_name("reporter")
LINKS: Final = stack_name("reporter-links")
MIGRATION: Final = stack_name(SCAFFOLD)
INGEST, EXPIRE = WRITERS
HANDLERS: Final = {
    INGEST: "cv_processor.entrypoints.ingest.handler",
    EXPIRE: "cv_processor.entrypoints.expire.handler",
}
DUAL: Final = {INGEST: "cv_pragmatic.dual.ingest", EXPIRE: "cv_pragmatic.dual.close"}
REPORTING: Final = {REPORT: "cv_pragmatic.report.handler"}
ALARM: Final = "AWS::CloudWatch::Alarm"
CLOSED: Final = {"dynamodb": {"NewImage": {"closedDay": {"S": [{"prefix": "DAY#"}]}}}}
"""The changes that make a fact."""
RELAY_MAPPING: Final = "RelayFromStream"
ROLES: Final = {owner: stack_name(f"deploy-{owner}") for owner in OWNERS}
"""Who delivers a service, and nothing else."""


def _arn(logical_id: str) -> object:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


@dataclass(frozen=True)
class Templates:
    """Of the account that `context` names: literal names in them have its number."""

    context: Context

    @cached_property
    def _alone(self) -> Mapping[str, Template]:
        return p1.templates(self.context)

    # ---- the Processor's stack ------------------------------------------------------------------

    @property
    def shared(self) -> Template:
        """State 1."""
        return self._alone[PROCESSOR]

    @cached_property
    def expanded(self) -> Template:
        """With today's table, which nobody uses."""
        return with_table(self.shared, self.context.today("processor"))

    def dual(self, handlers: Mapping[str, str] = DUAL) -> Template:
        """Both tables are written."""
        shared, own = self._tables()
        both = granted(self.expanded, _arn(shared), [_arn(shared), _arn(own)])
        return configured(both, handlers, {"TABLES": f"{SHARED_TABLE},{OWN_TABLE}"})

    def own(self) -> Template:
        """Today's handlers on the new table; no function may use the shared one any more."""
        shared, own = self._tables()
        moved = granted(self.expanded, _arn(shared), [_arn(own)])
        return configured(moved, HANDLERS, {"TABLE_NAME": {"Ref": own}})

    def alone(self, version: str = "0") -> Template:
        """State 2: without the shared table. State 3 is another version of it."""
        template = without(self.own(), table_of(self.expanded, SHARED_TABLE))
        return configured(template, HANDLERS, {"SERVICE_VERSION": version})

    def _tables(self) -> tuple[str, str]:
        return table_of(self.expanded, SHARED_TABLE), table_of(self.expanded, OWN_TABLE)

    # ---- the Reporter's stack -------------------------------------------------------------------

    def reading(self, table: str) -> Template:
        """Its report reads the Processor's rows in a table."""
        template = self._alone[REPORTER]
        if table == SHARED_TABLE:
            return template
        shared = self.context.table_arn(SHARED_TABLE)
        both = granted(template, shared, [shared, self.context.table_arn(table)])
        return configured(both, REPORTING, {"QUESTIONS": f"rows:{table}"})

    def with_facts_table(self) -> Template:
        """With today's table, which the replica fills and nobody here reads."""
        return with_table(self.reading(OWN_TABLE), self.context.today("reporter"))

    def reading_facts(self) -> Template:
        """Its report reads the facts; what it keeps itself is still in the shared table."""
        shared, facts = self.context.table_arn(SHARED_TABLE), _arn(self._facts_table)
        template = with_table(self.reading(SHARED_TABLE), self.context.today("reporter"))
        both = granted(template, shared, [shared, facts])
        return configured(both, REPORTING, {"QUESTIONS": f"facts:{FACTS_TABLE}"})

    def apart(self, version: str = "0") -> Template:
        """State 2: all that it keeps is in its own table. State 3 is another version of it."""
        shared, facts = self.context.table_arn(SHARED_TABLE), self._facts_table
        template = with_table(self.reading(SHARED_TABLE), self.context.today("reporter"))
        variables: dict[str, object] = {
            "TABLE_NAME": {"Ref": facts},
            "QUESTIONS": f"facts:{FACTS_TABLE}",
            "SERVICE_VERSION": version,
        }
        return configured(granted(template, shared, [_arn(facts)]), REPORTING, variables)

    @property
    def _facts_table(self) -> str:
        return table_of(self.context.today("reporter"))

    # ---- today's --------------------------------------------------------------------------------

    def today(self, unit: str, *, relay: bool = True) -> Template:
        """Today's without what only observes; without `relay`, nothing feeds the Processor's."""
        template = without_kind(self.context.today(unit), ALARM)
        if relay:
            return template
        [mapping] = [id_ for id_ in template["Resources"] if id_.startswith(RELAY_MAPPING)]
        return without(template, mapping)

    # ---- the migration's own stack --------------------------------------------------------------

    def scaffold(
        self, *, replica: bool = False, shared: bool = False, roles: bool = False
    ) -> Template:
        """The replica of facts, the shared table that nobody uses any more, the deploying roles."""
        resources: dict[str, Any] = {}
        if replica:
            resources |= self._replica()
        if shared:
            resources["Shared"] = self.shared["Resources"][table_of(self.shared, SHARED_TABLE)]
        if roles:
            resources |= {f"Deploy{owner.capitalize()}": self._role(owner) for owner in OWNERS}
        return {"Resources": resources}

    def _replica(self) -> dict[str, Any]:
        dynamodb = self.context.account.client("dynamodb")
        stream = dynamodb.describe_table(TableName=OWN_TABLE)["Table"]["LatestStreamArn"]
        [report] = [
            resource["Properties"]
            for resource in self.reading(SHARED_TABLE)["Resources"].values()
            if resource["Properties"].get("FunctionName") == REPORT
        ]
        variables = {**report["Environment"]["Variables"], "TABLE_NAME": FACTS_TABLE}
        copied = ("Architectures", "Code", "MemorySize", "Runtime", "Timeout")
        function = {name: report[name] for name in copied} | {
            "FunctionName": REPLICA,
            "Handler": "cv_pragmatic.replica.handler",
            "Role": _arn("ReplicaRole"),
            "LoggingConfig": {"LogGroup": {"Ref": "ReplicaLogs"}},
            "Environment": {"Variables": variables},
        }
        mapping = {
            "EventSourceArn": stream,
            "FunctionName": {"Ref": "Replica"},
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 500,
            "BisectBatchOnFunctionError": True,
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps(CLOSED)}]},
        }
        logs = {"LogGroupName": f"/aws/lambda/{REPLICA}", "RetentionInDays": 1}
        return {
            "ReplicaLogs": _resource("AWS::Logs::LogGroup", logs),
            "ReplicaRole": _resource("AWS::IAM::Role", self._replica_role(stream)),
            "Replica": _resource("AWS::Lambda::Function", function),
            "ReplicaFromStream": _resource("AWS::Lambda::EventSourceMapping", mapping),
        }

    def _replica_role(self, stream: str) -> dict[str, Any]:
        facts = self.context.table_arn(FACTS_TABLE)
        reads = [
            f"dynamodb:{name}" for name in ("DescribeStream", "GetRecords", "GetShardIterator")
        ]
        writes = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"]
        statements = [
            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], _arn("ReplicaLogs")),
            _allow(reads, stream),
            _allow(["dynamodb:ListStreams"], "*"),
            _allow([f"dynamodb:{name}" for name in writes], facts),
            _allow(["dynamodb:Query"], f"{facts}/index/lookup"),
        ]
        return _role_of(REPLICA, {"Service": "lambda.amazonaws.com"}, statements)

    def _role(self, owner: str) -> dict[str, Any]:
        """Its stack, and what stands in it; no other stack."""
        place = f"{self.context.region}:{self.context.account_id}"
        own = f"cv-analytics-local-{owner}-*"
        statements = [
            _allow(
                ["cloudformation:*"],
                f"arn:aws:cloudformation:{place}:stack/{stack_name(owner)}/*",
            ),
            _allow(["lambda:*"], f"arn:aws:lambda:{place}:function:{own}"),
            _allow(
                ["iam:GetRole", "iam:PassRole"],
                f"arn:aws:iam::{self.context.account_id}:role/{own}",
            ),
            _allow(["s3:GetObject"], f"arn:aws:s3:::{self.context.stacks.bucket}/*"),
        ]
        trusted = {"AWS": f"arn:aws:iam::{self.context.account_id}:root"}
        return _resource("AWS::IAM::Role", _role_of(ROLES[owner], trusted, statements))


def _resource(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _role_of(
    name: str, principal: dict[str, str], statements: list[dict[str, Any]]
) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    grants = {"Version": "2012-10-17", "Statement": statements}
    return {
        "RoleName": name,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "grants", "PolicyDocument": grants}],
    }


def _allow(actions: list[str], resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
