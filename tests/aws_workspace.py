"""Configurations in the model's own types, for tests of the AWS provider that need no HCL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from provisioner_aws import provider

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import (
    Agent,
    Boundary,
    BoundaryTest,
    Configuration,
    Expiry,
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

ACCOUNT = "123456789012"
EXPIRES = "2027-02-01T00:00:00Z"


def at(line: int) -> SourceRange:
    return SourceRange("main.hcl", Position(line, 1, 0), Position(line, 9, 8))


def block(type_: str, *labels: str, blocks: Iterable[Settings] = (), line: int = 1, **values: Any) -> Settings:
    ranges = {name: at(line) for name in values}
    return Settings(type_, labels, values, tuple(blocks), at(line), ranges)


def statement(actions: Iterable[str], resources: Iterable[str], *conditions: Settings, **more: Any) -> Settings:
    return block("statement", "main", blocks=conditions, actions=tuple(actions), resources=tuple(resources), **more)


def condition(operator: str, key: str, *values: str) -> Settings:
    return block("condition", operator=operator, key=key, values=values)


def tool(name: str, *statements: Settings, **more: Any) -> Tool:
    found = statements or (statement(["s3:GetObject"], [f"arn:aws:s3:::acme-{name}/*"]),)
    clouds = {"aws": (block("aws", blocks=found),)}
    return replace(Tool(f"tool.{name}", name, "read things", None, "internal", "read", clouds, range=at(5)), **more)


def boundary(name: str = "agents", max_session: int | None = None, **values: Any) -> Boundary:
    given = {"allow": ("s3:*", "dynamodb:*"), "deny": ("iam:*",), "regions": (), "global_services": (), **values}
    return Boundary(f"boundary.{name}", name, max_session, {"aws": block("aws", **given)}, at(3))


LAMBDA = block("runtime", "lambda")
ECS = block("runtime", "ecs")


def github(**values: Any) -> Settings:
    given = {"repository": "acme/billing", "repository_id": "42", "owner_id": "7", "environment": "prod", **values}
    return block("runtime", "github_actions", **{name: value for name, value in given.items() if value is not None})


def agent(
    name: str, runtime: Settings = LAMBDA, *, line: int = 10, identity: Mapping[str, Any] | None = None, **more: Any
) -> Agent:
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
        identities={"aws": Identity("aws", "aws", block("identity", "aws", **(identity or {})))},
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
    tests: Iterable[BoundaryTest] = (),
    workspace: str = "ws",
    account: str = ACCOUNT,
    regions: tuple[str, ...] = ("eu-west-1",),
) -> Authority:
    """One account; every grant part is owned by `api` and, where the grant expires, has its absolute time."""
    config = ProviderConfig("aws", "aws", None, "prod", block("provider", "aws", account_id=account, regions=regions))
    configuration = Configuration(
        Workspace(workspace, LedgerConfig("local", {})),
        {"aws": config},
        {},
        {},
        {item.address: item for item in ([boundary()] if boundaries is None else boundaries)},
        {item.address: item for item in tools},
        {item.name: item for item in agents},
        {item.address: item for item in grants},
        {item.address: item for item in tests},
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
    return Authority(workspace, configuration, {"aws": provider.target(config)}, tuple(parts), {"aws": config})


def sample() -> Authority:
    """Three agents over three runtimes, with two grants, one of which expires."""
    listing = statement(
        ["s3:ListBucket"], ["arn:aws:s3:::acme-inbox"], condition("StringLike", "s3:prefix", "inbox/*"), line=6
    )
    return authority(
        agents=[agent("triage"), agent("pay_out", ECS), agent("fixer", github())],
        tools=[tool("inbox", statement(["s3:GetObject"], ["arn:aws:s3:::acme-inbox/*"]), listing), tool("log")],
        grants=[
            grant("reads", ["triage", "pay_out", "fixer"], ["inbox"], expires=Expiry(EXPIRES)),
            grant("logs", ["triage"], ["log"]),
        ],
    )


def sample_changed() -> Authority:
    """The sample with a narrower boundary, another trust, fewer grants, another description and session."""
    return authority(
        agents=[
            agent("triage", purpose="Does less"),
            agent("pay_out", ECS, session=Session(max_seconds=None)),
            agent("fixer", github(environment="staging"), session=Session(max_seconds=7200)),
        ],
        tools=[tool("inbox"), tool("log")],
        grants=[grant("reads", ["triage", "fixer"], ["inbox"])],
        boundaries=[boundary(allow=("s3:*",), max_session=7200)],
    )
