"""The tool's own boundary tests: what must be denied for every agent, whoever wrote the configuration.

Each differs from the agent's real place or token in one thing only, so that it fails when that one thing is not
checked. They are judged like declared tests, on the planned and on the live policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.changes import Surface
from provisioner.model.configuration import Agent, BoundaryTest, Settings

from ..boundary import boundary_document
from ..compile import agent_place, boundary_of, parts_of
from ..grants import grant_document
from ..runtimes import GITHUB_AUDIENCE
from ..trust import Place, github_subject, runtime_label, trust_policy
from . import elsewhere as places
from .canonical import canonical_policy
from .context import Context
from .document import Policy, parse_policy
from .elsewhere import OUTSIDE, Case, Cases
from .evaluate import PolicyRequest, statement_matches
from .globs import parse_glob
from .match import Truth, action_matches
from .spelling import known_actions

CANARIES = (
    "iam:CreateAccessKey",
    "iam:PutRolePolicy",
    "sts:AssumeRole",
    "kms:ScheduleKeyDeletion",
    "secretsmanager:GetSecretValue",
    "organizations:LeaveOrganization",
    "ec2:RunInstances",
    "s3:DeleteBucket",
    "dynamodb:DeleteTable",
)
"""Actions that an agent hardly ever needs, and that do harm when it has them; tried in this order."""

_STRANGERS = ("999999999999", "888888888888")
_REGIONS = ("ap-southeast-2", "sa-east-1", "cn-northwest-1", "us-gov-east-1")


def negatives(agent: Agent, authority: Authority) -> tuple[BoundaryTest, ...]:
    """One test a surface, in a stable order; a surface for which nothing can be tried has none."""
    place = agent_place(authority, agent)
    policies = [parse_policy(grant_document(part), part.grant.address) for part in parts_of(authority, agent)]
    identity, elsewhere = _assumes(agent, place)
    tests = [
        _test(agent, Surface.IDENTITY, assumes=identity),
        _test(agent, Surface.TOOL_ACCESS, attempts=_outside_grants(policies)),
        _test(agent, Surface.RUNTIME, attempts=_escapes(agent, authority), assumes=elsewhere),
    ]
    return tuple(test for test in tests if test.attempts or test.assumes)


def _test(agent: Agent, surface: Surface, attempts: Iterable[Case] = (), assumes: Iterable[Case] = ()) -> BoundaryTest:
    return BoundaryTest(
        address=f"generated.{agent.name}.{surface.value}",
        name=f"{agent.name}_{surface.value}",
        agents=(agent.name,),
        surface=surface.value,
        expect="denied",
        attempts=tuple(Settings("attempt", ("aws", name), values, range=agent.range) for name, values in attempts),
        assumes=tuple(
            Settings("assume", (name,), {"cloud": "aws", "claims": claims}, range=agent.range)
            for name, claims in assumes
        ),
        generated=True,
        range=agent.range,
    )


def _assumes(agent: Agent, place: Place) -> tuple[Cases, Cases]:
    """Who must not become the agent: strangers (identity), and the right kind of workload elsewhere (runtime)."""
    other = _other(_STRANGERS, place.account)
    label = runtime_label(agent.runtime)
    wrong_service = "lambda.amazonaws.com" if label == "ec2" else "ec2.amazonaws.com"
    strangers: Cases = [
        ("other_service", {"service": wrong_service, "source_account": place.account}),
        ("other_account", {"principal": f"arn:{place.partition}:iam::{other}:root"}),
        ("user_of_this_account", {"principal": f"arn:{place.partition}:iam::{place.account}:user/{OUTSIDE}"}),
    ]
    if label == "adopted":
        return [case for case in strangers if not _known_to(agent, place, case[1])], []
    if label == "github_actions":
        tokens, elsewhere = _github(agent.runtime)
        return [*strangers, *tokens], elsewhere
    if label in ("lambda", "ecs"):
        return strangers, _workloads(agent, place, other)
    tokens, elsewhere = places.elsewhere(agent, place, other)
    return [*strangers, *tokens], elsewhere


def _known_to(agent: Agent, place: Place, claims: Mapping[str, Any]) -> bool:
    """Whether an adopted trust names who would be a stranger elsewhere: then it is no test, and the rules tell it."""
    named: set[str] = set()
    for statement in canonical_policy(trust_policy(agent, place))["Statement"]:
        principal = statement.get("Principal") or "*"
        found = [principal] if isinstance(principal, str) else [name for items in principal.values() for name in items]
        named |= set(found) if statement["Effect"] == "Allow" else set()
    who = str(claims.get("service") or claims.get("principal"))
    account = who.split(":")[4] if who.count(":") > 4 else ""
    return bool(named & {"*", who} or (account and any(account in name for name in named)))


def _workloads(agent: Agent, place: Place, other: str) -> Cases:
    """Only what the trust pins: AWS does not say that Lambda always sends where a call comes from."""
    document = canonical_policy(trust_policy(agent, place))
    tests = document["Statement"][0].get("Condition", {}).get("ArnLike", {}).get("aws:SourceArn", [])
    if not tests:
        return []
    _, _, service, region, _, resource = tests[0].split(":", 5)
    pinned = {arn.split(":")[3] for arn in tests}
    strange = next((name for name in _REGIONS if name not in pinned), None)
    if service == "ecs":
        out: Cases = [("other_account", {"account": other, "region": region})]
        return [*out, ("other_region", {"account": place.account, "region": strange})] if strange else out
    own = resource.removeprefix("function:").replace("*", "any")
    arn = f"arn:{place.partition}:lambda"
    out = [("other_account", {"account": other, "function_arn": f"{arn}:{region}:{other}:function:{own}"})]
    if strange:
        there = f"{arn}:{strange}:{place.account}:function:{own}"
        out.append(("other_region", {"account": place.account, "function_arn": there}))
    if "*" not in resource:
        stranger = f"{arn}:{region}:{place.account}:function:{OUTSIDE}"
        out.append(("other_function", {"account": place.account, "function_arn": stranger}))
    return out


def _github(runtime: Settings) -> tuple[Cases, Cases]:
    """The agent's own token, changed in one thing each time."""
    subject = github_subject(runtime)
    repository, _, run = subject.removeprefix("repo:").partition(":")
    owner, _, name = repository.partition("/")
    own = _claims(runtime, subject)
    strangers: Cases = [
        ("other_repository", {**own, "sub": f"repo:{owner}/{OUTSIDE}:{run}", "repository_id": "1"}),
        ("other_owner", {**own, "sub": f"repo:{OUTSIDE}/{name}:{run}", "repository_owner_id": "1"}),
        ("same_name_other_repository", {**own, "repository_id": "1"}),
        ("other_audience", {**own, "aud": f"https://{OUTSIDE}.example"}),
        ("no_audience", {**own, "aud": None}),
        ("no_subject", {**own, "sub": None}),
        ("other_issuer", {**own, "issuer": f"{OUTSIDE}.example"}),
    ]
    elsewhere: Cases = [
        ("pull_request", {**own, "sub": f"repo:{repository}:pull_request", "ref": "refs/pull/1/merge"}),
        ("other_branch", {**own, "sub": f"repo:{repository}:ref:refs/heads/{OUTSIDE}", "environment": None}),
        ("other_environment", {**own, "sub": f"repo:{repository}:environment:{OUTSIDE}", "environment": OUTSIDE}),
    ]
    if runtime.get("job_workflow_ref"):
        workflow = f"{runtime.get('repository')}/.github/workflows/{OUTSIDE}.yml@refs/heads/main"
        elsewhere.append(("other_workflow", {**own, "job_workflow_ref": workflow}))
    return strangers, elsewhere


