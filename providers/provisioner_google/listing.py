"""What an agent holds on Google Cloud, grant by grant, what its roles name for a resource, and whom it becomes.

A grant's permissions are told apart by what the deny policies leave of them: `none` where a rule without doubt denies
them on the grant's own resource, `part` where a rule may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioner.model.questions import Holding, Within
from provisioner.model.requests import Answer, Assume, Attempt, Decision, World
from provisioner.model.resources import Resource

from . import names, schema, table
from .bindings import place_of
from .policy.attributes import attributes_of
from .policy.cel import Truth
from .policy.evaluate import evaluate_in_world, permissions_of, reaches, stopped
from .policy.holdings import Holdings, holdings
from .policy.judging import short

TOKENS = (
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccountKeys.create",
)
"""Permissions each of which is enough to call an API as a service account."""

_ORDER = (Answer.ALLOWED, Answer.DEPENDS, Answer.DENIED)
_PERMISSION = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+){2,}\Z")


def speaks(action: str) -> bool:
    """Whether this is written as one permission: `bigquery.tables.getData`."""
    return _PERMISSION.match(action) is not None


def holdings_of(world: World, agent: str) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    """Every grant of the agent and every deny rule over it, and the roles that nobody could read."""
    held = holdings(world)
    found: list[Holding] = []
    unread: list[str] = []
    for grant in held.grants(agent):
        permissions = permissions_of(world, grant)
        if permissions is None:
            unread.append(f"what role {grant.attributes['role']} holds on {_place(grant)}")
        found += _rows(world, agent, grant, permissions)
    found += _denials(held, agent)
    return tuple(found), tuple(unread)


def _place(grant: Resource) -> str:
    return short(str(grant.attributes["resource"]))


def _rows(world: World, agent: str, grant: Resource, permissions: frozenset[str] | None) -> Iterator[Holding]:
    """One row for each way in which deny policies and access boundaries treat the permissions of a grant."""
    groups: dict[tuple[Within, tuple[str, ...]], list[str]] = {}
    for permission in sorted(permissions or ()):
        groups.setdefault(_limited(world, agent, grant, permission), []).append(permission)
    if permissions is None:
        groups[Within.UNKNOWN, ("what the role holds was not read",)] = []
    place = place_of(grant.address.name)
    title = f" ({place.title})" if place is not None and place.title else ""
    condition = grant.attributes.get("condition")
    for (within, limits), actions in groups.items():
        yield Holding(
            cloud="google",
            principal=str(grant.attributes["member"]),
            policy=f"allow policy of {_place(grant)}",
            statement=f"{grant.attributes['role']}{title}",
            effect="Allow",
            actions=tuple(actions) or (str(grant.attributes["role"]),),
            resources=(str(grant.attributes["resource"]),),
            conditions=(f"when {condition['expression']}",) if condition else (),
            within=within,
            limits=limits,
        )


def _limited(world: World, agent: str, grant: Resource, permission: str) -> tuple[Within, tuple[str, ...]]:
    resource = str(grant.attributes["resource"])
    context = attributes_of(resource, world.now, {"project": grant.address.target})
    denied = stopped(world, agent, permission, resource, context)
    if denied.truth is Truth.YES:
        return Within.NONE, denied.because
    if denied.truth is Truth.UNKNOWN:
        return Within.PART, tuple(f"{item.policy} may deny it" for item in denied.deciding)
    if denied.missing:
        return Within.UNKNOWN, denied.missing
    return Within.ALL, ()


def _denials(held: Holdings, agent: str) -> Iterator[Holding]:
    """Rules of deny policies that name the agent, or everybody."""
    members = {names.deny_member(str(grant.attributes["member"])) for grant in held.grants(agent)}
    members |= {names.deny_member(f"serviceAccount:{r.attributes['email']}") for r in held.of(agent, schema.ACCOUNT)}
    for policy in held.deny_policies:
        attach = table.full_name(policy.address.name.partition("@")[2])
        for number, rule in enumerate(policy.attributes["rules"], 1):
            named = members & set(rule.get("deniedPrincipals", ()))
            if not named and "principalSet://goog/public:all" not in rule.get("deniedPrincipals", ()):
                continue
            condition = (rule.get("denialCondition") or {}).get("expression")
            words = [f"when {condition}"] if condition else []
            words += [f"but not {name}" for name in rule.get("exceptionPermissions", ())]
            words += [f"but not for {name}" for name in rule.get("exceptionPrincipals", ())]
            yield Holding(
                cloud="google",
                principal=", ".join(sorted(map(names.allow_member, named))) or "everybody",
                policy=f"deny policy {policy.address.name}",
                statement=str(number),
                effect="Deny",
                actions=tuple(rule.get("deniedPermissions", ())),
                resources=(attach,),
                conditions=tuple(words),
            )


def candidates(world: World, agent: str, resource: str) -> tuple[str, ...]:
    """The permissions of the agent's roles, on grants that count for the resource, that could be about its kind."""
    full = table.full_name(resource)
    context = attributes_of(full, world.now, {})
    found: set[str] = set()
    for grant in holdings(world).grants(agent):
        if reaches(str(grant.attributes["resource"]), full, context)[0] is not Truth.NO:
            found.update(permissions_of(world, grant) or ())
    return tuple(sorted(permission for permission in found if _fits(permission, full)))


