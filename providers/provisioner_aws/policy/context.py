"""The context of a request: which condition keys have which values, which are absent, and which nobody told us.

The rule. A key that the request gives has its values; one that it gives as null or as an empty list is absent. Of the
keys that it does not give, those that describe the caller's surroundings or the resource itself are *unknown*, since
every real request has some value there: global keys (`aws:SourceIp`, `aws:CurrentTime`, `aws:PrincipalOrgID` …) and
what a service reads from the resource (`aws:ResourceTag/…`, `s3:ExistingObjectTag/…`). All other keys are parameters
of the call (`s3:prefix`, `aws:RequestTag/…`) or claims of a token: not given means absent. A closed context has no
unknown keys; the comparison uses it for requests that it makes up in full.

Source: IAM User Guide, «AWS global condition context keys», the Availability of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import ClaimError
from .spelling import spell_key

_PARAMETERS = frozenset(
    {
        "aws:CalledVia",
        "aws:CalledViaFirst",
        "aws:CalledViaLast",
        "aws:ChatbotSourceArn",
        "aws:FederatedProvider",
        "aws:PrincipalServiceName",
        "aws:PrincipalServiceNamesList",
        "aws:PrincipalTag",
        "aws:RequestTag",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:SourceIdentity",
        "aws:TagKeys",
        "aws:AssumedRoot",
        "aws:SignInSessionArn",
    }
)
"""Global keys that are absent unless something sets them: whoever asks says so, or builds them from what he knows."""

_OF_THE_RESOURCE = ("ResourceTag", "ExistingObjectTag", "BucketTag", "AccessPointTag", "ResourceAccount")


@dataclass(frozen=True, slots=True)
class Context:
    """Values by key, keys spelled by `spell_key`; an empty tuple says «absent».

    `unknown` adds keys to the rule's; one that ends in a colon stands for all keys that begin so.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    closed: bool = False

    def get(self, key: str) -> tuple[str, ...] | None:
        """The key's values, none where it is absent; None where it is unknown. `key` is spelled by `spell_key`."""
        found = self.values.get(key)
        if found is not None:
            return found
        if self.closed or not (key in self.unknown or _issuer(key) in self.unknown or _surroundings(key)):
            return ()
        return None


def context_values(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Context as people write it (`{"aws:SourceIp": "10.0.0.1"}`) as `Context.values`. Raises ClaimError."""
    out: dict[str, tuple[str, ...]] = {}
    for written, value in given.items():
        key = spell_key(written)
        if key in out:
            raise ClaimError(f"the context gives {key} twice; give it once")
        items = value if isinstance(value, list | tuple) else () if value is None else (value,)
        out[key] = tuple(_text(item, key) for item in items)
    return out


def _text(value: Any, key: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    raise ClaimError(f"the context's {key} is a {type(value).__name__}; give a string or a list of strings")


def _issuer(key: str) -> str:
    """`token.actions.githubusercontent.com:` for any claim of that issuer's tokens."""
    return key.partition(":")[0] + ":"


def _surroundings(key: str) -> bool:
    service, _, name = key.partition(":")
    head = name.partition("/")[0]
    if service == "aws":
        return f"aws:{head}" not in _PARAMETERS
    return head in _OF_THE_RESOURCE
