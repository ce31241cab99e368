"""The live object that one operation is about, read fresh, and how its call is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.model.changes import Operation

from .. import names, schema
from ..client import Account
from ..found import Found
from ..gather import absent_as_none
from ..live import tags_of
from . import live, read

State = Mapping[str, Any]
_OF_THE_PROFILE = ("iam:AddRoleToInstanceProfile", "iam:DeleteInstanceProfile")
"""Calls that need the profile itself to be ours, not only the role."""

_SERVICES = {"eks": read.EKS, "bedrock-agentcore": read.AGENTCORE}


def _profile(account: Account, operation: Operation) -> Found:
    role, _, name = operation.address.name.partition("/")
    raw = absent_as_none(lambda: account.read("get_role", RoleName=role))
    owner = None if raw is None else tags_of(raw["Role"])
    found = absent_as_none(lambda: account.read("get_instance_profile", InstanceProfileName=name))
    if found is None:
        return Found(None, owner, role)
    profile = found["InstanceProfile"]
    inside = [item["Arn"] for item in profile["Roles"]]
    tags = live.marked(tags_of(profile))
    attributes = {
        "role_arn": inside[0] if inside else None,
        "arn": profile["Arn"],
        "path": profile["Path"],
        "tags": tags,
    }
    if owner is None or (operation.verb in _OF_THE_PROFILE and tags.get(names.TAG_AGENT) != owner.get(names.TAG_AGENT)):
        return Found(attributes, tags, name)
    return Found(attributes, owner, role)


def _association(account: Account, operation: Operation) -> Found:
    cluster, namespace, service_account = live.place_of_association(operation.address.name)
    filters = {"namespace": namespace, "serviceAccount": service_account}

    def look() -> Found | None:
        listed = list(read.associations_of(account, cluster, filters))
        if not listed:
            return None
        raw = read.described(account, cluster, listed[0]["associationId"])
        resource = live.association(account.id, "", cluster, raw)
        return Found(resource.attributes, resource.attributes["tags"], operation.address.name)

    return absent_as_none(look) or Found(None, None, operation.address.name)


def _identity(account: Account, operation: Operation) -> Found:
    region, _, name = operation.address.name.partition("/")
    found = absent_as_none(lambda: read.identity(account, region, name))
    if found is None:
        return Found(None, None, name)
    resource = live.workload_identity(account.id, "", region, *found)
    return Found(resource.attributes, resource.attributes["tags"], name)


def _provider(account: Account, operation: Operation) -> Found:
    arn = operation.address.name
    raw = absent_as_none(lambda: account.read("get_open_id_connect_provider", OpenIDConnectProviderArn=arn))
    if raw is None:
        return Found(None, None, arn)
    return Found(live.oidc_provider(account.id, arn, raw).attributes, tags_of(raw), arn)


READERS: Mapping[str, Callable[[Account, Operation], Found]] = {
    schema.INSTANCE_PROFILE: _profile,
    schema.POD_IDENTITY: _association,
    schema.WORKLOAD_IDENTITY: _identity,
    schema.OIDC_PROVIDER: _provider,
}


def send(account: Account, operation: Operation, action: str, params: Mapping[str, Any]) -> bool:
    """Send a call of a regional service; False where the verb is IAM's, for the caller to send."""
    service = _SERVICES.get(operation.verb.partition(":")[0])
    if service is None:
        return False
    if operation.address.kind == schema.POD_IDENTITY:
        cluster = live.place_of_association(operation.address.name)[0]
        region, given = live.region_of(cluster), _minted_association(account, cluster, action, params)
    else:
        region = operation.address.name.partition("/")[0]
        given = _minted_identity(account, region, action, params)
    account.write_in(service, region, action, **given)
    return True


def _minted_association(account: Account, cluster: str, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the id or ARN that EKS has minted for the place: a place has one association."""
    if action == "create_pod_identity_association":
        return dict(params)
    filters = {name: params[name] for name in ("namespace", "serviceAccount")}
    found = next(iter(read.associations_of(account, cluster, filters)), None)
    rest = {name: value for name, value in params.items() if name not in ("clusterName", *filters)}
    if action in ("tag_resource", "untag_resource"):
        return {**rest, "resourceArn": found["associationArn"] if found else cluster}
    return {**rest, "clusterName": params["clusterName"], "associationId": found["associationId"] if found else "none"}


def _minted_identity(account: Account, region: str, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
    if action not in ("tag_resource", "untag_resource"):
        return dict(params)
    raw, _ = read.identity(account, region, params["name"])
    rest = {name: value for name, value in params.items() if name != "name"}
    return {**rest, "resourceArn": raw["workloadIdentityArn"]}
