"""Who wrote what a plan was made from."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.plan import Exclusion


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
