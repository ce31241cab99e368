"""AWS's quotas that an account can have raised, as data, with what a `quotas` block of its provider says instead.

Source: IAM User Guide, «IAM and AWS STS quotas». The fixed limits are in `limits`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.model.authority import Authority
from provisioner.model.configuration import ProviderConfig
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.resources import Address, Desired, Inventory, Snapshot
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

COUNTED: Mapping[str, tuple[str, ...]] = {
    "roles": (schema.ROLE,),
    "managed_policies": (schema.POLICY, schema.PACK),
    "instance_profiles": (schema.INSTANCE_PROFILE,),
    "oidc_providers": (schema.OIDC_PROVIDER,),
}
"""The kinds that count against each quota of an account."""


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


def quota(config: ProviderConfig, name: str, inventory: Inventory | None = None) -> int:
    """A quota of the account that a provider block declares: what the block says, else what the account itself said
    when it was read, else AWS's default."""
    for block in config.settings.of("quotas"):
        given = block.get(name)
        if given is not None:
            return int(given)
    own = inventory.quotas.get(name) if inventory is not None else None
    return own if own is not None else QUOTAS[name].default


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


def check_counts(authority: Authority, desired: Sequence[Desired], live: Snapshot) -> Iterable[Diagnostic]:
    """More of a kind than the account may hold, or more policies on a role than it may have.

    What an account holds is what is there, whoever owns it, and what the plan makes: it makes before it deletes. Where
    the account was not read as a whole, what the configuration asks for counts alone.
    """
    configs = {target.id: authority.configs[key] for key, target in authority.targets.items()}
    inventories = {item.target: item for item in live.inventories}
    yield from _in_accounts(configs, inventories, desired, {resource.address for resource in live.resources})
    per_role: dict[tuple[str, str], list[Desired]] = defaultdict(list)
    for item in desired:
        address = item.resource.address
        if address.kind in (schema.PACK, schema.ATTACHMENT):
            per_role[address.target, address.name.partition("/")[0]].append(item)
    for (account, role), policies in sorted(per_role.items()):
        config = configs.get(account)
        if config is None:
            continue
        limit = quota(config, "attached_policies", inventories.get(account))
        if len(policies) > limit:
            what = f"Role {role} needs {len(policies)} managed policies"
            yield _exceeded(config, "attached_policies", len(policies), limit, what, policies[0])


def _in_accounts(
    configs: Mapping[str, ProviderConfig],
    inventories: Mapping[str, Inventory],
    desired: Iterable[Desired],
    there: Collection[Address],
) -> Iterable[Diagnostic]:
    names = {kind: name for name, kinds in COUNTED.items() for kind in kinds}
    wanted: Counter[tuple[str, str]] = Counter()
    made: Counter[tuple[str, str]] = Counter()
    for address in (item.resource.address for item in desired):
        if address.kind in names:
            wanted[address.target, names[address.kind]] += 1
            made[address.target, names[address.kind]] += address not in there
    for (account, name), count in sorted(wanted.items()):
        config, inventory, new = configs.get(account), inventories.get(account), made[account, name]
        if config is None:
            continue
        held = inventory.counts.get(name) if inventory is not None else None
        total, what = count, f"Account {account} would hold {count} {QUOTAS[name].unit}"
        if held is not None and held + new > count:
            total, what = held + new, f"Account {account} would hold {held + new} {QUOTAS[name].unit}, {held} as it is"
        limit = quota(config, name, inventory)
        if new and total > limit:
            yield _exceeded(config, name, total, limit, what)


def _exceeded(
    config: ProviderConfig, name: str, count: int, limit: int, what: str, item: Desired | None = None
) -> Diagnostic:
    way_out = (
        "Merge statements, or split the agent: one task, one agent"
        if name == "attached_policies"
        else "Delete what nobody uses, or split the workspace over several accounts"
    )
    return Diagnostic(
        "E-AWS-QUOTA",
        f"{what}; the account's quota is {limit}",
        f"The quota is for {QUOTAS[name].what}. {way_out}. Or have it raised (Service Quotas), and say so:"
        f" quotas {{ {name} = {count} }} in provider {config.key!r}.",
        subject=item.source if item is not None else config.settings.range,
    )
