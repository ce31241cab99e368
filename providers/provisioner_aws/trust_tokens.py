"""Trusts of workloads that prove who they are with a token of an OpenID Connect issuer.

Sources: IAM User Guide, «Create a role for OpenID Connect federation», «Identity-provider controls for shared OIDC
providers» and «Available keys for AWS OIDC federation»; Amazon EKS User Guide, «Assign IAM roles to Kubernetes service
accounts»; GitLab, «Configure OpenID Connect in AWS» and «ID token payload»; SPIFFE, «The SPIFFE Identity and Verifiable
Identity Document» and SPIRE's OIDC discovery provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic, Severity

from .places import SET_SOURCE_IDENTITY, Place, check_exact, check_issuer, issuer_of, problem, token_statement
from .runtimes import EKS_AUDIENCE, GITLAB_ISSUER
from .trust_services import check_service_account

SHARED_ISSUERS = {
    "accounts.google.com": "",
    "agent.buildkite.com": "",
    "api.pulumi.com": "",
    "app.terraform.io": "",
    "appleid.apple.com": "",
    "gitlab.com": "gitlab_ci",
    "graph.facebook.com": "",
    "id.vercel.com": "",
    "login.microsoftonline.com": "",
    "oidc.codefresh.io": "",
    "oidc.vercel.com": "",
    "securetoken.google.com": "",
    "token.actions.githubusercontent.com": "github_actions",
    "www.amazon.com": "",
}
"""Hosts whose one issuer signs tokens for all their customers, with the runtime that is made for them, if any."""

_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
_SPIFFE = re.compile(r"spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)+")
_EKS_ISSUER = re.compile(r"oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-Z]+")


def irsa(runtime: Settings, place: Place) -> dict[str, Any]:
    claims = {"aud": runtime.get("audience", EKS_AUDIENCE), "sub": irsa_subject(runtime)}
    return token_statement(place, issuer_of(runtime, place), claims)


def irsa_subject(runtime: Settings) -> str:
    return f"system:serviceaccount:{runtime.get('namespace')}:{runtime.get('service_account')}"


def gitlab(runtime: Settings, place: Place) -> dict[str, Any]:
    claims = {"aud": gitlab_audience(runtime, place), "sub": gitlab_subject(runtime)}
    return token_statement(place, gitlab_issuer(runtime, place), claims)


def gitlab_issuer(runtime: Settings, place: Place) -> str:
    return issuer_of(runtime, place, f"https://{GITLAB_ISSUER}")


def gitlab_audience(runtime: Settings, place: Place) -> str:
    """What `id_tokens: aud:` says; GitLab's own guide uses the instance's URL."""
    return str(runtime.get("audience", f"https://{gitlab_issuer(runtime, place)}"))


def gitlab_subject(runtime: Settings) -> str:
    """The exact `sub` of the pipeline's tokens."""
    kind = "tag" if runtime.get("tag") else "branch"
    return f"project_path:{runtime.get('project_path')}:ref_type:{kind}:ref:{runtime.get(kind)}"


def oidc(runtime: Settings, place: Place) -> dict[str, Any]:
    claims = {"aud": runtime.get("audience"), "sub": runtime.get("subject")}
    source = runtime.get("source_identity")
    statement = token_statement(place, issuer_of(runtime, place), claims, *([SET_SOURCE_IDENTITY] if source else []))
    if source:
        statement["Condition"]["StringEquals"]["sts:SourceIdentity"] = source
    return statement


def spiffe(runtime: Settings, place: Place) -> dict[str, Any]:
    claims = {"aud": runtime.get("audience"), "sub": runtime.get("spiffe_id")}
    return token_statement(place, issuer_of(runtime, place), claims)


