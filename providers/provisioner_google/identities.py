"""Identities and federations: what is missing, what would let somebody else in, what two agents share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from provisioner.model.authority import Authority
from provisioner.model.configuration import Agent, Federation
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.source import SourceRange

from . import federation, names
from .capabilities import CAPABILITIES
from .limits import limit
from .principals import (
    FEDERATED,
    SERVICE_ACCOUNT,
    cluster_project,
    google_agents,
    kind_of,
    label_of,
    number_of,
    principal,
)

_POOL = re.compile(r"(?!gcp-)[a-z0-9][a-z0-9-]{2,30}[a-z0-9]")
_ISSUER = re.compile(r"https://[^\s?#*]+")
_NUMBER = re.compile(r"[0-9]+")


def check_identities(authority: Authority) -> Iterable[Diagnostic]:
    """Every finding about who the agents are, federations first."""
    yield from _federations(authority)
    broken = set()
    for agent in google_agents(authority):
        found = [*_identity(authority, agent)]
        if found:
            broken.add(agent.name)
        yield from found
    yield from _shared(authority, [agent for agent in google_agents(authority) if agent.name not in broken])


def _error(code: str, summary: str, detail: str, subject: SourceRange | None) -> Diagnostic:
    return Diagnostic(code, summary, detail, subject=subject)


def _federations(authority: Authority) -> Iterable[Diagnostic]:
    pools: dict[tuple[str, str], Federation] = {}
    for found in authority.configuration.federations.values():
        if found.provider not in authority.targets:
            continue
        pool, issuer = federation.pool_of(found), federation.issuer_of(found)
        yield from _federation(found, pool, issuer)
        first = pools.setdefault((authority.targets[found.provider].id, pool), found)
        if first is not found:
            yield _error(
                "E-GOOGLE-POOL",
                f"{first.address} and {found.address} share the pool {pool}",
                f"Issuers {federation.issuer_of(first)} and {issuer} in one pool could each issue a subject of the"
                " other: Google does not tell them apart in a member's name. Give each federation a pool of its own.",
                found.settings.range_of("pool"),
            )


def _federation(found: Federation, pool: str, issuer: str) -> Iterable[Diagnostic]:
    settings = found.settings
    if not _POOL.fullmatch(pool):
        yield _error(
            "E-GOOGLE-POOL",
            f"{found.address}: {pool!r} is no id of a workload identity pool",
            "4 to 32 lower-case letters, digits and hyphens; gcp- in front is Google's own.",
            settings.range_of("pool"),
        )
    if len(settings.of("oidc")) + len(settings.of("aws")) != 1:
        yield _error(
            "E-GOOGLE-FEDERATION",
            f"{found.address} needs exactly one issuer: an oidc or an aws block",
            "One pool trusts one issuer.",
            found.range,
        )
        return
    for block in settings.of("oidc"):
        if not _ISSUER.fullmatch(issuer):
            yield _error(
                "E-GOOGLE-FEDERATION",
                f"{found.address}: {issuer!r} is no issuer",
                "Write the https URL that stands in the tokens' iss.",
                block.range_of("issuer"),
            )
    for block in settings.of("aws"):
        if not re.fullmatch(r"[0-9]{12}", str(block.get("account_id", ""))):
            yield _error(
                "E-GOOGLE-FEDERATION",
                f"{found.address}: {block.get('account_id')!r} is no AWS account id",
                "12 digits, as a string.",
                block.range_of("account_id"),
            )


def _identity(authority: Authority, agent: Agent) -> Iterable[Diagnostic]:
    settings = agent.identities["google"].settings
    label, kind = label_of(agent), kind_of(authority, agent)
    known = CAPABILITIES.get(label)
    named = settings.get("federation")
    if known is None:
        yield _error(
            "E-GOOGLE-RUNTIME",
            f"{agent.address}: a workload of runtime {label!r} cannot become anything in Google Cloud here",
            f"This version knows {', '.join(sorted(CAPABILITIES))}.",
            agent.runtime.range,
        )
        return
    if kind not in known.kinds:
        yield _error(
            "E-GOOGLE-RUNTIME",
            f"{agent.address}: a {label} workload cannot be a federated principal",
            f'{known.why.capitalize()}. Write kind = "service_account" and leave federation out.',
            settings.range_of("kind"),
        )
        return
    if named is None and known.federated_by == "federation":
        yield _error(
            "E-GOOGLE-FEDERATION",
            f"{agent.address} runs outside of Google Cloud and names no federation",
            "Without one its workload could come in only with a service account key, which this tool never makes."
            " Declare a federation block for its issuer and write federation = federation.NAME.",
            settings.range,
        )
        return
    if named is not None:
        yield from _federated(authority, agent, str(named))
    elif label == "gke":
        yield from _gke(authority, agent)
    elif label == "agent_engine" and kind == FEDERATED:
        yield from _engine(authority, agent)
    yield from _mark(authority, agent)


def _federated(authority: Authority, agent: Agent, named: str) -> Iterable[Diagnostic]:
    settings, subject_range = agent.identities["google"].settings, agent.runtime.range
    found = authority.configuration.federations.get(named)
    if found is None or found.provider not in authority.targets:
        yield _error(
            "E-GOOGLE-FEDERATION",
            f"{agent.address}: {named} is no federation of Google Cloud",
            "Its provider must be a google provider.",
            settings.range_of("federation"),
        )
        return
    issuer, own = federation.issuer_of(found), federation.runtime_issuer(agent.runtime)
    if own is not None and own != issuer:
        yield _error(
            "E-GOOGLE-FEDERATION",
            f"{agent.address}: its tokens come from {own}, and {found.address} trusts {issuer}",
            "Name a federation of its own issuer.",
            settings.range_of("federation"),
        )
        return
    if not number_of(authority, found.provider):
        yield _number(authority, found.provider, agent)
    subject = federation.subject_of(authority.configuration, agent, found)
    if subject is None:
        yield _error(
            "E-GOOGLE-FEDERATION",
            f"{agent.address}: a {label_of(agent)} workload cannot come through {found.address}",
            'An aws block admits the agent\'s role, so the agent needs identity "aws"; an oidc block takes Kubernetes,'
            " CI, SPIFFE and oidc runtimes.",
            subject_range,
        )
        return
    yield from _subject(authority, agent, found, subject)


def _number(authority: Authority, key: str, agent: Agent) -> Diagnostic:
    return _error(
        "E-GOOGLE-NUMBER",
        f"provider {key!r} has no project_number, and {agent.address} is a federated principal",
        "Names of federated principals hold the project's number. `gcloud projects describe"
        f" {authority.targets[key].id} --format='value(projectNumber)'` prints it.",
        authority.configs[key].range,
    )


def _subject(
    authority: Authority, agent: Agent, found: Federation, subject: federation.Subject
) -> Iterable[Diagnostic]:
    runtime, label, issuer = agent.runtime, label_of(agent), federation.issuer_of(found)
    quotas = authority.configs[found.provider].settings.get("quotas")
    if len(subject.condition()) > limit("attribute_condition_characters", quotas):
        yield _error("E-GOOGLE-LIMIT", f"{agent.address}: its attribute condition is too long", "Name fewer claims.",
                     runtime.range)  # fmt: skip
    if not subject.text or len(subject.text.encode()) > names.SUBJECT_LIMIT:
        yield _error(
            "E-GOOGLE-SUBJECT",
            f"{agent.address}: its subject has {len(subject.text.encode())} bytes, and Google takes 1 to"
            f" {names.SUBJECT_LIMIT}",
            f"It would be {subject.text!r}. Shorten the names that it is made of.",
            runtime.range,
        )
    if "*" in subject.text or any("*" in value for value in subject.claims.values()):
        yield _error(
            "E-GOOGLE-SUBJECT",
            f"{agent.address}: a subject or claim with a wildcard admits more than this agent",
            "Write it exactly.",
            runtime.range,
        )
    if label == "github_actions":
        yield from _github(agent)
    elif label == "gitlab_ci":
        yield from _gitlab(agent)
    elif label == "oidc" and issuer in federation.SHARED_ISSUERS and not subject.claims:
        yield _error(
            "E-GOOGLE-SUBJECT",
            f"{agent.address}: {issuer} signs tokens for everybody, and nothing pins whose token it is",
            'Name the claims that say whose workload it is, for example claims = { repository_owner_id = "…" }.',
            runtime.range_of("claims"),
        )


def _github(agent: Agent) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    for name in ("repository_id", "owner_id"):
        if not _NUMBER.fullmatch(str(runtime.get(name) or "")):
            yield _error(
                "E-GOOGLE-SUBJECT",
                f"{agent.address}: {name} must be GitHub's number",
                "A name can be given up and taken over by somebody else; a number cannot. `gh api repos/OWNER/NAME"
                " --jq '.id, .owner.id'` prints both.",
                runtime.range_of(name),
            )
    if not any(runtime.get(name) for name in ("environment", "branch", "tag")):
        yield _error(
            "E-GOOGLE-SUBJECT",
            f"{agent.address}: any job of the repository, a pull request's too, could become the agent",
            "Name an environment, a branch or a tag.",
            runtime.range,
        )


def _gitlab(agent: Agent) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    if not _NUMBER.fullmatch(str(runtime.get("project_id") or "")):
        yield _error(
            "E-GOOGLE-SUBJECT",
            f"{agent.address}: project_id must be GitLab's number",
            "A path can be given up and taken over by somebody else; a number cannot. It stands on the project's page.",
            runtime.range_of("project_id"),
        )
    if not runtime.get("branch") and not runtime.get("tag"):
        yield _error(
            "E-GOOGLE-SUBJECT",
            f"{agent.address}: a job of any branch could become the agent",
            "Name a branch or a tag.",
            runtime.range,
        )


def _gke(authority: Authority, agent: Agent) -> Iterable[Diagnostic]:
    key = agent.identities["google"].provider
    if not cluster_project(str(agent.runtime.get("cluster", ""))):
        yield _error(
            "E-GOOGLE-RUNTIME",
            f"{agent.address}: {agent.runtime.get('cluster')!r} is no cluster",
            "Write projects/PROJECT/locations/LOCATION/clusters/NAME.",
            agent.runtime.range_of("cluster"),
        )
    if not number_of(authority, key):
        yield _number(authority, key, agent)


def _engine(authority: Authority, agent: Agent) -> Iterable[Diagnostic]:
    runtime, config = agent.runtime, authority.configs[agent.identities["google"].provider].settings
    if not runtime.get("unique_id"):
        yield _error(
            "E-STAGE",
            f"{agent.address}: the reasoning engine's id is not known, and its principal is named after it",
            "Google gives it when the engine is made. Make the engine first (stage 1: the code that deploys it, with"
            " `agent_engines.create(..., identity_type=AGENT_IDENTITY)`), output its numeric id, then write unique_id ="
            " var.NAME here.",
            runtime.range,
        )
    lacking = [
        name
        for name, value in (
            ("location", runtime.get("location")),
            ("organization", runtime.get("organization") or config.get("organization")),
            ("project_number", runtime.get("project_number") or config.get("project_number")),
        )
        if not value
    ]
    if lacking:
        yield _error(
            "E-GOOGLE-RUNTIME",
            f"{agent.address}: an agent engine's principal needs {', '.join(lacking)}",
            "Write it in the runtime block, or organization and project_number in the provider block.",
            runtime.range,
        )


def _mark(authority: Authority, agent: Agent) -> Iterable[Diagnostic]:
    mark = names.mark_of(names.marked(authority.workspace, agent.name, agent.address))
    if mark is None or (mark.workspace, mark.agent, mark.block) != (authority.workspace, agent.name, agent.address):
        yield _error(
            "E-GOOGLE-NAME",
            f"{agent.address}: the mark that makes its identity ours does not fit into a description",
            f"Google takes {names.DESCRIPTION_LIMIT} bytes for workspace, agent and block together. Shorten a name.",
            agent.range,
        )


def _shared(authority: Authority, agents: list[Agent]) -> Iterable[Diagnostic]:
    """One principal, one agent, one workload."""
    holders: dict[tuple[str, str], list[Agent]] = defaultdict(list)
    for agent in agents:
        who = principal(authority, agent)
        holders["principal", who.member].append(agent)
        if who.admitted:
            holders["workload", who.admitted].append(agent)
        if who.provider is not None:
            holders["provider", str(who.provider)].append(agent)
        for kind, name in _workloads(authority, agent):
            holders[kind, f"{who.project}/{name}"].append(agent)
    for (kind, name), sharing in sorted(holders.items()):
        if len(sharing) > 1 and name:
            yield _error(
                "E-GOOGLE-SHARED",
                f"{' and '.join(agent.address for agent in sharing)} are one {kind}: {name}",
                "What one of them may do, the other may do too, and no audit log tells them apart. Give each agent a"
                " workload and a name of its own.",
                sharing[-1].range,
            )


def _workloads(authority: Authority, agent: Agent) -> Iterable[tuple[str, str]]:
    if kind_of(authority, agent) != SERVICE_ACCOUNT:
        return
    if label_of(agent) == "cloud_run" and agent.runtime.get("service"):
        yield "Cloud Run service", f"{agent.runtime.get('location') or ''}/{agent.runtime.get('service')}"
    if label_of(agent) == "gce":
        for name in agent.runtime.get("instances") or ():
            yield "instance", str(name)
