"""Stopping an agent on Google Cloud: what stands for it is disabled, and what is granted to a name of others' is taken
off.

A disabled service account gets no tokens, and those it has stop working. A disabled provider issues none, but tokens
that it issued live on for up to an hour: only disabling the pool would end those, and every other agent of the
federation with them. So a federated principal loses its grants too, and its tokens are worth nothing once that has
taken effect. A pod of GKE or an agent engine that is granted to directly has nothing of ours to disable: there losing
its grants is all of it. The next plan gives back what the configuration still says, and is signed as any other.
Sources: «Disable a service account»; «Manage workload identity pools and providers».
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provisioner.model.changes import Action, Change
from provisioner.model.resources import Address, Attributes, Resource

from . import schema

_KINDS = (schema.ACCOUNT, schema.POOL_PROVIDER)


def stop(agent: str, live: Iterable[Resource]) -> tuple[Resource, ...]:
    """The agent's service account and provider, disabled."""
    own = (r for r in live if r.agent == agent and r.address.kind in _KINDS and r.attributes["state"] == "ACTIVE")
    return tuple(replace(r, attributes={**r.attributes, "disabled": True}) for r in own)


def cleared(agent: str, live: Iterable[Resource]) -> tuple[Address, ...]:
    """The agent's grants that disabling does not reach: those to federated principals."""
    own = (r for r in live if r.agent == agent and r.address.kind in schema.GRANTS)
    return tuple(r.address for r in own if _federated(r.attributes))


def _federated(state: Attributes) -> bool:
    return str(state.get("member", "")).startswith("principal://")


def stops(change: Change) -> bool:
    """Whether a change disables one of these, or takes off such a grant, and does nothing else."""
    kind = change.address.kind
    if kind in schema.GRANTS:
        gone = change.action is Action.DELETE and change.after is None
        return gone and change.before is not None and _federated(change.before)
    if kind not in _KINDS or change.action is not Action.UPDATE:
        return False
    old, new = dict(change.before or {}), dict(change.after or {})
    differs = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return differs == {"disabled"} and new.get("disabled") is True
