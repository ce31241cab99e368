"""What a change does to an agent's authority, for the person who signs it. One short function for each kind.

Every judgement compares the world before with the world after, both whole plans: what else the agent holds in both
counts, so that a second policy with the same content is EQUAL. Only what is proven is NARROWER or EQUAL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.model.changes import Action, Assessment, Change, Effect
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

from ..workload.assess import JUDGES as WORKLOADS
from . import admission, describe
from .compare import compare, compare_policies, in_words
from .document import Policy, Statement, parse_policy
from .errors import PolicyError
from .evaluate import Layer
from .holdings import ATTACHMENT, PACK, POLICY, ROLE, ROLE_POLICY, holdings

OUR_TAGS = "provisioner:"
_HOUR = 3600


def assess(change: Change, before: World, after: World) -> Assessment:
    """Judge one change. Deterministic; never raises for what documents say: those that cannot be read are UNKNOWN."""
    judge = _JUDGES.get(change.address.kind)
    if judge is None:
        return Assessment(Effect.UNKNOWN, reason=f"undecided: nobody knows what a {change.address.kind} does")
    try:
        return judge(change, before, after)
    except PolicyError as error:
        return Assessment(Effect.UNKNOWN, reason=f"undecided: {error}")


def _grant(change: Change, before: World, after: World) -> Assessment:
    """An inline or attached policy of a role."""
    name = change.address.name.rpartition("/")[2]
    old, new = _document(change, change.before, before), _document(change, change.after, after)
    if (change.before is not None and old is None) or (change.after is not None and new is None):
        return Assessment(Effect.UNKNOWN, reason=f"undecided: the document of {name} was not read")
    olds = [parse_policy(old, name)] if old is not None else []
    news = [parse_policy(new, name)] if new is not None else []
    found = compare(olds, news, _shared(change, before, after), change.address.target)
    if change.action is Action.UPDATE:
        return found
    return _whole(found, olds, news, change.address.target)


def _whole(found: Assessment, old: Sequence[Policy], new: Sequence[Policy], home: str) -> Assessment:
    """A policy that comes or goes as a whole needs no example; one that changes nothing says why."""
    if found.effect is Effect.EQUAL and any(policy.statements for policy in (*old, *new)):
        return replace(found, reason="other policies of the role say the same")
    return replace(found, reason="") if found.effect is Effect.WIDER else found


def _document(change: Change, attributes: Mapping[str, Any] | None, world: World) -> Mapping[str, Any] | None:
    if attributes is None:
        return None
    if change.address.kind == ATTACHMENT:
        managed = holdings(world).managed(str(attributes.get("policy_arn", "")))
        attributes = managed.attributes if managed is not None else attributes
    if change.address.kind == PACK and not attributes.get("is_attached"):
        return {"Statement": []}
    document: Mapping[str, Any] | None = attributes.get("document")
    return document


def _shared(change: Change, before: World, after: World) -> tuple[Policy, ...]:
    """Policies that the role has in both worlds, with the same text, beside the one that changes."""
    role, known = _parent(change.address), holdings(after)
    old = {name: item.attributes.get("document") for name, item in holdings(before).held(role, but=change.address)}
    return tuple(
        known.policy(name, item)
        for name, item in known.held(role, but=change.address)
        if item.attributes.get("document") is not None and old.get(name) == item.attributes["document"]
    )


def _parent(address: Address) -> Address:
    return Address(address.provider, address.target, ROLE, address.name.partition("/")[0])


def _policy(change: Change, before: World, after: World) -> Assessment:
    """A managed policy of ours: it counts where a role names it, and those changes speak for themselves."""
    if change.before is None or change.after is None:
        world = after if change.before is not None else before
        attributes = change.before or change.after or {}
        path = f"{attributes.get('path') or '/'}{change.address.name}"
        user = holdings(world).user(change.address.target, path)
        if user is not None:
            return Assessment(Effect.UNKNOWN, reason=f"undecided: {user} names this policy without its being there")
        return Assessment(Effect.EQUAL, reason="limits and grants nothing by itself; a role that names it says so")
    old = parse_policy(change.before.get("document") or {}, change.address.name)
    new = parse_policy(change.after.get("document") or {}, change.address.name)
    found = compare([old], [new], home=change.address.target)
    if change.before.get("path") != change.after.get("path"):
        return _joined([found, Assessment(Effect.UNKNOWN, reason="undecided: a new path makes another policy")])
    return found


def _role(change: Change, before: World, after: World) -> Assessment:
    home = change.address.target
    if change.after is None:
        return Assessment(Effect.NARROWER, cannot=_nobody(change, home))
    if change.before is None:
        return _new_role(change, after)
    old, new = change.before, change.after
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    strange = [name for name in names if name not in _FIELDS]
    judged = [_FIELDS[name](old, new, change, before, after) for name in names if name in _FIELDS]
    if strange:
        judged.append(Assessment(Effect.UNKNOWN, reason=f"undecided: what {describe.listed(strange)} of a role does"))
    return _joined(judged)


def _nobody(change: Change, home: str) -> tuple[str, ...]:
    """A role that goes takes all with it, readable or not."""
    try:
        who = admission.admitted(_trust(change.before, change.address.name), home)
    except PolicyError:
        who = ("whoever its trust admitted",)
    return tuple(admission.become(phrase) for phrase in who)


def _new_role(change: Change, after: World) -> Assessment:
    who = admission.admitted(_trust(change.after, change.address.name), change.address.target)
    can = [admission.become(phrase) for phrase in who]
    limit = (change.after or {}).get("permissions_boundary")
    reason = f"limited by boundary {limit.rpartition('/')[2]}" if limit else "no permissions boundary limits it"
    return Assessment(Effect.WIDER, tuple(can), reason=reason)


def _trust(attributes: Mapping[str, Any] | None, name: str) -> Policy:
    return parse_policy((attributes or {}).get("trust") or {"Statement": []}, f"the trust of role {name}")


Fields = Mapping[str, Any]


def _trust_change(old: Fields, new: Fields, change: Change, before: World, after: World) -> Assessment:
    home = change.address.target
    found = compare_policies([_trust(old, change.address.name)], [_trust(new, change.address.name)], outright=False)
    words = in_words(found, lambda item: _becomes(item, home))
    gain = found.gain
    if gain is None:
        return words
    return replace(words, reason=f"for example {admission.caller(gain, home)}")


def _becomes(item: Statement, home: str) -> Iterable[str]:
    return (admission.become(phrase) for phrase in admission.statement(item, home))


def _boundary_change(old: Fields, new: Fields, change: Change, before: World, after: World) -> Assessment:
    was, now = old.get("permissions_boundary"), new.get("permissions_boundary")
    if not was:
        name = str(now).rpartition("/")[2]
        return Assessment(Effect.NARROWER, cannot=(f"anything beyond boundary {name}",))
    limit = _boundary(old, change.address, before)
    if not now:
        return _no_boundary(str(was), limit)
    other = _boundary(new, change.address, after)
    if limit is None or other is None or limit.unread or other.unread:
        missing = was if limit is None or limit.unread else now
        return Assessment(Effect.UNKNOWN, reason=f"undecided: the document of boundary {missing} was not read")
    return compare(limit.policies, other.policies, home=change.address.target)


def _boundary(attributes: Fields, address: Address, world: World) -> Layer | None:
    return holdings(world).boundary(Resource(address, attributes))


def _no_boundary(arn: str, limit: Layer | None) -> Assessment:
    """Without its boundary a role may do more, unless the boundary forbade nothing."""
    name = arn.rpartition("/")[2]
    policies = limit.policies if limit is not None else ()
    everything = parse_policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    if policies and compare_policies([everything], policies).effect is Effect.EQUAL:
        return Assessment(Effect.EQUAL, reason=f"boundary {name} limited nothing")
    return Assessment(Effect.WIDER, can=(f"anything that a policy grants: boundary {name} is removed",))


def _session_change(old: Fields, new: Fields, change: Change, before: World, after: World) -> Assessment:
    was, now = int(old.get("max_session_duration") or _HOUR), int(new.get("max_session_duration") or _HOUR)
    if now > was:
        return Assessment(Effect.WIDER, can=(f"sessions last up to {_duration(now)}, not {_duration(was)}",))
    return Assessment(
        Effect.NARROWER if now < was else Effect.EQUAL,
        cannot=(f"sessions longer than {_duration(now)} (was {_duration(was)})",) if now < was else (),
    )


def _duration(seconds: int) -> str:
    return f"{seconds // _HOUR} h" if seconds % _HOUR == 0 else f"{seconds // 60} min"


def _tags_change(old: Fields, new: Fields, change: Change, before: World, after: World) -> Assessment:
    was, now = old.get("tags") or {}, new.get("tags") or {}
    names = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
    foreign = [name for name in names if not name.startswith(OUR_TAGS)]
    if not foreign:
        return Assessment(Effect.EQUAL)
    return Assessment(
        Effect.UNKNOWN, reason=f"undecided: policies elsewhere may test the tag {describe.listed(foreign)}"
    )


def _path_change(old: Fields, new: Fields, change: Change, before: World, after: World) -> Assessment:
    return Assessment(Effect.UNKNOWN, reason="undecided: a role under a new path is another principal")


def _no_authority(old: Fields, new: Fields, change: Change, before: World, after: World) -> Assessment:
    return Assessment(Effect.EQUAL)


_FIELDS: dict[str, Callable[[Fields, Fields, Change, World, World], Assessment]] = {
    "trust": _trust_change,
    "permissions_boundary": _boundary_change,
    "max_session_duration": _session_change,
    "path": _path_change,
    "arn": _path_change,
    "tags": _tags_change,
    "description": _no_authority,
}


def _joined(parts: Sequence[Assessment]) -> Assessment:
    """Several judgements of one change: the widest counts."""
    order = (Effect.WIDER, Effect.UNKNOWN, Effect.NARROWER, Effect.EQUAL)
    effect = next((effect for effect in order if any(part.effect is effect for part in parts)), Effect.EQUAL)
    return Assessment(
        effect,
        tuple(dict.fromkeys(text for part in parts for text in part.can)),
        tuple(dict.fromkeys(text for part in parts for text in part.cannot)),
        "; ".join(dict.fromkeys(part.reason for part in parts if part.reason)),
    )


_CREDENTIALS = {
    "iam_access_key": "access key",
    "iam_login_profile": "console password",
    "iam_signing_certificate": "signing certificate",
    "iam_ssh_public_key": "SSH key",
    "iam_service_credential": "credential",
}


def _credential(change: Change, before: World, after: World) -> Assessment:
    """An access key, a password, a certificate: a way to be the user without any federation."""
    user = (change.after or change.before or {}).get("user") or change.address.name.partition("/")[0]
    what = _CREDENTIALS[change.address.kind]
    if change.address.kind != "iam_login_profile":
        what += f" {change.address.name.rpartition('/')[2]}"
    service = (change.after or change.before or {}).get("service")
    what += f" for {service}" if service else ""
    if change.after is None or change.after.get("status") == "Inactive":
        return Assessment(Effect.NARROWER, cannot=(f"use the {what} of IAM user {user}",))
    who = f"whoever holds the {what} of IAM user {user} acts as that user, without an expiry"
    return Assessment(Effect.WIDER, can=(who,))


def _user(change: Change, before: World, after: World) -> Assessment:
    name = change.address.name
    if change.after is None:
        return Assessment(Effect.NARROWER, cannot=(f"act as IAM user {name}",))
    if change.before is None:
        return Assessment(Effect.WIDER, can=(f"IAM user {name} stands for this agent",))
    return Assessment(Effect.UNKNOWN, reason=f"undecided: the policies of IAM user {name} are not compared")


def _workload(judge: Callable[[Change], Assessment]) -> Callable[[Change, World, World], Assessment]:
    return lambda change, before, after: judge(change)


_JUDGES: dict[str, Callable[[Change, World, World], Assessment]] = {
    ROLE: _role,
    ROLE_POLICY: _grant,
    ATTACHMENT: _grant,
    PACK: _grant,
    POLICY: _policy,
    **dict.fromkeys(_CREDENTIALS, _credential),
    "iam_user": _user,
    **{kind: _workload(judge) for kind, judge in WORKLOADS.items()},
}
