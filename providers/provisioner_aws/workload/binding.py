"""What each call on these kinds makes of the object, and the names that it must bear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.model.resources import Address

from .. import names, schema
from . import live

State = dict[str, Any]
Params = Mapping[str, Any]
Effect = Callable[[Params, State, str, str], State | None]
"""From parameters, the live state, partition and account to the state after; None for an object that is gone."""


def _create_profile(params: Params, _: State, partition: str, account: str) -> State:
    arn = names.instance_profile_arn(partition, account, params["Path"], params["InstanceProfileName"])
    return {"role_arn": None, "arn": arn, "path": params["Path"], "tags": _pairs(params["Tags"])}


def _add_role(params: Params, state: State, partition: str, account: str) -> State:
    """The role has the profile's path: ours do, and of others none is ever added to."""
    return {**state, "role_arn": names.role_arn(partition, account, state["path"], params["RoleName"])}


def _create_association(params: Params, _: State, partition: str, account: str) -> State:
    return {
        "cluster": params["clusterName"],
        "namespace": params["namespace"],
        "service_account": params["serviceAccount"],
        "role_arn": params["roleArn"],
        "session_tags": params["disableSessionTags"] is False,
        "target_role_arn": None,
        "policy": None,
        "tags": params["tags"],
    }


def _create_identity(params: Params, _: State, partition: str, account: str) -> State:
    return {
        "name": params["name"],
        "return_urls": params["allowedResourceOauth2ReturnUrls"],
        "tags": params["tags"],
    }


def _create_provider(params: Params, _: State, partition: str, account: str) -> State:
    return {
        "url": str(params["Url"]).removeprefix("https://"),
        "client_ids": params["ClientIDList"],
        "thumbprints": params.get("ThumbprintList") or [],
        "tags": _pairs(params["Tags"]),
    }


