"""What a change does to an agent's authority, for the person who signs it. One short function for each kind.

Only what is proven is NARROWER or EQUAL: a tuple that comes is WIDER unless another that stays says as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.model.changes import Assessment, Change, Effect
from provisioner.model.requests import World
from provisioner.model.resources import Resource

from .. import names, schema
from ..bindings import expiry_of
from . import cel
from .evaluate import permissions_of
from .holdings import holdings

_SHOWN = 4
State = Mapping[str, Any]


def assess(change: Change, before: World, after: World) -> Assessment:
    """Judge one change. Deterministic; never raises for what policies say."""
    judge = _JUDGES.get(change.address.kind)
    if judge is None:
        return Assessment(Effect.UNKNOWN, reason=f"undecided: nobody knows what a {change.address.kind} does")
    return judge(change, before, after)


def _binding(change: Change, before: World, after: World) -> Assessment:
    old, new = change.before, change.after
    if new is None:
        return _removed(change, old or {}, before, after)
    if old is None:
        other = _covering(change, new, before, after)
        if other is not None:
            return Assessment(Effect.EQUAL, reason=f"{_short(other.attributes)} says the same, and stays")
        return Assessment(Effect.WIDER, can=(_grants(new, after, change),), reason=_ends(new))
    return _condition_change(change, old, new, after)


def _removed(change: Change, old: State, before: World, after: World) -> Assessment:
    if change.address not in before.resources:
        return Assessment(Effect.NARROWER, cannot=(_grants(old, before, change),))
    other = _covering(change, old, before, after)
    if other is not None:
        return Assessment(Effect.EQUAL, reason=f"{_short(other.attributes)} says the same, and stays")
    return Assessment(Effect.NARROWER, cannot=(_grants(old, before, change),))


def _covering(change: Change, state: State, before: World, after: World) -> Resource | None:
    """A grant of the same agent that is there before and after, unchanged, and allows all that this one does."""
    for other in sorted(holdings(after).own[change.agent or ""], key=lambda item: item.address):
        address = other.address
        if address.kind != change.address.kind or address == change.address:
            continue
        stays = before.resources.get(address)
        if stays is None or stays.attributes != other.attributes:
            continue
        same = ("resource", "role", "member")
        if any(other.attributes[name] != state[name] for name in same):
            continue
        if other.attributes["condition"] is None or _implied(state["condition"], other.attributes["condition"]):
            return other
    return None


def _implied(stronger: State | None, weaker: State | None) -> bool:
    if weaker is None:
        return True
    if stronger is None:
        return False
    try:
        return cel.implies(cel.parse(stronger["expression"]), cel.parse(weaker["expression"]))
    except cel.CelError:
        return bool(stronger["expression"] == weaker["expression"])


def _condition_change(change: Change, old: State, new: State, after: World) -> Assessment:
    """Both sides are the same role, member and resource: only the condition differs."""
    was, is_ = old.get("condition"), new.get("condition")
    if any(old.get(name) != new.get(name) for name in ("resource", "role", "member")):
        return Assessment(Effect.UNKNOWN, reason="undecided: another grant stands under the same name")
    narrower, wider = _implied(is_, was), _implied(was, is_)
    if narrower and wider:
        return Assessment(Effect.EQUAL, reason="the condition is written differently and means the same")
    text = f"{_text(was)} → {_text(is_)}"
    if narrower:
        return Assessment(Effect.NARROWER, cannot=(f"{_grants(old, after, change)}, outside of the new condition",),
                          reason=text)  # fmt: skip
    if wider:
        return Assessment(Effect.WIDER, can=(_grants(new, after, change),), reason=_witness(was, is_) or text)
    return Assessment(Effect.UNKNOWN, reason=f"undecided: whether one condition follows from the other: {text}")


def _text(condition: State | None) -> str:
    return str(condition["expression"]) if condition else "no condition"


def _witness(old: State | None, new: State | None) -> str:
    """A request that becomes possible, where a time says one."""
    if old is None:
        return ""
    was, is_ = expiry_of(old), expiry_of(new)
    if was is not None and was != is_:
        return f"for example a request at {was}"
    return ""


def _grants(state: State, world: World, change: Change) -> str:
    """One sentence: what the grant gives, in permissions where they are known and few."""
    resource, role = str(state["resource"]), str(state["role"])
    if change.address.kind == schema.ACCOUNT_BINDING:
        who = str(state["member"]).rpartition("/subject/")[2]
        return f"{who} becomes this agent" if role.endswith("workloadIdentityUser") else f"{who} gets {role} on it"
    grant = Resource(change.address, state)
    held = permissions_of(world, grant)
    what = role
    if held is not None and 0 < len(held) <= _SHOWN:
        what = ", ".join(sorted(held))
    elif held is not None:
        what = f"{role} ({len(held)} permissions)"
    return f"{what} on {_place(resource)}{_until(state)}"


def _place(resource: str) -> str:
    return resource.removeprefix("//cloudresourcemanager.googleapis.com/").removeprefix("//")


def _until(state: State) -> str:
    end = expiry_of(state.get("condition"))
    return f", until {end[:10]}" if end is not None else ""


def _ends(state: State) -> str:
    condition = state.get("condition")
    return f"when {condition['expression']}" if condition else ""


def _short(state: State) -> str:
    return f"{state['role']} on {_place(str(state['resource']))}"


def _custom_role(change: Change, before: World, after: World) -> Assessment:
    """A role that nobody holds gives nothing; its bindings speak for themselves."""
    if change.before is None and (grant := _granted_already(change, before)) is not None:
        can = tuple(
            f"{name}, wherever role {change.address.name} is granted" for name in sorted(_held(change.after or {}))
        )
        reason = f"{_short(grant.attributes)} is granted already, and counts again"
        return Assessment(Effect.WIDER if can else Effect.EQUAL, can, reason=reason)
    if change.before is None or change.after is None:
        return Assessment(Effect.EQUAL, reason="gives nothing by itself; a grant of it says so")
    old, new = _held(change.before), _held(change.after)
    gained, lost = sorted(new - old), sorted(old - new)
    role = change.address.name
    can = tuple(f"{name}, wherever role {role} is granted" for name in gained)
    cannot = tuple(f"{name}, wherever role {role} is granted" for name in lost)
    if gained:
        return Assessment(Effect.WIDER, can, cannot)
    return Assessment(Effect.NARROWER if lost else Effect.EQUAL, cannot=cannot)


def _granted_already(change: Change, before: World) -> Resource | None:
    """A grant of a role that is not there: it waits for a role of that name."""
    role = f"projects/{change.address.target}/roles/{change.address.name}"
    for address in sorted(before.resources):
        found = before.resources[address]
        if address.kind in schema.GRANTS and found.attributes.get("role") == role:
            return found
    return None


def _held(state: State) -> set[str]:
    if state.get("state") == "DELETED" or state.get("stage") == "DISABLED":
        return set()
    return set(state.get("permissions") or ())


def _deny(change: Change, before: World, after: World) -> Assessment:
    """A deny policy that comes limits, one that goes frees; in between, what each rule names decides."""
    if change.before is None:
        return Assessment(Effect.NARROWER, cannot=tuple(_denied(change.after or {})))
    if change.after is None:
        return Assessment(Effect.WIDER, can=tuple(_denied(change.before)), reason="nothing denies it any more")
    old, new = _denials(change.before), _denials(change.after)
    if old is None or new is None:
        return Assessment(Effect.UNKNOWN, reason="undecided: a rule has conditions or exceptions")
    can = tuple(f"{name} is no longer denied to {_who(who)}" for who, name in sorted(old - new))
    cannot = tuple(f"{name} is denied to {_who(who)}" for who, name in sorted(new - old))
    if can:
        return Assessment(Effect.WIDER, can[:_SHOWN], cannot[:_SHOWN])
    return Assessment(Effect.NARROWER if cannot else Effect.EQUAL, cannot=cannot[:_SHOWN])


def _who(member: str) -> str:
    return names.allow_member(member).rpartition("/")[2]


def _denials(state: State) -> set[tuple[str, str]] | None:
    out: set[tuple[str, str]] = set()
    for rule in state.get("rules") or ():
        if set(rule) - {"deniedPermissions", "deniedPrincipals"}:
            return None
        out |= {(who, name) for who in rule.get("deniedPrincipals", ()) for name in rule.get("deniedPermissions", ())}
    return out


def _denied(state: State) -> Iterable[str]:
    for rule in state.get("rules") or ():
        yield f"{', '.join(rule.get('deniedPermissions', ()))}, whatever is granted"


def _access_boundary(change: Change, before: World, after: World) -> Assessment:
    """A boundary that nothing is bound to limits nobody; one that is bound reaches as far as it says."""
    if change.before is None or change.after is None:
        return Assessment(Effect.EQUAL, reason="limits nobody by itself; its bindings say so")
    old, new = _reachable(change.before), _reachable(change.after)
    can = tuple(f"resources in {_place(name)} can be reached" for name in sorted(new - old))
    cannot = tuple(f"resources in {_place(name)} can be reached" for name in sorted(old - new))
    if change.before.get("enforcement_version") != change.after.get("enforcement_version"):
        return Assessment(Effect.UNKNOWN, can, cannot, "undecided: another version blocks other permissions")
    return Assessment(Effect.WIDER if can else Effect.NARROWER if cannot else Effect.EQUAL, can, cannot)


def _reachable(state: State) -> set[str]:
    return {str(name) for rule in state.get("rules") or () for name in rule.get("resources", ())}


def _access_binding(change: Change, before: World, after: World) -> Assessment:
    """Who is bound to several boundaries reaches what any of them lets. Source: «Principal access boundary policies»,
    how multiple policies are evaluated."""
    if change.before is None:
        if _bound_already(change, before):
            return Assessment(
                Effect.UNKNOWN,
                can=("what this access boundary lets it reach, beside what another one does",),
                reason="undecided: it is bound to another access boundary, and reaches what either of them lets",
            )
        return Assessment(Effect.NARROWER, cannot=("anything outside of its access boundary is reached",))
    if change.after is None:
        return Assessment(Effect.WIDER, can=("what lies outside of its access boundary is reached",))
    if {n for n in change.after if change.after[n] != change.before.get(n)} <= {"annotations"}:
        return Assessment(Effect.EQUAL, reason="a mark only")
    return Assessment(Effect.UNKNOWN, reason="undecided: another boundary, or for other principals")


def _bound_already(change: Change, before: World) -> bool:
    """Whether something else binds the same agent, or nobody knows whom: then it adds to what can be reached."""
    return any(
        address.kind == schema.ACCESS_BOUNDARY_BINDING and address != change.address and resource.agent == change.agent
        for address, resource in before.resources.items()
    )


def _account(change: Change, before: World, after: World) -> Assessment:
    if change.after is None:
        return Assessment(Effect.NARROWER, cannot=(f"anything as {change.before['email']}",) if change.before else ())
    email = change.after["email"]
    if change.before is None:
        return Assessment(Effect.WIDER, can=(f"a workload that it is attached to acts as {email}",))
    if change.before.get("state") == "DELETED":
        return Assessment(Effect.WIDER, can=(f"{email} is back, with every grant that still names it",))
    return _switched(change, f"act as {email}")


def _switched(change: Change, what: str) -> Assessment:
    """A principal or pool that stays: only being enabled or disabled matters; names and texts do not."""
    old, new = change.before or {}, change.after or {}
    if old.get("disabled") and not new.get("disabled"):
        return Assessment(Effect.WIDER, can=(f"{what} again: it was disabled",))
    if new.get("disabled") and not old.get("disabled"):
        return Assessment(Effect.NARROWER, cannot=(f"{what}: it is disabled",))
    return Assessment(Effect.EQUAL, reason="names and texts only")


def _pool(change: Change, before: World, after: World) -> Assessment:
    if change.before is None:
        return Assessment(Effect.EQUAL, reason="admits nobody by itself; its providers say so")
    if change.after is None:
        return Assessment(Effect.NARROWER, cannot=(f"any token of pool {change.address.name} counts",))
    if change.before.get("state") == "DELETED":
        return Assessment(Effect.WIDER, can=(f"tokens of pool {change.address.name} count again",))
    return _switched(change, f"tokens of pool {change.address.name} count")


def _provider(change: Change, before: World, after: World) -> Assessment:
    old, new = change.before, change.after
    if new is None:
        return Assessment(Effect.NARROWER, cannot=(f"{admitted(old or {})} becomes this agent",))
    if old is None or old.get("state") == "DELETED":
        return Assessment(
            Effect.WIDER, can=(f"{admitted(new)} becomes this agent",), reason=str(new["condition"] or "")
        )
    changed = {name for name in new if old.get(name) != new.get(name)} - {"display_name", "description"}
    if not changed:
        return Assessment(Effect.EQUAL, reason="names and texts only")
    if changed == {"disabled"}:
        return _switched(change, f"{admitted(new)} becomes this agent")
    if changed != {"condition"}:
        return Assessment(
            Effect.UNKNOWN,
            can=(f"{admitted(new)} becomes this agent",),
            cannot=(f"{admitted(old)} becomes this agent",),
            reason=f"undecided: {', '.join(sorted(changed))} changed, and tokens are read differently from now on",
        )
    was, is_ = ({"expression": state["condition"] or "true"} for state in (old, new))
    narrower, wider = _implied(is_, was), _implied(was, is_)
    can, cannot = (f"{admitted(new)} becomes this agent",), (f"{admitted(old)} becomes this agent",)
    if narrower:
        return Assessment(Effect.EQUAL if wider else Effect.NARROWER, cannot=() if wider else cannot)
    return Assessment(Effect.WIDER if wider else Effect.UNKNOWN, can, cannot,
                      "" if wider else "undecided: the condition admits other tokens")  # fmt: skip


def admitted(state: State) -> str:
    """A provider's condition in words."""
    condition = str(state.get("condition") or "")
    if not condition or condition == "true":
        return f"every workload with a token of {state.get('issuer')}"
    first = condition.partition(" && ")[0].removeprefix("google.subject == ")
    return f"{first} of {str(state.get('issuer')).removeprefix('https://')}"


_JUDGES: dict[str, Callable[[Change, World, World], Assessment]] = {
    schema.BINDING: _binding,
    schema.IMPERSONATION: _binding,
    schema.ACCOUNT_BINDING: _binding,
    schema.CUSTOM_ROLE: _custom_role,
    schema.DENY_POLICY: _deny,
    schema.ACCESS_BOUNDARY: _access_boundary,
    schema.ACCESS_BOUNDARY_BINDING: _access_binding,
    schema.ACCOUNT: _account,
    schema.POOL: _pool,
    schema.POOL_PROVIDER: _provider,
}
