"""What an account holds in all, whoever owns it: for its quotas, and for the principals that a trust may name.

Both come out of the bulk read. Only where something counted is to be made is the account asked for its own quotas and
counts, with one call: a plan without changes does not pay for it.
Source: IAM API reference, GetAccountSummary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.model.resources import Inventory

from .faults import ANSWERS, Fault, classify, message
from .gather import Gathered
from .quotas import COUNTED

Raw = Mapping[str, Any]

SUMMARY = "iam:GetAccountSummary"
_COUNTS = {"roles": "Roles", "managed_policies": "Policies", "instance_profiles": "InstanceProfiles"}
_QUOTAS = {
    "roles": "RolesQuota",
    "managed_policies": "PoliciesQuota",
    "instance_profiles": "InstanceProfilesQuota",
    "attached_policies": "AttachedPoliciesPerRoleQuota",
}
"""What the summary calls our quotas. It counts OIDC and SAML providers together, and says no quota for them."""


def inventory(gathered: Gathered, found: Mapping[str, Sequence[Raw]], providers: list[str] | Exception) -> Inventory:
    """Of one account that was read in bulk. `providers` are the ARNs of its OIDC providers, or why they are not known.

    Raises CloudError where there is no way to the cloud any more.
    """
    counts = {"roles": len(found["RoleDetailList"]), "managed_policies": len(found["Policies"])}
    if not isinstance(providers, Exception):
        counts["oidc_providers"] = len(providers)
    summary = _summary(gathered) if _is_making(gathered) else {}
    counts.update({name: int(summary[key]) for name, key in _COUNTS.items() if key in summary})
    quotas = {name: int(summary[key]) for name, key in _QUOTAS.items() if key in summary}
    principals = (raw["Arn"] for kind in ("RoleDetailList", "UserDetailList") for raw in found[kind])
    return Inventory(gathered.account.id, counts, quotas, frozenset(principals))


def _is_making(gathered: Gathered) -> bool:
    """Whether something that counts is asked for and not there."""
    kinds = {kind for of in COUNTED.values() for kind in of}
    wanted = (a for a in gathered.scope.addresses if a.target == gathered.account.id and a.kind in kinds)
    return any(address not in gathered.resources for address in wanted)


def _summary(gathered: Gathered) -> Mapping[str, int]:
    """Empty where it could not be read: that hides nothing of any agent, so it is no gap."""
    account = gathered.account
    try:
        summary: dict[str, int] = account.read("get_account_summary")["SummaryMap"]
    except ANSWERS as error:
        if classify(error) in (Fault.UNREACHABLE, Fault.CREDENTIALS):
            raise account.error(error, SUMMARY) from error
        gathered.unseen.append(f"the account's own quotas ({SUMMARY}: {message(error)})")
        return {}
    return summary
