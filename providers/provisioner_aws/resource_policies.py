"""Policies that stand on resources themselves, where a tool says that it needs one: read, never written.

Each service has a call of its own for it, so there is one row a service. What has no row is told as not read.
Sources: the services' API references (GetBucketPolicy, GetKeyPolicy, GetResourcePolicy, GetTopicAttributes).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore import exceptions as boto

from provisioner.model.authority import Authority
from provisioner.model.configuration import Settings, Tool
from provisioner.model.resources import ResourcePolicy
from provisioner.sdk.provider import Scope

from .client import Account
from .compile import agent_place, aws_parts
from .faults import ANSWERS, Fault, classify, message

_COLONS = 5
"""In an ARN: five before the resource, which may have more."""

REQUIREMENT = "resource_policy"


@dataclass(frozen=True, slots=True)
class Way:
    """How one service is asked: its call, the permission, the parameter that names the resource (by its ARN, or by
    `named`), what else the call takes, where the policy stands in the answer, the code that says that there is none."""

    action: str
    permission: str
    parameter: str
    part: tuple[str, ...]
    none: str = ""
    more: Mapping[str, str] | None = None
    named: Callable[[str], str] = str


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


WAYS: Mapping[str, Way] = {
    "s3": Way("get_bucket_policy", "s3:GetBucketPolicy", "Bucket", ("Policy",), "NoSuchBucketPolicy", named=_last),
    "kms": Way("get_key_policy", "kms:GetKeyPolicy", "KeyId", ("Policy",), more={"PolicyName": "default"}),
    "secretsmanager": Way(
        "get_resource_policy", "secretsmanager:GetResourcePolicy", "SecretId", ("ResourcePolicy",)
    ),
    "sns": Way("get_topic_attributes", "sns:GetTopicAttributes", "TopicArn", ("Attributes", "Policy")),
    "dynamodb": Way(
        "get_resource_policy", "dynamodb:GetResourcePolicy", "ResourceArn", ("Policy",), "PolicyNotFoundException"
    ),
}  # fmt: skip
"""By the third part of the resource's ARN."""


def requirements(tool: Tool) -> Iterable[Settings]:
    """The `requires "resource_policy"` blocks of a tool."""
    return (item for item in tool.requires if item.labels[:1] == (REQUIREMENT,))


def named(authority: Authority) -> frozenset[tuple[str, str]]:
    """Account and ARN of every resource whose own policy a granted tool needs: the agent's account is asked."""
    return frozenset(
        (agent_place(authority, part.agent).account, str(item.get("resource")))
        for part in aws_parts(authority)
        for tool in part.tools
        for item in requirements(tool)
    )


def permission(arn: str) -> str | None:
    """The action that reads the policy of a resource; None where there is no way to it."""
    way = WAYS.get(_service(arn))
    return way.permission if way is not None else None


def read_policies(account: Account, scope: Scope) -> tuple[ResourcePolicy, ...]:
    """The policies of the resources that the scope names in this account. What cannot be read says so, and raises
    nothing: it is somebody else's resource."""
    wanted = sorted(resource for target, resource in scope.policies if target == account.id)
    return tuple(_read(account, arn) for arn in wanted)


def _service(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") >= _COLONS else ""


def _read(account: Account, arn: str) -> ResourcePolicy:
    way = WAYS.get(_service(arn))
    if way is None:
        why = f"this tool reads those of {', '.join(WAYS)} alone"
        return ResourcePolicy(account.id, arn, None, why)
    region = arn.split(":", 5)[3] or account.region
    arguments = {way.parameter: way.named(arn), **(way.more or {})}
    try:
        answer: Any = account.read_in(_service(arn), region, way.action, **arguments)
        for name in way.part:
            answer = (answer or {}).get(name)
        document = json.loads(answer) if answer else None
        if document is not None and not isinstance(document, dict):
            return ResourcePolicy(account.id, arn, None, "it is no policy document")
        return ResourcePolicy(account.id, arn, document)
    except ValueError as error:
        return ResourcePolicy(account.id, arn, None, f"it is no JSON: {error}")
    except ANSWERS as error:
        if isinstance(error, boto.ClientError) and error.response.get("Error", {}).get("Code") == way.none:
            return ResourcePolicy(account.id, arn, None)
        lacks = f" (it takes {way.permission})" if classify(error) is Fault.DENIED else ""
        return ResourcePolicy(account.id, arn, None, f"{message(error)}{lacks}")


def unread(policies: Sequence[ResourcePolicy]) -> Iterable[str]:
    """One line for each that could not be read."""
    return (f"resource policy of {item.resource}: not read: {item.unread}" for item in policies if item.unread)
