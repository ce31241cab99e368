"""A few agents, role by role: what apply reads again right before and after it writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioner.sdk.provider import Scope

from . import live, names, schema
from .bulk import read_policy
from .client import Account
from .gather import Gathered, absent_as_none
from .workload.providers import read_named
from .workload.read import profiles, profiles_of, read_workloads

_THREADS = 4


def read_single(account: Account, scope: Scope) -> Gathered:
    """Roles, policies and boundaries of `scope.agents`. Observed kinds (users, keys) are left out: no operation
    changes them, so apply does not compare them. Raises CloudError where there is no way to the cloud."""
    gathered = Gathered(account, scope)
    wanted = {a.name for a in scope.addresses if a.kind == schema.ROLE and a.target == account.id}
    wanted |= {names.role_name(scope.workspace, agent) for agent in scope.agents or ()}
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for _ in pool.map(lambda name: _read_role(gathered, name), sorted(wanted)):
            pass
    partition = account.partition
    for address in sorted(gathered.wanted_policies()):
        own = names.policy_arn(partition, account.id, schema.ROLE_PATH, address.name)
        read_policy(gathered, address.name if address.name.startswith("arn:") else _boundary_arn(gathered, own))
    read_workloads(gathered, filtered=True)
    read_named(gathered)
    return gathered


def _boundary_arn(gathered: Gathered, own: str) -> str:
    """The ARN under which a role names the policy: it may be in another path than ours."""
    name = own.rsplit("/", 1)[-1]
    for resource in gathered.resources.values():
        arn = resource.attributes.get("permissions_boundary")
        if arn and live.policy_address(gathered.account.id, arn).name == name:
            return str(arn)
    return own


def _read_role(gathered: Gathered, name: str) -> None:
    account, scope = gathered.account, gathered.scope
    raw = gathered.attempt(f"role {name}", "iam:GetRole", lambda: get_role(account, name))
    if raw is None:
        return
    role = live.role(account.id, scope.workspace, raw, raw)
    if not gathered.in_scope(role):
        return
    gathered.add_role(role, raw)
    agents = (role.agent,) if role.agent else ()
    for inline in _inline_names(gathered, name, agents):
        found = gathered.attempt(
            f"inline policy {inline} of role {name}", "iam:GetRolePolicy", _inline(account, name, inline), agents
        )
        if found is not None:
            gathered.add(live.inline_policy(role, inline, found["PolicyDocument"]))
    attached = gathered.attempt(
        f"attached policies of role {name}",
        "iam:ListAttachedRolePolicies",
        lambda: attached_arns(account, name),
        agents,
    )
    gathered.attachments(role, attached or [])
    held = gathered.attempt(
        f"instance profiles of role {name}",
        "iam:ListInstanceProfilesForRole",
        lambda: profiles_of(account, name),
        agents,
    )
    profiles(gathered, role, held or ())
    for address in sorted(scope.addresses):
        ours = address.kind == schema.PACK and address.name.startswith(f"{name}/") and address.target == account.id
        if ours and address not in gathered.resources:
            arn = names.policy_arn(account.partition, account.id, schema.ROLE_PATH, address.name.rpartition("/")[2])
            if gathered.policy_with_document(arn, agents) is not None:
                gathered.pack(role, arn, is_attached=False)


def get_role(account: Account, name: str) -> dict[str, Any] | None:
    """GetRole's answer, tags included; None where there is no such role."""
    answer = absent_as_none(lambda: account.read("get_role", RoleName=name))
    return None if answer is None else dict(answer["Role"])


def _inline_names(gathered: Gathered, role: str, agents: tuple[str, ...]) -> list[str]:
    def read() -> list[str]:
        pages = gathered.account.pages("list_role_policies", RoleName=role)
        return [name for page in pages for name in page["PolicyNames"]]

    return gathered.attempt(f"inline policies of role {role}", "iam:ListRolePolicies", read, agents) or []


def attached_arns(account: Account, role: str) -> list[str]:
    """ARNs of the managed policies on a role."""
    pages = account.pages("list_attached_role_policies", RoleName=role)
    return [item["PolicyArn"] for page in pages for item in page["AttachedPolicies"]]


def _inline(account: Account, role: str, policy: str) -> Callable[[], dict[str, Any] | None]:
    """GetRolePolicy, to be called; None where it went away since it was listed."""
    return lambda: absent_as_none(lambda: account.read("get_role_policy", RoleName=role, PolicyName=policy))
