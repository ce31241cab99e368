"""Questions about agents, judged on the resources of a world: planned or live.

A request is allowed where some grant on the resource, or on something above it, holds a role with the permission and
its condition is met; a deny policy goes before. An agent that may become a service account may do what that may do.
What is granted to groups, domains and everybody is not in a world, and not judged: the plan lists it as not looked at.
Sources: «Policy evaluation», «Attribute reference for IAM Conditions», «Deny policies».
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.requests import Answer, Assume, Attempt, Deciding, Decision, Request, World
from provisioner.model.resources import Address, Resource

from .. import names, schema, table
from ..bindings import place_of
from ..compile import ONLY
from . import cel
from .admission import admits
from .attributes import attributes_of
from .boundary import blocks
from .cel import Truth
from .hierarchy import PROJECT, inherits, placed, unseen
from .holdings import holdings
from .judging import Finding, all_of, any_of, negated, short
from .members import Judged, Who, belongs, canonical

BECOMING = "iam.serviceAccounts.getAccessToken"


def evaluate_in_world(world: World, request: Request) -> Decision:
    """Judge an attempt by an agent, or an attempt to become it. Never raises for what a world or a test says."""
    if isinstance(request, Assume):
        return admits(world, request)
    permission, resource = request.settings.get("permission"), request.settings.get("resource")
    if not isinstance(permission, str) or not isinstance(resource, str) or permission.count(".") < 2:
        return Decision(Answer.DEPENDS, missing=("the attempt needs one permission and one resource",))
    return _attempt(world, request, permission, table.full_name(resource))


def _attempt(world: World, request: Attempt, permission: str, resource: str) -> Decision:
    context = placed(world, resource, attributes_of(resource, world.now, request.settings.get("context") or {}))
    found = _as_agent(world, request.agent, permission, resource, context, bool(request.settings.get("granted")))
    if found.answer is Answer.ALLOWED or request.settings.get("granted") or request.settings.get("alone"):
        return found
    asked_apart = bool(request.settings.get("itself"))
    return _through_accounts(world, request.agent, permission, resource, context, found, asked_apart)


def _through_accounts(
    world: World,
    agent: str,
    permission: str,
    resource: str,
    context: Mapping[str, Any],
    own: Decision,
    asked_apart: bool,
) -> Decision:
    """What the agent can do as somebody else: every account that it can get a token of. `asked_apart`: of other agents
    somebody asks in their own name; what is left are accounts that are no agent's."""
    missing = list(own.missing)
    seen, waiting = {agent}, [agent]
    while waiting:
        one = waiting.pop()
        for grant in holdings(world).grants(one):
            truth, why = _role_holds(world, grant, BECOMING)
            if truth is Truth.NO:
                continue
            condition, lacking = _condition_holds(grant, context)
            if condition is Truth.NO:
                continue
            apart = asked_apart and truth is Truth.YES
            others = set() if apart else accounts_on(world, str(grant.attributes["resource"])) - seen
            for other in sorted(others):
                seen.add(other)
                waiting.append(other)
                found = _as_agent(world, other, permission, resource, context, granted=False)
                sure = truth is Truth.YES and condition is Truth.YES
                if found.answer is Answer.ALLOWED and sure:
                    because = (f"it may become agent {other}: {_told(grant)}", *found.because)
                    return Decision(Answer.ALLOWED, because, deciding=(_named(grant), *found.deciding))
                if found.answer is not Answer.DENIED:
                    missing += [f"as agent {other}: {text}" for text in (*found.missing, *why, *lacking)]
            if _others_on(world, str(grant.attributes["resource"])):
                missing.append(
                    f"what the service accounts of {grant.attributes['resource']} may do, which it may become"
                )
    if not missing:
        return own
    return Decision(Answer.DEPENDS, own.because, tuple(dict.fromkeys(missing)), own.deciding)


