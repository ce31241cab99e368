"""The trust of GitHub Actions workflows.

Sources: IAM User Guide, «Create a role for OpenID Connect federation» and «Available keys for AWS OIDC federation»
(GitHub's claim keys); GitHub, «OpenID Connect reference» (subjects, immutable subjects).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic, Severity

from .places import Place, check_exact, check_issuer, issuer_of, problem, token_statement
from .runtimes import GITHUB_AUDIENCE, GITHUB_ISSUER

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_NUMBER = re.compile(r"[0-9]{1,20}")
_WORKFLOW = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/\.github/workflows/[^@\s]+\.ya?ml@\S+")
_TEXTS = (
    "repository",
    "repository_id",
    "owner_id",
    "environment",
    "branch",
    "tag",
    "job_workflow_ref",
    "audience",
)


def github(runtime: Settings, place: Place) -> dict[str, Any]:
    claims = {
        "aud": runtime.get("audience", GITHUB_AUDIENCE),
        "sub": github_subject(runtime),
        "repository_id": runtime.get("repository_id"),
        "repository_owner_id": runtime.get("owner_id"),
        "environment": runtime.get("environment"),
        "ref": _ref(runtime),
        "job_workflow_ref": runtime.get("job_workflow_ref"),
    }
    return token_statement(place, github_issuer(runtime, place), claims)


def github_issuer(runtime: Settings, place: Place) -> str:
    return issuer_of(runtime, place, f"https://{GITHUB_ISSUER}")


def github_subject(runtime: Settings) -> str:
    """The exact `sub` of the runtime's tokens. GitHub writes a colon in an environment's name as %3A."""
    owner, _, name = str(runtime.get("repository", "")).partition("/")
    if runtime.get("subject", "immutable") == "immutable":
        owner, name = f"{owner}@{runtime.get('owner_id')}", f"{name}@{runtime.get('repository_id')}"
    environment = runtime.get("environment")
    context = f"environment:{environment.replace(':', '%3A')}" if environment else f"ref:{_ref(runtime)}"
    return f"repo:{owner}/{name}:{context}"


def _ref(runtime: Settings) -> str | None:
    if runtime.get("branch"):
        return f"refs/heads/{runtime.get('branch')}"
    return f"refs/tags/{runtime.get('tag')}" if runtime.get("tag") else None


def check_github(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    yield from check_exact(agent, _TEXTS)
    yield from check_issuer(agent, place, required=False)
    yield from _check_github_ids(agent)
    yield from _check_github_context(agent)


def _check_github_ids(agent: Agent) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    repository = runtime.get("repository", "")
    if not _REPOSITORY.fullmatch(repository) and "*" not in repository:
        yield problem(agent, "repository", f"{repository!r} is no repository", "Write owner/name.")
    find = "`gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints both."
    for name in ("repository_id", "owner_id"):
        value = runtime.get(name)
        if value is not None and not _NUMBER.fullmatch(value):
            yield problem(agent, name, f"{name} {value!r} is not a number", f"It is GitHub's numeric id: {find}")
    if runtime.get("subject", "immutable") == "immutable":
        if runtime.get("owner_id") is None:
            yield problem(
                agent,
                "owner_id",
                "an immutable subject needs owner_id",
                f"Its tokens say repo:owner@id/name@id. {find} Where the repository has not opted in, set"
                ' subject = "name".',
            )
    else:
        yield Diagnostic(
            "FED-3",
            f"{agent.address} trusts a repository by its name",
            "A name can be taken over after a rename or deletion; only repository_id stands against it here. Opt the"
            ' repository in to immutable subjects, then take out subject = "name".',
            severity=Severity.WARNING,
            subject=runtime.range_of("subject"),
        )


def _check_github_context(agent: Agent) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    environment, branch, tag = (runtime.get(name) for name in ("environment", "branch", "tag"))
    if not environment and not branch and not tag:
        yield problem(
            agent,
            "environment",
            "nothing says which runs of the workflow may become it",
            "Set environment (best: it can require reviewers), branch or tag. Pull requests are refused: anybody who"
            " can open one would become this agent.",
        )
    if branch and tag:
        yield problem(agent, "tag", "a run is on a branch or on a tag, never on both", "Take one of them out.")
    for name, value in (("branch", branch), ("tag", tag)):
        if value and value.startswith("refs/"):
            yield problem(
                agent, name, f"{name} {value!r} is a full ref", f"Write the {name}'s name alone; refs/pull is refused."
            )
    workflow = runtime.get("job_workflow_ref")
    if workflow and "*" not in workflow and not _WORKFLOW.fullmatch(workflow):
        yield problem(
            agent,
            "job_workflow_ref",
            f"job_workflow_ref {workflow!r} has not the shape that GitHub sends",
            "Write owner/repo/.github/workflows/file.yml@refs/heads/main (or a tag, or a commit).",
        )
