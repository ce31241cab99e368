"""The policies that a runner needs, and no more: from what the operations and the reads say of themselves.

An apply's actions are those of every operation that a plan over the desired resources, or over something foreign on
them, can have; each is asked of `operations` for a change made up for it. A read's actions stand in one table beside
the kinds that they are for; a test holds the table against the calls in the code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Change, Effect
from provisioner.model.resources import Address, Desired, Resource
from provisioner.sdk.provider import RunnerPolicy

from . import names, schema
from .compile import agent_place, aws_agents, boundary_of, foreign_boundary, place_of, role_path
from .marks import with_mark
from .operations import operations
from .resource_policies import named, permission
from .runner_reach import RunnerAccount, read_resources, write_resources
from .trust import VERSION

READS: Mapping[str, frozenset[str]] = {
    "iam:GetAccountAuthorizationDetails": frozenset(),
    "iam:GetAccountSummary": frozenset(),
    "iam:ListRoles": frozenset(),
    "iam:GetRole": frozenset(),
    "iam:ListRolePolicies": frozenset(),
    "iam:GetRolePolicy": frozenset(),
    "iam:ListAttachedRolePolicies": frozenset(),
    "iam:GetPolicy": frozenset(),
    "iam:GetPolicyVersion": frozenset(),
    "iam:ListPolicyTags": frozenset(),
    "iam:ListAccessKeys": frozenset(),
    "iam:GetLoginProfile": frozenset(),
    "iam:ListServiceSpecificCredentials": frozenset(),
    "iam:ListSigningCertificates": frozenset(),
    "iam:ListSSHPublicKeys": frozenset(),
    "iam:ListOpenIDConnectProviders": frozenset(),
    "iam:GetOpenIDConnectProvider": frozenset(),
    "iam:ListInstanceProfilesForRole": frozenset(),
    "eks:ListPodIdentityAssociations": frozenset({schema.POD_IDENTITY}),
    "eks:DescribePodIdentityAssociation": frozenset({schema.POD_IDENTITY}),
    "bedrock-agentcore:ListWorkloadIdentities": frozenset({schema.WORKLOAD_IDENTITY}),
    "bedrock-agentcore:GetWorkloadIdentity": frozenset({schema.WORKLOAD_IDENTITY}),
    "bedrock-agentcore:ListTagsForResource": frozenset({schema.WORKLOAD_IDENTITY}),
}
"""What a plan, a drift run and the checks of an apply read; empty: always, otherwise only where such a kind is made."""

APPLY_READS = frozenset({"iam:GetInstanceProfile", "iam:ListPolicyVersions"})
"""Read by an apply alone, beside its operations' own."""

DRIFT_READS = frozenset({"cloudtrail:LookupEvents"})
"""Read by a drift run that has found something, to tell who did it. Without it the run is no less complete."""

_ALWAYS = (schema.ROLE, schema.ROLE_POLICY, schema.ATTACHMENT, schema.PACK, schema.POLICY)
"""Kinds that a plan may change whatever the configuration says: what was added to an agent is taken off."""

