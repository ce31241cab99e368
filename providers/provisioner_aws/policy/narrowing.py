"""Whether a change takes authority away in every world: what nobody looks at before it runs must be that plain."""

from __future__ import annotations

from typing import Any

from provisioner.model.changes import Action, Change, Effect
from provisioner.model.requests import World

from .assess import assess
from .document import Policy, parse_policy
from .errors import PolicyError
from .holdings import POLICY, ROLE, ROLE_POLICY

_NOWHERE = World({})


def narrows(change: Change) -> bool:
    """True only where nothing becomes possible, whatever else the role holds, and some request no longer is.

    A statement that denies limits what others allow, so that losing one may widen: none may go, nor change. For that
    reason detaching a managed policy never counts: its document is no part of what apply compares with the live state.
    """
    kind = change.address.kind
    if kind == ROLE:
        return assess(change, _NOWHERE, _NOWHERE).effect is Effect.NARROWER
    if kind not in (ROLE_POLICY, POLICY) or (kind == POLICY and change.action is not Action.UPDATE):
        return False
    try:
        old, new = (_policy(change, side) for side in (change.before, change.after))
    except PolicyError:
        return False
    if old is None or new is None or any(denial not in new.denies for denial in old.denies):
        return False
    return assess(change, _NOWHERE, _NOWHERE).effect is Effect.NARROWER


def _policy(change: Change, side: Any) -> Policy | None:
    """One side's policy, an empty one where there is none; None where its document is not known."""
    if side is None:
        return Policy(change.address.name, ())
    document = side.get("document")
    return parse_policy(document, change.address.name) if document is not None else None