def _fits(permission: str, resource: str) -> bool:
    """Whether a permission is about such a resource: `storage.objects.get` about no bucket. Of projects, folders and
    organizations everything may be, since what is created is created in them."""
    host, _, rest = resource.removeprefix("//").partition("/")
    if host == "cloudresourcemanager.googleapis.com":
        return True
    if names.deny_permission(permission, table.SERVICES).partition("/")[0] != host:
        return False
    parts = rest.split("/")
    objects = "/objects/" in f"/{rest}"
    collection = "objects" if objects else parts[-2] if len(parts) >= 2 else ""
    return permission.split(".")[1].startswith(collection.removesuffix("s"))


def becoming(world: World, source: str, target: str, context: Mapping[str, Sequence[str]]) -> Decision:
    """May agent `source`, by its own principal, call as agent `target`: the best answer over the target's service
    accounts and the permissions that are enough."""
    given = {key: values[0] if len(values) == 1 else list(values) for key, values in context.items()}
    held = holdings(world)
    found = [Decision(Answer.DENIED, (f"agent.{target} has no service account here",))]
    for account in held.accounts_of(target):
        project = table.project_of(account)
        for permission in TOKENS:
            settings = {"permission": permission, "resource": account, "alone": True}
            settings["context"] = {"project": project, **given}
            found.append(evaluate_in_world(world, Attempt(source, settings)))
    return min(found, key=lambda decision: _ORDER.index(decision.answer))


def foreigners(world: World, cloud: str) -> tuple[str, ...]:
    """Agents into which principals of another cloud may come: those with a provider for accounts of AWS."""
    if cloud != "aws":
        return ()
    providers = (r for r in world.resources.values() if r.address.kind == schema.POOL_PROVIDER and r.agent is not None)
    return tuple(sorted({str(r.agent) for r in providers if str(r.attributes["issuer"]).startswith("aws:")}))


def admits_session(world: World, target: str, claims: Mapping[str, Any]) -> Decision:
    """May the session of another cloud with these claims become `target` here? A session's name that is `*` is one
    that the caller chooses: what the provider's own condition names is tried."""
    arn = str(claims.get("arn", ""))
    if not arn.endswith("/*"):
        return evaluate_in_world(world, Assume(target, claims))
    providers = [r for r in holdings(world).own[target] if r.address.kind == schema.POOL_PROVIDER]
    chosen = {"session"}
    for provider in providers:
        chosen |= set(re.findall(re.escape(arn[:-1]) + r"([A-Za-z0-9_+=,.@-]+)", str(provider.attributes["condition"])))
    found = [evaluate_in_world(world, Assume(target, {**claims, "arn": arn[:-1] + name})) for name in sorted(chosen)]
    best = min(found, key=lambda decision: _ORDER.index(decision.answer))
    if best.answer is Answer.DENIED and any(_reads_session(provider) for provider in providers):
        return Decision(Answer.DEPENDS, best.because, ("whether it admits a session's name that the caller chooses",))
    return best


def _reads_session(provider: Resource) -> bool:
    """Whether a provider reads more of an ARN than `extract` gives it of the role."""
    mapping = str(provider.attributes["mapping"].get("google.subject", ""))
    text = f"{mapping} {provider.attributes['condition']}"
    bare = re.sub(r"assertion\.arn\.extract\((['\"])assumed-role/\{[A-Za-z_]+\}/\1\)", "", text)
    mine = str(provider.attributes["issuer"]).startswith("aws:")
    return mine and ("assertion.arn" in bare or "assertion.userid" in bare)
