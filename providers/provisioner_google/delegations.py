"""Agent-to-agent authority: `delegation { via = "impersonate" }` lets one agent get tokens of another's account.

What is granted is a custom role that holds iam.serviceAccounts.getAccessToken and nothing else, on exactly the other's
account. The predefined Service Account Token Creator would also sign blobs and JWTs, mint OpenID tokens and, by
implicitDelegation, reach accounts behind the account: chains that no plan shows.
Sources: «Roles for service account authentication»; «Create short-lived credentials for a service account»; REST
reference v1 of the IAM Service Account Credentials API (projects.serviceAccounts.generateAccessToken, `delegates`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.model.authority import Authority
from provisioner.model.configuration import Delegation
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.resources import Address, Desired, Resource

from . import names, schema
from .bindings import Condition, Tuple, address, title
from .federation import literal
from .forms import normalize
from .principals import Principal, google_agents, principal

VIA = "impersonate"
GET_TOKEN = "iam.serviceAccounts.getAccessToken"  # noqa: S105 - a permission's name


def role_address(authority: Authority, project: str) -> Address:
    """The custom role of a project: one for all delegations to its accounts."""
    return Address("google", project, schema.CUSTOM_ROLE, names.role_id(authority.workspace, "delegation", VIA))


def roles(authority: Authority, principals: Mapping[str, Principal]) -> Iterable[Desired]:
    """The roles that delegations here use."""
    found = list(_pairs(authority, principals))
    for project in sorted({target.project for _, _, target in found}):
        first = next(delegation for delegation, _, target in found if target.project == project)
        where = role_address(authority, project)
        attributes = {
            "title": "get tokens of one agent's account",
            "description": names.marked(authority.workspace, None, first.address),
            "permissions": (GET_TOKEN,),
            "stage": "GA",
        }
        resource = normalize(Resource(where, attributes))
        yield Desired(resource, first.address, f"custom role {where.name}", source=first.range)


def grants(authority: Authority, principals: Mapping[str, Principal], source: Principal) -> Iterable[Desired]:
    """What an agent is granted on others' accounts."""
    for delegation, who, target in _pairs(authority, principals):
        if who is not source or target.account is None:
            continue
        role = role_address(authority, target.project)
        on = names.account_resource(names.email(target.account.name, target.account.target), target.project)
        item = Tuple(on, f"projects/{role.target}/roles/{role.name}", who.member, _condition(delegation))
        where = address(schema.IMPERSONATION, who.project, who.agent.name, item)
        resource = Resource(where, item.attributes(), agent=who.agent.name, parent=who.anchor, uses=(role,),
                            needs=(target.account,))  # fmt: skip
        label = f"{delegation.address}: {who.agent.address} may become {target.agent.address}"
        yield Desired(normalize(resource), delegation.address, label, source=delegation.range,
                      counterparts=(target.agent.name,))  # fmt: skip


def _condition(delegation: Delegation) -> Condition | None:
    """Its end; relative ones are resolved before compilation."""
    end = delegation.expires.at if delegation.expires is not None else None
    if end is None:
        return None
    expression = f"request.time < timestamp({literal(end)})"
    return {"title": title(f"delegation.{delegation.name}"), "description": "", "expression": expression}


def _pairs(
    authority: Authority, principals: Mapping[str, Principal]
) -> Iterable[tuple[Delegation, Principal, Principal]]:
    """Every delegation with its source and target, where both are here."""
    for delegation in sorted(authority.configuration.delegations.values(), key=lambda item: item.address):
        target = principals.get(delegation.target)
        if delegation.via != VIA or target is None or target.account is None:
            continue
        for name in sorted(delegation.sources):
            if name in principals and principals[name].member:
                yield delegation, principals[name], target


def check(authority: Authority) -> Iterable[Diagnostic]:
    """What cannot be carried out: nobody to become, a circle, one pair twice."""
    principals = {agent.name: principal(authority, agent) for agent in google_agents(authority)}
    becomes: dict[str, set[str]] = {}
    first: dict[tuple[str, str], Delegation] = {}
    for delegation in sorted(authority.configuration.delegations.values(), key=lambda item: item.address):
        target = principals.get(delegation.target)
        if delegation.via != VIA or target is None:
            continue
        if target.account is None:
            yield _problem(
                delegation,
                f"{delegation.address}: {target.agent.address} has no service account to become",
                'A federated principal is only ever its own workload. Give the agent identity "google" { kind ='
                ' "service_account" }, or grant the asking agent the tool itself.',
            )
            continue
        for source in sorted(set(delegation.sources) & set(principals)):
            if source == delegation.target or _reaches(becomes, delegation.target, source):
                yield _problem(
                    delegation,
                    f"{delegation.address}: {source} and {delegation.target} could become each other",
                    "A circle of delegations makes its agents one. Take one of the circle out.",
                )
                continue
            becomes.setdefault(source, set()).add(delegation.target)
            other = first.setdefault((source, delegation.target), delegation)
            if other is not delegation:
                yield _problem(
                    delegation,
                    f"{other.address} and {delegation.address} both let {source} become {delegation.target}",
                    "Two grants of one thing are an OR: the longer one decides. Keep one of them.",
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


def _problem(delegation: Delegation, summary: str, detail: str) -> Diagnostic:
    return Diagnostic("E-GOOGLE-DELEGATION", summary, detail, subject=delegation.range)
