"""Names, paths, tags and ARNs of what we make, all derived from the workspace and the agent.

Sources: IAM User Guide, «IAM and AWS STS quotas» and «Rules for tagging in IAM and AWS STS».
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import unquote

from provisioner.model.resources import Mark

ROLE_NAME_LIMIT = 64
POLICY_NAME_LIMIT = 128
TAG_VALUE_LIMIT = 256
_HEX = 8

TAG_WORKSPACE = "provisioner:workspace"
TAG_AGENT = "provisioner:agent"
TAG_ADDRESS = "provisioner:address"
MARKS = frozenset({TAG_WORKSPACE, TAG_AGENT, TAG_ADDRESS})

_FOREIGN = re.compile(r"[^A-Za-z0-9+=,.@-]+")
_TAG_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _.:/+-@")


AWS_PATHS = ("/aws-service-role/", "/aws-reserved/")
"""Paths of roles that AWS makes for itself: service-linked ones, and those of permission sets (IAM Identity Center).
Source: IAM User Guide, «Create a service-linked role»; IAM Identity Center User Guide, «Referencing permission sets».
"""


def role_name(workspace: str, agent: str) -> str:
    """`<workspace>-<agent>` as a role name."""
    return _fit(f"{workspace}-{agent}", ROLE_NAME_LIMIT)


def boundary_name(workspace: str, boundary: str) -> str:
    """The boundary policy's name, one in each account that uses it."""
    return _fit(f"{boundary_prefix(workspace)}{boundary}", POLICY_NAME_LIMIT)


def boundary_prefix(workspace: str) -> str:
    """What the names of all boundary policies of a workspace begin with, before they are shortened."""
    return f"{workspace}-boundary-"


def policy_name(part: str) -> str:
    """The inline policy's name for a grant part. Names that IAM takes as they are stay as they are."""
    return _fit(part, POLICY_NAME_LIMIT, underscore=True)


def pack_prefix(role: str) -> str:
    """What the names of the managed policies that hold a role's grants begin with."""
    return f"{role}-grants-"


def pack_name(role: str, pack: str) -> str:
    """The name of one managed policy that holds grants of a role, one of a kind in its account."""
    return _fit(f"{pack_prefix(role)}{pack}", POLICY_NAME_LIMIT)


def _fit(text: str, limit: int, underscore: bool = False) -> str:
    """Characters that IAM refuses become hyphens; what is too long becomes a prefix and 8 hex of the whole."""
    joint = "_" if underscore else "-"
    name = joint.join(_FOREIGN.sub("-", piece) for piece in text.split("_"))
    if len(name) <= limit:
        return name
    return f"{name[: limit - _HEX - 1]}-{hashlib.sha256(text.encode()).hexdigest()[:_HEX]}"


def partition(regions: tuple[str, ...]) -> str:
    """The AWS partition that the regions are in; `aws` where none is given."""
    first = regions[0] if regions else ""
    if first.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if first.startswith("us-gov-") else "aws"


def role_arn(partition_: str, account: str, path: str, name: str) -> str:
    return f"arn:{partition_}:iam::{account}:role{path}{name}"


def policy_arn(partition_: str, account: str, path: str, name: str) -> str:
    return f"arn:{partition_}:iam::{account}:policy{path}{name}"


def instance_profile_arn(partition_: str, account: str, path: str, name: str) -> str:
    return f"arn:{partition_}:iam::{account}:instance-profile{path}{name}"


def identity_name(role: str) -> str:
    """A role's name as AgentCore takes one for a workload identity."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", role)


def mark_tags(workspace: str, agent: str | None, block: str) -> dict[str, str]:
    """The tags that make a resource ours."""
    tags = {TAG_WORKSPACE: tag_value(workspace), TAG_ADDRESS: tag_value(block)}
    if agent is not None:
        tags[TAG_AGENT] = tag_value(agent)
    return dict(sorted(tags.items()))


def mark_of(tags: Mapping[str, str]) -> Mark | None:
    """The mark that tags make; None where the workspace is not among them."""
    if TAG_WORKSPACE not in tags:
        return None
    agent = tags.get(TAG_AGENT)
    return Mark(
        workspace=tag_text(tags[TAG_WORKSPACE]),
        agent=None if agent is None else tag_text(agent),
        block=tag_text(tags.get(TAG_ADDRESS, "")),
    )


def tag_value(text: str) -> str:
    """Text as a tag value. What IAM refuses (`["a"]`), and `=` itself, is written `=XX`, as in quoted-printable."""
    return "".join(char if char in _TAG_SAFE else "".join(f"={byte:02X}" for byte in char.encode()) for char in text)


def tag_text(value: str) -> str:
    """The text that a tag value stands for; a value that we cannot have written is returned as it is."""
    text = unquote(value.replace("%", "%25").replace("=", "%"), errors="replace")
    return text if tag_value(text) == value else value