def accounts_on(world: World, resource: str) -> set[str]:
    """Agents whose service account a grant on `resource` reaches."""
    held = holdings(world)
    one = held.account_agent(resource)
    if one is not None:
        return {one}
    project = resource.removeprefix(table.full_name("projects/_")[:-1])
    return held.agents_in(project) if project != resource else set()


def _others_on(world: World, resource: str) -> bool:
    """Whether a grant reaches service accounts that are not in this world."""
    if "/serviceAccounts/" not in resource:
        return True
    return not accounts_on(world, resource)


def _as_agent(
    world: World, agent: str, permission: str, resource: str, context: Mapping[str, Any], granted: bool
) -> Decision:
    grants = holdings(world).grants(agent)
    denied = _denied(world, agent, grants, permission, resource, context)
    if denied.truth is Truth.YES:
        return Decision(Answer.DENIED, denied.because, deciding=denied.deciding)
    allows: list[str] = ["as if granted"] if granted else []
    missing: list[str] = []
    named: list[Deciding] = []
    open_: list[Deciding] = []
    for grant in grants:
        truth, lacking = _allows(world, grant, permission, resource, context)
        if truth is Truth.YES:
            allows.append(_told(grant))
            named.append(_named(grant))
        elif truth is Truth.UNKNOWN:
            missing += [f"{text} ({_told(grant)})" for text in lacking]
            open_.append(_named(grant))
    if allows:
        if denied.truth is Truth.UNKNOWN:
            return Decision(Answer.DEPENDS, tuple(allows), denied.missing, (*named, *denied.deciding))
        boundary = excluded(world, agent, permission, resource, context)
        if boundary:
            return Decision(Answer.DENIED, (f"access boundary {boundary} does not reach {resource}",))
        outside = _outside(world, agent, resource, context)
        if outside:
            return Decision(Answer.DEPENDS, tuple(allows), outside, tuple(named))
        return Decision(Answer.ALLOWED, tuple(allows), deciding=tuple(named))
    missing += unseen(context)
    if missing:
        return Decision(Answer.DEPENDS, missing=tuple(dict.fromkeys(missing)), deciding=tuple(open_))
    return Decision(Answer.DENIED, (f"no grant of {agent} holds {permission} there",))


def _named(grant: Resource) -> Deciding:
    """A grant by its role and, where it has one, its condition's title: bindings of a policy have no names."""
    place, resource = place_of(grant.address.name), str(grant.attributes["resource"])
    title = f" ({place.title})" if place is not None and place.title else ""
    return Deciding(f"allow policy of {short(resource)}", f"{grant.attributes['role']}{title}", "Allow", resource)


def _outside(world: World, agent: str, resource: str, context: Mapping[str, Any]) -> tuple[str, ...]:
    """Why an access boundary may stop a request: all that the agent is bound to leave the resource out."""
    policies = [policy for _, policy in _bound(world, agent)]
    for policy in policies:
        for rule in policy.attributes["rules"]:
            if any(reaches(str(name), resource, context)[0] is Truth.YES for name in rule.get("resources", ())):
                return ()
    names_ = ", ".join(policy.address.name for policy in policies)
    return (f"whether access boundary {names_} blocks it: {resource} is not known to be inside",) if policies else ()


def _bound(world: World, agent: str) -> list[tuple[Resource, Resource]]:
    """The access boundaries that an agent is bound to, each with its binding."""
    found = holdings(world).of(agent, schema.ACCESS_BOUNDARY_BINDING)
    return [(one, world.resources[used]) for one in found for used in one.uses if used in world.resources]


def excluded(world: World, agent: str, permission: str, resource: str, context: Mapping[str, Any]) -> str:
    """The access boundaries by which a request is refused for sure: the agent is bound, nothing that it is bound to
    reaches the resource, and their versions are known to block the permission. Empty where that is not so."""
    bound = _bound(world, agent)
    accounts = [f"'{r.attributes['email']}'" for r in holdings(world).of(agent, schema.ACCOUNT)]
    sure = False
    for binding, policy in bound:
        condition = binding.attributes["condition"]
        sure = sure or condition is None or any(condition["expression"] == ONLY.format(email) for email in accounts)
        names_ = [str(name) for rule in policy.attributes["rules"] for name in rule.get("resources", ())]
        if any(reaches(name, resource, context)[0] is not Truth.NO for name in names_):
            return ""
        if not blocks(permission, str(policy.attributes["enforcement_version"])):
            return ""
    return ", ".join(policy.address.name for _, policy in bound) if sure else ""


