"""Reads what ties workloads to the roles of the scope.

Instance profiles come with the roles. Associations: one listing for each cluster that the scope or a live trust names,
and one Describe for each association of ours. That cannot be saved: a listing has place, id and ARN, neither role nor
tags nor a time of change, and an association keeps its id when its role is changed. Workload identities: one listing
for each region of an AgentCore agent (20 a page), a Get and its tags for each of ours. Other people's are not read.
What is read one by one is read side by side, under the account's limiter.
Source: botocore's models of eks and bedrock-agentcore-control (`PodIdentityAssociationSummary`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioner.model.resources import Resource

from .. import names, schema
from ..client import Account
from ..gather import Gathered, absent_as_none
from . import live

EKS = "eks"
AGENTCORE = "bedrock-agentcore-control"
_THREADS = 8

Raw = Mapping[str, Any]
Place = tuple[str, str, str]


def read_workloads(gathered: Gathered, filtered: bool = False) -> None:
    """Associations and workload identities. `filtered` asks for each place by itself, for a read of a few agents."""
    _associations(gathered, filtered)
    _identities(gathered)


def profiles(gathered: Gathered, role: Resource, found: Iterable[Raw]) -> None:
    """Every instance profile that holds a role of the scope."""
    for raw in found:
        gathered.add(live.instance_profile(role, raw))


def profiles_of(account: Account, role: str) -> list[Raw]:
    pages = account.pages("list_instance_profiles_for_role", RoleName=role)
    return [item for page in pages for item in page["InstanceProfiles"]]


def _roles(gathered: Gathered) -> list[Resource]:
    return [item for item in gathered.resources.values() if item.address.kind == schema.ROLE]


def _associations(gathered: Gathered, filtered: bool) -> None:
    wanted: dict[Place, set[str]] = defaultdict(set)
    for address in gathered.scope.addresses:
        if address.kind == schema.POD_IDENTITY and address.target == gathered.account.id:
            wanted[live.place_of_association(address.name)] |= set()
    for role in _roles(gathered):
        for place in live.pinned_places(role.attributes["trust"]):
            wanted[place] |= {role.agent} if role.agent else set()
    clusters: dict[str, dict[Place, tuple[str, ...]]] = defaultdict(dict)
    for place, agents in wanted.items():
        clusters[place[0]][place] = tuple(sorted(agents))
    if not clusters:
        return
    ids: dict[Place, str] = {}
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for found in pool.map(
            lambda cluster: _listed(gathered, cluster, clusters[cluster], filtered), sorted(clusters)
        ):
            ids.update(found)
        ours = [
            (place, agents, ids[place])
            for places in clusters.values()
            for place, agents in sorted(places.items())
            if place in ids
        ]
        for resource in pool.map(lambda one: _described(gathered, *one), ours):
            if resource is not None:
                _add(gathered, resource)


def _listed(
    gathered: Gathered, cluster: str, places: Mapping[Place, tuple[str, ...]], filtered: bool
) -> dict[Place, str]:
    """The ids of a cluster's associations by their place."""
    account = gathered.account
    agents = tuple(sorted({agent for found in places.values() for agent in found}))
    ids: dict[Place, str] = {}
    for filters in _filters(places) if filtered else [{}]:
        found = gathered.attempt(
            f"pod identity associations of {cluster}",
            "eks:ListPodIdentityAssociations",
            _listing(account, cluster, filters),
            agents,
        )
        for raw in found or ():
            ids[cluster, raw["namespace"], raw["serviceAccount"]] = raw["associationId"]
    return ids


def _described(gathered: Gathered, place: Place, agents: tuple[str, ...], id_: str) -> Resource | None:
    account, cluster = gathered.account, place[0]
    raw = gathered.attempt(
        f"pod identity association {'/'.join(place)}",
        "eks:DescribePodIdentityAssociation",
        lambda: absent_as_none(lambda: described(account, cluster, id_)),
        agents,
    )
    return None if raw is None else live.association(account.id, gathered.scope.workspace, cluster, raw)


def _add(gathered: Gathered, resource: Resource) -> None:
    agents = gathered.scope.agents
    if resource.address in gathered.scope.addresses or agents is None or resource.agent in agents:
        gathered.add(resource)


def _filters(places: Iterable[Place]) -> Iterator[dict[str, str]]:
    for _, namespace, service_account in sorted(places):
        yield {"namespace": namespace, "serviceAccount": service_account}


def _listing(account: Account, cluster: str, filters: Mapping[str, str]) -> Callable[[], list[Raw]]:
    return lambda: list(associations_of(account, cluster, filters))


def associations_of(account: Account, cluster: str, filters: Mapping[str, str]) -> Iterator[Raw]:
    """The summaries of a cluster's associations: place and id, not the role."""
    params: dict[str, Any] = {"clusterName": cluster.rpartition("/")[2], "maxResults": 100, **filters}
    while True:
        page = account.read_in(EKS, live.region_of(cluster), "list_pod_identity_associations", **params)
        yield from page["associations"]
        if not page.get("nextToken"):
            return
        params["nextToken"] = page["nextToken"]


def described(account: Account, cluster: str, id_: str) -> Raw:
    answer = account.read_in(
        EKS,
        live.region_of(cluster),
        "describe_pod_identity_association",
        clusterName=cluster.rpartition("/")[2],
        associationId=id_,
    )
    found: Raw = answer["association"]
    return found


def _identities(gathered: Gathered) -> None:
    wanted: dict[str, set[str]] = defaultdict(set)
    for address in gathered.scope.addresses:
        if address.kind == schema.WORKLOAD_IDENTITY and address.target == gathered.account.id:
            region, _, name = address.name.partition("/")
            wanted[region].add(name)
    for role in _roles(gathered):
        for region in live.agentcore_regions(role.attributes["trust"]):
            wanted[region].add(names.identity_name(role.address.name))
    found: list[tuple[str, str]] = []
    for region in sorted(wanted):
        listed = gathered.attempt(
            f"workload identities in {region}",
            "bedrock-agentcore:ListWorkloadIdentities",
            _identity_listing(gathered.account, region),
        )
        found += [(region, raw["name"]) for raw in listed or () if raw["name"] in wanted[region]]
    if found:
        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            for resource in pool.map(lambda item: _identity(gathered, *item), found):
                if resource is not None:
                    _add(gathered, resource)


def _identity(gathered: Gathered, region: str, name: str) -> Resource | None:
    found = gathered.attempt(
        f"workload identity {name} in {region}",
        "bedrock-agentcore:GetWorkloadIdentity",
        lambda: absent_as_none(lambda: identity(gathered.account, region, name)),
    )
    if found is None:
        return None
    return live.workload_identity(gathered.account.id, gathered.scope.workspace, region, *found)


def _identity_listing(account: Account, region: str) -> Callable[[], list[Raw]]:
    def read() -> list[Raw]:
        found: list[Raw] = []
        params: dict[str, Any] = {"maxResults": 20}
        while True:
            page = account.read_in(AGENTCORE, region, "list_workload_identities", **params)
            found += page["workloadIdentities"]
            if not page.get("nextToken"):
                return found
            params["nextToken"] = page["nextToken"]

    return read


def identity(account: Account, region: str, name: str) -> tuple[Raw, dict[str, str]]:
    """One workload identity and its tags."""
    raw = account.read_in(AGENTCORE, region, "get_workload_identity", name=name)
    tags = account.read_in(AGENTCORE, region, "list_tags_for_resource", resourceArn=raw["workloadIdentityArn"])
    return raw, dict(tags.get("tags") or {})
