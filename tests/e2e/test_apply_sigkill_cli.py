"""Ten SIGKILLs from outside, at random moments, of the command while it applies to a real sandbox."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import Any

KILLS = 10
COMMAND = """
import sys
from datetime import timedelta
from functools import partial
import provisioner.workflow.applying as workflow
from provisioner.cli.main import main

workflow.Terms = partial(workflow.Terms, lease=timedelta(seconds=1))
sys.argv = ["provisioner", *sys.argv[1:]]
sys.exit(main())
"""
"""The command, with a lease so short that a dead run does not hold the next one up for a minute."""


def killed(team: Any, written: int, jitter: float) -> bool:
    """Start an apply and kill it some seconds after it has written so many entries; False where it got to its end."""
    before = len(entries(team))
    run = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "apply", str(team.home / "plan.json")],
        cwd=team.checkout,
        env=team.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while run.poll() is None and len(entries(team)) < before + written:
        time.sleep(0.002)
    time.sleep(jitter)
    run.send_signal(signal.SIGKILL)
    return run.wait(timeout=60) == -signal.SIGKILL


def entries(team: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((team.checkout / ".provisioner").rglob("0*.json"))]


def about(team: Any, kind: str, digest: str) -> list[dict[str, Any]]:
    return [e["body"] for e in entries(team) if e["kind"] == kind and e["body"]["plan"] == digest]


def test_ten_kills_and_every_plan_ends_as_signed(team: Any) -> None:
    rng = random.Random("sigkill")
    some, more = 'actions   = ["dynamodb:GetItem"', 'actions   = ["dynamodb:GetItem", "dynamodb:PutItem"'
    kills = 0
    for version in range(2 * KILLS):
        if kills == KILLS:
            break
        digest = team.plan()
        team.sign_all()
        for _ in range(5):
            if kills < KILLS and not about(team, "consumed", digest):
                kills += killed(team, rng.randint(1, 4), rng.uniform(0, 0.03))
        if not about(team, "consumed", digest):
            team.apply()
        ends_as_signed(team, digest)
        team.edit(*((more, some) if version % 2 == 0 else (some, more)))
        team.commit(f"version {version}")
    assert kills == KILLS


def ends_as_signed(team: Any, digest: str) -> None:
    """One end, each operation settled once, and the cloud as the plan says."""
    assert len(about(team, "consumed", digest)) == 1
    operations = json.loads((team.home / "plan.json").read_text())["plan"]["operations"]
    settled = [body["operation"] for body in about(team, "outcome", digest) if body["status"] in ("done", "already")]
    assert sorted(settled) == sorted(operation["id"] for operation in operations)
    assert team.json("drift")["drift"]["differences"] == []
