"""AWS's quotas that an account can have raised, as data, with what a `quotas` block of its provider says instead.

Source: IAM User Guide, «IAM and AWS STS quotas». The fixed limits are in `limits`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioner.model.authority import Authority
from provisioner.model.configuration import ProviderConfig
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.resources import Desired
from provisioner.sdk.schema import AttributeSchema, BlockSchema

from . import schema


@dataclass(frozen=True, slots=True)
class Quota:
    """`default` is what every account has, `most` what AWS raises it to at the utmost (None: not published)."""

    default: int
    unit: str
    what: str
    most: int | None = None


QUOTAS: Mapping[str, Quota] = {
    "attached_policies": Quota(10, "policies", "managed policies attached to one role", 25),
    "trust_policy": Quota(2048, "characters", "a trust policy"),
    "roles": Quota(1000, "roles", "roles in one account"),
    "managed_policies": Quota(1500, "policies", "customer managed policies in one account"),
    "instance_profiles": Quota(1000, "profiles", "instance profiles in one account"),
    "oidc_providers": Quota(100, "providers", "OIDC providers in one account"),
}

_COUNTED = {
    "roles": (schema.ROLE,),
    "managed_policies": (schema.POLICY, schema.PACK),
    "instance_profiles": ("iam_instance_profile",),
    "oidc_providers": (schema.OIDC_PROVIDER,),
}


def quotas_block() -> BlockSchema:
    """The `quotas` block of a provider."""
    return BlockSchema(
        doc="What AWS has raised this account's quotas to; what is left out has AWS's default.",
        attributes={
            name: AttributeSchema(
                "number", f"{quota.what[:1].upper()}{quota.what[1:]}; AWS's default is {quota.default}."
            )
            for name, quota in QUOTAS.items()
        },
        max=1,
    )


def quota(config: ProviderConfig, name: str) -> int:
    """A quota of the account that a provider block declares."""
    for block in config.settings.of("quotas"):
        given = block.get(name)
        if given is not None:
            return int(given)
    return QUOTAS[name].default


def check_quotas_block(config: ProviderConfig) -> Iterable[Diagnostic]:
    """Values that no account can have."""
    for block in config.settings.of("quotas"):
        for name, rule in QUOTAS.items():
            value = block.get(name)
            if value is None or (value == int(value) and value >= 1 and (rule.most is None or value <= rule.most)):
                continue
            range_ = f"1 to {rule.most}" if rule.most is not None else "1 or more"
            yield Diagnostic(
                "E-AWS-QUOTA",
                f"provider {config.key!r}: {name} = {value} is no quota that AWS gives",
                f"It counts {rule.what}: a whole number, {range_}. Service Quotas in the console shows the account's.",
                subject=block.range_of(name),
            )


def check_counts(authority: Authority, desired: Iterable[Desired]) -> Iterable[Diagnostic]:
    """More of a kind than the account may hold, or more policies on a role than it may have."""
    configs = {target.id: authority.configs[key] for key, target in authority.targets.items()}
    per_account: Counter[tuple[str, str]] = Counter()
    per_role: dict[tuple[str, str], list[Desired]] = defaultdict(list)
    for item in desired:
        address = item.resource.address
        per_account.update((address.target, name) for name, kinds in _COUNTED.items() if address.kind in kinds)
        if address.kind == schema.PACK:
            per_role[address.target, address.name.partition("/")[0]].append(item)
    for (account, name), count in sorted(per_account.items()):
        config = configs.get(account)
        if config is not None and count > quota(config, name):
            yield _exceeded(config, name, count, f"Account {account} would hold {count} {QUOTAS[name].unit}")
    for (account, role), packs in sorted(per_role.items()):
        config = configs.get(account)
        if config is not None and len(packs) > quota(config, "attached_policies"):
            yield _exceeded(
                config, "attached_policies", len(packs), f"Role {role} needs {len(packs)} managed policies", packs[0]
            )


def _exceeded(config: ProviderConfig, name: str, count: int, what: str, item: Desired | None = None) -> Diagnostic:
    limit = quota(config, name)
    way_out = (
        "Merge statements, or split the agent: one task, one agent"
        if name == "attached_policies"
        else "Split the workspace over several accounts"
    )
    return Diagnostic(
        "E-AWS-QUOTA",
        f"{what}; the account's quota is {limit}",
        f"The quota is for {QUOTAS[name].what}. {way_out}. Or have it raised (Service Quotas), and say so:"
        f" quotas {{ {name} = {count} }} in provider {config.key!r}.",
        subject=item.source if item is not None else config.settings.range,
    )
