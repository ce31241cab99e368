"""Change → calls for what ties a workload to a role, and where each stands in a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.model.changes import Change

from .. import schema
from . import live

State = Mapping[str, Any]
Step = tuple[str, dict[str, Any], tuple[str, ...], State | None, State | None, tuple[str, ...]]
"""Verb, parameters, fields, the state before and after over these, further permissions."""

READS: Mapping[str, tuple[str, ...]] = {
    schema.INSTANCE_PROFILE: ("iam:GetInstanceProfile", "iam:GetRole"),
    schema.POD_IDENTITY: ("eks:DescribePodIdentityAssociation", "eks:ListPodIdentityAssociations"),
    schema.WORKLOAD_IDENTITY: ("bedrock-agentcore:GetWorkloadIdentity", "bedrock-agentcore:ListTagsForResource"),
    schema.OIDC_PROVIDER: ("iam:GetOpenIDConnectProvider",),
}

FIXED_RANKS: Mapping[str, int] = {
    "CreateOpenIDConnectProvider": 10,
    "TagOpenIDConnectProvider": 12,
    "UntagOpenIDConnectProvider": 12,
    "CreateInstanceProfile": 32,
    "CreateWorkloadIdentity": 34,
    "TagInstanceProfile": 14,
    "UntagInstanceProfile": 13,  # while the role still says whose it is
    "TagResource": 14,
    "UntagResource": 14,
    "RemoveClientIDFromOpenIDConnectProvider": 20,
    "RemoveRoleFromInstanceProfile": 20,
    "DeletePodIdentityAssociation": 20,
    "DeleteWorkloadIdentity": 20,
    "DeleteInstanceProfile": 85,
    "DeleteOpenIDConnectProvider": 95,
}
WIDENING_RANKS: Mapping[str, int] = {
    "AddClientIDToOpenIDConnectProvider": 65,
    "UpdateOpenIDConnectProviderThumbprint": 65,
    "UpdateWorkloadIdentity": 65,
    "AddRoleToInstanceProfile": 75,
    "CreatePodIdentityAssociation": 75,
}
"""Last of all: a workload gets the role when the role is complete."""


def _fields(kind: str) -> tuple[str, ...]:
    return tuple(schema.provider_schema().kinds[kind].fields)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def instance_profile(change: Change) -> list[Step]:
    """An empty profile carries nothing, so it is made first and goes last; what counts is the role in it."""
    role, _, name = change.address.name.partition("/")
    both = {"InstanceProfileName": name, "RoleName": role}
    body = ("arn", "path", "tags")
    steps: list[Step] = []
    before, after = change.before, change.after
    if before is not None and after is not None and _same_but_tags(before, after):
        gone = sorted(set(before["tags"]) - set(after["tags"]))
        if gone:
            untag = {"InstanceProfileName": name, "TagKeys": gone}
            return [("UntagInstanceProfile", untag, ("tags",), before, after, ())]
        params = {"InstanceProfileName": name, "Tags": _tags(after["tags"])}
        return [("TagInstanceProfile", params, ("tags",), before, after, ())]
    if before is not None:
        out = {**before, "role_arn": None}
        steps.append(("RemoveRoleFromInstanceProfile", both, ("role_arn",), before, out, ()))
        if live.made_for(str(before["arn"]), str(before["role_arn"])):
            steps.append(("DeleteInstanceProfile", {"InstanceProfileName": name}, body, out, None, ()))
    if after is not None:
        empty = {**after, "role_arn": None}
        made = {"InstanceProfileName": name, "Path": after["path"], "Tags": _tags(after["tags"])}
        steps.append(("CreateInstanceProfile", made, body, None, empty, ("iam:TagInstanceProfile",)))
        steps.append(("AddRoleToInstanceProfile", both, ("role_arn",), empty, after, ("iam:PassRole",)))
    return steps


def association(change: Change) -> list[Step]:
    """Anything but tags is replaced: EKS has no call that takes a session policy or a target role off again."""
    cluster, namespace, account = live.place_of_association(change.address.name)
    place = {"clusterName": cluster.rpartition("/")[2], "namespace": namespace, "serviceAccount": account}
    fields = _fields(schema.POD_IDENTITY)
    before, after = change.before, change.after
    if before is not None and after is not None and _same_but_tags(before, after):
        return _resource_tags("eks", place, before, after)
    steps: list[Step] = []
    if before is not None:
        steps.append(("eks:DeletePodIdentityAssociation", place, fields, before, None, ()))
    if after is not None:
        params = {
            **place,
            "roleArn": after["role_arn"],
            "disableSessionTags": not after["session_tags"],
            "tags": dict(after["tags"]),
        }
        extra = ("eks:TagResource", "iam:GetRole", "iam:PassRole")
        steps.append(("eks:CreatePodIdentityAssociation", params, fields, None, after, extra))
    return steps


def _same_but_tags(before: State, after: State) -> bool:
    return all(before.get(name) == after.get(name) for name in {*before, *after} - {"tags"})


def workload_identity(change: Change) -> list[Step]:
    params: dict[str, Any] = {"name": change.address.name.partition("/")[2]}
    fields = _fields(schema.WORKLOAD_IDENTITY)
    before, after = change.before, change.after
    if after is None:
        return [("bedrock-agentcore:DeleteWorkloadIdentity", params, fields, before, None, ())]
    urls = {"allowedResourceOauth2ReturnUrls": list(after["return_urls"])}
    if before is None:
        made = {**params, **urls, "tags": dict(after["tags"])}
        extra = ("bedrock-agentcore:TagResource",)
        return [("bedrock-agentcore:CreateWorkloadIdentity", made, fields, None, after, extra)]
    steps = _resource_tags("bedrock-agentcore", params, before, after)
    if before.get("return_urls") != after.get("return_urls"):
        verb = "bedrock-agentcore:UpdateWorkloadIdentity"
        steps.append((verb, {**params, **urls}, ("return_urls",), before, after, ()))
    return steps


def _resource_tags(service: str, place: Mapping[str, Any], before: State, after: State) -> list[Step]:
    """New and changed tags first, so that the mark is never missing in between. The writer finds the ARN, which the
    cloud has minted, by the place."""
    old, new = dict(before.get("tags") or {}), dict(after.get("tags") or {})
    put = {name: value for name, value in new.items() if old.get(name) != value}
    gone = sorted(set(old) - set(new))
    middle = {"tags": dict(sorted({**old, **put}.items()))}
    steps: list[Step] = []
    if put:
        steps.append((f"{service}:TagResource", {**place, "tags": put}, ("tags",), before, middle, ()))
    if gone:
        steps.append((f"{service}:UntagResource", {**place, "tagKeys": gone}, ("tags",), middle, after, ()))
    return steps


def oidc_provider(change: Change) -> list[Step]:
    arn = change.address.name
    key = {"OpenIDConnectProviderArn": arn}
    before, after = change.before, change.after
    fields = _fields(schema.OIDC_PROVIDER)
    if after is None:
        return [("DeleteOpenIDConnectProvider", key, fields, before, None, ())]
    if before is None:
        params: dict[str, Any] = {
            "Url": f"https://{after['url']}",
            "ClientIDList": list(after["client_ids"]),
            "Tags": _tags(after["tags"]),
        }
        if after["thumbprints"]:
            params["ThumbprintList"] = list(after["thumbprints"])
        extra = ("iam:TagOpenIDConnectProvider",)
        return [("CreateOpenIDConnectProvider", params, fields, None, after, extra)]
    return [*_provider_tags(key, before, after), *_client_ids(key, before, after), *_thumbprints(key, before, after)]


def _provider_tags(key: Mapping[str, str], before: State, after: State) -> list[Step]:
    """The tag that pins thumbprints decides whether a read sees them, so both are one state."""
    old, new = dict(before["tags"]), dict(after["tags"])
    put = {name: value for name, value in new.items() if old.get(name) != value}
    gone = sorted(set(old) - set(new))
    middle = {"tags": dict(sorted({**old, **put}.items()))}
    steps: list[Step] = []
    if put:
        steps.append(("TagOpenIDConnectProvider", {**key, "Tags": _tags(put)}, ("tags",), before, middle, ()))
    if gone:
        steps.append(("UntagOpenIDConnectProvider", {**key, "TagKeys": gone}, ("tags",), middle, after, ()))
    return steps


def _client_ids(key: Mapping[str, str], before: State, after: State) -> list[Step]:
    """One call for each, those that go first."""
    ids = list(before["client_ids"] or ())
    steps: list[Step] = []
    for gone in [item for item in ids if item not in after["client_ids"]]:
        left = sorted(item for item in ids if item != gone)
        verb = "RemoveClientIDFromOpenIDConnectProvider"
        states = ({"client_ids": sorted(ids)}, {"client_ids": left})
        steps.append((verb, {**key, "ClientID": gone}, ("client_ids",), *states, ()))
        ids = left
    for new in [item for item in after["client_ids"] if item not in ids]:
        more = sorted([*ids, new])
        states = ({"client_ids": sorted(ids)}, {"client_ids": more})
        steps.append(("AddClientIDToOpenIDConnectProvider", {**key, "ClientID": new}, ("client_ids",), *states, ()))
        ids = more
    return steps


def _thumbprints(key: Mapping[str, str], before: State, after: State) -> list[Step]:
    """Where none are declared any more, the tag is gone and what AWS holds is its own affair."""
    if before["thumbprints"] == after["thumbprints"] or not after["thumbprints"]:
        return []
    params = {**key, "ThumbprintList": list(after["thumbprints"])}
    return [("UpdateOpenIDConnectProviderThumbprint", params, ("thumbprints",), before, after, ())]


BUILDERS: Mapping[str, Callable[[Change], list[Step]]] = {
    schema.INSTANCE_PROFILE: instance_profile,
    schema.POD_IDENTITY: association,
    schema.WORKLOAD_IDENTITY: workload_identity,
    schema.OIDC_PROVIDER: oidc_provider,
}
