"""A plan that another version made: refused in words that say so, whatever is new in it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from render_samples import six_changes

from provisioner import canonical, planfile
from provisioner.planfile import PlanFileError


def sealed(**over: Any) -> bytes:
    """A plan file of a later version, whole and with true digests."""
    file = six_changes()
    value = canonical.loads(planfile.encode(file.plan, replace(file.notes, tool="9.9.0")))
    value["plan"] |= over.pop("plan", {})
    value["digest"] = canonical.digest(planfile.PLAN_DOMAIN, value["plan"])
    return canonical.dumps(value | over)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({}, None),
        ({"plan": {"telepathy": ["agent.x"]}}, "fields that this version does not know.*made by version 9.9.0"),
        ({"plan": {"format": "provisioner.plan/2"}}, "the plan's format is 'provisioner.plan/2'; this version reads"),
        ({"format": "provisioner.planfile/2"}, "the format is 'provisioner.planfile/2'; this version reads"),
    ],
)
def test_a_newer_plan_is_told_as_such(over: dict[str, Any], said: str | None) -> None:
    if said is None:
        assert planfile.decode(sealed()).notes.tool == "9.9.0"
        return
    with pytest.raises(PlanFileError, match=said):
        planfile.decode(sealed(**over))
