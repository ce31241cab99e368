"""The trust policy of each runtime, safe by construction: nobody writes trust JSON by hand.

Sources: Amazon ECS Developer Guide, «Task IAM role» (SourceArn must end in `:*`); IAM User Guide, «The confused
deputy problem», «Create a role for OpenID Connect federation» and «Available keys for AWS OIDC federation» (GitHub's
claim keys); GitHub, «OpenID Connect reference» (subjects, immutable subjects).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic, Severity

from .runtimes import GITHUB_AUDIENCE, GITHUB_ISSUER

VERSION = "2012-10-17"
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_NUMBER = re.compile(r"[0-9]{1,20}")
_WORKFLOW = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/\.github/workflows/[^@\s]+\.ya?ml@\S+")
_ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?")
_GITHUB_TEXTS = (
    "repository",
    "repository_id",
    "owner_id",
    "environment",
    "branch",
    "tag",
    "job_workflow_ref",
    "audience",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a role stands. `regions` are the provider's."""

    partition: str
    account: str
    regions: tuple[str, ...]


def runtime_label(runtime: Settings) -> str:
    """`lambda`, `ecs` and so on."""
    return runtime.labels[0] if runtime.labels else runtime.type


def trust_policy(agent: Agent, place: Place) -> dict[str, Any]:
    """The trust policy of an agent's role. Only meaningful where `check_runtime` found no error."""
    statement = _WRITERS[runtime_label(agent.runtime)](agent.runtime, place)
    return {"Version": VERSION, "Statement": [statement]}


