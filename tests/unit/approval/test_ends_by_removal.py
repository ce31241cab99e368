"""What the cloud cannot end: which removals a plan may carry for later, and what moving an end alone is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import scenario
from scenario import GRANT, Situation, draft, file_of, signed_by_all

from provisioner.approval.root import make_root
from provisioner.approval.sweeping import removal, sweeps_of
from provisioner.approval.verifier import verify
from provisioner.model.changes import Action, Change, Effect
from provisioner.planning.ending import with_ends

LATER = "2027-01-01T00:00:00Z"


class Endless(scenario.Cloud):
    """A cloud whose role policies carry no end."""

    def ends(self, kind: str, attributes: Mapping[str, Any]) -> str | None:
        return None

    def swept(self, kind: str, attributes: Mapping[str, Any]) -> bool:
        return kind == "role_policy"


def codes(change: Change, cloud: Any, **over: Any) -> set[str]:
    root = make_root(scenario.root_data())
    found = replace(change, number=1)
    plan = draft(root, changes=(found,), findings=(), sweeps=sweeps_of((found,), {"cloud": cloud}), **over)
    file = file_of(plan)
    situation = Situation(root=root, planfile=file, envelopes=signed_by_all(file))
    evidence = replace(situation.evidence(), providers={"cloud": cloud})
    return {refusal.code for refusal in verify(file, evidence).refusals}


def test_the_removal_is_signed_with_what_it_removes() -> None:
    change = replace(GRANT, number=1, ends=LATER)
    (sweep,) = sweeps_of((change,), {"cloud": Endless()})
    assert (sweep.change, sweep.ends) == (1, LATER)
    assert sweep.operations == tuple(Endless().operations(removal(change)))
    assert removal(change).ends is None and removal(change).action is Action.DELETE
    assert "E-SWEEPS" not in codes(change, Endless())


def test_an_end_where_sweep_may_take_nothing_away_is_refused() -> None:
    assert "E-SWEEPS" in codes(replace(GRANT, ends=LATER), scenario.Cloud())
    assert sweeps_of((replace(GRANT, ends=LATER),), {"cloud": scenario.Cloud()}) == ()


@pytest.mark.parametrize(("effect", "refused"), [(Effect.WIDER, False), (Effect.NARROWER, True), (Effect.EQUAL, True)])
def test_moving_an_end_alone_is_never_on_easier_terms(effect: Effect, refused: bool) -> None:
    """What a verifier cannot see in the cloud may not be called narrower."""
    same = replace(GRANT, action=Action.UPDATE, before=GRANT.after, fields=(), ends=LATER, effect=effect)
    assert ("E-SURFACES" in codes(same, Endless())) is refused
    assert "E-SWEEPS" in codes(same, scenario.Cloud())


def test_an_end_that_is_taken_off_or_moved_is_told() -> None:
    same = replace(GRANT, action=Action.UPDATE, before=GRANT.after, fields=(), effect=Effect.EQUAL)
    (gone,) = with_ends((same,), {same.address: LATER})
    assert (gone.effect, gone.can) == (Effect.WIDER, (f"what it can now, for good; so far until {LATER}",))
    (new,) = with_ends((replace(same, ends=LATER),), {})
    assert new.can == (f"what it can now, until {LATER}; so far for good",) and "sweep" in new.reason
    assert with_ends((GRANT,), {}) == (GRANT,)
