"""Agent-to-agent authority: what a `delegation` puts on the agent that asks, and on the one that is asked.

`assume_role`: the asking role may assume exactly the other role, and that role's trust admits exactly the asking one,
under a session name that says who asks. `invoke`: the asking role may call the functions, runtimes or aliases that the
other agent runs in; its own authority stays its own.
Sources: IAM User Guide, «Methods to assume a role» (role chaining), «Monitor and control actions taken with assumed
roles» and «Pass session tags in AWS STS» (transitive tags); Service Authorization Reference for Lambda, Bedrock and
Bedrock AgentCore.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.configuration import Agent, Configuration, Delegation
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.source import SourceRange

from .adopted import old_policies
from .grants import BEFORE, CURRENT_TIME
from .places import ASSUME, SET_SOURCE_IDENTITY, TAG_SESSION, VERSION, Place, regions_of, runtime_label
from .runtimes import POD_TAGS, capabilities
from .trust_services import lambda_functions

VIAS = ("assume_role", "invoke")
PREFIX = "delegation-"
_NAME = re.compile(r"[^A-Za-z0-9_+=,.@-]")


def policy_name(delegation: Delegation) -> str:
    """The inline policy of the asking agent."""
    return f"{PREFIX}{delegation.name}"


def session_name(source: Agent) -> str:
    """What the asking agent must call its session, so that the other's log says who asked. IAM takes 2 to 64."""
    return _NAME.sub("-", source.name)[:64].ljust(2, "-")


def given_by(configuration: Configuration, agent: Agent, known: Mapping[str, Agent]) -> Iterable[Delegation]:
    """The delegations from an agent to another of this cloud, by name."""
    found = configuration.delegations.values()
    mine = [d for d in found if agent.name in d.sources and d.target in known and d.via in VIAS]
    return sorted(mine, key=lambda item: item.name)


def taken_by(configuration: Configuration, agent: Agent) -> Iterable[Delegation]:
    """The delegations by which others become an agent."""
    found = configuration.delegations.values()
    return sorted((d for d in found if d.target == agent.name and d.via == "assume_role"), key=lambda item: item.name)


def source_document(delegation: Delegation, target: Agent, arn: str, place: Place) -> dict[str, Any]:
    """The asking agent's policy. `arn` and `place` are those of the other agent's role."""
    action, resources = (ASSUME, (arn,)) if delegation.via == "assume_role" else _invoked(target, place)
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    if _end(delegation):
        statement["Condition"] = {BEFORE: {CURRENT_TIME: _end(delegation)}}
    return {"Version": VERSION, "Statement": [statement]}


