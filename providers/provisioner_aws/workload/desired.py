"""What a runtime or a federation asks for beside the role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.configuration import Agent, Federation
from provisioner.model.resources import Address, Desired, Resource

from .. import names, schema
from ..forms import normalize
from ..places import Place, federation_of, federation_oidc, oidc_arn, regions_of, runtime_label
from . import live


def workloads(authority: Authority, agent: Agent, place: Place, role: Resource) -> Iterable[Desired]:
    """The instance profile, association or workload identities of one agent."""
    label = runtime_label(agent.runtime)
    if label == "ec2":
        yield _instance_profile(agent, place, role)
    elif label == "eks_pod_identity":
        yield _association(authority, agent, place, role)
    elif label == "bedrock_agentcore":
        yield from _identities(authority, agent, place, role)
    elif label == "adopted":
        yield from _kept_profiles(agent, role)


def _instance_profile(agent: Agent, place: Place, role: Resource) -> Desired:
    """One for each agent, named as its role: a profile that two agents share cannot be written down."""
    name, path = role.address.name, str(role.attributes["path"])
    attributes = {
        "role_arn": role.attributes["arn"],
        "arn": names.instance_profile_arn(place.partition, place.account, path, name),
        "path": path,
        "tags": live.marked(role.attributes["tags"]),
    }
    address = live.profile_address(role.address, name)
    resource = normalize(Resource(address, attributes, agent=agent.name, parent=role.address))
    return Desired(resource, agent.address, f"instance profile {name}", source=agent.runtime.range)


def _kept_profiles(agent: Agent, role: Resource) -> Iterable[Desired]:
    """Instance profiles that held the role before it was adopted. One that is named after the role gets its mark."""
    for arn in sorted(agent.runtime.get("instance_profiles") or ()):
        name, own = arn.rpartition("/")[2], str(role.attributes["arn"])
        attributes = {
            "role_arn": own,
            "arn": arn,
            "path": arn.partition(":instance-profile")[2].removesuffix(name),
            "tags": live.marked(role.attributes["tags"]) if live.made_for(arn, own) else {},
        }
        address = live.profile_address(role.address, name)
        resource = normalize(Resource(address, attributes, agent=agent.name, parent=role.address))
        yield Desired(resource, agent.address, f"instance profile {name}", source=agent.runtime.range)


def _association(authority: Authority, agent: Agent, place: Place, role: Resource) -> Desired:
    runtime = agent.runtime
    cluster, namespace, account = (str(runtime.get(name)) for name in ("cluster", "namespace", "service_account"))
    attributes = {
        "cluster": cluster,
        "namespace": namespace,
        "service_account": account,
        "role_arn": role.attributes["arn"],
        "session_tags": True,
        "target_role_arn": None,
        "policy": None,
        "tags": names.mark_tags(authority.workspace, agent.name, agent.address),
    }
    name = live.association_name(cluster, namespace, account)
    address = Address("aws", place.account, schema.POD_IDENTITY, name)
    resource = normalize(Resource(address, attributes, agent=agent.name, uses=(role.address,)))
    label = f"service account {namespace}/{account} of {cluster.rpartition('/')[2]}"
    return Desired(resource, agent.address, label, source=runtime.range)


def _identities(authority: Authority, agent: Agent, place: Place, role: Resource) -> Iterable[Desired]:
    for block in agent.runtime.of("workload_identity"):
        for region in regions_of(agent.runtime, place):
            name = names.identity_name(role.address.name)
            attributes = {
                "region": region,
                "name": name,
                "return_urls": list(block.get("return_urls") or ()),
                "tags": names.mark_tags(authority.workspace, agent.name, agent.address),
            }
            address = Address("aws", place.account, schema.WORKLOAD_IDENTITY, f"{region}/{name}")
            resource = normalize(Resource(address, attributes, agent=agent.name))
            yield Desired(resource, agent.address, f"workload identity {name} in {region}", source=block.range)


def used_provider(agent: Agent, place: Place) -> tuple[Address, ...]:
    """The OIDC provider of ours that an agent's trust names."""
    federation = federation_of(agent.runtime, place)
    return () if federation is None else (federation_address(federation, place),)


def federation_address(federation: Federation, place: Place) -> Address:
    issuer = str(federation_oidc(federation).get("issuer", "")).removeprefix("https://")
    return Address("aws", place.account, schema.OIDC_PROVIDER, oidc_arn(place, issuer))


def federation(authority: Authority, item: Federation, place: Place) -> Desired:
    """The account's OIDC provider that a federation makes."""
    oidc = federation_oidc(item)
    thumbprints = [text.lower() for text in oidc.get("thumbprints") or ()]
    tags: dict[str, Any] = names.mark_tags(authority.workspace, None, item.address)
    if thumbprints:
        tags[live.PINNED_THUMBPRINTS] = "declared"
    attributes = {
        "url": str(oidc.get("issuer", "")).removeprefix("https://"),
        "client_ids": list(oidc.get("audiences") or ()),
        "thumbprints": thumbprints,
        "tags": tags,
    }
    resource = normalize(Resource(federation_address(item, place), attributes))
    return Desired(resource, item.address, f"OIDC provider {attributes['url']}", source=item.range)
