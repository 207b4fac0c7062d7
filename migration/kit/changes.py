"""Change sets as data: planned, held against the counts that a phase declares, then executed."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from migration.kit.templates import Template

Kind = Literal["CREATE", "UPDATE", "IMPORT"]
ACTIONS: Final = {"Add": "add", "Modify": "modify", "Remove": "remove", "Import": "imported"}
NOTHING: Final = ("didn't contain changes", "No updates are to be performed")
WAIT_SECONDS: Final = 300.0
BODY_BYTES: Final = 51_200
"""A longer template is read from a bucket: CloudFormation's limit for one in a request."""
CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")


class ChangeError(RuntimeError):
    """A change set failed, or is not what the phase declares."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a change set does. `replace` counts modifications that make a resource anew.

    `conditional` are modifications that may make it anew: what CloudFormation decides only then.
    `possible` are resources that refer to a modified one: whether their own values change is known
    only when the change set is executed.
    """

    add: int = 0
    modify: int = 0
    remove: int = 0
    imported: int = 0
    replace: int = 0
    conditional: int = 0
    possible: int = 0

    def __str__(self) -> str:
        pairs = ((name, getattr(self, name)) for name in self.__slots__)
        return ", ".join(f"{name} {number}" for name, number in pairs if number) or "no changes"

    def admits(self, counts: Counts) -> bool:
        """Whether a change set is exactly the declared one."""
        return self == counts


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in place of counts where today's templates come in, which change with the services.

    Nothing that stays is made anew. Where that is conditional, a phase compares identities.
    """

    remove: int | None = 0
    """At most so many; `None`: any number."""

    def __str__(self) -> str:
        removed = "any removal" if self.remove is None else f"at most {self.remove} removed"
        return f"{removed}, none replaced"

    def admits(self, counts: Counts) -> bool:
        """Whether a change set stays within the bounds."""
        return counts.replace == 0 and (self.remove is None or counts.remove <= self.remove)


Declared = Counts | Limits


@dataclass(frozen=True, slots=True)
class Change:
    """One resource of a change set."""

    action: str
    logical_id: str
    kind: str
    replacement: str = "False"
    """Whether it is made anew: `True`, `False` or `Conditional`."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A planned change of one stack; `arn` is empty when there is nothing to execute."""

    stack: str
    kind: Kind
    changes: tuple[Change, ...]
    arn: str = ""

    @property
    def counts(self) -> Counts:
        """How many resources it adds, modifies, removes, imports and replaces."""
        number = Counter(change.action for change in self.changes)
        kinds = Counter(change.replacement for change in self.changes)
        number["replace"], number["conditional"] = kinds["True"], kinds["Conditional"]
        return Counts(**number)