def trust_statement(delegation: Delegation, source: Agent, arn: str) -> dict[str, Any]:
    """The statement in the trust of the agent that is asked. `arn` is the asking role's.

    Tags that EKS put on the asking session are transitive, so they come along and cannot be replaced; any others are
    refused. A source identity stays what it was set to.
    """
    row = capabilities(source.runtime)
    actions = [ASSUME]
    condition: dict[str, Any] = {"StringEquals": {"sts:RoleSessionName": session_name(source)}}
    if runtime_label(source.runtime) == "eks_pod_identity":
        actions.append(TAG_SESSION)
        condition["ForAllValues:StringEquals"] = {"aws:TagKeys": sorted(POD_TAGS)}
    if row.attribution == "source_identity":
        actions.append(SET_SOURCE_IDENTITY)
    if _end(delegation):
        condition[BEFORE] = {CURRENT_TIME: _end(delegation)}
    return {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": actions, "Condition": condition}


def _end(delegation: Delegation) -> str | None:
    """Relative expiries are resolved before compilation."""
    return delegation.expires.at if delegation.expires is not None else None


def _invoked(target: Agent, place: Place) -> tuple[str, tuple[str, ...]]:
    """The action, and the exact resources that the other agent is called through; none where they are not known."""
    runtime = target.runtime
    label = runtime_label(runtime)
    prefix = f"arn:{place.partition}"
    if label == "lambda":
        return "lambda:InvokeFunction", lambda_functions(runtime, place)
    regions = regions_of(runtime, place)
    if label == "bedrock_agent":
        id_ = runtime.get("agent_id")
        arns = [f"{prefix}:bedrock:{region}:{place.account}:agent-alias/{id_}/*" for region in regions] if id_ else []
        return "bedrock:InvokeAgent", tuple(arns)
    if label == "bedrock_agentcore":
        ids = runtime.get("runtime_ids") or ()
        made = f"{prefix}:bedrock-agentcore"
        arns = [f"{made}:{region}:{place.account}:runtime/{id_}" for region in regions for id_ in ids]
        # A call names the runtime, or an endpoint below it.
        return "bedrock-agentcore:InvokeAgentRuntime", (*arns, *(f"{arn}/runtime-endpoint/*" for arn in arns))
    return "", ()


def check(
    configuration: Configuration, known: Mapping[str, Agent], places: Mapping[str, Place]
) -> Iterable[Diagnostic]:
    """What cannot be carried out. `known` are the agents of this cloud, `places` where their roles stand."""
    yield from _circles(configuration)
    yield from _names_taken(configuration, known)
    for delegation in configuration.delegations.values():
        target = known.get(delegation.target)
        sources = [name for name in delegation.sources if name in known]
        if target is None or not sources:
            continue
        if delegation.via == "impersonate" and set(target.identities) == {"aws"}:
            yield _problem(
                delegation,
                f"{delegation.address}: AWS has no impersonation",
                'A role is assumed: set via = "assume_role", or via = "invoke" to call the agent without becoming it.',
            )
        elif delegation.via == "invoke" and not _invoked(target, places[target.name])[1]:
            yield _problem(delegation, f"{delegation.address}: how to call {target.address} is not known", _way(target))
        elif delegation.via == "assume_role" and runtime_label(target.runtime) == "adopted":
            yield _problem(
                delegation,
                f"{delegation.address}: {target.address} keeps an old trust as it is",
                "A delegation would have to be written into it. Give the agent a runtime of its own first.",
            )


def _circles(configuration: Configuration) -> Iterable[Diagnostic]:
    """Agents that may become one another are one agent; and IAM makes neither role before the other is there."""
    becomes: dict[str, set[str]] = {}
    for delegation in sorted(configuration.delegations.values(), key=lambda item: item.address):
        if delegation.via != "assume_role":
            continue
        for source in delegation.sources:
            if source == delegation.target or _reaches(becomes, delegation.target, source):
                yield _problem(
                    delegation,
                    f"{delegation.address}: {source} and {delegation.target} could become each other",
                    "A circle of delegations makes its agents one, and none of their roles could be made first. Take"
                    ' one of the circle out, or let it call the other with via = "invoke".',
                )
            else:
                becomes.setdefault(source, set()).add(delegation.target)


def _names_taken(configuration: Configuration, known: Mapping[str, Agent]) -> Iterable[Diagnostic]:
    """A role has one inline policy of a name, whatever case: grants, delegations and old policies share it."""
    for agent in known.values():
        used: dict[str, str] = {name.lower(): f"its old policy {name}" for name in old_policies(agent)}
        for grant in configuration.grants.values():
            if agent.name not in grant.agents:
                continue
            if grant.name.lower() in used:
                yield _taken(agent, grant.address, used[grant.name.lower()], grant.range)
            used.setdefault(grant.name.lower(), grant.address)
        for delegation in given_by(configuration, agent, known):
            name = policy_name(delegation).lower()
            if name in used:
                yield _taken(agent, delegation.address, used[name], delegation.range)


def _taken(agent: Agent, block: str, other: str, subject: SourceRange | None) -> Diagnostic:
    return Diagnostic(
        "E-AWS-NAME",
        f"{block} and {other} would be one inline policy of {agent.address}",
        "A role has one inline policy of a name. Rename one of them.",
        subject=subject,
    )


def _reaches(becomes: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, stack = set[str](), [start]
    while stack:
        name = stack.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            stack += becomes.get(name, ())
    return False


def _way(target: Agent) -> str:
    label = runtime_label(target.runtime)
    names = {"lambda": "functions", "bedrock_agent": "agent_id", "bedrock_agentcore": "runtime_ids"}
    if label in names:
        return f"Set {names[label]} in its runtime block, so that only this agent can be called."
    ways = ", ".join(f'"{name}"' for name in names)
    return (
        f'Runtimes that can be called are {ways}. A workload on "{label}" is asked by other means, or by assume_role.'
    )


def _problem(delegation: Delegation, summary: str, detail: str) -> Diagnostic:
    return Diagnostic("E-AWS-DELEGATION", summary, detail, subject=delegation.range)