_OWNED_ROLE = frozenset(
    f"iam:{name}"
    for name in [
        "AttachRolePolicy",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UntagRole",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
    ]
)
_OWNED_POLICY = frozenset(
    f"iam:{name}" for name in ["CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "UntagPolicy"]
)
_OWNED_BESIDE = frozenset(
    [
        "eks:DeletePodIdentityAssociation",
        "eks:UntagResource",
        "iam:AddClientIDToOpenIDConnectProvider",
        "iam:AddRoleToInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:DeleteOpenIDConnectProvider",
        "iam:RemoveClientIDFromOpenIDConnectProvider",
        "iam:UntagInstanceProfile",
        "iam:UntagOpenIDConnectProvider",
        "iam:UpdateOpenIDConnectProviderThumbprint",
    ]
)
"""What is changed beside the role only where it carries the mark. A workload identity's actions are asked for its
directory too, which carries none: its name says whose it is."""

_CREATES = frozenset(
    [
        "bedrock-agentcore:CreateWorkloadIdentity",
        "eks:CreatePodIdentityAssociation",
        "iam:CreateInstanceProfile",
        "iam:CreateOpenIDConnectProvider",
        "iam:CreatePolicy",
        "iam:CreateRole",
    ]
)
_PASSED_TO = {schema.INSTANCE_PROFILE: "ec2.amazonaws.com", schema.POD_IDENTITY: "pods.eks.amazonaws.com"}
Statement = dict[str, Any]


def permissions(authority: Authority, desired: Sequence[Desired], purpose: str) -> Iterable[RunnerPolicy]:
    """One policy for each account. `purpose` is `plan`, `drift` or `apply`; a drift run reads what a plan reads."""
    for account in _accounts(authority, desired):
        statements = [*_reading(account, purpose)]
        if purpose != "apply":
            statements += _resource_policies(authority, account)
        else:
            statements += _writing(account)
        document = {"Version": VERSION, "Statement": statements}
        yield RunnerPolicy(f"aws {account.place.account}", account.key, purpose, document)


def _accounts(authority: Authority, desired: Sequence[Desired]) -> Iterable[RunnerAccount]:
    seen: set[str] = set()
    for key in sorted(authority.targets):
        place = place_of(authority, key)
        if place.account in seen:
            continue
        seen.add(place.account)
        agents = [agent for agent in aws_agents(authority) if agent_place(authority, agent).account == place.account]
        paths = tuple(sorted({schema.ROLE_PATH, *(role_path(agent) for agent in agents)}))
        own = tuple(item for item in desired if item.resource.address.target == place.account)
        bounded = all(boundary_of(authority.configuration, agent) is not None for agent in agents)
        found = (boundary_of(authority.configuration, agent) for agent in agents)
        arns = {foreign_boundary(boundary, place) for boundary in found if boundary is not None} - {None}
        foreign = tuple(sorted(str(arn) for arn in arns))
        yield RunnerAccount(key, place, authority.workspace, paths, own, bounded and bool(agents), foreign)


def _reading(account: RunnerAccount, purpose: str) -> Iterable[Statement]:
    """Reads reach every name: IAM judges a look at what is not there by the bare name, without its path."""
    wanted = [action for action, kinds in READS.items() if not kinds or kinds & account.kinds]
    if purpose == "apply":
        wanted += sorted(APPLY_READS)
    elif purpose == "drift":
        wanted += sorted(DRIFT_READS)
    yield from _grouped((action, read_resources(account, action), {}) for action in wanted)


def _resource_policies(authority: Authority, account: RunnerAccount) -> Iterable[Statement]:
    """A plan reads the policies that tools name, and those alone."""
    by_action: dict[str, list[str]] = defaultdict(list)
    for id_, arn in sorted(named(authority)):
        action = permission(arn)
        if id_ == account.place.account and action is not None:
            by_action[action].append(arn)
    return _grouped((action, arns, {}) for action, arns in sorted(by_action.items()))


def _writing(account: RunnerAccount) -> Iterable[Statement]:
    needed = sorted(_actions(account) - set(READS) - APPLY_READS)
    yield from _grouped((action, write_resources(account, action), _conditions(account, action)) for action in needed)


def _actions(account: RunnerAccount) -> set[str]:
    """Every verb, and everything that goes with it, of the operations that a plan here can have."""
    found: set[str] = set()
    for change in _changes(account):
        for operation in operations(change):
            found |= {operation.verb, *operation.permissions}
    return found


def _changes(account: RunnerAccount) -> Iterable[Change]:
    samples: dict[str, Resource] = {}
    for item in account.desired:
        samples.setdefault(item.resource.address.kind, item.resource)
    for kind in (*_ALWAYS, *sorted(account.kinds - set(_ALWAYS))):
        sample = samples.get(kind) or _sample(account, kind)
        if schema.provider_schema().kinds[kind].observed:
            continue
        if schema.provider_schema().kinds[kind].mark:  # what is let go of loses its mark
            yield _change(sample, sample.attributes, with_mark(kind, sample.attributes, None))
        if kind != schema.ATTACHMENT:
            yield _change(sample, None, sample.attributes)
            for other in _others(account, sample):
                yield _change(sample, other, sample.attributes)
                yield _change(sample, sample.attributes, other)
        yield _change(sample, sample.attributes, None)
    profile = _foreign_profile(account)
    yield _change(profile, profile.attributes, None)


def _foreign_profile(account: RunnerAccount) -> Resource:
    """Somebody's instance profile that an agent's role was put into, whatever it runs in: a plan takes it out."""
    role = f"{account.prefix}x"
    attributes = {
        "arn": account.arn("instance-profile/theirs"),
        "role_arn": account.arn(f"role{schema.ROLE_PATH}{role}"),
        "path": "/",
        "tags": {},
    }
    address = Address("aws", account.place.account, schema.INSTANCE_PROFILE, f"{role}/theirs")
    return Resource(address, attributes, "x")


def _change(sample: Resource, before: Any, after: Any) -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    return Change(1, action, sample.address, "", sample.agent, None, (), {}, Effect.UNKNOWN, (), (), "", before, after)


_EMPTY: Mapping[str, Any] = {"Version": VERSION, "Statement": []}
_OTHER: Mapping[str, tuple[Any, ...]] = {
    "tags": ({"x": "y"}, {}),
    "document": (_EMPTY,),
    "trust": (_EMPTY,),
    "description": ("something else",),
    "max_session_duration": (7200,),
    "is_attached": (False,),
    "client_ids": (["somebody.else"],),
    "thumbprints": (["00"],),
    "return_urls": (["https://example.invalid"],),
}
"""Other values of each field that a plan can find or make."""


def _others(account: RunnerAccount, sample: Resource) -> Iterable[Mapping[str, Any]]:
    for field, values in _OTHER.items():
        if field in sample.attributes:
            yield from ({**sample.attributes, field: value} for value in values)
    if sample.address.kind == schema.ROLE:
        boundary = account.arn(f"policy{schema.ROLE_PATH}x")
        yield {**sample.attributes, "permissions_boundary": boundary}
        if not account.all_bounded:
            yield {**sample.attributes, "permissions_boundary": None}


def _sample(account: RunnerAccount, kind: str) -> Resource:
    """Something foreign of a kind that the configuration does not make."""
    role, policy = f"{account.prefix}x", f"{names.pack_prefix(f'{account.prefix}x')}0"
    arn = account.arn(f"policy{schema.ROLE_PATH}{policy}")
    name = {schema.ROLE_POLICY: f"{role}/x", schema.ATTACHMENT: f"{role}/{arn}", schema.PACK: f"{role}/{policy}"}
    attributes = {
        "arn": account.arn(f"role{schema.ROLE_PATH}{role}") if kind == schema.ROLE else arn,
        "path": schema.ROLE_PATH,
        "role_arn": account.arn(f"role{schema.ROLE_PATH}{role}"),
        "policy_arn": arn,
        "document": _EMPTY,
        "trust": _EMPTY,
        "description": "",
        "max_session_duration": 3600,
        "permissions_boundary": None,
        "tags": names.mark_tags(account.workspace, "x", "agent.x"),
        "is_attached": True,
    }
    fields = schema.provider_schema().kinds[kind].fields
    own = {field: attributes[field] for field in fields}
    return Resource(Address("aws", account.place.account, kind, name.get(kind, role)), own, "x")


def _conditions(account: RunnerAccount, action: str) -> dict[str, dict[str, list[str]]]:
    """The workspace's mark: demanded of what is made, and of what is changed. A mark that was taken off may be put
    back, so tagging has none."""
    mine = [names.tag_value(account.workspace)]
    if action in _CREATES:
        found = {"StringEquals": {f"aws:RequestTag/{names.TAG_WORKSPACE}": mine}}
        if action == "iam:CreateRole" and account.all_bounded:
            found["ArnLike"] = {"iam:PermissionsBoundary": account.boundaries}
        return found
    if action in _OWNED_ROLE or action in _OWNED_POLICY or action in _OWNED_BESIDE:
        found = {"StringEquals": {f"aws:ResourceTag/{names.TAG_WORKSPACE}": mine}}
        if action == "iam:AttachRolePolicy":
            found["ArnLike"] = {"iam:PolicyARN": account.policies}
        if action == "iam:PutRolePermissionsBoundary":
            found["ArnLike"] = {"iam:PermissionsBoundary": account.boundaries}
        return found
    if action == "iam:PassRole":
        services = sorted(service for kind, service in _PASSED_TO.items() if kind in account.kinds)
        return {"StringEquals": {"iam:PassedToService": services}}
    return {}


def _grouped(needs: Iterable[tuple[str, list[str], Mapping[str, Any]]]) -> Iterable[Statement]:
    """One statement for all actions with the same resources and conditions."""
    groups: dict[str, tuple[list[str], list[str], Mapping[str, Any]]] = {}
    members: dict[str, list[str]] = defaultdict(list)
    for action, resources, condition in needs:
        key = f"{resources} {condition}"
        groups.setdefault(key, ([], resources, condition))
        members[key].append(action)
    for key, (_, resources, condition) in groups.items():
        statement: Statement = {"Effect": "Allow", "Action": sorted(members[key]), "Resource": resources}
        if condition:
            statement["Condition"] = {operator: dict(tests) for operator, tests in condition.items()}
        yield statement


def narrowed(policy: RunnerPolicy, without: str) -> RunnerPolicy:
    """The policy without one action: what a test takes away."""
    document = {**policy.document, "Statement": []}
    for statement in policy.document["Statement"]:
        left = [action for action in statement["Action"] if action != without]
        if left:
            document["Statement"].append({**statement, "Action": left})
    return replace(policy, document=document)
