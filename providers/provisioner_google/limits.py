"""Limits that Google checks only when a call arrives, as data. A raised one is written in `provider { quotas }`.

Source: «Quotas and limits», IAM (2026-10), «Workload identity federation» quotas.
"""

from __future__ import annotations

from collections.abc import Mapping

LIMITS: Mapping[str, int] = {
    "members_per_policy": 1500,
    "conditional_bindings_per_role_and_member": 20,
    "condition_operators": 12,
    "custom_roles_per_project": 300,
    "deny_policies_per_resource": 500,
    "providers_per_pool": 300,
    "attribute_condition_characters": 4096,
}


def limit(name: str, quotas: Mapping[str, int] | None) -> int:
    """The limit in force: the raised one where the provider block names it."""
    return int((quotas or {}).get(name, LIMITS[name]))
