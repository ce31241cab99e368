"""AWS's answers as resources, and the pins in a live trust that say which of them to look for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.resources import Address, Resource

from .. import names, schema
from ..forms import canonical_attributes
from ..live import owner_of, tags_of

Raw = Mapping[str, Any]

PINNED_THUMBPRINTS = "provisioner:thumbprints"
"""A tag: thumbprints are compared where the configuration gives some. AWS writes its own where none are given."""


def profile_address(role: Address, name: str) -> Address:
    return Address("aws", role.target, schema.INSTANCE_PROFILE, f"{role.name}/{name}")


def instance_profile(role: Resource, raw: Raw) -> Resource:
    """A profile that holds the role, ours or not: through it, instances become the agent."""
    arn = str(role.attributes["arn"])
    attributes = {
        "role_arn": arn,
        "arn": raw["Arn"],
        "path": raw["Path"],
        "tags": marked(role.attributes["tags"]) if made_for(raw["Arn"], arn) else {},
    }
    return Resource(
        profile_address(role.address, raw["InstanceProfileName"]),
        canonical_attributes(schema.INSTANCE_PROFILE, attributes),
        agent=role.agent,
        parent=role.address,
    )


def made_for(profile: str, role: str) -> bool:
    """Whether a profile has the name and path of its role, as ours have: any other is somebody else's."""
    return profile.partition(":instance-profile")[2] == role.partition(":role")[2]


def marked(tags: Mapping[str, str]) -> dict[str, str]:
    """Our own among some tags. No bulk read shows a profile's tags, so a profile that is named after its role is taken
    to bear the role's mark; a write reads the real ones."""
    return {key: value for key, value in tags.items() if key in names.MARKS}


def association_name(cluster: str, namespace: str, service_account: str) -> str:
    """A service account of a cluster has at most one association."""
    return f"{cluster}/{namespace}/{service_account}"


def place_of_association(name: str) -> tuple[str, str, str]:
    """Cluster ARN, namespace and service account of an association's name."""
    cluster, namespace, service_account = name.rsplit("/", 2)
    return cluster, namespace, service_account


def region_of(arn: str) -> str:
    return arn.split(":")[3]


def association(account: str, workspace: str, cluster: str, raw: Raw) -> Resource:
    """What DescribePodIdentityAssociation says."""
    tags = dict(raw.get("tags") or {})
    mark = names.mark_of(tags)
    attributes = {
        "cluster": cluster,
        "namespace": raw["namespace"],
        "service_account": raw["serviceAccount"],
        "role_arn": raw["roleArn"],
        "session_tags": not raw.get("disableSessionTags", False),
        "target_role_arn": raw.get("targetRoleArn"),
        "policy": raw.get("policy"),
        "tags": tags,
    }
    address = Address(
        "aws",
        account,
        schema.POD_IDENTITY,
        association_name(cluster, raw["namespace"], raw["serviceAccount"]),
    )
    return Resource(
        address,
        canonical_attributes(schema.POD_IDENTITY, attributes),
        agent=owner_of(mark, workspace),
        uses=roles_used(account, raw["roleArn"]),
        mark=mark,
    )


def roles_used(account: str, arn: str) -> tuple[Address, ...]:
    """The role that an association hands out, where it is one of this account."""
    if f":iam::{account}:role/" not in arn:
        return ()
    return (Address("aws", account, schema.ROLE, arn.rpartition("/")[2]),)


def workload_identity(account: str, workspace: str, region: str, raw: Raw, tags: Mapping[str, str]) -> Resource:
    """What GetWorkloadIdentity and ListTagsForResource say."""
    mark = names.mark_of(tags)
    attributes = {
        "region": region,
        "name": raw["name"],
        "return_urls": list(raw.get("allowedResourceOauth2ReturnUrls") or ()),
        "tags": tags,
    }
    return Resource(
        Address("aws", account, schema.WORKLOAD_IDENTITY, f"{region}/{raw['name']}"),
        canonical_attributes(schema.WORKLOAD_IDENTITY, attributes),
        agent=owner_of(mark, workspace),
        mark=mark,
    )


def oidc_provider(account: str, arn: str, raw: Raw) -> Resource:
    """`raw` empty where only its existence is known; then `client_ids` is null."""
    tags = tags_of(raw)
    thumbprints = raw.get("ThumbprintList") or () if PINNED_THUMBPRINTS in tags else ()
    attributes = {
        "url": raw.get("Url"),
        "client_ids": raw.get("ClientIDList"),
        "thumbprints": [item.lower() for item in thumbprints],
        "tags": tags,
    }
    address = Address("aws", account, schema.OIDC_PROVIDER, arn)
    return Resource(address, canonical_attributes(schema.OIDC_PROVIDER, attributes), mark=names.mark_of(tags))


def pinned_places(trust: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """The cluster, namespace and service account that a canonical trust admits, each exactly."""
    for statement in trust.get("Statement", ()):
        tests = statement.get("Condition", {}).get("StringEquals", {})
        keys = ("eks-cluster-arn", "kubernetes-namespace", "kubernetes-service-account")
        values = [tests.get(f"aws:RequestTag/{key}") or [] for key in keys]
        if all(len(value) == 1 for value in values):
            yield values[0][0], values[1][0], values[2][0]


def agentcore_regions(trust: Mapping[str, Any]) -> frozenset[str]:
    """The regions whose AgentCore runtimes a canonical trust admits."""
    arns = (
        arn
        for statement in trust.get("Statement", ())
        for arn in statement.get("Condition", {}).get("ArnLike", {}).get("aws:SourceArn", ())
    )
    return frozenset(region_of(arn) for arn in arns if ":bedrock-agentcore:" in arn)
