"""Who wrote what a plan was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.plan import Exclusion


@dataclass(frozen=True, slots=True)
class Applied:
    """What the last plan of the whole configuration was made from.

    `sources` stand in the signed plan: SHA-256 in hex by path from the root module's folder. `commit` stands beside it
    and is signed by nobody: it says where to look, and what is found there must have these contents.
    """

    sources: Mapping[str, str]
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody by the names that a platform has for them (`github:alice`, `github-id:583231`), and what they did."""

    names: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Actors:
    """Who a CI run says it works for. Environment and events are easily written, so this only ever excludes.

    One of whose names no person has is an unknown author. `emails` are addresses of who planned. `doubts` are phrases
    for `unknown`, `details` for whoever reads the output.
    """

    actors: tuple[Actor, ...] = ()
    emails: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authorship:
    """`people` may sign nothing of the plan. `unknown` says, one phrase each, what nobody can be held to.

    `commit` is the commit that the files were read at, None without one; `details` name the commits and errors behind
    `unknown`. Neither is ever signed: they differ from run to run and from machine to machine.
    """

    people: tuple[Exclusion, ...] = ()
    unknown: tuple[str, ...] = ()
    commit: str | None = None
    details: tuple[str, ...] = ()