def _claims(runtime: Settings, subject: str) -> dict[str, Any]:
    """What the agent's own token says. A job without an environment has no such claim."""
    branch, tag = runtime.get("branch"), runtime.get("tag")
    ref = f"refs/heads/{branch}" if branch else f"refs/tags/{tag}" if tag else "refs/heads/main"
    owner = str(runtime.get("repository", "")).partition("/")[0]
    return {
        "sub": subject,
        "aud": str(runtime.get("audience", GITHUB_AUDIENCE)),
        "repository": str(runtime.get("repository")),
        "repository_id": str(runtime.get("repository_id")),
        "repository_owner": owner,
        "repository_owner_id": str(runtime.get("owner_id") or "2"),
        "environment": runtime.get("environment"),
        "ref": ref,
        "job_workflow_ref": runtime.get("job_workflow_ref")
        or f"{runtime.get('repository')}/.github/workflows/agent.yml@{ref}",
    }


def _outside_grants(policies: Sequence[Policy]) -> Iterator[Case]:
    """An action that no grant names, and a granted action on a resource that no grant names."""
    statements = [item for policy in policies for item in policy.statements if item.allow]
    closed = Context(closed=True)
    for action in CANARIES:
        if all(action_matches(item.actions, action, closed).truth is Truth.NO for item in statements):
            yield "ungranted_action", {"action": action, "resource": "*"}
            break
    for item in statements:
        granted = [name for pattern in item.actions.patterns for name in _real(pattern.text)]
        if not granted or item.actions.negated:
            continue
        resource = f"arn:aws:{granted[0].partition(':')[0]}:::{OUTSIDE}"
        request = PolicyRequest(granted[0], resource, Context(unknown=_keys(policies)))
        if all(statement_matches(other, request).truth is Truth.NO for other in statements):
            yield "ungranted_resource", {"action": granted[0], "resource": resource}
            return