def _told(grant: Resource) -> str:
    place = place_of(grant.address.name)
    title = f" ({place.title})" if place is not None and place.title else ""
    return f"{grant.attributes['role']} on {str(grant.attributes['resource']).rpartition('/')[2]}{title}"


def _allows(
    world: World, grant: Resource, permission: str, resource: str, context: Mapping[str, Any]
) -> tuple[Truth, tuple[str, ...]]:
    answers = [
        reaches(str(grant.attributes["resource"]), resource, context),
        _role_holds(world, grant, permission),
        _condition_holds(grant, context),
    ]
    if any(truth is Truth.NO for truth, _ in answers):
        return Truth.NO, ()
    missing = tuple(text for truth, texts in answers for text in texts if truth is Truth.UNKNOWN)
    return (Truth.UNKNOWN, missing) if missing else (Truth.YES, ())


def reaches(above: str, resource: str, context: Mapping[str, Any]) -> tuple[Truth, tuple[str, ...]]:
    """Whether a policy on `above` counts for `resource`."""
    if above == resource or resource.startswith(f"{above}/"):
        return Truth.YES, ()
    host, _, rest = above.removeprefix("//").partition("/")
    if host != "cloudresourcemanager.googleapis.com":
        return Truth.NO, ()
    if rest.startswith("projects/"):
        project = table.project_of(resource) or context.get("project") or context.get(PROJECT)
        if resource.startswith("//cloudresourcemanager.googleapis.com/") and table.project_of(resource) is None:
            return Truth.NO, ()
        if project is None:
            return Truth.UNKNOWN, (f"in which project {resource} is: context = {{ project = … }}",)
        return (Truth.YES if f"projects/{project}" == rest else Truth.NO), ()
    inside = inherits(above, context)
    return inside, (f"whether {resource} is in {rest}",) if inside is Truth.UNKNOWN else ()


def _role_holds(world: World, grant: Resource, permission: str) -> tuple[Truth, tuple[str, ...]]:
    held = permissions_of(world, grant)
    if held is None:
        return Truth.UNKNOWN, (f"what role {grant.attributes['role']} holds",)
    return (Truth.YES if permission in held else Truth.NO), ()


def permissions_of(world: World, grant: Resource) -> frozenset[str] | None:
    """What the role of a grant holds; None where it was not read. A role that is deleted holds nothing."""
    role, target = str(grant.attributes["role"]), grant.address.target
    for resource in _roles(world, target, role):
        if resource.attributes.get("state", "ACTIVE") == "DELETED" or resource.attributes.get("stage") == "DISABLED":
            return frozenset()
        return frozenset(resource.attributes["permissions"] or ())
    return None


def _roles(world: World, target: str, role: str) -> Iterable[Resource]:
    project, _, name = role.removeprefix("projects/").partition("/roles/")
    for address in (
        Address("google", project, schema.CUSTOM_ROLE, name),
        Address("google", target, schema.ROLE, role),
    ):
        if address in world.resources:
            yield world.resources[address]


def _condition_holds(grant: Resource, context: Mapping[str, Any]) -> tuple[Truth, tuple[str, ...]]:
    condition = grant.attributes.get("condition")
    return cel.judge(condition["expression"], context) if condition else (Truth.YES, ())


