"""What the trusts of all runtimes are written with: where a role stands, and the shapes of statements and findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.configuration import Agent, Federation, Settings
from provisioner.model.diagnostics import Diagnostic

VERSION = "2012-10-17"
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?")
ASSUME = "sts:AssumeRole"
TAG_SESSION = "sts:TagSession"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a role stands. `regions` are the provider's; `federations` the workspace's, by address."""

    partition: str
    account: str
    regions: tuple[str, ...]
    federations: Mapping[str, Federation] = field(default_factory=dict, compare=False)


def runtime_label(runtime: Settings) -> str:
    """`lambda`, `ecs` and so on."""
    return runtime.labels[0] if runtime.labels else runtime.type


def regions_of(runtime: Settings, place: Place) -> tuple[str, ...]:
    return tuple(runtime.get("regions") or place.regions)


def service_statement(principal: str, condition: Mapping[str, Any] | None, *more: str) -> dict[str, Any]:
    """Allow a service to assume the role; `more` are actions beside sts:AssumeRole."""
    actions = [ASSUME, *more] if more else ASSUME
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": actions}
    if condition:
        statement["Condition"] = condition
    return statement


def source_condition(place: Place, arns: Iterable[str]) -> dict[str, Any]:
    """Only on behalf of these resources of this account: the «confused deputy» keys."""
    return {"StringEquals": {"aws:SourceAccount": place.account}, "ArnLike": {"aws:SourceArn": list(arns)}}


def oidc_arn(place: Place, issuer: str) -> str:
    """ARN of the account's OIDC provider for an issuer, written without `https://`."""
    return f"arn:{place.partition}:iam::{place.account}:oidc-provider/{issuer}"


def federation_of(runtime: Settings, place: Place) -> Federation | None:
    """The federation that a runtime names; None where it names none."""
    address = runtime.get("federation")
    return place.federations.get(str(address)) if address is not None else None


def federation_oidc(federation: Federation) -> Settings:
    """The `oidc` block of a federation in AWS; an empty one where it has none."""
    return next(iter(federation.settings.of("oidc")), Settings("oidc", range=federation.range))


def issuer_of(runtime: Settings, place: Place, default: str | None = None) -> str:
    """The issuer of the runtime's tokens without `https://`: its federation's, its own, else the default."""
    federation = federation_of(runtime, place)
    found = federation_oidc(federation).get("issuer", "") if federation else runtime.get("issuer", default or "")
    return str(found).removeprefix("https://")


def token_statement(place: Place, issuer: str, claims: Mapping[str, str | None], *more: str) -> dict[str, Any]:
    """Allow tokens of an issuer in which every claim is exactly this; a claim that is None is left out."""
    actions = ["sts:AssumeRoleWithWebIdentity", *more] if more else "sts:AssumeRoleWithWebIdentity"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": oidc_arn(place, issuer)},
        "Action": actions,
        "Condition": {"StringEquals": {f"{issuer}:{claim}": value for claim, value in claims.items() if value}},
    }


def problem(agent: Agent, attribute: str, summary: str, detail: str, code: str = "E-AWS-RUNTIME") -> Diagnostic:
    """An error at an attribute of an agent's runtime block."""
    return Diagnostic(code, f"{agent.address}: {summary}", detail, subject=agent.runtime.range_of(attribute))


def check_regions(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    """A trust that names regions needs some, and real ones."""
    regions = regions_of(agent.runtime, place)
    if not regions:
        yield problem(
            agent,
            "regions",
            f"runtime {runtime_label(agent.runtime)!r} has no region",
            "Its trust policy names the regions from which the service may act. Set regions in the runtime block or"
            " in the provider block.",
        )
    for region in regions:
        if not REGION.fullmatch(region):
            yield problem(
                agent, "regions", f"{region!r} is no AWS region", "Write it as AWS does, for example eu-west-1."
            )


def check_exact(agent: Agent, names: Iterable[str]) -> Iterable[Diagnostic]:
    """Every attribute that a trust pins is one whole value."""
    for name in names:
        value = agent.runtime.get(name)
        if value is None:
            continue
        if not value or any(char in value for char in "*?") or "${" in value or "&{" in value:
            yield problem(
                agent,
                name,
                f"{name} {value!r} is not one exact value",
                "A wildcard or an empty value in a trust lets other workloads become this agent. Write the whole"
                " value; an agent for each repository, branch or namespace is cheap with for_each.",
            )


def check_issuer(agent: Agent, place: Place, required: bool = True) -> Iterable[Diagnostic]:
    """Exactly one of `issuer` and `federation`, and what the federation must be."""
    runtime = agent.runtime
    address = runtime.get("federation")
    if address is None:
        given = runtime.get("issuer")
        if given is None and required:
            yield problem(
                agent,
                "issuer",
                "nothing says who issues its tokens",
                "Set federation to a federation block of this account, or issuer to the URL of an OIDC provider that"
                " the account already has.",
            )
        elif given is not None and not ISSUER.fullmatch(str(given)):
            yield problem(
                agent,
                "issuer",
                "the issuer is not an https URL",
                "Write it as in the tokens' iss claim, without a slash at its end, for example"
                " https://token.actions.githubusercontent.com.",
            )
        return
    if runtime.ranges.get("issuer") is not None:
        yield problem(
            agent, "issuer", "its issuer is said twice", "The federation says who issues the tokens. Take issuer out."
        )
    federation = federation_of(runtime, place)
    if federation is None:
        yield problem(
            agent,
            "federation",
            f"{address} is no federation of this workspace",
            'Declare federation "name" { … } and refer to it as federation.name.',
        )
    elif not federation_oidc(federation).get("issuer"):
        yield problem(
            agent,
            "federation",
            f"{address} is no trust in AWS",
            "An AWS role trusts an OIDC provider of its own account: declare a federation with provider = provider.aws"
            " and an oidc block, and refer to that one.",
        )
