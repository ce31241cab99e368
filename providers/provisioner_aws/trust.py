"""The trust policy of each runtime, safe by construction: nobody writes trust JSON by hand, except to keep an old one.

One row a runtime: what is written and what is refused. The sources are in `trust_services`, `trust_tokens` and
`trust_github`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic

from . import adopted, trust_github, trust_services, trust_tokens
from .places import REGION, VERSION, Place, check_regions, federation_of, issuer_of, oidc_arn, runtime_label
from .runtimes import EKS_AUDIENCE, GITHUB_AUDIENCE
from .trust_github import github_subject
from .trust_services import lambda_functions

__all__ = [
    "REGION",
    "RUNTIMES",
    "VERSION",
    "Place",
    "check_runtime",
    "github_subject",
    "lambda_functions",
    "oidc_arn",
    "oidc_requirement",
    "runtime_label",
    "supported",
    "trust_policy",
    "unsupported",
]

Writer = Callable[[Settings, Place], dict[str, Any]]
Check = Callable[[Agent, Place], Iterable[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Row:
    """`statement` writes the trust, `check` says what is refused, `oidc` whether an OIDC provider must be there."""

    statement: Writer
    check: Check
    oidc: bool = False


def nothing_refused(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    """A runtime without settings has none that could be wrong."""
    return ()


RUNTIMES: Mapping[str, Row] = {
    "lambda": Row(trust_services.lambda_, trust_services.check_lambda),
    "ecs": Row(trust_services.ecs, check_regions),
    "ec2": Row(trust_services.ec2, nothing_refused),
    "eks_pod_identity": Row(trust_services.pod_identity, trust_services.check_pod_identity),
    "eks_irsa": Row(trust_tokens.irsa, trust_tokens.check_irsa, oidc=True),
    "bedrock_agentcore": Row(trust_services.agentcore, trust_services.check_agentcore),
    "bedrock_agent": Row(trust_services.bedrock_agent, trust_services.check_bedrock_agent),
    "roles_anywhere": Row(trust_services.roles_anywhere, trust_services.check_roles_anywhere),
    "github_actions": Row(trust_github.github, trust_github.check_github, oidc=True),
    "gitlab_ci": Row(trust_tokens.gitlab, trust_tokens.check_gitlab, oidc=True),
    "oidc": Row(trust_tokens.oidc, trust_tokens.check_oidc, oidc=True),
    "spiffe": Row(trust_tokens.spiffe, trust_tokens.check_spiffe, oidc=True),
}
"""Every runtime whose trust we write; `adopted` keeps one instead."""


def trust_policy(agent: Agent, place: Place) -> dict[str, Any]:
    """The trust policy of an agent's role. Only meaningful where `check_runtime` found no error."""
    label = runtime_label(agent.runtime)
    if label == adopted.LABEL:
        kept: dict[str, Any] = json.loads(agent.runtime.get("trust", "{}"))
        return kept
    return {"Version": VERSION, "Statement": [RUNTIMES[label].statement(agent.runtime, place)]}


def check_runtime(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    """What is wrong with an agent's runtime block."""
    if not supported(agent):
        yield unsupported(agent)
    elif runtime_label(agent.runtime) == adopted.LABEL:
        yield from adopted.check_trust(agent)
    else:
        yield from RUNTIMES[runtime_label(agent.runtime)].check(agent, place)


def supported(agent: Agent) -> bool:
    """Whether this provider can write a trust for the agent's runtime."""
    label = runtime_label(agent.runtime)
    return label in RUNTIMES or label == adopted.LABEL


def unsupported(agent: Agent) -> Diagnostic:
    """A runtime of another cloud, from which nobody can become an AWS role yet."""
    label = runtime_label(agent.runtime)
    return Diagnostic(
        "E-AWS-RUNTIME",
        f"{agent.address}: a workload on {label!r} cannot become an AWS role",
        f'Runtimes with a trust in AWS are {", ".join(sorted(RUNTIMES))}. Take identity "aws" out, or run the agent on'
        " one of these.",
        subject=agent.runtime.range,
    )


_AUDIENCES = {"github_actions": GITHUB_AUDIENCE, "eks_irsa": EKS_AUDIENCE}


def oidc_requirement(runtime: Settings, place: Place) -> tuple[str, str] | None:
    """ARN of the OIDC provider that must be in the account, and the audience it must list.

    None where none is, and where a federation of the workspace makes it.
    """
    label = runtime_label(runtime)
    row = RUNTIMES.get(label)
    if row is None or not row.oidc or federation_of(runtime, place) is not None:
        return None
    return oidc_arn(place, token_issuer(runtime, place)), token_audience(runtime, place)


def token_issuer(runtime: Settings, place: Place) -> str:
    """The issuer of a token runtime, without `https://`."""
    label = runtime_label(runtime)
    if label == "github_actions":
        return trust_github.github_issuer(runtime, place)
    return trust_tokens.gitlab_issuer(runtime, place) if label == "gitlab_ci" else issuer_of(runtime, place)


def token_audience(runtime: Settings, place: Place) -> str:
    """The `aud` that a token runtime pins."""
    label = runtime_label(runtime)
    if label == "gitlab_ci":
        return trust_tokens.gitlab_audience(runtime, place)
    return str(runtime.get("audience", _AUDIENCES.get(label, "")))