def _denied(
    world: World,
    agent: str,
    grants: Iterable[Resource],
    permission: str,
    resource: str,
    context: Mapping[str, Any],
) -> Finding:
    """Deny policies: whether one stops the request, which, and what is missing to tell."""
    members = {names.deny_member(str(grant.attributes["member"])) for grant in grants} | _own_members(world, agent)
    wanted = names.deny_permission(permission, table.SERVICES)
    stops: list[tuple[str, Deciding]] = []
    unsure: list[str] = []
    open_: list[Deciding] = []
    for policy in holdings(world).deny_policies:
        attach = table.full_name(policy.address.name.partition("@")[2])
        for number, rule in enumerate(policy.attributes["rules"], 1):
            truth, lacking = _rule_denies(rule, members, wanted, attach, resource, context)
            said = f"deny policy {policy.address.name}"
            if truth is Truth.YES:
                stops.append((said, Deciding(said, str(number), "Deny", attach)))
            elif truth is Truth.UNKNOWN:
                unsure += lacking
                open_.append(Deciding(said, str(number), "Deny", attach))
    if stops:
        return Finding(Truth.YES, tuple(text for text, _ in stops), (), tuple(item for _, item in stops))
    return Finding(Truth.UNKNOWN if unsure else Truth.NO, (), tuple(dict.fromkeys(unsure)), tuple(open_))


def stopped(world: World, agent: str, permission: str, resource: str, context: Mapping[str, Any]) -> Finding:
    """What deny policies say of a request that something grants; `missing` alone is what an access boundary may do."""
    denied = _denied(world, agent, holdings(world).grants(agent), permission, resource, context)
    if denied.truth is not Truth.NO:
        return denied
    return Finding(Truth.NO, (), _outside(world, agent, resource, context))


def _own_members(world: World, agent: str) -> set[str]:
    accounts = holdings(world).of(agent, schema.ACCOUNT)
    return {names.deny_member(f"serviceAccount:{r.attributes['email']}") for r in accounts}


def _rule_denies(
    rule: Mapping[str, Any],
    members: set[str],
    permission: str,
    attach: str,
    resource: str,
    context: Mapping[str, Any],
) -> tuple[Truth, tuple[str, ...]]:
    if not any(_denies_permission(str(pattern), permission) for pattern in rule.get("deniedPermissions", ())):
        return Truth.NO, ()
    if any(_denies_permission(str(pattern), permission) for pattern in rule.get("exceptionPermissions", ())):
        return Truth.NO, ()
    reach, lacking = reaches(attach, resource, context)
    if reach is Truth.NO:
        return reach, ()
    condition = rule.get("denialCondition")
    parts = [_rule_means(rule, members), (reach, lacking)]
    parts.append(cel.judge(condition["expression"], context) if condition else (Truth.YES, ()))
    return all_of(parts)


def _rule_means(rule: Mapping[str, Any], members: set[str]) -> Judged:
    """Whether a rule is about an agent, in whichever of its identities it asks. Sets may hold it: groups, projects."""
    people = [Who(canonical(member)) for member in sorted(members)]
    found = [_means(rule, who) for who in people]
    truths = {truth for truth, _ in found}
    if len(truths) > 1 and Truth.UNKNOWN not in truths:
        return Truth.UNKNOWN, ("with which of its identities the agent asks",)
    missing = tuple(dict.fromkeys(text for _, texts in found for text in texts))
    return (Truth.UNKNOWN, missing) if len(truths) > 1 else (truths.pop() if truths else Truth.YES, missing)


def _means(rule: Mapping[str, Any], who: Who) -> Judged:
    denied, exempt = (
        any_of(belongs(who, canonical(str(name))) for name in rule.get(key, ()))
        for key in ("deniedPrincipals", "exceptionPrincipals")
    )
    return all_of([denied, negated(exempt)])


def _denies_permission(pattern: str, permission: str) -> bool:
    """`iam.googleapis.com/serviceAccounts.*` and `SERVICE/*.*`: permission groups end with or hold a star."""
    if "*" not in pattern:
        return pattern == permission
    host, _, rest = pattern.partition("/")
    other, _, name = permission.partition("/")
    parts, given = rest.split("."), name.split(".")
    return (
        host == other
        and len(parts) <= len(given)
        and all(one in ("*", two) for one, two in zip(parts, given, strict=False))
    )
