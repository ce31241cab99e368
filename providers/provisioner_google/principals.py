"""What an agent is in Google Cloud: its members, and the resource that stands for it."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import Agent
from provisioner.model.resources import Address

from . import federation, names, schema

ATTACHED = ("cloud_run", "gce")
"""Runtimes whose workloads only ever run as a service account."""

FEDERATED, SERVICE_ACCOUNT = "federated", "service_account"


@dataclass(frozen=True, slots=True)
class Principal:
    """One agent here. `member` is what its grants are made to, `admitted` the workload that may become its service
    account. `anchor` is the resource that its grants hang on; None for a principal that nothing of ours stands for.

    Members are empty where something that they are made of is missing; `validate` says what.
    """

    agent: Agent
    project: str
    kind: str
    member: str
    anchor: Address | None
    account: Address | None
    provider: Address | None
    admitted: str


def google_agents(authority: Authority) -> tuple[Agent, ...]:
    """Agents with a Google identity in one of the targets."""
    agents = authority.configuration.agents.values()
    return tuple(a for a in agents if "google" in a.identities and a.identities["google"].provider in authority.targets)


def google_parts(authority: Authority) -> tuple[GrantPart, ...]:
    """Grant parts that become bindings here."""
    agents = {agent.name for agent in google_agents(authority)}
    return tuple(part for part in authority.parts if part.agent.name in agents and reaches(part))


def reaches(part: GrantPart) -> bool:
    clouds = part.grant.clouds
    return (clouds is None or "google" in clouds) and any("google" in tool.clouds for tool in part.tools)


def label_of(agent: Agent) -> str:
    return agent.runtime.labels[0] if agent.runtime.labels else ""


def kind_of(authority: Authority, agent: Agent) -> str:
    settings = agent.identities["google"].settings
    given = settings.get("kind")
    if given is not None:
        return str(given)
    return FEDERATED if settings.get("federation") is not None else SERVICE_ACCOUNT


def project_of(authority: Authority, agent: Agent) -> str:
    return authority.targets[agent.identities["google"].provider].id


def number_of(authority: Authority, key: str) -> str:
    return str(authority.configs[key].settings.get("project_number") or "")


def pool_address(authority: Authority, key: str, pool: str) -> Address:
    return Address("google", authority.targets[key].id, schema.POOL, pool)


def principal(authority: Authority, agent: Agent) -> Principal:
    """The agent's principal. Pure; the same for `validate`, which looks at what is missing."""
    key, project = agent.identities["google"].provider, project_of(authority, agent)
    kind = kind_of(authority, agent)
    provider = _provider(authority, agent)
    workload = _workload(authority, agent, provider, number_of(authority, key))
    if kind == FEDERATED:
        return Principal(agent, project, kind, workload, provider, None, provider, "")
    account = Address("google", project, schema.ACCOUNT, names.account_id(authority.workspace, agent.name))
    member = f"serviceAccount:{names.email(account.name, project)}"
    admitted = "" if label_of(agent) in (*ATTACHED, "agent_engine") else workload
    return Principal(agent, project, kind, member, account, account, provider, admitted)


def _provider(authority: Authority, agent: Agent) -> Address | None:
    found = federation.federation_of(authority.configuration, agent)
    if found is None or found.provider not in authority.targets:
        return None
    pool = federation.pool_of(found)
    name = names.provider_id(authority.workspace, agent.name)
    return Address("google", authority.targets[found.provider].id, schema.POOL_PROVIDER, f"{pool}/{name}")


def _workload(authority: Authority, agent: Agent, provider: Address | None, number: str) -> str:
    """The workload's own principal: of the federation's pool, of GKE's, or of Agent Engine's."""
    label = label_of(agent)
    if provider is not None:
        found = federation.federation_of(authority.configuration, agent)
        subject = federation.subject_of(authority.configuration, agent, found) if found is not None else None
        there = number_of(authority, found.provider) if found is not None else ""
        return names.pool_member(there, federation.pool_of(found), subject.text) if found and subject and there else ""
    if label == "gke":
        return _gke(authority, agent, number)
    if label == "agent_engine":
        return _agent_engine(authority, agent, number)
    return ""


def _gke(authority: Authority, agent: Agent, number: str) -> str:
    """The same in every cluster of the project: GKE has one pool a project, and the cluster is not part of a name."""
    runtime = agent.runtime
    project = cluster_project(str(runtime.get("cluster", "")))
    if not project or not number:
        return ""
    subject = f"ns/{runtime.get('namespace')}/sa/{runtime.get('service_account')}"
    return names.pool_member(number, f"{project}.svc.id.goog", subject)


def cluster_project(cluster: str) -> str:
    """The project of `projects/P/locations/L/clusters/C`."""
    parts = cluster.removeprefix("//container.googleapis.com/").split("/")
    return parts[1] if len(parts) == 6 and parts[0] == "projects" and parts[4] == "clusters" else ""


def _agent_engine(authority: Authority, agent: Agent, number: str) -> str:
    runtime = agent.runtime
    config = authority.configs[agent.identities["google"].provider].settings
    organization = runtime.get("organization") or config.get("organization")
    there = runtime.get("project_number") or number
    unique, location = runtime.get("unique_id"), runtime.get("location")
    if not (organization and there and unique and location):
        return ""
    trust_domain = f"agents.global.org-{organization}.system.id.goog"
    engine = f"resources/aiplatform/projects/{there}/locations/{location}/reasoningEngines/{unique}"
    return f"principal://{trust_domain}/{engine}"