def check_runtime(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    """What is wrong with an agent's runtime block."""
    if not supported(agent):
        yield unsupported(agent)
        return
    yield from _CHECKS[runtime_label(agent.runtime)](agent, place)


def supported(agent: Agent) -> bool:
    """Whether this provider can write a trust for the agent's runtime."""
    return runtime_label(agent.runtime) in _WRITERS


def unsupported(agent: Agent) -> Diagnostic:
    """A runtime of another cloud, from which nobody can become an AWS role yet."""
    label = runtime_label(agent.runtime)
    return Diagnostic(
        "E-AWS-RUNTIME",
        f"{agent.address}: a workload on {label!r} cannot become an AWS role",
        f'Runtimes with a trust in AWS are {", ".join(sorted(_WRITERS))}. Take identity "aws" out, or run the agent on'
        " one of these.",
        subject=agent.runtime.range,
    )


def oidc_requirement(runtime: Settings, place: Place) -> tuple[str, str] | None:
    """ARN of the OIDC provider that must be in the account, and the audience it must list; None where none is."""
    if runtime_label(runtime) != "github_actions":
        return None
    return oidc_arn(place, _issuer(runtime)), str(runtime.get("audience", GITHUB_AUDIENCE))


def oidc_arn(place: Place, issuer: str) -> str:
    return f"arn:{place.partition}:iam::{place.account}:oidc-provider/{issuer}"


def github_subject(runtime: Settings) -> str:
    """The exact `sub` of the runtime's tokens. GitHub writes a colon in an environment's name as %3A."""
    owner, _, name = str(runtime.get("repository", "")).partition("/")
    if runtime.get("subject", "immutable") == "immutable":
        owner, name = f"{owner}@{runtime.get('owner_id')}", f"{name}@{runtime.get('repository_id')}"
    environment = runtime.get("environment")
    context = f"environment:{environment.replace(':', '%3A')}" if environment else f"ref:{_ref(runtime)}"
    return f"repo:{owner}/{name}:{context}"


def lambda_functions(runtime: Settings, place: Place) -> tuple[str, ...]:
    """ARNs of the functions that a lambda runtime names, in every region it runs in."""
    names = runtime.get("functions") or ()
    return tuple(_function_arn(place, region, name) for region in _regions(runtime, place) for name in names)


def _regions(runtime: Settings, place: Place) -> tuple[str, ...]:
    return tuple(runtime.get("regions") or place.regions)


def _service(principal: str, condition: Mapping[str, Any] | None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return statement


def _source(place: Place, arns: Iterable[str]) -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceAccount": place.account}, "ArnLike": {"aws:SourceArn": list(arns)}}


def _ecs(runtime: Settings, place: Place) -> dict[str, Any]:
    arns = (f"arn:{place.partition}:ecs:{region}:{place.account}:*" for region in _regions(runtime, place))
    return _service("ecs-tasks.amazonaws.com", _source(place, arns))


def _lambda(runtime: Settings, place: Place) -> dict[str, Any]:
    if not runtime.get("source_condition"):
        return _service("lambda.amazonaws.com", None)
    arns = lambda_functions(runtime, place) or tuple(
        _function_arn(place, region, "*") for region in _regions(runtime, place)
    )
    return _service("lambda.amazonaws.com", _source(place, arns))


def _function_arn(place: Place, region: str, name: str) -> str:
    return f"arn:{place.partition}:lambda:{region}:{place.account}:function:{name}"


def _github(runtime: Settings, place: Place) -> dict[str, Any]:
    issuer = _issuer(runtime)
    claims = {
        "aud": runtime.get("audience", GITHUB_AUDIENCE),
        "sub": github_subject(runtime),
        "repository_id": runtime.get("repository_id"),
        "repository_owner_id": runtime.get("owner_id"),
        "environment": runtime.get("environment"),
        "ref": _ref(runtime),
        "job_workflow_ref": runtime.get("job_workflow_ref"),
    }
    return {
        "Effect": "Allow",
        "Principal": {"Federated": oidc_arn(place, issuer)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:{claim}": value for claim, value in claims.items() if value}},
    }


def _issuer(runtime: Settings) -> str:
    return str(runtime.get("issuer", f"https://{GITHUB_ISSUER}")).removeprefix("https://")


def _ref(runtime: Settings) -> str | None:
    if runtime.get("branch"):
        return f"refs/heads/{runtime.get('branch')}"
    return f"refs/tags/{runtime.get('tag')}" if runtime.get("tag") else None


_WRITERS: Mapping[str, Callable[[Settings, Place], dict[str, Any]]] = {
    "ecs": _ecs,
    "lambda": _lambda,
    "github_actions": _github,
}


def _error(agent: Agent, attribute: str, summary: str, detail: str) -> Diagnostic:
    return Diagnostic("E-AWS-RUNTIME", f"{agent.address}: {summary}", detail, subject=agent.runtime.range_of(attribute))


def _check_regions(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    regions = _regions(agent.runtime, place)
    label = runtime_label(agent.runtime)
    if not regions:
        yield _error(
            agent,
            "regions",
            f"runtime {label!r} has no region",
            "Its trust policy names the regions from which the service may act. Set regions in the runtime block or"
            " in the provider block.",
        )
    for region in regions:
        if not REGION.fullmatch(region):
            yield _error(
                agent, "regions", f"{region!r} is no AWS region", "Write it as AWS does, for example eu-west-1."
            )


def _check_lambda(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    if runtime.get("source_condition") or runtime.get("regions"):
        yield from _check_regions(agent, place)
    for name in runtime.get("functions") or ():
        if not _FUNCTION.fullmatch(name):
            yield _error(
                agent,
                "functions",
                f"{name!r} is no Lambda function name",
                "A name has up to 64 letters, digits, hyphens and underscores. Write neither an ARN nor a wildcard: a"
                " wildcard would let other agents' functions in.",
            )


def _check_github(agent: Agent, _: Place) -> Iterable[Diagnostic]:
    yield from _check_github_text(agent)
    yield from _check_github_ids(agent)
    yield from _check_github_context(agent)


def _check_github_text(agent: Agent) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    for name in _GITHUB_TEXTS:
        value = runtime.get(name)
        if value is None:
            continue
        if not value or any(char in value for char in "*?") or "${" in value or "&{" in value:
            yield _error(
                agent,
                name,
                f"{name} {value!r} is not one exact value",
                "A wildcard or an empty value in a trust lets other workflows become this agent. Write the whole"
                " value; an agent for each repository or branch is cheap with for_each.",
            )
    if not _ISSUER.fullmatch(str(runtime.get("issuer", f"https://{GITHUB_ISSUER}"))):
        yield _error(
            agent,
            "issuer",
            "the issuer is not an https URL",
            f"Write it as in the tokens' iss claim, for example https://{GITHUB_ISSUER}.",
        )


def _check_github_ids(agent: Agent) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    repository = runtime.get("repository", "")
    if not _REPOSITORY.fullmatch(repository) and "*" not in repository:
        yield _error(agent, "repository", f"{repository!r} is no repository", "Write owner/name.")
    find = "`gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints both."
    for name in ("repository_id", "owner_id"):
        value = runtime.get(name)
        if value is not None and not _NUMBER.fullmatch(value):
            yield _error(agent, name, f"{name} {value!r} is not a number", f"It is GitHub's numeric id: {find}")
    if runtime.get("subject", "immutable") == "immutable":
        if runtime.get("owner_id") is None:
            yield _error(
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
        yield _error(
            agent,
            "environment",
            "nothing says which runs of the workflow may become it",
            "Set environment (best: it can require reviewers), branch or tag. Pull requests are refused: anybody who"
            " can open one would become this agent.",
        )
    if branch and tag:
        yield _error(agent, "tag", "a run is on a branch or on a tag, never on both", "Take one of them out.")
    for name, value in (("branch", branch), ("tag", tag)):
        if value and value.startswith("refs/"):
            yield _error(
                agent, name, f"{name} {value!r} is a full ref", f"Write the {name}'s name alone; refs/pull is refused."
            )
    workflow = runtime.get("job_workflow_ref")
    if workflow and "*" not in workflow and not _WORKFLOW.fullmatch(workflow):
        yield _error(
            agent,
            "job_workflow_ref",
            f"job_workflow_ref {workflow!r} has not the shape that GitHub sends",
            "Write owner/repo/.github/workflows/file.yml@refs/heads/main (or a tag, or a commit).",
        )


_CHECKS: Mapping[str, Callable[[Agent, Place], Iterable[Diagnostic]]] = {
    "ecs": _check_regions,
    "lambda": _check_lambda,
    "github_actions": _check_github,
}
