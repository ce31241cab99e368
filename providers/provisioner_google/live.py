"""Google's answers as resources. Pure: the same resource comes out of a listing and of a single read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from provisioner.model.resources import Address, Mark, Resource

from . import names, schema
from .bindings import Place, Tuple, distinct
from .compile import USER_ROLE
from .forms import ACTIVE, DELETED, canonical_attributes
from .policies import LivePolicy, deleted
from .rest import mark_text, state_of

Raw = Mapping[str, Any]

_SUBJECT = re.compile(r'google\.subject == "((?:[^"\\]|\\.)*)"')
POOL_MEMBER = re.compile(
    r"principal(?:Set)?://iam\.googleapis\.com/projects/([0-9]+)/locations/global/workloadIdentityPools/([^/]+)/(.*)",
    re.DOTALL,
)
_DELETED_ACCOUNT = re.compile(r"deleted:serviceAccount:([^?]+)\?uid=([0-9]+)")
_ANCHORS = (schema.ACCOUNT, schema.POOL_PROVIDER)
"""What stands for an agent, the first that there is."""

_SERVICE_AGENT = re.compile(
    r"serviceAccount:(?:service-[0-9]+@[a-z0-9.-]*\.gserviceaccount\.com|[0-9]+@cloudservices\.gserviceaccount\.com)"
)


def id_of(address: Address) -> str:
    """What a single read's path ends with."""
    return names.email(address.name, address.target) if address.kind == schema.ACCOUNT else address.name


def account_name(account: Resource) -> str:
    """The full resource name of a service account."""
    return names.account_resource(str(account.attributes["email"]), account.address.target)


def rest(kind: str, project: str, workspace: str, raw: Raw) -> Resource:
    """A service account, a custom role or a pool."""
    name = str(raw.get("name", "")).rpartition("/")[2]
    if kind == schema.ACCOUNT:
        name = str(raw.get("email") or name).partition("@")[0]
    state = state_of(kind, raw)
    mark = mark_text(kind, state)
    agent = mark.agent if mark is not None and mark.workspace == workspace and kind == schema.ACCOUNT else None
    return Resource(Address("google", project, kind, name), state, agent=agent, mark=mark)


def provider(pool: Resource, workspace: str, raw: Raw) -> Resource:
    """A provider of a pool of ours, or of one under a desired name."""
    state = state_of(schema.POOL_PROVIDER, raw)
    mark = mark_text(schema.POOL_PROVIDER, state)
    ours = mark is not None and mark.workspace == workspace and owned(pool, workspace)
    name = f"{pool.address.name}/{str(raw.get('name', '')).rpartition('/')[2]}"
    address = Address("google", pool.address.target, schema.POOL_PROVIDER, name)
    agent = mark.agent if ours and mark is not None else None
    return Resource(address, state, agent=agent, parent=pool.address, uses=(pool.address,), mark=mark)


def owned(resource: Resource, workspace: str) -> bool:
    return resource.mark is not None and resource.mark.workspace == workspace


def deny_policy(address: Address, raw: Raw) -> Resource:
    state = state_of(schema.DENY_POLICY, raw)
    return Resource(address, state, mark=names.annotated_mark(state["annotations"]))


def access_binding(project: str, workspace: str, raw: Raw, resources: Mapping[Address, Resource]) -> Resource:
    """A binding of an access boundary. It hangs on the agent's principal and uses the boundary that it names."""
    state = state_of(schema.ACCESS_BOUNDARY_BINDING, raw)
    mark = names.annotated_mark(state["annotations"])
    agent = mark.agent if mark is not None and mark.workspace == workspace else None
    own = [r for r in resources.values() if r.agent == agent is not None and r.address.kind in _ANCHORS]
    own.sort(key=lambda r: _ANCHORS.index(r.address.kind))
    policy = re.fullmatch(r"(organizations/[0-9]+)/locations/global/principalAccessBoundaryPolicies/(.+)",
                          str(state["policy"]))  # fmt: skip
    uses = (Address("google", project, schema.ACCESS_BOUNDARY, f"{policy[2]}@{policy[1]}"),) if policy else ()
    address = Address("google", project, schema.ACCESS_BOUNDARY_BINDING, str(raw.get("name", "")).rpartition("/")[2])
    return Resource(address, state, agent=agent, parent=own[0].address if own else None, uses=uses, mark=mark)


