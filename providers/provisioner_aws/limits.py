"""AWS's fixed limits, checked before anything is sent. Those that AWS raises on request are in `quotas`.

Source: IAM User Guide, «IAM and AWS STS quotas, name requirements, and character limits». White space in a document
does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` in `unit`. `way_out` ends the message when it is exceeded."""

    most: int
    unit: str
    what: str
    way_out: str


LIMITS: Mapping[str, Limit] = {
    "inline": Limit(
        10240, "characters", "inline policies of one role", "Merge statements, or split the agent: one task, one agent."
    ),
    "managed": Limit(
        6144, "characters", "a permissions boundary", "Use wildcards (s3:Get*) or fewer services in allow and deny."
    ),
    "tag_value": Limit(256, "characters", "a tag value", "Shorten the block's name or its for_each key."),
    "tags": Limit(50, "tags", "one role", "Take some out of tags in its identity block."),
    "tag_key": Limit(128, "characters", "a tag key", "Shorten it."),
    "audiences": Limit(100, "audiences", "one OIDC provider", "Take some out, or have workloads share one."),
    "issuer": Limit(255, "characters", "the URL of an OIDC provider", "Use the issuer's own, shorter URL."),
    "path": Limit(512, "characters", "an IAM path", "Shorten it."),
}
