"""Ids, marks and members of what we make, all derived from the workspace and the agent.

Sources: IAM REST reference v1 (ServiceAccount, Role, WorkloadIdentityPool, WorkloadIdentityPoolProvider), «Principal
identifiers», «Deny policies: principals and permissions».
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, unquote

from provisioner.model.resources import Mark

ACCOUNT_ID = (6, 30)
PROVIDER_ID = (4, 32)
DENY_POLICY_ID = (3, 63)
ROLE_ID = (3, 64)
DESCRIPTION_LIMIT = 256
"""Bytes of a description: of a service account, a role, a pool, a provider."""

DISPLAY_LIMIT = 32
"""Characters of the shortest display name: a pool's and a provider's."""

SUBJECT_LIMIT = 127
"""Bytes of google.subject. Source: IAM REST reference, WorkloadIdentityPoolProvider.attributeMapping."""

_HEX = 8
_MARK = re.compile(r"\[provisioner (\S+) (\S+) (\S+)\](?: (.*))?", re.DOTALL)
_NOBODY = "-"


def account_id(workspace: str, agent: str) -> str:
    """`<workspace>-<agent>` as the id of a service account."""
    return _fit(f"{workspace}-{agent}", ACCOUNT_ID)


def provider_id(workspace: str, agent: str) -> str:
    """`<workspace>-<agent>` as the id of the agent's provider in a pool."""
    return _fit(f"{workspace}-{agent}", PROVIDER_ID)


def deny_policy_id(workspace: str, boundary: str) -> str:
    return _fit(f"{workspace}-{boundary}", DENY_POLICY_ID)


def role_id(workspace: str, tool: str, label: str) -> str:
    """The custom role of one block of a tool. Role ids have no hyphens."""
    text = f"{workspace}.{tool}.{label}"
    name = re.sub(r"[^A-Za-z0-9_.]+", "_", text)
    if len(name) <= ROLE_ID[1]:
        return name
    return f"{name[: ROLE_ID[1] - _HEX - 1]}_{hashlib.sha256(text.encode()).hexdigest()[:_HEX]}"


def _fit(text: str, limits: tuple[int, int]) -> str:
    """Lower case, hyphens for what Google refuses, a letter first; too long becomes a prefix and 8 hex of the whole."""
    least, most = limits
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name[:1].isalpha():
        name = f"a-{name}".rstrip("-")
    if len(name) < least:
        name = f"{name}-agent"
    if len(name) <= most:
        return name
    return f"{name[: most - _HEX - 1].rstrip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:_HEX]}"


def email(account: str, project: str) -> str:
    return f"{account}@{project}.iam.gserviceaccount.com"


def account_resource(email_: str, project: str) -> str:
    """The full resource name of a service account."""
    return f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email_}"


def pool_member(number: str, pool: str, subject: str) -> str:
    """A federated principal, as allow policies spell it."""
    base = f"principal://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools"
    return f"{base}/{pool}/subject/{subject}"


def deny_member(member: str) -> str:
    """A principal as deny policies and principal sets spell it."""
    account = member.removeprefix("serviceAccount:")
    if account == member:
        return member
    return f"principal://iam.googleapis.com/projects/-/serviceAccounts/{account}"


def allow_member(member: str) -> str:
    """The same principal as allow policies spell it."""
    account = member.removeprefix("principal://iam.googleapis.com/projects/-/serviceAccounts/")
    return member if account == member else f"serviceAccount:{account}"


def deny_permission(permission: str, hosts: dict[str, str]) -> str:
    """`iam.serviceAccountKeys.create` → `iam.googleapis.com/serviceAccountKeys.create`."""
    if "/" in permission:
        return permission
    service, _, rest = permission.partition(".")
    return f"{hosts.get(service, f'{service}.googleapis.com')}/{rest}"


def marked(workspace: str, agent: str | None, block: str, text: str = "") -> str:
    """A description that begins with the ownership mark. What does not fit of the text is cut off; the mark is whole:
    `validate` refuses one that is too long."""
    parts = (quote(workspace, safe=""), quote(agent, safe="") if agent else _NOBODY, quote(block, safe=".:"))
    whole = f"[provisioner {' '.join(parts)}] {' '.join(text.split())}".rstrip()
    return whole.encode()[:DESCRIPTION_LIMIT].decode(errors="ignore").rstrip()


def mark_of(description: str | None) -> Mark | None:
    """The mark that a description begins with; None where it has none."""
    found = _MARK.fullmatch(description or "")
    if found is None:
        return None
    agent = None if found[2] == _NOBODY else unquote(found[2])
    return Mark(unquote(found[1]), agent, unquote(found[3]))


ANNOTATION_WORKSPACE = "provisioner_workspace"
ANNOTATION_BLOCK = "provisioner_block"
ANNOTATION_AGENT = "provisioner_agent"


def mark_annotations(workspace: str, block: str, agent: str | None = None) -> dict[str, str]:
    own = {ANNOTATION_AGENT: agent} if agent is not None else {}
    return {**own, ANNOTATION_BLOCK: block, ANNOTATION_WORKSPACE: workspace}


def annotated_mark(given: dict[str, str] | None) -> Mark | None:
    if not given or ANNOTATION_WORKSPACE not in given:
        return None
    return Mark(given[ANNOTATION_WORKSPACE], given.get(ANNOTATION_AGENT), given.get(ANNOTATION_BLOCK, ""))
