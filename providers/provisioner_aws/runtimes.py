"""What can be attributed and enforced for each runtime: one table, with its sources.

Sources: IAM User Guide, «Methods to assume a role» and «Request temporary security credentials» (session limits),
«Control access to and for IAM users and roles using IAM role tags»; STS API reference, AssumeRoleWithWebIdentity;
GitHub, «OpenID Connect reference».
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITHUB_AUDIENCE = "sts.amazonaws.com"

ATTRIBUTIONS = ("session_name", "workload_tags", "source_identity")
"""What audit logs can tie a session to, weakest first."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What AWS enforces for one runtime.

    `attribution` is the strongest that the runtime can do. `session_cap`: the role's MaxSessionDuration binds its
    credentials. `session_tags` are the tag keys that a trusted broker sets; empty
    where nothing sets tags. `why` says what stands in the way, for the message.
    """

    attribution: str
    session_cap: bool
    session_tags: frozenset[str]
    why: str


CAPABILITIES: Mapping[str, Capabilities] = {
    "lambda": Capabilities(
        attribution="session_name",
        session_cap=False,
        session_tags=frozenset(),
        why="the Lambda service assumes the role itself: it sets no source identity and no tags, and renews"
        " credentials whatever MaxSessionDuration says",
    ),
    "ecs": Capabilities(
        attribution="session_name",
        session_cap=False,
        session_tags=frozenset(),
        why="the ECS agent hands out the credentials: it sets no source identity and no tags, and renews them"
        " whatever MaxSessionDuration says",
    ),
    "github_actions": Capabilities(
        attribution="session_name",
        session_cap=True,
        session_tags=frozenset(),
        why="web identity takes source identity and tags only from claims of the token, and GitHub's has none",
    ),
}


def supports(runtime: str, attribution: str) -> bool:
    """Whether the runtime can do at least this attribution."""
    strongest = CAPABILITIES[runtime].attribution
    return ATTRIBUTIONS.index(attribution) <= ATTRIBUTIONS.index(strongest)
