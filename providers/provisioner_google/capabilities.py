"""What can be attributed and enforced for each runtime on Google Cloud: one table, with its sources.

Sources: «Cloud Audit Logs for Workload Identity Federation» (principalSubject); «Create short-lived credentials for a
service account» (lifetime); «Workload Identity Federation: token exchange» (one hour); «Resource tags in conditions».
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioner.model.authority import Authority
from provisioner.model.configuration import Agent
from provisioner.model.diagnostics import Diagnostic, Severity

from .principals import FEDERATED, google_agents, kind_of, label_of

TOKEN_SECONDS = 3600
"""What a federated or a service account's access token lives at most, and no setting of ours shortens it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`attribution` is what an audit log names a request by; `kinds` the identities that the runtime can have;
    `federated_by` says whose pool its federated principal is in: a federation block's, Google's own, or none."""

    attribution: str
    kinds: tuple[str, ...]
    federated_by: str
    why: str


_ATTACHED = Capabilities(
    "service_account", ("service_account",), "", "it only ever runs as the service account that is attached to it"
)
_THROUGH = Capabilities(
    "workload_subject", ("federated", "service_account"), "federation", "audit logs name the token's mapped subject"
)

CAPABILITIES: Mapping[str, Capabilities] = {
    "cloud_run": _ATTACHED,
    "gce": _ATTACHED,
    "gke": Capabilities(
        "workload_subject",
        ("federated", "service_account"),
        "google",
        "one pool a project: namespace and service account of any of its clusters are the same principal",
    ),
    "agent_engine": Capabilities(
        "workload_subject", ("federated", "service_account"), "google", "audit logs name the engine's own principal"
    ),
    "github_actions": _THROUGH,
    "gitlab_ci": _THROUGH,
    "oidc": _THROUGH,
    "spiffe": _THROUGH,
    "eks_irsa": _THROUGH,
    "eks_pod_identity": _THROUGH,
    "lambda": _THROUGH,
    "ecs": _THROUGH,
    "ec2": _THROUGH,
    "bedrock_agentcore": _THROUGH,
    "roles_anywhere": _THROUGH,
}


def check_sessions(authority: Authority) -> Iterable[Diagnostic]:
    """What an agent's `session` asks for and Google cannot do. An agent that is in AWS too may mean AWS."""
    for agent in google_agents(authority):
        only = tuple(agent.identities) == ("google",)
        severity = Severity.ERROR if only else Severity.WARNING
        if agent.session.max_seconds is not None and agent.session.max_seconds < TOKEN_SECONDS:
            yield Diagnostic(
                "E-GOOGLE-SESSION",
                f"Google cannot end sessions of {agent.address} after {agent.session.max_seconds} s",
                f"A token lives up to {TOKEN_SECONDS} s, and no setting of an identity makes that shorter. Leave"
                " max_duration out, or end the authority itself: grant { expires }.",
                severity=severity,
                subject=agent.session.range or agent.range,
            )
        if agent.session.attribution in ("source_identity", "workload_tags"):
            yield Diagnostic(
                "E-GOOGLE-ATTRIBUTION",
                f"Google has no {agent.session.attribution} for {agent.address}",
                f"Sessions carry no tags here; {_named_by(authority, agent)}. Leave attribution out.",
                severity=severity,
                subject=agent.session.range or agent.range,
            )


def _named_by(authority: Authority, agent: Agent) -> str:
    if kind_of(authority, agent) == FEDERATED:
        known = CAPABILITIES.get(label_of(agent))
        return known.why if known is not None else "audit logs name the token's mapped subject"
    return "audit logs name the service account"