def key(account: Resource, raw: Raw) -> Resource:
    """A user-managed key."""
    name = f"{account.address.name}/{str(raw.get('name', '')).rpartition('/')[2]}"
    attributes = {
        "account": account.attributes["email"],
        "disabled": bool(raw.get("disabled")),
        "valid_after": raw.get("validAfterTime"),
    }
    address = Address("google", account.address.target, schema.ACCOUNT_KEY, name)
    state = canonical_attributes(schema.ACCOUNT_KEY, attributes)
    return Resource(address, state, agent=account.agent, parent=account.address)


BUCKETS = "//storage.googleapis.com/projects/_/buckets/"


def place(
    project: str, name: str, above: Iterable[str], unread: Iterable[str], conditions: bool, members: int | None = None
) -> Resource:
    """Where grants count: a resource, what is above it (full names, nearest first), what of that could not be read,
    whether its policy takes conditions, and how many members it has, every occurrence counted."""
    attributes = {"ancestors": list(above), "unread": list(unread), "conditions": conditions, "members": members}
    return Resource(Address("google", project, schema.PLACE, name), canonical_attributes(schema.PLACE, attributes))


def role(project: str, name: str, permissions: Iterable[str]) -> Resource:
    """What a role that we do not own holds."""
    attributes = {"permissions": list(permissions), "stage": "GA"}
    return Resource(Address("google", project, schema.ROLE, name), canonical_attributes(schema.ROLE, attributes))


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a member is: an agent, and the resource that its grants hang on."""

    agent: str | None
    anchor: Address | None


class Members:
    """Which members of policies are ours: those of our accounts, everything of our pools in this project, and what a
    desired or recorded grant names of other pools: Google's own, and those of another project of the workspace.

    `number` is the project's: another project's pool may have the same id, and is somebody else's.
    """

    def __init__(self, number: str, resources: Iterable[Resource], places: Iterable[Place]) -> None:
        self._number = number
        self._exact: dict[str, Owner] = {}
        self._pools: dict[str, Address] = {}
        self._subjects: dict[tuple[str, str], Owner] = {}
        self._providers: dict[tuple[str, str], Address] = {}
        for resource in resources:
            self._learn(resource)
        for place in places:
            if place.agent and not place.member.startswith("serviceAccount:"):
                self._name(place.agent, place.member)

    def _name(self, agent: str, member: str) -> None:
        """What a desired or recorded grant says of a member. It counts where a provider's live condition, which may
        have been tampered with, no longer tells whose subject it is."""
        match = POOL_MEMBER.fullmatch(member)
        if match is None or match[2].endswith(".svc.id.goog") or match[1] != self._number:
            self._exact.setdefault(member, Owner(agent, None))
        elif match[2] in self._pools and (match[2], agent) in self._providers:
            subject = match[3].removeprefix("subject/")
            self._subjects.setdefault((match[2], subject), Owner(agent, self._providers[match[2], agent]))

    def _learn(self, resource: Resource) -> None:
        address, mine = resource.address, resource.agent
        if address.kind == schema.ACCOUNT and mine is not None and resource.attributes["state"] == ACTIVE:
            self._exact[f"serviceAccount:{resource.attributes['email']}"] = Owner(mine, address)
        elif address.kind == schema.POOL and resource.mark is not None and resource.mark.agent is None:
            self._pools[address.name] = address
        elif address.kind == schema.POOL_PROVIDER and mine is not None:
            self._providers[address.name.partition("/")[0], mine] = address
            for subject in _SUBJECT.findall(str(resource.attributes["condition"]))[:1]:
                pool = address.name.partition("/")[0]
                self._subjects[pool, _unescaped(subject)] = Owner(mine, address)

    def owner(self, member: str) -> Owner | None:
        """None for a member that is not ours."""
        if member in self._exact:
            return self._exact[member]
        match = POOL_MEMBER.fullmatch(member)
        if match is None or match[1] != self._number or match[2] not in self._pools:
            return None
        subject = match[3].removeprefix("subject/")
        return self._subjects.get((match[2], subject), Owner(None, self._pools[match[2]]))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def admissions(
    account: Resource, policy: LivePolicy, members: Members, elsewhere: Collection[Tuple] = ()
) -> list[Resource]:
    """Who may become a service account of ours: everything in its policy but service agents, and but what another
    agent of ours is granted, which is that agent's. `elsewhere` are such grants to agents of other projects."""
    items = [item for item in strangers(policy, members) if item.condition_free not in elsewhere]
    items += [item for item in policy.tuples if item.role == USER_ROLE and _anybody(item)]
    target = account.address.target
    return [
        _tuple_resource(where, item, account.agent, account.address)
        for where, item in distinct(schema.ACCOUNT_BINDING, target, account.agent, items)
    ]


