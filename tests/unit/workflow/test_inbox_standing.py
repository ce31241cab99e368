"""Who may sign in another owner's place finds the plan in their inbox, and nobody else does."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "attacks"))

import scenario

from provisioner.approval.verdict import StandIn
from provisioner.workflow.inbox import _stands_in

ROOT = scenario.root_data()


def state(way: StandIn | None, **over: Any) -> Any:
    return SimpleNamespace(**{"stand_in": way, "may_not": (), "signed": (), "rejected": ()} | over)


def way(to: str = "security", open_: bool = True) -> StandIn:
    return StandIn(to, None, open_, True, 3600)


def test_a_signer_of_the_owner_that_it_escalates_to() -> None:
    assert _stands_in(ROOT, state(way()), "sam") == "security"
    assert _stands_in(ROOT, state(way()), "alice") is None


@pytest.mark.parametrize(
    "closed",
    [
        state(None),
        state(way(open_=False)),
        state(way("nobody")),
        state(way(), may_not=(SimpleNamespace(person="sam"),)),
        state(way(), signed=(SimpleNamespace(person="sam"),)),
        state(way(), rejected=(SimpleNamespace(person="sam"),)),
    ],
)
def test_not_before_it_is_open_nor_for_who_is_barred_or_has_spoken(closed: Any) -> None:
    assert _stands_in(ROOT, closed, "sam") is None
