"""What AWS would refuse or cannot enforce, found without reading anything."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import Agent, Boundary, Settings
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.source import SourceRange

from . import names
from .adopted import check_identity
from .agentcore import check_user_tokens
from .boundary import boundary_document
from .capabilities import check_grant_context, check_sessions
from .compile import (
    DESCRIPTION_LIMIT,
    agent_place,
    aws_agents,
    aws_parts,
    beside,
    boundary_address,
    boundary_of,
    delegated,
    description,
    packed,
    place_of,
    role_address,
    role_arn,
    role_path,
    role_trust,
)
from .delegations import check as check_delegations
from .federations import check_federations
from .forms import document, trust
from .grants import ContradictionError, grant_document, statements_of
from .limits import LIMITS
from .packing import Item
from .policy.canonical import size
from .preflight import check_boundaries
from .quotas import check_quotas_block, quota
from .statements import check_action, check_arn, check_statement
from .tags import check_tags
from .trust import REGION, check_runtime, lambda_functions, runtime_label, supported

_POLICY = re.compile(r"arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws|\*):policy/[A-Za-z0-9+=,.@_/-]+")
_PATH = re.compile(r"/([\x21-\x7e]+/)?")
T = TypeVar("T")


def validate(authority: Authority) -> Iterable[Diagnostic]:
    """Every finding, in the order of the configuration. Pure."""
    agents = aws_agents(authority)
    yield from _providers(authority)
    yield from _tools(authority)
    broken = set()
    for agent in agents:
        place = agent_place(authority, agent)
        problems = [*check_runtime(agent, place), *_agent(authority, agent), *check_identity(agent)]
        if any(problem.is_error for problem in problems):
            broken.add(agent.name)
        yield from problems
    yield from _boundaries(authority, agents)
    known = tuple(agent for agent in agents if supported(agent))
    yield from check_sessions(authority.configuration, known)
    yield from _collisions(authority, agents)
    yield from _execution_roles(authority, agents)
    yield from _imports(authority, agents)
    places = {agent.name: agent_place(authority, agent) for agent in agents}
    asking = list(check_delegations(authority.configuration, {agent.name: agent for agent in agents}, places))
    yield from _grants(authority, known, () if asking else agents)
    yield from _trust_sizes(authority, [agent for agent in agents if agent.name not in broken])
    yield from check_boundaries(authority)
    yield from check_user_tokens(authority)
    yield from check_federations(authority, agents)
    yield from asking
    yield from _attempts(authority)


def _providers(authority: Authority) -> Iterable[Diagnostic]:
    for config in authority.configs.values():
        yield from check_quotas_block(config)
        for region in config.settings.get("regions") or ():
            if not REGION.fullmatch(region):
                yield Diagnostic(
                    "E-AWS-REGION",
                    f"provider {config.key!r}: {region!r} is no AWS region",
                    "Write it as AWS does, for example eu-west-1.",
                    subject=config.settings.range_of("regions"),
                )


def _partitions(authority: Authority) -> frozenset[str]:
    return frozenset(place_of(authority, key).partition for key in authority.targets)


def _tools(authority: Authority) -> Iterable[Diagnostic]:
    partitions = _partitions(authority)
    for tool in authority.configuration.tools.values():
        for statement in statements_of(tool):
            yield from check_statement(statement, tool.address, partitions)
        for requirement in tool.requires:
            if requirement.labels[:1] == ("resource_policy",) and "aws" in tool.clouds:
                resource, subject = str(requirement.get("resource", "")), requirement.range_of("resource")
                yield from check_arn(resource, f"{tool.address}, requires", partitions, subject)


def _agent(authority: Authority, agent: Agent) -> Iterable[Diagnostic]:
    configuration, settings = authority.configuration, agent.identities["aws"].settings
    path = role_path(agent)
    if not _PATH.fullmatch(path) or len(path) > LIMITS["path"].most:
        yield Diagnostic(
            "E-AWS-PATH",
            f"{agent.address}: {path!r} is no IAM path",
            f'It begins and ends with "/" and has at most {LIMITS["path"].most} characters, for example "/agents/".',
            subject=settings.range_of("path"),
        )
    if path.startswith(names.AWS_PATHS):
        yield Diagnostic(
            "E-AWS-PATH",
            f"{agent.address}: roles in {path} are AWS's own",
            "Service-linked roles and those of permission sets are made, changed and deleted by AWS services alone: no"
            " agent is one. Give the agent a role of its own.",
            subject=settings.range_of("path"),
        )
    if agent.boundary is not None and boundary_of(configuration, agent) is None:
        yield Diagnostic(
            "E-AWS-BOUNDARY",
            f"{agent.address} is in AWS, and {agent.boundary} has no aws block",
            "Its role would have no permissions boundary. Add aws { allow = […] } to the boundary.",
            subject=agent.range,
        )
    if agent.purpose is not None and description(agent.purpose) != agent.purpose:
        yield Diagnostic(
            "W-AWS-DESCRIPTION",
            f"{agent.address}: its purpose does not fit a role's description",
            f"IAM takes {DESCRIPTION_LIMIT} Latin characters. Others are written as question marks in AWS; the"
            " plan and the ledger keep the text.",
            severity=Severity.WARNING,
            subject=agent.range,
        )
    yield from check_tags(agent, names.mark_tags(authority.workspace, agent.name, agent.address))


def _too_long(limit: str, got: int, subject: str, source: SourceRange | None, extra: str = "") -> Diagnostic:
    rule = LIMITS[limit]
    return Diagnostic(
        "E-AWS-SIZE",
        f"{subject} has {got} {rule.unit}; AWS takes {rule.most}",
        f"The limit is for {rule.what}.{extra} {rule.way_out}",
        subject=source,
    )


def _boundaries(authority: Authority, agents: Sequence[Agent]) -> Iterable[Diagnostic]:
    used = {agent.boundary for agent in agents}
    for boundary in authority.configuration.boundaries.values():
        if boundary.address not in used or "aws" not in boundary.clouds:
            continue
        settings = boundary.clouds["aws"]
        yield from _boundary_settings(boundary, settings)
        policy = settings.get("policy")
        if policy:
            if not _POLICY.fullmatch(policy):
                yield Diagnostic(
                    "E-AWS-ARN",
                    f"{boundary.address}: {policy!r} is no managed policy",
                    "Write arn:aws:iam::*:policy/path/name, with an account id, `aws` or * for each account's own.",
                    subject=settings.range_of("policy"),
                )
            continue
        length = size(document(boundary_document(settings)))
        if length > LIMITS["managed"].most:
            yield _too_long("managed", length, f"The policy of {boundary.address}", boundary.range)


def _boundary_settings(boundary: Boundary, settings: Settings) -> Iterable[Diagnostic]:
    for attribute in ("allow", "deny"):
        for action in settings.get(attribute) or ():
            yield from check_action(action, f"{boundary.address}, {attribute}", settings.range_of(attribute))
    for service in settings.get("global_services") or ():
        yield from check_action(f"{service}:*", boundary.address, settings.range_of("global_services"))
    for region in settings.get("regions") or ():
        if not REGION.fullmatch(region):
            yield Diagnostic(
                "E-AWS-REGION",
                f"{boundary.address}: {region!r} is no AWS region",
                "Write it as AWS does, for example eu-west-1.",
                subject=settings.range_of("regions"),
            )
    if not settings.get("allow"):
        yield Diagnostic(
            "E-AWS-BOUNDARY",
            f"{boundary.address} allows nothing",
            "No agent in it could do anything. Name the services that agents may use at most.",
            subject=settings.range_of("allow"),
        )


def _collisions(authority: Authority, agents: Sequence[Agent]) -> Iterable[Diagnostic]:
    """IAM compares names without regard to case."""
    for one, other in _twice(agents, lambda agent: _lowered(role_address(authority, agent))):
        name = role_address(authority, other).name
        yield _collision(f"{one.address} and {other.address} would both be role {name}", one.range, other.range)
    functions: list[tuple[str, Agent]] = []
    for agent in agents:
        if runtime_label(agent.runtime) == "lambda":
            functions += ((arn, agent) for arn in lambda_functions(agent.runtime, agent_place(authority, agent)))
    for (arn, one), (_, other) in _twice(functions, lambda item: item[0]):
        if one is not other:
            yield _collision(
                f"{one.address} and {other.address} both run in {arn}",
                one.runtime.range_of("functions"),
                other.runtime.range_of("functions"),
            )
    used: dict[Hashable, Boundary] = {}
    for agent in agents:
        boundary = boundary_of(authority.configuration, agent)
        if boundary is None:
            continue
        address = boundary_address(authority, agent_place(authority, agent).account, boundary)
        other_ = used.setdefault(_lowered(address), boundary)
        if other_.address != boundary.address:
            yield _collision(
                f"{other_.address} and {boundary.address} would both be policy {address.name}",
                other_.range,
                boundary.range,
            )


def _imports(authority: Authority, agents: Sequence[Agent]) -> Iterable[Diagnostic]:
    """An import names the role that the agent's identity describes."""
    known = {agent.name: agent for agent in agents}
    for item in authority.configuration.imports:
        agent = known.get(item.agent) if item.cloud == "aws" else None
        if agent is None:
            continue
        name, arn = role_address(authority, agent).name, role_arn(authority, agent)
        if item.id not in (name, arn):
            yield Diagnostic(
                "E-AWS-IMPORT",
                f"import names the role {item.id}, and {agent.address} would be role {name}",
                f'Set role_name = "{item.id.rpartition("/")[2]}" in its identity "aws", and path to the path that the'
                " role has, or correct the id.",
                subject=item.range,
            )


