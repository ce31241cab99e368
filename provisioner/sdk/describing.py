"""What a provider finds of a principal that exists, in the terms of the language: what `discover` writes down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..model.resources import Address, Resource


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value that the language takes as text."""

    value: Any


@dataclass(frozen=True, slots=True)
class Described:
    """One principal. Attribute values are JSON, or `Json` where the language has a text.

    `id` is what an import block calls it. `runtime` is a label with its attributes, `identity` the attributes of the
    identity block, `blocks` its nested blocks as type, labels and attributes. `boundary` are the attributes of the
    cloud's block in a boundary, None for none. `max_seconds` is its session length where it is not the usual one.
    """

    address: Address
    id: str
    purpose: str
    runtime: tuple[str, Mapping[str, Any]]
    identity: Mapping[str, Any]
    blocks: tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...] = ()
    boundary: Mapping[str, Any] | None = None
    max_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """Principals that another tool's state tells of. `let_go` maps each to the addresses by which that tool knows it
    and what hangs on it; `skipped` says in one line each what was not taken, and why."""

    resources: tuple[Resource, ...]
    principals: tuple[Address, ...]
    let_go: Mapping[Address, tuple[str, ...]]
    skipped: tuple[str, ...] = ()


@runtime_checkable
class Describing(Protocol):
    """What a provider may do besides: say what a principal that exists has. Pure."""

    def principal(self, target: str, name: str) -> Address:
        """The address of a principal by its name in a target."""

    def describe(self, resources: Sequence[Resource], address: Address) -> Described | None:
        """A principal with all that hangs on it, so that a plan after its import changes nothing; None for none."""


@runtime_checkable
class Keeping(Protocol):
    """What a provider may do besides: keep what drift found by a block in an agent's identity. Pure."""

    def keep(self, live: Resource) -> tuple[str, tuple[str, ...], Mapping[str, Any]] | str:
        """Type, labels and attributes of a block that grants the same under a name of its own, or why there is none,
        in words that follow a colon."""


@runtime_checkable
class Foreigner(Protocol):
    """What a provider may do besides: understand another tool's records of its cloud. Pure."""

    def from_terraform(self, state: Sequence[Mapping[str, Any]], every: bool) -> Foreign:
        """The principals among the resources of a Terraform state that look like agents, or all of them: each item has
        `address`, `type` and `values`. Nothing in `values` can be relied on; what does not fit is `skipped`."""