@dataclass(frozen=True, slots=True)
class Stacks:
    """CloudFormation, as far as the migration needs it. `cloudformation` is boto3's client.

    `parameters` are given to the templates that declare them; long templates go into `bucket`.
    """

    cloudformation: Any
    s3: Any = None
    bucket: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    def plan(
        self,
        stack: str,
        template: Template,
        kind: Kind = "UPDATE",
        imports: Sequence[dict[str, Any]] = (),
    ) -> ChangeSet:
        """What CloudFormation would do; nothing is done yet. Raises `ChangeError`."""
        request: dict[str, Any] = {"ResourcesToImport": list(imports)} if imports else {}
        answer = self.cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"migration-{uuid.uuid4().hex[:12]}",
            ChangeSetType=kind,
            Capabilities=list(CAPABILITIES),
            Parameters=self._parameters(template),
            **self._source(template),
            **request,
        )
        return self._described(stack, kind, answer["Id"])

    def _parameters(self, template: Template) -> list[dict[str, str]]:
        declared = template.get("Parameters", {})
        return [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in self.parameters.items()
            if name in declared
        ]

    def _source(self, template: Template) -> dict[str, str]:
        body = json.dumps(template)
        if len(body) <= BODY_BYTES:
            return {"TemplateBody": body}
        key = f"migration/{hashlib.sha256(body.encode()).hexdigest()}.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        return {"TemplateURL": f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"}

    def apply(self, change_set: ChangeSet, declared: Declared) -> ChangeSet:
        """Execute a change set whose counts are the declared ones. Raises `ChangeError`.

        A refused one is deleted: nobody can execute it later by mistake.
        """
        if not declared.admits(change_set.counts):
            self._discard(change_set)
            found = f"{change_set.counts}; declared was: {declared}"
            raise ChangeError(f"{change_set.stack}: refused, the change set has {found}")
        if change_set.changes:
            self.cloudformation.execute_change_set(
                ChangeSetName=change_set.arn, StackName=change_set.stack
            )
            self.wait(change_set.stack)
        else:
            self._discard(change_set)
        return change_set

    def reach(self, stack: str, template: Template, declared: Declared) -> ChangeSet:
        """Update a stack to a template, unless it is there already. Raises `ChangeError`."""
        self.wait(stack)  # for a change that an interrupted command began
        plan = self.plan(stack, template)
        return self.apply(plan, declared if plan.changes else Counts())

    def make(self, stack: str, template: Template) -> ChangeSet:
        """Create a stack, or update the one that is there. Raises `ChangeError`."""
        if self.status(stack) is not None:
            return self.reach(stack, template, Limits())
        plan = self.plan(stack, template, "CREATE")
        return self.apply(plan, Counts(add=len(plan.changes)))

    def delete(self, stack: str) -> None:
        """Delete a stack, if there is one; what its template retains stays.

        Raises `ChangeError`.
        """
        if self.status(stack) is None:
            return
        self.cloudformation.delete_stack(StackName=stack)
        self.wait(stack)

    def status(self, stack: str) -> str | None:
        """A stack's status; `None` if there is none."""
        try:
            [found] = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None
        status = str(found["StackStatus"])
        return None if status in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") else status

    def template(self, stack: str) -> Template:
        """The template as it was deployed."""
        body = self.cloudformation.get_template(StackName=stack)["TemplateBody"]
        found: Template = json.loads(body) if isinstance(body, str) else body
        return found

    def physical_ids(self, stack: str) -> dict[str, str]:
        """Logical id → what AWS calls the resource; empty if there is no such stack."""
        if self.status(stack) is None:
            return {}
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if not one["ResourceStatus"].startswith("DELETE")
        }

    def wait(self, stack: str) -> None:
        """Until the stack is at rest. Raises `ChangeError` when that is not as it was meant."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (status := self.status(stack) or "").endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise ChangeError(f"{stack} is still {status} after {WAIT_SECONDS:.0f} s")
            time.sleep(0.1)
        if "FAILED" in status or "ROLLBACK" in status:
            raise ChangeError(f"{stack} is {status}: {self._reason(stack)}")

    def _described(self, stack: str, kind: Kind, arn: str) -> ChangeSet:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            found = self.cloudformation.describe_change_set(ChangeSetName=arn, StackName=stack)
            if found["Status"] == "CREATE_COMPLETE":
                return ChangeSet(stack, kind, tuple(map(_change, found["Changes"])), arn)
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                if any(phrase in reason for phrase in NOTHING):
                    return ChangeSet(stack, kind, (), arn)
                raise ChangeError(f"{stack}: {reason}")
            time.sleep(0.1)
        raise ChangeError(f"{stack}: no change set after {WAIT_SECONDS:.0f} s")

    def _discard(self, change_set: ChangeSet) -> None:
        self.cloudformation.delete_change_set(
            ChangeSetName=change_set.arn, StackName=change_set.stack
        )

    def _reason(self, stack: str) -> str:
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = (one for one in events if "FAILED" in one["ResourceStatus"])
        return next((str(one.get("ResourceStatusReason")) for one in failed), "no reason given")


def _change(described: dict[str, Any]) -> Change:
    resource = described["ResourceChange"]
    certain = _is_certain(resource)
    return Change(
        ACTIONS[resource["Action"]] if certain else "possible",
        resource["LogicalResourceId"],
        resource["ResourceType"],
        str(resource.get("Replacement", "False")) if certain else "False",
    )


def _is_certain(resource: dict[str, Any]) -> bool:
    """Whether the template itself changes the resource, and not another resource's new value."""
    details = resource.get("Details", ())
    return not details or any(one["Evaluation"] == "Static" for one in details)
