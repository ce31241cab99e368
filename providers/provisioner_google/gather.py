"""Reads one project: what is ours, what is desired, and every grant to our members on the policies that are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from provisioner.model.resources import Address, Gap, Resource
from provisioner.sdk.provider import Scope

from . import check, live, names, rest, schema, table
from .bindings import Place, Tuple, place_of
from .client import IAM, Json, Project
from .faults import CallError, Fault
from .hierarchy import Lineage, Shared, lineage
from .live import Members
from .policies import LivePolicy, read_policy

_ROLES: dict[str, tuple[str, ...]] = {}
"""Permissions of predefined roles by name, for as long as the process runs: Google changes them every few weeks."""

_MOST_ROLES = 4096
_TUPLES = schema.TUPLES


@dataclass(slots=True)
class Gathered:
    """What one project's read found. `absent` are resources that should have a policy and do not exist."""

    project: str
    resources: dict[Address, Resource] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


class Gatherer:
    """One read. Everything that does not wait for something else is asked for at once."""

    def __init__(self, project: Project, scope: Scope, shared: Shared | None = None) -> None:
        self.project = project
        self.scope = scope
        self.shared = shared or Shared()
        self.lineage = Lineage(str(project.connection.config.get("project_number") or ""))
        self.unread: list[str] = []
        self.out = Gathered(project.id)
        own = [a for a in scope.addresses if a.target == project.id]
        self.known = frozenset([*own, *(a for a in scope.made if a.target == project.id and scope.agents is None)])
        self.places: tuple[Place, ...] = tuple(
            place for a in sorted(self.known) if a.kind in _TUPLES and (place := place_of(a.name)) is not None
        )
        self.bulk = scope.agents is None
        abroad = (place_of(a.name) for a in (*scope.addresses, *scope.made)
                  if a.kind == schema.IMPERSONATION and a.target != project.id)  # fmt: skip
        self.elsewhere = frozenset(Tuple(p.resource, p.role, p.member, None) for p in abroad if p is not None)

    def run(self, pool: Executor) -> Gathered:
        """`pool` makes the calls that wait for nothing else, of this project and of others that are read beside it."""
        self._run(pool)
        self._keep_scope()
        return self.out

    def _run(self, pool: Executor) -> None:
        self._look_up()
        policies = {name: pool.submit(self._policy, name) for name in self._policy_names()}
        first = [pool.submit(self._accounts), pool.submit(self._pools), pool.submit(self._custom_roles)]
        first += [pool.submit(self._deny_policies, attach) for attach in self._attach_points()]
        for found in first:
            self._add(found.result())
        accounts = [r for r in self.out.resources.values() if r.address.kind == schema.ACCOUNT and r.agent]
        pools = [r for r in self.out.resources.values() if r.address.kind == schema.POOL]
        own = {r.address: pool.submit(self._policy, live.account_name(r)) for r in accounts}
        keys = [pool.submit(self._keys, r) for r in accounts]
        providers = [pool.submit(self._providers, r) for r in pools if r.attributes["state"] == "ACTIVE"]
        for waiting in (*keys, *providers):
            self._add(waiting.result())
        self._tuples(pool, policies, own)
        if self._bounded():
            self._access_boundaries()

    def _tuples(
        self,
        pool: Executor,
        policies: Mapping[str, Future[LivePolicy | None]],
        own: Mapping[Address, Future[LivePolicy | None]],
    ) -> None:
        read = {name: policy for name, future in policies.items() if (policy := future.result()) is not None}
        trusts = {where: policy for where, future in own.items() if (policy := future.result()) is not None}
        self._add(live.soft_deleted(self.project.id, self.scope.workspace, read.values(), self.places, self.known,
                                    self.out.resources))  # fmt: skip
        members = Members(self.lineage.number, self.out.resources.values(), self.places)
        if not self.bulk:
            met = self._met(trusts.values(), members)
            members = Members(self.lineage.number, [*self.out.resources.values(), *met], self.places)
        by_name = {policy.resource: policy for policy in (*trusts.values(), *read.values())}
        for where, policy in sorted(trusts.items()):
            self._add(live.admissions(self.out.resources[where], policy, members, self.elsewhere))
        for _, policy in sorted(by_name.items()):
            self._add(live.grants(self.project.id, self.scope.workspace, policy, members))
        self._places(pool, {name: len(policy.tuples) for name, policy in by_name.items()})
        self._add(r for waiting in [pool.submit(self._role, name) for name in self._role_names()]
                  for r in waiting.result())  # fmt: skip
        live.connect(self.out.resources)

    def _met(self, trusts: Iterable[LivePolicy], members: Members) -> list[Resource]:
        """Principals that our accounts' policies name and that this narrow read has not met: other agents' grants on
        an account are theirs, not its own. One that cannot be read stays a stranger, which stops an apply."""
        out: dict[str, Resource] = {}
        for member in {item.member for policy in trusts for item in live.strangers(policy, members)}:
            match = live.POOL_MEMBER.fullmatch(member)
            email = member.removeprefix("serviceAccount:")
            if match is not None:
                kind, project, name = schema.POOL, match[1], match[2]
            elif email != member and email.endswith(".iam.gserviceaccount.com"):
                kind, project, name = schema.ACCOUNT, email.partition("@")[2].partition(".")[0], email.partition("@")[0]
            else:
                continue
            if project not in {*self.shared.projects, self.project.id, self.lineage.number}:
                continue
            try:
                raw = rest.fetch(self.project, Address("google", project, kind, name))
            except CallError:
                continue
            out[member] = live.rest(kind, project, self.scope.workspace, raw)
        return [r for r in out.values() if r.mark is not None and r.mark.workspace == self.scope.workspace]

    def _add(self, found: Iterable[Resource]) -> None:
        for resource in found:
            self.out.resources[resource.address] = resource

    def _policy_names(self) -> list[str]:
        """Policies to read: the project's own, those above it, the watched ones, and those that desired or recorded
        grants name."""
        ours = {self._account_resource(a) for a in self.known if a.kind == schema.ACCOUNT}
        named = {place.resource for place in self.places}
        wanted = {self._own(), *self.lineage.ancestors, *self._watched(), *named} - ours
        return sorted(name for name in wanted if table.row_of(name) is not None)

    def _own(self) -> str:
        return table.full_name(f"projects/{self.project.id}")

    def _watched(self) -> set[str]:
        return {table.full_name(str(name)) for name in self.project.connection.target.watch}

    def _look_up(self) -> None:
        """What stands above the project. Where that cannot be read, what is inherited from there is not known."""
        try:
            self.lineage = lineage(self.project, self.shared)
        except CallError as error:
            self._gap("what the project is in", error, "resourcemanager.projects.get")
            return
        if self.lineage.error is not None:
            self._inherited(self.lineage.unread, self.lineage.error, "resourcemanager.folders.get")

    def _inherited(self, what: str, error: CallError, permission: str) -> None:
        """Something above the project that this reader may not see."""
        self.unread.append(what)
        self.out.unseen.append(f"{what}, and what is inherited from there ({permission}: {error.status})")

    def _places(self, pool: Executor, members: Mapping[str, int]) -> None:
        """What must be known of where grants count: what is above the project, what buckets take, how full a policy
        is."""
        conditional = {place.resource for place in self.places if place.title is not None}
        buckets = sorted(name for name in conditional if name.startswith(live.BUCKETS))
        read = [pool.submit(self._bucket, name, members.get(name)) for name in buckets]
        self._add(
            live.place(self.project.id, name, (), (), row[0].conditions, members[name])
            for name in {place.resource for place in self.places} & set(members)
            if (row := table.row_of(name)) is not None
        )
        own = self._own()
        self._add([live.place(self.project.id, own, self.lineage.ancestors, self.unread, True, members.get(own))])
        self._add(resource for waiting in read for resource in waiting.result())

    def _bucket(self, name: str, members: int | None) -> list[Resource]:
        """Whether a bucket takes conditions: only with uniform bucket-level access."""
        path = f"/storage/v1/b/{name.removeprefix(live.BUCKETS)}"
        try:
            raw = self.shared.once(self.project, name, lambda: self.project.get("storage.googleapis.com", path))
        except CallError as error:
            if error.fault is not Fault.ABSENT:
                self.out.unseen.append(f"whether {name} takes conditions (storage.buckets.get: {error.status})")
            return []
        inside = (self._own(),) if str(raw.get("projectNumber")) == self.lineage.number else ()
        uniform = ((raw.get("iamConfiguration") or {}).get("uniformBucketLevelAccess") or {}).get("enabled")
        return [live.place(self.project.id, name, inside, (), bool(uniform), members)]

    def _account_resource(self, address: Address) -> str:
        return names.account_resource(names.email(address.name, self.project.id), self.project.id)

    def _attach_points(self) -> list[str]:
        found = {a.name.partition("@")[2] for a in self.known if a.kind == schema.DENY_POLICY}
        return sorted({*found, f"projects/{self.project.id}"})

    def _gap(self, what: str, error: CallError, permission: str, agents: Iterable[str] = ()) -> None:
        lacks = permission if error.fault is Fault.DENIED else None
        self.out.gaps.append(Gap("google", self.project.id, what, str(error), lacks, tuple(sorted(set(agents)))))

    def _policy(self, resource: str) -> LivePolicy | None:
        try:
            return self.shared.once(self.project, f"policy of {resource}", lambda: read_policy(self.project, resource))
        except CallError as error:
            row = table.row_of(resource)
            permission = f"{row[0].permission}.getIamPolicy" if row is not None else ""
            mine = {place.agent for place in self.places if place.resource == resource and place.agent}
            everybody = resource in {self._own(), *self._watched()}
            above = resource in self.lineage.ancestors and not mine and not everybody
            if above and error.fault in (Fault.DENIED, Fault.ABSENT):
                self._inherited(f"the allow policy of {resource}", error, permission)
                return None
            if error.fault is Fault.ABSENT:
                self.out.unseen.append(f"{resource} does not exist")
                return None
            everybody = everybody or above
            self._gap(f"the allow policy of {resource}", error, permission, () if everybody else mine)
            return None

    def _listed(
        self, kind: str, what: str, permission: str, listing: Callable[[], Iterable[Json]], path: str
    ) -> list[Json]:
        """All of a kind in bulk; one by one where only some agents are read."""
        out: list[Json] = []
        try:
            if self.bulk:
                return list(listing())
            for address in sorted(a for a in self.known if a.kind == kind):
                try:
                    out.append(self.project.get(IAM, path.format(live.id_of(address))))
                except CallError as error:
                    if error.fault is not Fault.ABSENT:
                        raise
        except CallError as error:
            self._gap(what, error, permission)
        return out

    def _accounts(self) -> list[Resource]:
        path = f"/v1/projects/{self.project.id}/serviceAccounts"
        raws = self._listed(
            schema.ACCOUNT,
            "service accounts",
            "iam.serviceAccounts.list" if self.bulk else "iam.serviceAccounts.get",
            lambda: self.project.pages(IAM, path, "accounts", pageSize=100),
            path + "/{0}",
        )
        made = (live.rest(schema.ACCOUNT, self.project.id, self.scope.workspace, raw) for raw in raws)
        return [r for r in made if self._wanted(r)]

    def _pools(self) -> list[Resource]:
        path = f"/v1/projects/{self.project.id}/locations/global/workloadIdentityPools"
        raws = self._listed(
            schema.POOL,
            "workload identity pools",
            "iam.workloadIdentityPools.list" if self.bulk else "iam.workloadIdentityPools.get",
            lambda: self.project.pages(IAM, path, "workloadIdentityPools", pageSize=100, showDeleted="true"),
            path + "/{0}",
        )
        if not self.bulk:
            raws += self._pools_of_providers(path, {str(raw.get("name")) for raw in raws})
        made = (live.rest(schema.POOL, self.project.id, self.scope.workspace, raw) for raw in raws)
        return [r for r in made if self._wanted(r)]

    def _pools_of_providers(self, path: str, have: set[str]) -> list[Json]:
        pools = {a.name.partition("/")[0] for a in self.known if a.kind == schema.POOL_PROVIDER}
        out = []
        for pool in sorted(pools - {name.rpartition("/")[2] for name in have}):
            try:
                out.append(self.project.get(IAM, f"{path}/{pool}"))
            except CallError as error:
                if error.fault is not Fault.ABSENT:
                    self._gap("workload identity pools", error, "iam.workloadIdentityPools.get")
        return out

    def _providers(self, pool: Resource) -> list[Resource]:
        path = f"/v1/projects/{self.project.id}/locations/global/workloadIdentityPools/{pool.address.name}/providers"
        try:
            raws = list(
                self.project.pages(IAM, path, "workloadIdentityPoolProviders", pageSize=100, showDeleted="true")
            )
        except CallError as error:
            self._gap(f"providers of pool {pool.address.name}", error, "iam.workloadIdentityPoolProviders.list")
            return []
        made = [live.provider(pool, self.scope.workspace, raw) for raw in raws]
        counted = self._counted(check.PROVIDERS.format(pool.address.name), made)
        return [*counted, *(r for r in made if r.address in self.known or r.attributes["state"] == "ACTIVE")]

    def _custom_roles(self) -> list[Resource]:
        path = f"/v1/projects/{self.project.id}/roles"
        used = {place.role.rpartition("/")[2] for place in self.places if place.role.startswith(path[4:] + "/")}
        if not self.bulk:
            extra = [Address("google", self.project.id, schema.CUSTOM_ROLE, name) for name in used]
            self.known = frozenset([*self.known, *extra])
        raws = self._listed(
            schema.CUSTOM_ROLE,
            "custom roles",
            "iam.roles.list" if self.bulk else "iam.roles.get",
            lambda: self.project.pages(IAM, path, "roles", pageSize=1000, view="FULL", showDeleted="true"),
            path + "/{0}",
        )
        made = [live.rest(schema.CUSTOM_ROLE, self.project.id, self.scope.workspace, raw) for raw in raws]
        return [*self._counted(check.ROLES, made), *(r for r in made if self._wanted(r))]

    def _counted(self, name: str, found: Iterable[Resource]) -> list[Resource]:
        """How many of a kind there are, whoever made them: Google takes so many and no more."""
        there = sum(r.attributes["state"] == "ACTIVE" for r in found)
        return [live.place(self.project.id, name, (), (), False, there)] if self.bulk else []

    def _wanted(self, resource: Resource) -> bool:
        """What is desired or recorded, and what carries our mark and is not soft-deleted."""
        if resource.address in self.known:
            return True
        ours = resource.mark is not None and resource.mark.workspace == self.scope.workspace
        return ours and resource.attributes.get("state", "ACTIVE") == "ACTIVE"

    def _deny_policies(self, attach: str) -> list[Resource]:
        """A listing leaves the rules out, so ours are read one by one: as many calls as we have boundaries."""
        encoded = f"cloudresourcemanager.googleapis.com/{attach}".replace("/", "%2F")
        path = f"/v2/policies/{encoded}/denypolicies"
        out: list[Resource] = []
        try:
            for raw in list(self.project.pages(IAM, path, "policies", pageSize=1000)):
                mark = names.annotated_mark(raw.get("annotations"))
                policy = str(raw.get("name", "")).rpartition("/")[2]
                address = Address("google", self.project.id, schema.DENY_POLICY, f"{policy}@{attach}")
                ours = mark is not None and mark.workspace == self.scope.workspace
                if ours or address in self.known or (mark is None and self._near(policy)):
                    out.append(live.deny_policy(address, self.project.get(IAM, f"{path}/{policy}")))
        except CallError as error:
            self._gap(f"deny policies of {attach}", error, "iam.denypolicies.list")
        return [r for r in out if self._wanted(r)]

    def _bounded(self) -> bool:
        """Whether an access boundary is desired, recorded, or possible here: two calls are spared otherwise."""
        kinds = {a.kind for a in self.known}
        organization = self.project.connection.config.get("organization")
        return bool(organization) or not kinds.isdisjoint((schema.ACCESS_BOUNDARY, schema.ACCESS_BOUNDARY_BINDING))

    def _access_boundaries(self) -> None:
        path = f"/v3/projects/{self.project.id}/locations/global/policyBindings"
        wanted = {a for a in self.known if a.kind == schema.ACCESS_BOUNDARY}
        try:
            for raw in list(self.project.pages(IAM, path, "policyBindings", pageSize=1000)):
                one = live.access_binding(self.project.id, self.scope.workspace, raw, self.out.resources)
                if one.address in self.known or (one.mark and one.mark.workspace == self.scope.workspace):
                    self.out.resources[one.address] = one
                    wanted |= set(one.uses)
        except CallError as error:
            self._gap("bindings of principal access boundaries", error, "iam.policybindings.list")
        for address in sorted(wanted):
            try:
                state = rest.state_of(schema.ACCESS_BOUNDARY, rest.fetch(self.project, address))
                self.out.resources[address] = Resource(address, state, mark=rest.mark_text(address.kind, state))
            except CallError as error:
                if error.fault is not Fault.ABSENT:
                    self._gap(f"principal access boundary {address.name}", error,
                              "iam.principalaccessboundarypolicies.get")  # fmt: skip

    def _near(self, policy: str) -> bool:
        """A listing may leave annotations out as well; ours are named after the workspace."""
        return policy.startswith(names.deny_policy_id(self.scope.workspace, "x")[:-1])

    def _keys(self, account: Resource) -> list[Resource]:
        path = f"/v1/projects/{self.project.id}/serviceAccounts/{account.attributes['email']}/keys"
        try:
            raws = self.project.get(IAM, path, keyTypes="USER_MANAGED").get("keys") or ()
        except CallError as error:
            agents = (account.agent,) if account.agent else ()
            self._gap(f"keys of {account.attributes['email']}", error, "iam.serviceAccountKeys.list", agents)
            return []
        return [live.key(account, raw) for raw in raws]

    def _role_names(self) -> list[str]:
        """Roles whose permissions nobody has read yet."""
        granted = {str(r.attributes["role"]) for r in self.out.resources.values() if r.address.kind in _TUPLES}
        granted |= {place.role for place in self.places}
        own = {f"projects/{a.target}/roles/{a.name}" for a in self.known if a.kind == schema.CUSTOM_ROLE}
        own |= {f"projects/{a.target}/roles/{a.name}" for a in self.out.resources if a.kind == schema.CUSTOM_ROLE}
        return sorted(name for name in granted - own if name)

    def _role(self, name: str) -> list[Resource]:
        """One role's permissions; a role that is gone or cannot be read stays unknown to the evaluator, and is said."""
        if name not in _ROLES:
            try:
                raw = self.project.get(IAM, f"/v1/{name}")
            except CallError as error:
                if error.fault is Fault.DENIED:
                    self.out.unseen.append(f"what role {name} holds (iam.roles.get)")
                elif error.fault is Fault.ABSENT:
                    self.out.unseen.append(f"role {name} does not exist")
                else:
                    self.out.unseen.append(f"what role {name} holds: {error}")
                return []
            if len(_ROLES) > _MOST_ROLES:
                _ROLES.clear()
            permissions = tuple(sorted(raw.get("includedPermissions") or ()))
            if not name.startswith("roles/"):
                return [live.role(self.project.id, name, permissions)]
            _ROLES[name] = permissions
        return [live.role(self.project.id, name, _ROLES[name])]

    def _keep_scope(self) -> None:
        """Where only some agents are read: theirs, what is named, and what these use."""
        if self.bulk:
            return
        everything = self.out.resources
        agents = self.scope.agents or frozenset()
        own = {a for a, r in everything.items() if r.agent in agents or a in self.scope.addresses}
        used = {used for a in own for used in everything[a].uses}
        observed = {a for a in everything if a.kind in (schema.ROLE, schema.PLACE)}
        self.out.resources = {a: r for a, r in everything.items() if a in own | used | observed}
