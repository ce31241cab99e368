"""The list of plans: what is read of a plan that nobody judges any more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.workflow.serving import _glance


def publication(plan: Any) -> Any:
    return SimpleNamespace(entry=SimpleNamespace(body={"file": {"plan": plan}}))


def test_counts_without_checking_the_bytes() -> None:
    changes = [
        {"agent": "a", "effect": "wider"},
        {"agent": "a", "effect": "unknown"},
        {"agent": None, "effect": "narrower"},
        {"agent": "b", "effect": "equal"},
    ]
    found = _glance(publication({"base": 7, "changes": changes}))
    assert found is not None
    assert (found.base, found.changes, found.wider, found.agents) == (7, 4, 2, 2)


@pytest.mark.parametrize(
    "plan",
    [None, [], "x", {}, {"base": True, "changes": []}, {"base": 1, "changes": 3}, {"base": 1, "changes": ["x"]}],
)
def test_what_is_no_plan_is_left_to_the_check(plan: Any) -> None:
    assert _glance(publication(plan)) is None