def _execution_roles(authority: Authority, agents: Sequence[Agent]) -> Iterable[Diagnostic]:
    """The role with which ECS starts a task reads its secrets and images: no agent's role may be it."""
    roles = {role_arn(authority, agent): agent for agent in agents}
    for agent in agents:
        given = agent.runtime.get("execution_role") if runtime_label(agent.runtime) == "ecs" else None
        if given is None or given not in roles:
            continue
        whose = "its own task role" if roles[given] is agent else f"the role of {roles[given].address}"
        yield Diagnostic(
            "E-AWS-RUNTIME",
            f"{agent.address}: its execution role is {whose}",
            "The agent would hold the authority with which ECS starts the task: pulling images, reading every secret of"
            " the task definition. Give the task an execution role of its own.",
            subject=agent.runtime.range_of("execution_role"),
        )


def _lowered(address: object) -> Hashable:
    return str(address).lower()


def _twice(items: Iterable[T], key: Callable[[T], Hashable]) -> Iterable[tuple[T, T]]:
    """Pairs of the first item with a key and each later one with the same."""
    seen: dict[Hashable, T] = {}
    for item in items:
        first = seen.setdefault(key(item), item)
        if first is not item:
            yield first, item


def _collision(what: str, first: SourceRange | None, second: SourceRange | None) -> Diagnostic:
    return Diagnostic(
        "E-AWS-NAME",
        what,
        f"The first is at {first or 'an unknown place'}. One of them needs another name; a rename makes a new"
        " principal.",
        subject=second,
        context=first,
    )


