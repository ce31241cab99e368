"""Live state: in bulk for a workspace, role by role for a few agents. A read that fails is a gap, never an absence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from provisioner.model.resources import (
    Address,
    Coverage,
    Gap,
    Inventory,
    LastUse,
    Resource,
    ResourcePolicy,
    Sighting,
    Snapshot,
)
from provisioner.sdk.provider import Connection, Scope

from .bulk import read_bulk
from .client import READ_SECONDS, Account
from .gather import Gathered
from .single import read_single

T = TypeVar("T")

SINGLE_LIMIT = 16
"""Up to so many agents are read role by role where nothing is known of the account's size yet."""

ROLE_CALLS = 6
"""What one agent costs role by role: the role, its policies' names, each policy, what is attached, its boundary."""

NOT_LOOKED_AT = "resource policies, service and resource control policies, sessions already issued"
NOT_LOOKED_AT_BESIDE = f"resource policies that no tool names{NOT_LOOKED_AT.removeprefix('resource policies')}"


def _by_role(account: Account, scope: Scope) -> bool:
    """The cheaper way, in calls: a bulk page counts for more, since it carries the whole account.

    A whole workspace is always read in bulk: only so is found what nobody declared.
    """
    if scope.agents is None:
        return False
    if account.bulk_cost is None:
        return len(scope.agents) <= SINGLE_LIMIT
    return len(scope.agents) * ROLE_CALLS <= account.bulk_cost


class AWSReader:
    """Read-only access to the accounts of one run."""

    role_setting = "plan_role"

    def __init__(self, connections: Sequence[Connection], read_seconds: float = READ_SECONDS) -> None:
        accounts: dict[str, Account] = {}
        for connection in sorted(connections, key=lambda item: item.target.key):
            accounts.setdefault(connection.target.id, Account(connection, self.role_setting, read_seconds))
        self._accounts = accounts

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far, by target."""
        return {f"aws:{account.id}": account.calls for account in self._accounts.values()}

    def identify(self) -> None:
        """Raise CloudError unless every account is the declared one."""
        for _ in self._each(Account.identify):
            pass

    def read(self, scope: Scope) -> Snapshot:
        """Live state of the scope in every account, each account in its own thread."""

        def one(account: Account) -> Gathered:
            gathered = read_single(account, scope) if _by_role(account, scope) else read_bulk(account, scope)
            if scope.policies:
                from .resource_policies import read_policies, unread

                gathered.policies = read_policies(account, scope)
                gathered.unseen += unread(gathered.policies)
            return gathered

        resources: list[Resource] = []
        gaps: list[Gap] = []
        unseen: list[str] = []
        not_looked_at = NOT_LOOKED_AT_BESIDE if scope.policies else NOT_LOOKED_AT
        inventories: list[Inventory] = []
        sightings: list[Sighting] = []
        policies: list[ResourcePolicy] = []
        uses: dict[Address, LastUse] = {}
        for gathered in self._each(one):
            resources += gathered.resources.values()
            gaps += gathered.gaps
            sightings += gathered.sightings
            uses |= gathered.last_uses
            policies += gathered.policies
            inventories += [gathered.inventory] if gathered.inventory is not None else []
            unseen += (f"aws {gathered.account.id}: {what}" for what in (not_looked_at, *gathered.unseen))
        coverage = Coverage(
            targets=tuple(f"aws:{account}" for account in sorted(self._accounts)),
            gaps=tuple(sorted(gaps, key=lambda gap: (gap.target, gap.what, gap.reason))),
            not_looked_at=tuple(unseen),
            calls=self.calls,
        )
        ordered = tuple(sorted(resources, key=lambda resource: resource.address))
        seen = tuple(sorted(sightings, key=lambda sighting: sighting.address))
        return Snapshot(ordered, coverage, tuple(inventories), seen, tuple(policies), uses)

    def _each(self, work: Callable[[Account], T]) -> Iterable[T]:
        """Results in the order of account ids; the first error is raised once all are done."""
        ordered = [self._accounts[account] for account in sorted(self._accounts)]
        if len(ordered) == 1:
            return [work(ordered[0])]
        with ThreadPoolExecutor(max_workers=min(len(ordered), 8)) as pool:
            return list(pool.map(work, ordered))
