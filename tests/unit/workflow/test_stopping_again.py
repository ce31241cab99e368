"""A stop is planned anew when the record or the agent moved between its plan and its end, and not for ever."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.plan import PlanTarget
from provisioner.model.resources import Address, Coverage, Resource, Snapshot
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Scope
from provisioner.workflow import stopping
from provisioner.workflow.stopping import Stopped, StopWish

WISH = StopWish("triage", key=Path("key"))
DONE = Stopped("opened", "verdict", SimpleNamespace(complete=True, problems=()))  # type: ignore[arg-type]
MOVED = Stopped(  # type: ignore[arg-type]
    "opened", "verdict", SimpleNamespace(complete=False, problems=(SimpleNamespace(final=False),))
)
ENDED_OTHERWISE = Stopped(  # type: ignore[arg-type]
    "opened", "verdict", SimpleNamespace(complete=False, problems=(SimpleNamespace(final=True),))
)


def refused(code: str) -> Stopped:
    return Stopped("opened", SimpleNamespace(refusals=(SimpleNamespace(code=code),)), None)  # type: ignore[arg-type]


def error(code: str) -> DiagnosticError:
    return DiagnosticError.of(code, "x", "y")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a stop whose attempts end as given; how many plans it took, and what came of it."""

    def go(*ends: Any) -> tuple[int, Any]:
        left, plans = list(ends), [1]

        def attempt(*_: Any) -> Stopped:
            end = left.pop(0)
            if isinstance(end, Exception):
                raise end
            assert isinstance(end, Stopped)
            return end

        monkeypatch.setattr(stopping, "_attempt", attempt)
        again: Any = stopping.StopPlan(SimpleNamespace(runner=None))  # type: ignore[arg-type]
        monkeypatch.setattr(stopping, "plan_stop", lambda *_: plans.append(1) or again)
        first: Any = again
        try:
            found = stopping.stop(first, WISH, Path(), {})
            return len(plans), found
        except DiagnosticError as refusal:
            return len(plans), refusal.diagnostics[0].code

    return go


def test_the_first_that_gets_through_is_the_last(run: Any) -> None:
    assert run(DONE) == (1, DONE)
    assert run(MOVED, DONE) == (2, DONE)
    assert run(error("E-STALE"), refused("E-BASE"), DONE) == (3, DONE)
    assert run(refused("E-ROOT"), DONE) == (2, DONE)


def test_it_ends_after_three(run: Any) -> None:
    assert run(MOVED, MOVED, MOVED) == (3, MOVED)
    assert run(error("E-STALE"), error("E-STALE"), error("E-STALE")) == (3, "E-STALE")


def test_what_another_plan_would_not_mend_is_told_at_once(run: Any) -> None:
    no = refused("E-MISSING")
    assert run(no) == (1, no)
    assert run(ENDED_OTHERWISE) == (1, ENDED_OTHERWISE)
    assert run(error("E-LEDGER-WRITE")) == (1, "E-LEDGER-WRITE")


class Fake:
    """A provider that can stop; `broken` where its cloud does not answer."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken

    def stop(self, *_: Any) -> tuple[()]:
        return ()

    def stops(self, *_: Any) -> bool:
        return False

    def reader(self, _: Any) -> Any:
        return self

    def identify(self) -> None:
        if self.broken:
            raise CloudError("target", "cannot be reached")

    def read(self, scope: Scope) -> Snapshot:
        return Snapshot((Resource(next(iter(scope.addresses)), {}, "triage"),), Coverage())


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Look for an agent that is in clouds one and two; `providers` by name."""

    def go(**providers: Any) -> Any:
        places = [Address(name, "t", "role", "r") for name in ("one", "two")]
        state = {place: SimpleNamespace(agent="triage", plan="p") for place in places}
        monkeypatch.setattr(stopping.replay, "signed_state", lambda _: state)
        monkeypatch.setattr(
            stopping, "recorded_target", lambda _h, _p, place: PlanTarget(place[0], place[1], place[0], None)
        )
        monkeypatch.setattr(stopping, "installed_providers", lambda: providers)
        runner = SimpleNamespace(connection_settings=lambda _: {})
        return stopping._look(SimpleNamespace(history=(), workspace="acme"), runner, "triage")  # type: ignore[arg-type]

    return go


def test_both_clouds_are_looked_at(look: Any) -> None:
    live = look(one=Fake(), two=Fake())
    assert set(live.providers) == {"one", "two"} and live.left_out == ()
    assert {target.provider for target in live.targets} == {"one", "two"}


@pytest.mark.parametrize("other", [Fake(broken=True), object(), None])
def test_a_cloud_that_does_not_answer_keeps_no_other_from_being_stopped(look: Any, other: Any) -> None:
    live = look(one=Fake(), **({"two": other} if other is not None else {}))
    assert set(live.providers) == {"one"} and len(live.left_out) == 1
    assert {target.provider for target in live.targets} == {"one"}


def test_where_none_answers_it_is_an_error(look: Any) -> None:
    with pytest.raises(CloudError):
        look(one=Fake(broken=True), two=Fake(broken=True))
