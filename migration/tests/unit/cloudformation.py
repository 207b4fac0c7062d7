"""A CloudFormation of the tests: it keeps stacks in memory and answers as boto3's client does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from migration.kit.templates import Template


@dataclass
class FakeCloudFormation:
    """`stacks`: name → template. `planned`: what the next change set shows, if given."""

    stacks: dict[str, Template] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    planned: list[dict[str, Any]] | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    parameters: list[dict[str, str]] = field(default_factory=list)
    failure: str = ""
    after: str = "UPDATE_COMPLETE"
    _pending: dict[str, tuple[str, Template]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def create_change_set(self, **request: Any) -> dict[str, str]:
        name = request["StackName"]
        url = request.get("TemplateURL", "")
        template = json.loads(self.objects[url] if url else request["TemplateBody"])
        self.parameters = request["Parameters"]
        self.calls.append(f"plan {request['ChangeSetType']} {name}")
        arn = f"arn:{len(self.calls)}"
        self._pending[arn] = (name, template)
        return {"Id": arn}

    def describe_change_set(self, ChangeSetName: str, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.failure:
            return {"Status": "FAILED", "StatusReason": self.failure}
        name, template = self._pending[ChangeSetName]
        changes = self.planned if self.planned is not None else self._changes(name, template)
        if not changes:
            return {"Status": "FAILED", "StatusReason": "The template didn't contain changes."}
        return {"Status": "CREATE_COMPLETE", "Changes": changes}

    def _changes(self, name: str, template: Template) -> list[dict[str, Any]]:
        imported = self.calls[-1].startswith("plan IMPORT")
        new = template["Resources"].keys() - self.stacks.get(name, {}).get("Resources", {}).keys()
        action = "Import" if imported else "Add"
        return [change(action, logical_id) for logical_id in sorted(new)]

    def execute_change_set(self, ChangeSetName: str, StackName: str) -> None:  # noqa: N803
        name, template = self._pending.pop(ChangeSetName)
        self.calls.append(f"execute {name}")
        self.stacks[name] = template
        if self.after != "UPDATE_COMPLETE":
            self._failed.add(name)

    def delete_change_set(self, ChangeSetName: str, StackName: str) -> None:  # noqa: N803
        self._pending.pop(ChangeSetName)
        self.calls.append(f"discard {StackName}")

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.calls.append(f"delete {StackName}")
        del self.stacks[StackName]

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName not in self.stacks:
            missing = {"Error": {"Code": "ValidationError", "Message": "does not exist"}}
            raise ClientError(missing, "DescribeStacks")
        status = self.after if StackName in self._failed else "UPDATE_COMPLETE"
        return {"Stacks": [{"StackStatus": status}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        event = {"ResourceStatus": "UPDATE_FAILED", "ResourceStatusReason": "no such role"}
        return {"StackEvents": [event]}

    def get_template(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"TemplateBody": self.stacks[StackName]}

    def get_paginator(self, operation: str) -> FakeCloudFormation:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        ids = self.stacks[StackName]["Resources"]
        summaries = [
            {
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": logical_id.lower(),
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for logical_id in ids
        ]
        return [{"StackResourceSummaries": summaries}]


def change(action: str, logical_id: str, replacement: str = "False") -> dict[str, Any]:
    """A change as a change set describes it."""
    described = {
        "Action": action,
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::SQS::Queue",
        "Replacement": replacement,
    }
    return {"ResourceChange": described}
