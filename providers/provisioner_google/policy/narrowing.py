"""Whether a change takes authority away in every world, whatever else there is. Pure; True is a promise."""

from __future__ import annotations

from provisioner.model.changes import Action, Change

from .. import schema
from . import cel

_GRANTS = (*schema.TUPLES, schema.POOL_PROVIDER, schema.ACCOUNT, schema.POOL)
_TEXTS = {"display_name", "description", "title"}


def narrows(change: Change) -> bool:
    """True only where nothing becomes possible and something no longer is."""
    if change.action is Action.DELETE:
        return change.address.kind in (*_GRANTS, schema.CUSTOM_ROLE)
    if change.action is not Action.UPDATE:
        # An access boundary is none of these: who is bound to two reaches what either of them lets.
        return change.address.kind == schema.DENY_POLICY
    old, new = change.before or {}, change.after or {}
    differs = {name for name in {*old, *new} if old.get(name) != new.get(name)} - _TEXTS
    if differs == {"disabled"}:
        return bool(new.get("disabled"))
    if change.address.kind == schema.CUSTOM_ROLE and differs == {"permissions"}:
        return set(new["permissions"] or ()) < set(old["permissions"] or ())
    if change.address.kind in schema.TUPLES and differs == {"condition"}:
        return _stronger(new.get("condition"), old.get("condition"))
    return False


def _stronger(new: object, old: object) -> bool:
    one, other = (_expression(new), _expression(old))
    if one is None:
        return False
    if other is None:
        return True
    try:
        return cel.implies(cel.parse(one), cel.parse(other)) and not cel.implies(cel.parse(other), cel.parse(one))
    except cel.CelError:
        return False


def _expression(condition: object) -> str | None:
    return str(condition["expression"]) if isinstance(condition, dict) else None


def tests_of(condition: str) -> tuple[str | None, frozenset[str]]:
    """The exact subject that a provider's condition demands, and its other tests as text.

    A subject is exact where every token must have it: one comparison of google.subject or assertion.sub, joined to the
    rest by AND.
    """
    try:
        parts = cel.conjuncts(cel.parse(condition)) if condition else frozenset()
    except cel.CelError:
        return None, frozenset()
    subject: str | None = None
    others = set()
    for part in parts:
        names = {"google.subject", "assertion.sub"}
        if part.op == "==" and part.args[0].op == "name" and part.args[0].text in names and part.args[1].op == "value":
            subject = str(part.args[1].value)
        else:
            others.add(cel.written(part))
    return subject, frozenset(others)
