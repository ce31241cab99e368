"""Every text renderer against golden files. `UPDATE_GOLDEN=1 pytest tests/unit/render` writes them anew."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import render_samples as samples

from provisioner.policy.boundary_tests import coverage
from provisioner.render.conditions import Condition
from provisioner.render.driftreport import drift_text
from provisioner.render.human import plan_text
from provisioner.render.policytext import NoSuchChange, change_text
from provisioner.render.reports import apply_text, status_text
from provisioner.render.testreport import Judged
from provisioner.render.testreport import test_text as text_of_tests

GOLDEN = Path(__file__).parents[2] / "golden" / "render"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
DIGEST = re.compile(r"\b((?:plan|sign|show|apply) )[0-9a-f]{8}\b")

Render = Callable[..., str]
RENDERERS: dict[str, Render] = {
    "plan-six-changes": lambda **k: plan_text(samples.six_changes(), **k),
    "plan-verified": lambda **k: plan_text(samples.six_changes(), signoffs=samples.verified(), **k),
    "plan-no-changes": lambda **k: plan_text(samples.no_changes(), **k),
    "plan-incomplete": lambda **k: plan_text(samples.incomplete(), **k),
    "plan-blocked": lambda **k: plan_text(samples.blocked(), **k),
    "plan-fleet": lambda **k: plan_text(samples.fleet(), **k),
    "plan-hostile": lambda **k: plan_text(samples.hostile(), **k),
    "change-created": lambda **k: change_text(samples.six_changes(), 1, **k),
    "change-updated": lambda **k: change_text(samples.six_changes(), 4, **k),
    "change-deleted": lambda **k: change_text(samples.six_changes(), 5, **k),
    "change-hostile": lambda **k: change_text(samples.hostile(), 1, **k),
    "drift": lambda **k: drift_text(samples.drift_report(), **k),
    "drift-clean": lambda **k: drift_text(samples.clean_drift(), **k),
    "drift-ignored": lambda **k: drift_text(samples.ignored_drift(), **k),
    "drift-later": lambda **k: drift_text(
        samples.later_drift(), recorded=12, told="3 transitions to hooks.acme.example", **k
    ),
    "drift-hostile": lambda **k: drift_text(samples.hostile_drift(), **k),
    "apply-stopped": lambda **k: apply_text(samples.six_changes(), samples.stopped(), **k),
    "apply-complete": lambda **k: apply_text(samples.six_changes(), samples.applied(), **k),
    "test": lambda **k: text_of_tests(
        Judged(samples.test_results(), coverage(samples.test_results(), ("invoice_triage", "idle"))),
        conditions=(Condition.BLOCKED,),
        verbose=True,
        **k,
    ),
    "status": lambda **k: status_text(
        samples.six_changes(), samples.verified(), conditions=(Condition.SIGN_OFF, Condition.CHANGES), **k
    ),
}


@pytest.mark.parametrize("name", RENDERERS)
def test_golden(name: str) -> None:
    # The digest stands for whatever the model's fields are today; the text around it is what is held.
    text = DIGEST.sub(r"\g<1>7f3a9c21", RENDERERS[name]())
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RENDERERS)
def test_colour_only_adds(name: str) -> None:
    plain = RENDERERS[name]()
    assert "\x1b" not in plain
    colored = RENDERERS[name](color=True)
    assert "\x1b[" in colored
    assert ANSI.sub("", colored) == plain


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", [n for n in RENDERERS if "change-" not in n])
def test_it_fits(name: str, width: int) -> None:
    for line in RENDERERS[name](width=width).splitlines():
        assert len(line) <= max(width, 100), line
        if width == 100:
            assert len(line) <= 100, line


@pytest.mark.parametrize("name", [n for n in RENDERERS if "hostile" in n or "stopped" in n])
def test_no_text_can_move_or_forge_a_line(name: str) -> None:
    text = RENDERERS[name]()
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    verdicts = [line for line in text.split("\n") if line.startswith("exit ")]
    assert len(verdicts) <= 1
    assert "exit 0: nothing to do" not in verdicts


def test_a_change_that_is_not_there() -> None:
    with pytest.raises(NoSuchChange, match="has no change 9; it has 1-5"):
        change_text(samples.six_changes(), 9)


def test_every_change_is_shown() -> None:
    """Collapsing loses nothing: the numbers in the report are those of the plan."""
    from provisioner.render.grouping import groups

    plan = samples.fleet().plan
    shown = [change.number for group in groups(plan) for row in group.rows for change in row.changes]
    assert sorted(shown) == [change.number for change in plan.changes]


def test_different_authority_never_collapses_by_name() -> None:
    """Agents called like the services they may use would read the same with their names taken out."""
    from dataclasses import replace

    from provisioner.render.grouping import groups

    file = samples.six_changes()
    base = file.plan.changes[1]
    changes = tuple(
        replace(base, number=n, agent=name, can=(f"{name}:DeleteEverything on *",), label="grant.reads")
        for n, name in enumerate(("s3", "ec2"), 1)
    )
    found = groups(replace(file.plan, changes=changes, agents=()))
    assert [len(row.changes) for group in found for row in group.rows] == [1, 1]