def _grants(authority: Authority, agents: Sequence[Agent], reached: Sequence[Agent]) -> Iterable[Diagnostic]:
    """What each agent is given, all together. `reached` are the agents that delegations may lead to."""
    by_agent: dict[str, list[GrantPart]] = defaultdict(list)
    for part in aws_parts(authority):
        by_agent[part.agent.name].append(part)
    reported: set[Diagnostic] = set()
    others = {agent.name: agent for agent in reached}
    for agent in agents:
        parts = by_agent.get(agent.name, [])
        for problem in chain.from_iterable(check_grant_context(part) for part in parts):
            if problem not in reported:
                reported.add(problem)
                yield problem
        yield from _part_names(parts)
        yield from _inline_size(agent, parts, beside(agent, delegated(authority, agent, others)), reported)


def _part_names(parts: Sequence[GrantPart]) -> Iterable[Diagnostic]:
    for one, other in _twice(parts, lambda part: names.policy_name(part.name).lower()):
        yield _collision(
            f"{one.grant.address} and {other.grant.address} would both be inline policy"
            f" {names.policy_name(other.name)} of {other.agent.address}",
            one.grant.range,
            other.grant.range,
        )
    for part in parts:
        relative = part.grant.expires is not None and part.grant.expires.after_seconds is not None
        if relative and names.policy_name(part.name) != part.name:
            yield Diagnostic(
                "E-AWS-NAME",
                f"{part.grant.address}: IAM does not take the name {part.name!r} as it is, and its expiry is relative",
                "The time that a relative expiry first got is found again by the policy's name. Use a name of at most"
                f" {names.POLICY_NAME_LIMIT} letters, digits and +=,.@_- or an absolute time.",
                subject=part.grant.range,
            )


