"""What the core asks a provider to bring about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .configuration import Agent, Configuration, Grant, ProviderConfig, Tool


@dataclass(frozen=True, slots=True)
class GrantPart:
    """The part of a grant that one agent gets and one owner answers for: it becomes one policy or set of bindings.

    `name` is unique within the agent: the grant's name, with `--owner` where the grant's tools have two owners.
    `expires` is an RFC 3339 UTC time with whole seconds (relative expiries are resolved before compilation).
    """

    name: str
    grant: Grant
    agent: Agent
    owner: str | None
    tools: tuple[Tool, ...]
    expires: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """One account or project that a run may touch. `id` is the account id or project id; `watch` names what else is
    read with it, so that an agent's authority there is seen too."""

    provider: str
    key: str
    id: str
    environment: str | None
    watch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authority:
    """The whole configuration as one provider needs it.

    `targets` are those of this provider, by ProviderConfig key; `parts` every grant part in a stable order, of all
    clouds: a provider takes those whose agent has an identity and whose tools have blocks for it.
    """

    workspace: str
    configuration: Configuration
    targets: Mapping[str, Target]
    parts: tuple[GrantPart, ...]
    configs: Mapping[str, ProviderConfig] = field(default_factory=dict)
