"""A stop is planned anew when the record or the agent moved between its plan and its end, and not for ever."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.model.diagnostics import DiagnosticError
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
        monkeypatch.setattr(stopping, "plan_stop", lambda *_: plans.append(1) or SimpleNamespace(runner=None))
        first: Any = SimpleNamespace(runner=None)
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