def _inline_size(
    agent: Agent, parts: Sequence[GrantPart], others: Sequence[Item], reported: set[Diagnostic]
) -> Iterable[Diagnostic]:
    """What fits neither inline nor, largest first, into managed policies. `others` are no grants and stay inline."""
    sizes: dict[str, int] = {}
    documents = {}
    for part in parts:
        try:
            documents[part.name] = grant_document(part)
            sizes[part.name] = size(document(documents[part.name]))
        except ContradictionError as error:
            problem = error.diagnostic(part)
            if problem not in reported:
                reported.add(problem)
                yield problem
    if len(sizes) < len(parts):
        return
    overflow = packed(parts, documents, others).overflow
    if overflow:
        total = LIMITS["inline"].most + overflow
        sizes.update((item.name, item.size) for item in others)
        largest = ", ".join(
            f"{name} {length}" for name, length in sorted(sizes.items(), key=lambda i: (-i[1], i[0]))[:5]
        )
        why = (
            f" Whole grants move to managed policies of {LIMITS['managed'].most} characters where that helps; a larger"
            " one, one with a relative expiry, a delegation and an old policy stay inline. The largest are"
            f" {largest}."
        )
        yield _too_long("inline", total, f"What {agent.address} is granted inline", agent.range, why)


def _trust_sizes(authority: Authority, agents: Iterable[Agent]) -> Iterable[Diagnostic]:
    for agent in agents:
        length = size(trust(role_trust(authority, agent)))
        most = quota(authority.configs[agent.identities["aws"].provider], "trust_policy")
        if length > most:
            yield Diagnostic(
                "E-AWS-SIZE",
                f"The trust policy of {agent.address} has {length} characters; AWS takes {most}",
                "Name fewer regions or functions, or split the agent. Or have the quota raised (Service Quotas), and"
                f" say so: quotas {{ trust_policy = {length} }} in the provider block.",
                subject=agent.runtime.range,
            )


def _attempts(authority: Authority) -> Iterable[Diagnostic]:
    for test in authority.configuration.tests.values():
        for attempt in test.attempts:
            if attempt.labels[:1] != ("aws",):
                continue
            where = f"{test.address}, attempt {attempt.labels[-1]!r}"
            yield from check_action(str(attempt.get("action", "")), where, attempt.range_of("action"), wildcards=False)
            resource, subject = str(attempt.get("resource", "*")), attempt.range_of("resource")
            yield from check_arn(resource, where, _partitions(authority), subject)
            context = attempt.get("context") or {}
            if not isinstance(context, dict) or not all(_context_value(value) for value in context.values()):
                yield Diagnostic(
                    "E-AWS-CONTEXT",
                    f"{where}: context is no map of condition keys",
                    'Write { "aws:RequestedRegion" = "eu-west-1" }: a string each, or a list of strings.',
                    subject=attempt.range_of("context"),
                )


def _context_value(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, str | int) for item in value)
    return isinstance(value, str | int)
