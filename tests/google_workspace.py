"""Configurations in the model's own types, for tests of the Google provider that need no HCL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from provisioner_google import provider

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import (
    Agent,
    Boundary,
    BoundaryTest,
    Configuration,
    Expiry,
    Federation,
    Grant,
    Identity,
    LedgerConfig,
    ProviderConfig,
    Session,
    Settings,
    Tool,
    Workspace,
)
from provisioner.model.source import Position, SourceRange

PROJECT, NUMBER = "acme-fin-prod", "987654321098"
DATA = "acme-data-prod"
EXPIRES = "2027-02-01T00:00:00Z"
BUCKET = "//storage.googleapis.com/projects/_/buckets/acme-inbox"
DATASET = f"//bigquery.googleapis.com/projects/{PROJECT}/datasets/suppliers"
TOPIC = f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tickets"
SECRET = f"//secretmanager.googleapis.com/projects/{PROJECT}/secrets/token"
EKS = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
GITHUB = "https://token.actions.githubusercontent.com"

SEEDS: dict[str, Any] = {
    "organizations": {"123456789012": {"displayName": "acme.example"}},
    "projects": {
        PROJECT: {"number": NUMBER, "parent": "organizations/123456789012"},
        DATA: {"number": "876543210987", "parent": "organizations/123456789012"},
    },
    "resources": {BUCKET: {"project": PROJECT}, DATASET: {}, TOPIC: {}, SECRET: {}},
}


def at(line: int) -> SourceRange:
    return SourceRange("main.hcl", Position(line, 1, 0), Position(line, 9, 8))


def block(type_: str, *labels: str, blocks: Iterable[Settings] = (), line: int = 1, **values: Any) -> Settings:
    ranges = {name: at(line) for name in values}
    return Settings(type_, labels, values, tuple(blocks), at(line), ranges)


def google(label: str = "main", *, conditions: Iterable[str] = (), **values: Any) -> Settings:
    given = {"role": "roles/storage.objectViewer", "resource": BUCKET, **values}
    inner = tuple(block("condition", expression=text) for text in conditions)
    return block("google", label, blocks=inner, **{key: value for key, value in given.items() if value is not None})


def custom(label: str = "main", *permissions: str, resource: str = BUCKET) -> Settings:
    return google(label, role=None, permissions=permissions or ("storage.objects.get",), resource=resource)


def tool(name: str, *blocks: Settings, **more: Any) -> Tool:
    clouds = {"google": blocks or (google(),)}
    return replace(Tool(f"tool.{name}", name, "read things", None, "internal", "read", clouds, range=at(5)), **more)


def boundary(name: str = "agents", **values: Any) -> Boundary:
    given = {"attach": f"projects/{PROJECT}", "deny": ("iam.serviceAccountKeys.create",), **values}
    return Boundary(f"boundary.{name}", name, None, {"google": block("google", **given)}, at(3))


def eks(name: str = "eks", pool: str = "eks-agents-prod", provider_key: str = "google", **values: Any) -> Federation:
    oidc = block("oidc", **{"issuer": EKS, "audiences": (), **values})
    return Federation(
        f"federation.{name}", name, provider_key, block("federation", name, blocks=(oidc,), pool=pool), at(2)
    )


def github_federation(name: str = "github", pool: str = "github-prod") -> Federation:
    return eks(name, pool, issuer=GITHUB)


def aws_federation(name: str = "aws", pool: str = "aws-prod", account: str = "123456789012") -> Federation:
    inner = block("aws", account_id=account)
    return Federation(
        f"federation.{name}", name, "google", block("federation", name, blocks=(inner,), pool=pool), at(2)
    )


CLOUD_RUN = block("runtime", "cloud_run")
CLUSTER = f"projects/{PROJECT}/locations/europe-west1/clusters/main"


def gke(namespace: str = "finance", account: str = "triage") -> Settings:
    return block("runtime", "gke", cluster=CLUSTER, namespace=namespace, service_account=account)


def irsa(namespace: str = "finance", account: str = "triage") -> Settings:
    return block("runtime", "eks_irsa", cluster="arn", namespace=namespace, service_account=account)


def github(**values: Any) -> Settings:
    given = {"repository": "acme/billing", "repository_id": "42", "owner_id": "7", "environment": "prod", **values}
    return block("runtime", "github_actions", **{name: value for name, value in given.items() if value is not None})


def agent(name: str, runtime: Settings = CLOUD_RUN, *, line: int = 10, identity: Any = None, **more: Any) -> Agent:
    made = Agent(
        address=f"agent.{name}",
        name=name,
        purpose=f"Does {name}",
        sponsor=None,
        inputs="trusted",
        environment="prod",
        review_by=None,
        boundary="boundary.agents",
        owners={},
        session=Session(),
        runtime=runtime,
        identities={"google": Identity("google", "google", block("identity", "google", **(identity or {})))},
        range=at(line),
    )
    return replace(made, **more)


def grant(name: str, agents: Iterable[str], tools: Iterable[str], **more: Any) -> Grant:
    made = Grant(
        f"grant.{name}", name, tuple(agents), tuple(f"tool.{tool}" for tool in tools), None, None, range=at(20)
    )
    return replace(made, **more)


def authority(
    agents: Iterable[Agent],
    tools: Iterable[Tool] = (),
    grants: Iterable[Grant] = (),
    boundaries: Iterable[Boundary] | None = None,
    federations: Iterable[Federation] = (),
    tests: Iterable[BoundaryTest] = (),
    workspace: str = "acme",
    **settings: Any,
) -> Authority:
    """One project; every grant part is owned by `api` and, where the grant expires, has its absolute time."""
    values = {"project": PROJECT, "project_number": NUMBER, **settings}
    values = {name: value for name, value in values.items() if value is not None}
    config = ProviderConfig("google", "google", None, "prod", block("provider", "google", **values), at(1))
    configuration = Configuration(
        Workspace(workspace, LedgerConfig("local", {})),
        {"google": config},
        {},
        {},
        {item.address: item for item in ([boundary()] if boundaries is None else boundaries)},
        {item.address: item for item in tools},
        {item.name: item for item in agents},
        {item.address: item for item in grants},
        {item.address: item for item in tests},
        federations={item.address: item for item in federations},
    )
    parts = [
        GrantPart(
            item.name,
            item,
            configuration.agents[name],
            "api",
            tuple(configuration.tools[address] for address in item.tools),
            item.expires.at if item.expires else None,
        )
        for item in configuration.grants.values()
        for name in item.agents
    ]
    return Authority(workspace, configuration, {"google": provider.target(config)}, tuple(parts), {"google": config})


def sample() -> Authority:
    """Four agents over four runtimes: service accounts, a federated principal, grants on three kinds of resource."""
    return authority(
        agents=[
            agent("triage"),
            agent("pay_out", gke("payments", "pay-out"), identity={"kind": "service_account"}),
            agent("fixer", github(), identity={"federation": "federation.github"}),
            agent("sorter", irsa("tickets", "sorter"), identity={"federation": "federation.eks"}),
        ],
        tools=[
            tool(
                "inbox",
                custom("objects"),
                google("jobs", role="roles/bigquery.jobUser", resource=f"projects/{PROJECT}"),
            ),
            tool("history", google(role="roles/bigquery.dataViewer", resource=DATASET)),
            tool("tickets", google(role="roles/pubsub.publisher", resource=TOPIC)),
        ],
        grants=[
            grant("reads", ["triage", "pay_out", "fixer", "sorter"], ["inbox"], expires=Expiry(EXPIRES)),
            grant("looks", ["triage", "sorter"], ["history"]),
            grant("sorts", ["sorter"], ["tickets"]),
        ],
        boundaries=[boundary(resources=(f"projects/{PROJECT}",))],
        federations=[github_federation(), eks()],
        organization="123456789012",
    )


def sample_changed() -> Authority:
    """The sample with another boundary, another trust, fewer grants, another description and a narrower role."""
    return authority(
        agents=[
            agent("triage", purpose="Does less"),
            agent("pay_out", gke("payments", "pay-in"), identity={"kind": "service_account"}),
            agent("fixer", github(environment="staging"), identity={"federation": "federation.github"}),
        ],
        tools=[
            tool("inbox", custom("objects", "storage.objects.get", "storage.objects.list")),
            tool("history", google(role="roles/bigquery.dataViewer", resource=DATASET)),
        ],
        grants=[grant("reads", ["triage", "fixer"], ["inbox"], expires=Expiry("2027-01-01T00:00:00Z"))],
        boundaries=[boundary(deny=("iam.serviceAccountKeys.create", "iam.serviceAccounts.getAccessToken"))],
        federations=[github_federation()],
    )
