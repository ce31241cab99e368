"""What audit logs say of the use of authority: calls, by agent, with the time and place that the logs cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .configuration import Settings
from .resources import Address

OTHERS: Final = "others"
"""Where more names of events came than are told apart, the rest counts under this one."""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call, as a provider reads it from a record of its cloud's audit log.

    `target` is the account or project that the call was made in, `principal` the provider's own key of who called
    (empty where the record names nobody), `becomes` that of a principal whose credentials the call gave out. `name` is
    the event as the cloud calls it (`s3.amazonaws.com ListObjects`).
    `witnesses` are what the record proves to be logged: calls on data are logged only where somebody asked for it.
    """

    target: str
    time: str
    principal: str
    name: str
    denied: bool = False
    place: str = ""
    becomes: str = ""
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A permission that a call used; `resource` is the full name, empty where the record does not say it."""

    permission: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What the logs cover of one account or project: from the first to the last record (RFC 3339 UTC)."""

    first: str
    last: str
    records: int
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """Calls that the cloud refused: no use, but told."""

    agent: str
    name: str
    permissions: tuple[str, ...]
    count: int
    last: str


@dataclass(frozen=True, slots=True)
class AgentUse:
    """What one agent did in one cloud. `uses` maps a permission to the resources (the empty string: not said).

    `unmapped` are events that nobody knows the permission of, with their number.
    """

    calls: int = 0
    last: str = ""
    uses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    denied: tuple[Denied, ...] = ()
    unmapped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything that the logs given say.

    `agents` is by (provider, agent name), `windows` by (provider, target), `witnesses` by provider. `foreign` counts
    records of something else, `broken` places that could not be read, of which `damages` names the first.
    """

    files: int = 0
    records: int = 0
    foreign: int = 0
    broken: int = 0
    damages: tuple[str, ...] = ()
    agents: Mapping[tuple[str, str], AgentUse] = field(default_factory=dict)
    windows: Mapping[tuple[str, str], Window] = field(default_factory=dict)
    witnesses: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, provider: str, agent: str) -> AgentUse:
        """What an agent did in a cloud; nothing, where the logs have nothing of it."""
        return self.agents.get((provider, agent), AgentUse())


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of the use of one tool block: by the agents that hold it, together.

    `targets` are the accounts or projects of these agents that the logs cover. `blocks` are all tool blocks of this
    cloud that any of the agents holds: a use that none of them explains was of something else than its record says.
    """

    targets: tuple[str, ...]
    uses: Mapping[str, frozenset[str]]
    unmapped: tuple[str, ...]
    witnesses: frozenset[str]
    blocks: tuple[Settings, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a tool block: `path` leads to a block by its place among those of its type (`(("statement", 1),)`;
    empty for the tool block itself). `attributes` get new values; with `remove` the block goes."""

    path: tuple[tuple[str, int], ...]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """How a tool block fits its use. `unused` are permissions or patterns that nobody used, `loose` sentences about
    patterns of which only a part is used, `unjudged` sentences about what the logs cannot tell.

    `edits` make the block no wider than what was used and what cannot be judged. `idle`: nothing of it was used.
    """

    unused: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who made a change, by the cloud's own log. Where nobody can say, `actor` is empty and `unknown` says why.

    `source` is the log (`CloudTrail`, `Cloud Audit Logs`), `event` the id of the record, `call` what was called.
    """

    actor: str = ""
    time: str = ""
    call: str = ""
    event: str = ""
    source: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """A call that changed something: which addresses, and by whom."""

    addresses: tuple[Address, ...]
    attribution: Attribution
