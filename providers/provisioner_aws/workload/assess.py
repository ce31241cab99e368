"""What a change of these kinds does to authority, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from provisioner.model.changes import Assessment, Change, Effect

from .. import schema
from . import live

OUR_TAGS = "provisioner:"


def instance_profile(change: Change) -> Assessment:
    name = change.address.name.rpartition("/")[2]
    before, after = change.before, change.after
    if before is not None and after is not None and all(before.get(k) == after.get(k) for k in {*before} - {"tags"}):
        return _tags(change)
    who = f"EC2 instances that are given instance profile {name} become this agent"
    return _comes_or_goes(change, who)


def association(change: Change) -> Assessment:
    cluster, namespace, account = live.place_of_association(change.address.name)
    pods = f"pods of service account {namespace}/{account} in {cluster.rpartition('/')[2]}"
    before, after = change.before, change.after
    if before is None or after is None:
        role = str((after or before or {}).get("role_arn", "")).rpartition("/")[2]
        return _comes_or_goes(change, f"{pods} get the credentials of role {role}")
    if all(before.get(name) == after.get(name) for name in {*before, *after} - {"tags"}):
        return _tags(change)
    was, now = (str(state["role_arn"]).rpartition("/")[2] for state in (before, after))
    if was != now:
        return Assessment(
            Effect.WIDER,
            can=(f"{pods} get the credentials of role {now}",),
            cannot=(f"{pods} get the credentials of role {was}",),
        )
    reason = "undecided: the association's session policy, target role or tags change what its pods may do"
    return Assessment(Effect.UNKNOWN, reason=reason)


def workload_identity(change: Change) -> Assessment:
    region, _, name = change.address.name.partition("/")
    if change.before is None or change.after is None:
        return _comes_or_goes(change, f"AgentCore in {region} knows the workload identity {name}")
    urls = _compared(change, "return_urls", f"workload identity {name} has tokens sent to")
    return urls if urls is not None else _tags(change)


def oidc_provider(change: Change) -> Assessment:
    url = (change.after or change.before or {}).get("url") or change.address.name
    if change.before is None or change.after is None:
        return _comes_or_goes(change, f"roles that trust {url} admit its tokens")
    if change.before.get("client_ids") is None or change.before.get("url") != change.after.get("url"):
        return Assessment(Effect.UNKNOWN, reason=f"undecided: the settings of {url} were not read")
    found = [
        _compared(change, "client_ids", f"roles that trust {url} admit tokens for the audience"),
        _compared(change, "thumbprints", f"{url} is trusted with the certificate authority"),
        _tags(change),
    ]
    judged = [item for item in found if item is not None]
    order = (Effect.WIDER, Effect.UNKNOWN, Effect.NARROWER, Effect.EQUAL)
    effect = next(effect for effect in order if any(item.effect is effect for item in judged))
    return Assessment(
        effect,
        tuple(text for item in judged for text in item.can),
        tuple(text for item in judged for text in item.cannot),
        "; ".join(item.reason for item in judged if item.reason),
    )


def _comes_or_goes(change: Change, what: str) -> Assessment:
    if change.after is None:
        return Assessment(Effect.NARROWER, cannot=(what,))
    if change.before is None:
        return Assessment(Effect.WIDER, can=(what,))
    return Assessment(Effect.UNKNOWN, reason="undecided: one is replaced by another")


def _compared(change: Change, field: str, words: str) -> Assessment | None:
    """A list of which each member gives something; None where it is unchanged."""
    was, now = (set((state or {}).get(field) or ()) for state in (change.before, change.after))
    if was == now:
        return None
    can, cannot = _said(words, now - was), _said(words, was - now)
    return Assessment(Effect.WIDER if can else Effect.NARROWER, can, cannot)


def _said(words: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{words} {value}" for value in sorted(values))


def _tags(change: Change) -> Assessment:
    was, now = ((state or {}).get("tags") or {} for state in (change.before, change.after))
    foreign = sorted(n for n in {*was, *now} if was.get(n) != now.get(n) and not n.startswith(OUR_TAGS))
    if not foreign:
        return Assessment(Effect.EQUAL)
    reason = f"undecided: policies elsewhere may test the tag {', '.join(foreign)}"
    return Assessment(Effect.UNKNOWN, reason=reason)


JUDGES: Mapping[str, Callable[[Change], Assessment]] = {
    schema.INSTANCE_PROFILE: instance_profile,
    schema.POD_IDENTITY: association,
    schema.WORKLOAD_IDENTITY: workload_identity,
    schema.OIDC_PROVIDER: oidc_provider,
}
