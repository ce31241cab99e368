"""On which resources a runner needs each action: the workspace's own names and paths, in one account.

Resources are the ARN templates of the Service Authorization Reference, filled as far as they are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioner.model.resources import Desired, Resource

from . import names, schema
from .catalogue import resource_types
from .trust import Place

_TYPES = frozenset(
    [
        "role",
        "policy",
        "instance-profile",
        "user",
        "oidc-provider",
        "cluster",
        "podidentityassociation",
        "workload-identity",
        "workload-identity-directory",
    ]
)

_DECLARED = frozenset({"iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"})
"""On exactly what the configuration declares: with it anything else could be made or marked as ours."""

_TAGGING = frozenset({"TagResource", "UntagResource"})


@dataclass(frozen=True, slots=True)
class RunnerAccount:
    """What is asked for in one account."""

    key: str
    place: Place
    workspace: str
    paths: tuple[str, ...]
    desired: tuple[Desired, ...]
    all_bounded: bool
    foreign_boundaries: tuple[str, ...]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(item.resource.address.kind for item in self.desired)

    def arn(self, tail: str) -> str:
        return f"arn:{self.place.partition}:iam::{self.place.account}:{tail}"

    @property
    def prefix(self) -> str:
        """What every role and policy of the workspace begins with, however its name was shortened."""
        return f"{self.workspace}-"[: names.ROLE_NAME_LIMIT - 9]

    @property
    def roles(self) -> list[str]:
        """By prefix; a role that keeps a name of its own (`role_name`) by that."""
        own = [i.resource for i in self.desired if i.resource.address.kind == schema.ROLE]
        named = sorted(str(r.attributes["arn"]) for r in own if not r.address.name.startswith(self.prefix))
        return [*(self.arn(f"role{path}{self.prefix}*") for path in self.paths), *named]

    @property
    def policies(self) -> list[str]:
        return [self.arn(f"policy{schema.ROLE_PATH}{self.prefix}*")]

    def names(self, kind: str) -> list[str]:
        """The names in the cloud of what the configuration makes of a kind."""
        return [i.resource.address.name for i in self.desired if i.resource.address.kind == kind]

    @property
    def boundaries(self) -> list[str]:
        own = self.arn(f"policy{schema.ROLE_PATH}{names.boundary_prefix(self.workspace)}*")
        return [own, *self.foreign_boundaries]


def read_resources(account: RunnerAccount, action: str) -> list[str]:
    found = []
    for name, template in resource_types(action):
        if name in _TYPES:
            found.append(_filled(account, template))
        if name == "policy" and action.startswith("iam:"):
            found.append(f"arn:{account.place.partition}:iam::aws:policy/*")
    return sorted(found) or ["*"]


def write_resources(account: RunnerAccount, action: str) -> list[str]:
    types = dict(resource_types(action))
    if action == "iam:PassRole":
        return account.roles
    found: set[str] = set()
    for name, template in types.items():
        if name == "role":
            found.update(account.roles)
        elif name == "policy" and action.startswith("iam:"):
            found.update(account.policies)
        elif name == "instance-profile":
            found.update(_profiles(account, action))
        elif name == "oidc-provider" and action in _DECLARED:
            found.update(account.names(schema.OIDC_PROVIDER))
        elif name in ("cluster", "workload-identity-directory"):
            if action.partition(":")[2] not in _TAGGING:  # these tag what stands in them
                found.update(_clusters(account) if name == "cluster" else [_filled(account, template, _DIRECTORY)])
        elif name == "workload-identity":
            found.add(_filled(account, template, {**_DIRECTORY, "WorkloadIdentityName": f"{account.prefix}*"}))
        elif name in _TYPES:
            found.add(_filled(account, template))
    return sorted(found) or ["*"]


_DIRECTORY = {"DirectoryId": "default"}
"""The only directory of workload identities that an account has in a region."""


def _profiles(account: RunnerAccount, action: str) -> Iterable[str]:
    """A role is taken out of anybody's profile, and put into ours alone."""
    if action == "iam:RemoveRoleFromInstanceProfile":
        return [account.arn("instance-profile/*")]
    kept = (str(r.attributes["arn"]) for r in _of_kind(account, schema.INSTANCE_PROFILE))
    ours = [account.arn(f"instance-profile{path}{account.prefix}*") for path in account.paths]
    return [*ours, *(arn for arn in kept if not arn.rpartition("/")[2].startswith(account.prefix))]


def _of_kind(account: RunnerAccount, kind: str) -> Iterable[Resource]:
    return (item.resource for item in account.desired if item.resource.address.kind == kind)


def _clusters(account: RunnerAccount) -> Iterable[str]:
    """The clusters that the configuration names."""
    found = (item.resource for item in account.desired if item.resource.address.kind == schema.POD_IDENTITY)
    return {str(resource.attributes["cluster"]) for resource in found}


def _filled(account: RunnerAccount, template: str, parts: Mapping[str, str] | None = None) -> str:
    """An ARN template of the reference for this account, its regions and `parts`; what is not known is a wildcard."""
    regions = account.place.regions
    known = {
        "Partition": account.place.partition,
        "Account": account.place.account,
        "Region": regions[0] if len(regions) == 1 else "*",
        **(parts or {}),
    }
    out = template
    while "${" in out:
        head, _, rest = out.partition("${")
        name, _, tail = rest.partition("}")
        out = f"{head}{known.get(name, '*')}{tail}"
    return out