def _keys(policies: Sequence[Policy]) -> frozenset[str]:
    """Every condition key that the grants test: none of them may be what denies."""
    tests = (test for policy in policies for item in policy.statements for test in item.conditions)
    return frozenset(test.key for test in tests)


@lru_cache(maxsize=4096)
def _real(pattern: str) -> tuple[str, ...]:
    """Actions that exist among those of a pattern."""
    found = parse_glob(pattern.lower())
    return tuple(name for name in known_actions(pattern.partition(":")[0]) if found.matches(name.lower()))


def _escapes(agent: Agent, authority: Authority) -> Iterator[Case]:
    """What the boundary must stop even where some policy grants it (`granted`)."""
    boundary = boundary_of(authority.configuration, agent)
    if boundary is None:
        return
    settings = boundary.clouds["aws"]
    policy = parse_policy(boundary_document(settings), boundary.address)
    allow, deny = ([parse_glob(text.lower()) for text in settings.get(name) or ()] for name in ("allow", "deny"))
    examples = [name for text in settings.get("deny") or () for name in _real(text)[:1]]
    for action in (*examples, *CANARIES):
        lowered = action.lower()
        if any(item.matches(lowered) for item in deny) or not any(item.matches(lowered) for item in allow):
            yield "outside_boundary", {"action": action, "resource": "*", "granted": True}
            break
    yield from _other_region(settings, policy)


def _other_region(settings: Settings, policy: Policy) -> Iterator[Case]:
    """An allowed action in a region that the boundary leaves out."""
    regions = settings.get("regions") or ()
    strange = next((region for region in _REGIONS if region not in regions), None)
    if not regions or strange is None:
        return
    own = Context({"aws:RequestedRegion": (regions[0],)}, closed=True)
    for pattern in settings.get("allow") or ():
        for action in _real(pattern) or (("s3:GetObject",) if pattern == "*" else ()):
            request = PolicyRequest(action, "*", own)
            speak = [item.allow for item in policy.statements if statement_matches(item, request).truth is Truth.YES]
            if speak and all(speak) and not action.lower().startswith("iam:") and not _is_global(settings, action):
                context = {"aws:RequestedRegion": strange}
                yield "other_region", {"action": action, "resource": "*", "context": context, "granted": True}
                return


def _is_global(settings: Settings, action: str) -> bool:
    return action.partition(":")[0] in (settings.get("global_services") or ())


def _other(choices: Sequence[str], own: str) -> str:
    return next(choice for choice in choices if choice != own)
