"""A team of one: the same person signs every surface, and every plan and report says so, as text and as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Team, make_team

SAID = "one person holds every sign-off"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Team]:
    team = make_team(tmp_path)
    path = team.checkout / "workspace.hcl"
    text = re.sub(r"signers +=.*", "signers = [person.alice]", path.read_text())
    path.write_text(text.replace('plan_ttl = "72h"', 'plan_ttl = "72h"\n    solo     = true', 1))
    team.commit("first", "alice")
    team.run("sandbox", "up", "-provider=aws")
    try:
        yield team
    finally:
        team.run("sandbox", "down", check=None)


def flat(team: Team, *command: str, check: int | None = 0) -> str:
    done = team.run(*command, check=check)
    return " ".join((done.stdout + done.stderr).lower().split())


def test_solo_is_said_everywhere(alone: Team) -> None:
    plan = str(alone.home / "plan.json")
    assert SAID in flat(alone, "init", "-yes")
    assert SAID in flat(alone, "plan", f"-out={plan}", check=None)
    digest = json.loads(Path(plan).read_text())["digest"]
    alone.run("publish", plan)
    for command in (("show", plan), ("inbox", "-person=alice"), ("owners",)):
        assert SAID in flat(alone, *command), command
    for command in (("status", plan), ("apply", plan)):
        assert SAID in flat(alone, *command, check=3), command
    for command in (("status", plan), ("inbox", "-person=alice"), ("owners",)):
        assert alone.json(*command, check=None)["solo"] is True, command
    signed = alone.run("sign", plan, f"-key={alone.key('alice')}", f"-digest={digest}", "-yes")
    assert "one person decides alone" in " ".join(signed.stdout.split())
    assert SAID in flat(alone, "status", plan)
    assert SAID in flat(alone, "apply", plan)
    for command in (("drift",), ("audit", "verify")):
        assert SAID in flat(alone, *command), command
    assert alone.json("drift")["drift"]["solo"] is True and alone.json("audit", "verify")["solo"] is True
    alone.run("plan", f"-report=markdown={alone.home / 'plan.md'}", check=0)
    assert SAID in (alone.home / "plan.md").read_text()