def _pairs(tags: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tag(params: Params, state: State, partition: str, account: str) -> State:
    given = params["tags"] if "tags" in params else _pairs(params["Tags"])
    return {**state, "tags": {**(state.get("tags") or {}), **given}}


def _untag(params: Params, state: State, partition: str, account: str) -> State:
    gone = set(params["tagKeys"] if "tagKeys" in params else params["TagKeys"])
    return {**state, "tags": {key: value for key, value in (state.get("tags") or {}).items() if key not in gone}}


def _client_id(add: bool) -> Effect:
    def effect(params: Params, state: State, partition: str, account: str) -> State:
        rest = [item for item in state.get("client_ids") or () if item != params["ClientID"]]
        return {**state, "client_ids": [*rest, params["ClientID"]] if add else rest}

    return effect


def _set(field: str, value: Callable[[Params], Any]) -> Effect:
    return lambda params, state, _partition, _account: {**state, field: value(params)}


def _gone(params: Params, state: State, partition: str, account: str) -> None:
    return None


_ASSOCIATION = "clusterName namespace serviceAccount"

CALLS: Mapping[tuple[str, str], tuple[str, Effect]] = {
    (schema.INSTANCE_PROFILE, "iam:CreateInstanceProfile"): ("InstanceProfileName Path Tags", _create_profile),
    (schema.INSTANCE_PROFILE, "iam:TagInstanceProfile"): ("InstanceProfileName Tags", _tag),
    (schema.INSTANCE_PROFILE, "iam:UntagInstanceProfile"): ("InstanceProfileName TagKeys", _untag),
    (schema.INSTANCE_PROFILE, "iam:DeleteInstanceProfile"): ("InstanceProfileName", _gone),
    (schema.INSTANCE_PROFILE, "iam:AddRoleToInstanceProfile"): ("InstanceProfileName RoleName", _add_role),
    (schema.INSTANCE_PROFILE, "iam:RemoveRoleFromInstanceProfile"): (
        "InstanceProfileName RoleName",
        _set("role_arn", lambda _: None),
    ),
    (schema.POD_IDENTITY, "eks:CreatePodIdentityAssociation"): (
        f"{_ASSOCIATION} roleArn disableSessionTags tags",
        _create_association,
    ),
    (schema.POD_IDENTITY, "eks:DeletePodIdentityAssociation"): (_ASSOCIATION, _gone),
    (schema.POD_IDENTITY, "eks:TagResource"): (f"{_ASSOCIATION} tags", _tag),
    (schema.POD_IDENTITY, "eks:UntagResource"): (f"{_ASSOCIATION} tagKeys", _untag),
    (schema.WORKLOAD_IDENTITY, "bedrock-agentcore:CreateWorkloadIdentity"): (
        "name allowedResourceOauth2ReturnUrls tags",
        _create_identity,
    ),
    (schema.WORKLOAD_IDENTITY, "bedrock-agentcore:UpdateWorkloadIdentity"): (
        "name allowedResourceOauth2ReturnUrls",
        _set("return_urls", lambda params: params["allowedResourceOauth2ReturnUrls"]),
    ),
    (schema.WORKLOAD_IDENTITY, "bedrock-agentcore:DeleteWorkloadIdentity"): ("name", _gone),
    (schema.WORKLOAD_IDENTITY, "bedrock-agentcore:TagResource"): ("name tags", _tag),
    (schema.WORKLOAD_IDENTITY, "bedrock-agentcore:UntagResource"): ("name tagKeys", _untag),
    (schema.OIDC_PROVIDER, "iam:CreateOpenIDConnectProvider"): (
        "Url ClientIDList ThumbprintList Tags",
        _create_provider,
    ),
    (schema.OIDC_PROVIDER, "iam:DeleteOpenIDConnectProvider"): ("OpenIDConnectProviderArn", _gone),
    (schema.OIDC_PROVIDER, "iam:TagOpenIDConnectProvider"): ("OpenIDConnectProviderArn Tags", _tag),
    (schema.OIDC_PROVIDER, "iam:UntagOpenIDConnectProvider"): ("OpenIDConnectProviderArn TagKeys", _untag),
    (schema.OIDC_PROVIDER, "iam:AddClientIDToOpenIDConnectProvider"): (
        "OpenIDConnectProviderArn ClientID",
        _client_id(add=True),
    ),
    (schema.OIDC_PROVIDER, "iam:RemoveClientIDFromOpenIDConnectProvider"): (
        "OpenIDConnectProviderArn ClientID",
        _client_id(add=False),
    ),
    (schema.OIDC_PROVIDER, "iam:UpdateOpenIDConnectProviderThumbprint"): (
        "OpenIDConnectProviderArn ThumbprintList",
        _set("thumbprints", lambda params: list(params["ThumbprintList"])),
    ),
}
"""By kind and verb: the parameters that the call may have, and what it does."""


KINDS = frozenset(kind for kind, _ in CALLS)


def effect_of(address: Address, verb: str) -> tuple[frozenset[str], Effect] | None:
    """A call's parameters and effect, with what its address alone says put into the state."""
    row = CALLS.get((address.kind, verb))
    if row is None:
        return None
    params, effect = row

    def placed(given: Params, state: State, partition: str, account: str) -> State | None:
        made = effect(given, state, partition, account)
        if made is not None and address.kind == schema.POD_IDENTITY:
            made["cluster"] = live.place_of_association(address.name)[0]
        if made is not None and address.kind == schema.WORKLOAD_IDENTITY:
            made["region"] = address.name.partition("/")[0]
        return made

    return frozenset(params.split()), placed


def names_address(address: Address, params: Params, partition: str, account: str) -> bool:
    """Whether a call's parameters name exactly the object of its address."""
    name = address.name
    if address.kind == schema.INSTANCE_PROFILE:
        role, _, profile = name.partition("/")
        return params.get("InstanceProfileName") == profile and params.get("RoleName", role) == role
    if address.kind == schema.POD_IDENTITY:
        cluster, namespace, service_account = live.place_of_association(name)
        place = (cluster.rpartition("/")[2], namespace, service_account)
        return (params.get("clusterName"), params.get("namespace"), params.get("serviceAccount")) == place
    if address.kind == schema.WORKLOAD_IDENTITY:
        return bool(params.get("name") == name.partition("/")[2])
    if "Url" in params:
        issuer = str(params["Url"]).removeprefix("https://")
        return name == f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"
    return bool(params.get("OpenIDConnectProviderArn") == name)
