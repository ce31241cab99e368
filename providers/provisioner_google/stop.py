"""Stopping an agent on Google Cloud: every principal that stands for it is disabled.

A disabled service account gets no tokens, and those it has stop working. A disabled provider issues none, but tokens
that it issued live on for up to an hour: only disabling the pool would end those, and every other agent of the
federation with them, so that is a person's decision (`gcloud iam workload-identity-pools update --disabled`). A pod of
GKE or an agent engine that is granted to directly has nothing of ours to disable: there the plan without its grants is
the way. Sources: «Disable a service account»; «Manage workload identity pools and providers».
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provisioner.model.changes import Action, Change
from provisioner.model.resources import Resource

from . import schema

_KINDS = (schema.ACCOUNT, schema.POOL_PROVIDER)


def stop(agent: str, live: Iterable[Resource]) -> tuple[Resource, ...]:
    """The agent's service account and provider, disabled."""
    own = (r for r in live if r.agent == agent and r.address.kind in _KINDS and r.attributes["state"] == "ACTIVE")
    return tuple(replace(r, attributes={**r.attributes, "disabled": True}) for r in own)


def stops(change: Change) -> bool:
    """Whether a change disables one of these, and does nothing else."""
    if change.address.kind not in _KINDS or change.action is not Action.UPDATE:
        return False
    old, new = dict(change.before or {}), dict(change.after or {})
    differs = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return differs == {"disabled"} and new.get("disabled") is True
