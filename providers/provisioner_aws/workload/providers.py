"""Reads the account's OIDC providers, ours and those that trusts name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from provisioner.model.resources import Address, Resource

from .. import schema
from ..client import Account
from ..faults import ANSWERS, Fault, classify
from ..gather import Gathered, absent_as_none
from ..live import admitted
from . import live

Raw = Mapping[str, Any]

OIDC_PROVIDERS = "OIDC providers"
LIST = "iam:ListOpenIDConnectProviders"
_GET = "iam:GetOpenIDConnectProvider"


def listed(account: Account) -> list[str] | Exception:
    """ARNs of the account's OIDC providers, or the error: who lacks for it is known only after the roles."""
    try:
        answer = account.read("list_open_id_connect_providers")
    except ANSWERS as error:
        return error
    return [item["Arn"] for item in answer["OpenIDConnectProviderList"]]


def read_providers(gathered: Gathered, providers: list[str] | Exception) -> None:
    """Every provider of the account: its tags tell whether it is ours, its client ids whom it takes. An account has at
    most a hundred, however many agents."""
    federated = _federated(gathered)
    if isinstance(providers, Exception):
        agents = tuple(sorted({agent for found in federated.values() for agent in found}))
        if classify(providers) in (Fault.UNREACHABLE, Fault.CREDENTIALS):
            raise gathered.account.error(providers, LIST) from providers
        if agents or any(address.kind == schema.OIDC_PROVIDER for address in gathered.scope.addresses):
            gathered.gap(OIDC_PROVIDERS, LIST, providers, agents)
        else:
            gathered.unseen.append(OIDC_PROVIDERS)
        return
    for arn in providers:
        agents = tuple(sorted(federated.get(arn, ())))
        raw = gathered.attempt(f"OIDC provider {arn}", _GET, _get(gathered, arn), agents) or {}
        gathered.add(live.oidc_provider(gathered.account.id, arn, raw))
    join(gathered)


def read_named(gathered: Gathered) -> None:
    """Only the providers that the scope or a trust of the scope names, for a read of a few agents."""
    federated = _federated(gathered)
    own = {
        a.name for a in gathered.scope.addresses if a.kind == schema.OIDC_PROVIDER and a.target == gathered.account.id
    }
    for arn in sorted(own | set(federated)):
        agents = tuple(sorted(federated.get(arn, ())))
        raw = gathered.attempt(f"OIDC provider {arn}", _GET, _get(gathered, arn), agents)
        if raw is not None:
            gathered.add(live.oidc_provider(gathered.account.id, arn, raw))
    join(gathered)


def join(gathered: Gathered) -> None:
    """A provider of ours is part of the authority of every role that trusts it: it says whose tokens count."""
    workspace = gathered.scope.workspace
    ours = {
        item.address.name: item.address
        for item in gathered.resources.values()
        if item.address.kind == schema.OIDC_PROVIDER and item.mark is not None and item.mark.workspace == workspace
    }
    for role in _agent_roles(gathered):
        used = tuple(ours[arn] for arn in sorted(set(admitted(role.attributes["trust"], "Federated"))) if arn in ours)
        if used:
            gathered.add(replace(role, uses=(*role.uses, *used)))


def _federated(gathered: Gathered) -> dict[str, set[str]]:
    """Agents by the ARN of the provider that their trusts name."""
    found: dict[str, set[str]] = {}
    for role in _agent_roles(gathered):
        for arn in admitted(role.attributes["trust"], "Federated"):
            found.setdefault(arn, set()).add(str(role.agent))
    return found


def _agent_roles(gathered: Gathered) -> list[Resource]:
    return [r for r in gathered.resources.values() if r.address.kind == schema.ROLE and r.agent is not None]


def _get(gathered: Gathered, arn: str) -> Callable[[], Raw | None]:
    account = gathered.account
    return lambda: absent_as_none(lambda: account.read("get_open_id_connect_provider", OpenIDConnectProviderArn=arn))


def provider_address(account: str, arn: str) -> Address:
    return Address("aws", account, schema.OIDC_PROVIDER, arn)