def check_irsa(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    yield from check_issuer(agent, place)
    yield from check_exact(agent, ("namespace", "service_account", "audience"))
    yield from check_service_account(agent)
    issuer = issuer_of(agent.runtime, place)
    if issuer and issuer.partition("/")[0] in SHARED_ISSUERS:
        yield problem(
            agent,
            "issuer",
            f"{issuer} is no issuer of one cluster",
            "A service account's name says nothing unless the issuer is the cluster's own: `aws eks describe-cluster"
            " --name NAME --query cluster.identity.oidc.issuer` prints it.",
        )
    elif issuer.startswith("oidc.eks.") and not _EKS_ISSUER.fullmatch(issuer):
        yield problem(
            agent,
            "issuer",
            f"{issuer} is no issuer of an EKS cluster",
            "It ends in /id/ and the cluster's id, as `aws eks describe-cluster --name NAME --query"
            " cluster.identity.oidc.issuer` prints it.",
        )


def check_gitlab(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    yield from check_issuer(agent, place, required=False)
    yield from check_exact(agent, ("project_path", "branch", "tag", "audience"))
    path = runtime.get("project_path", "")
    if not _PROJECT.fullmatch(path) and "*" not in path:
        yield problem(agent, "project_path", f"{path!r} is no project", "Write group/project, with every subgroup.")
    given = [name for name in ("branch", "tag") if runtime.get(name)]
    if len(given) != 1:
        yield problem(
            agent,
            given[-1] if given else "branch",
            "a pipeline runs for a branch or for a tag, and exactly one must be named",
            "Set branch or tag. Without one, every pipeline of the project would become this agent, merge requests"
            " of others among them.",
        )
    for name in given:
        if str(runtime.get(name)).startswith(("refs/", "merge-requests/")):
            yield problem(agent, name, f"{name} {runtime.get(name)!r} is a full ref", f"Write the {name}'s name alone.")
    if gitlab_issuer(runtime, place) == GITLAB_ISSUER:
        yield Diagnostic(
            "FED-3",
            f"{agent.address} trusts a project by its path",
            "GitLab's subject holds the path alone, and AWS can test no other claim of it: who gets the path after a"
            " rename or a deletion becomes this agent. Protect the path: keep the group, and never free its name.",
            severity=Severity.WARNING,
            subject=runtime.range_of("project_path"),
        )


def check_oidc(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    yield from check_issuer(agent, place)
    yield from check_exact(agent, ("subject", "audience", "tenant", "source_identity"))
    yield from _check_shared(agent, place)


def check_spiffe(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    yield from check_issuer(agent, place)
    yield from check_exact(agent, ("spiffe_id", "audience"))
    id_ = runtime.get("spiffe_id", "")
    if not _SPIFFE.fullmatch(id_) and not any(char in id_ for char in "*?$&"):
        yield problem(
            agent,
            "spiffe_id",
            f"{id_!r} is no SPIFFE id of a workload",
            "Write spiffe://trust-domain/path, exactly as in the SVID.",
        )
    yield from _check_shared(agent, place)


def _check_shared(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    """An issuer that serves many customers says who somebody is only together with whose they are."""
    runtime = agent.runtime
    issuer = issuer_of(runtime, place)
    host = issuer.partition("/")[0].partition(":")[0]
    if host not in SHARED_ISSUERS:
        return
    own = SHARED_ISSUERS[host]
    if own:
        yield problem(
            agent,
            "issuer",
            f"{host} signs tokens for everybody",
            f'Use runtime "{own}", which pins what tells its customers apart.',
        )
        return
    tenant = str(runtime.get("tenant") or "")
    pinned = (str(runtime.get("subject", "")), str(runtime.get("audience", "")), issuer)
    if not tenant or not any(tenant in re.split(r"[/:|@]", text) for text in pinned):
        yield problem(
            agent,
            "tenant",
            f"{host} signs tokens for everybody, and nothing pinned says whose this one is",
            "Set tenant to your organisation's name or id there; it must stand as a whole part of the subject, the"
            " audience or the issuer. Otherwise another customer with the same subject would become this agent.",
        )