def strangers(policy: LivePolicy, members: Members) -> list[Tuple]:
    """Grants on a service account to somebody who is neither its workload, nor a service agent, nor known as an agent
    of ours."""
    return [
        item
        for item in policy.tuples
        if item.role != USER_ROLE and _anybody(item) and members.owner(item.member) is None
    ]


def _anybody(item: Tuple) -> bool:
    return not deleted(item.member) and not _SERVICE_AGENT.fullmatch(item.member)


def grants(project: str, workspace: str, policy: LivePolicy, members: Members) -> list[Resource]:
    """Every grant to a member of ours in a policy, declared or not."""
    by_owner: dict[Owner, list[Tuple]] = {}
    account = "/serviceAccounts/" in policy.resource
    for item in policy.tuples:
        owner = members.owner(item.member)
        if owner is not None and not (account and item.role == USER_ROLE) and _here(owner, project):
            by_owner.setdefault(owner, []).append(item)
    out = []
    for owner, items in by_owner.items():
        for where, item in distinct(schema.grant_kind(policy.resource), project, owner.agent, items):
            made = _tuple_resource(where, item, owner.agent, owner.anchor)
            if owner.anchor is None:
                made = replace(made, mark=Mark(workspace, owner.agent, f"agent.{owner.agent}"))
            out.append(made)
    return out


def _here(owner: Owner, project: str) -> bool:
    """What an agent of another project holds is that project's to tell."""
    return owner.anchor is None or owner.anchor.target == project


def _tuple_resource(where: Address, item: Tuple, agent: str | None, parent: Address | None) -> Resource:
    return Resource(where, canonical_attributes(where.kind, item.attributes()), agent=agent, parent=parent)


def soft_deleted(
    project: str,
    workspace: str,
    policies: Iterable[LivePolicy],
    places: Iterable[Place],
    known: Collection[Address],
    have: Mapping[Address, Resource],
) -> list[Resource]:
    """Desired service accounts that are gone and can be brought back: a policy that names one as deleted knows its
    unique id. With two such ids nobody can tell which was ours, and a new account is made."""
    agents = {place.member: place.agent for place in places if place.agent}
    ids: dict[str, set[str]] = {}
    for policy in policies:
        for item in policy.tuples:
            match = _DELETED_ACCOUNT.fullmatch(item.member)
            if match is not None:
                ids.setdefault(match[1], set()).add(match[2])
    out = []
    for email, found in sorted(ids.items()):
        address = Address("google", project, schema.ACCOUNT, email.partition("@")[0])
        agent = agents.get(f"serviceAccount:{email}")
        if address in known and address not in have and len(found) == 1 and agent is not None:
            attributes = {"email": email, "state": DELETED, "deleted_id": next(iter(found))}
            state = canonical_attributes(schema.ACCOUNT, attributes)
            unread = ("display_name", "description", "disabled")
            mark = Mark(workspace, agent, f"agent.{agent}")
            out.append(Resource(address, state, agent=agent, mark=mark, unread=unread))
    return out


def connect(resources: MutableMapping[Address, Resource]) -> None:
    """What each grant uses: the custom role that it grants, the deny policies that name its member."""
    denied: dict[str, set[Address]] = {}
    for address, resource in resources.items():
        if address.kind == schema.DENY_POLICY:
            for rule in resource.attributes["rules"]:
                for who in rule.get("deniedPrincipals", ()):
                    denied.setdefault(names.allow_member(str(who)), set()).add(address)
    roles = {f"projects/{a.target}/roles/{a.name}": a for a in resources if a.kind == schema.CUSTOM_ROLE}
    for address, resource in list(resources.items()):
        if address.kind not in schema.GRANTS:
            continue
        uses = set(denied.get(str(resource.attributes["member"]), ()))
        if resource.attributes["role"] in roles:
            uses.add(roles[resource.attributes["role"]])
        resources[address] = replace(resource, uses=tuple(sorted(uses)))
