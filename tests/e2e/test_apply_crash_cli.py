"""Kills the real command in the middle of applies to a real sandbox, then runs it again."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

KILLED = """
import os, sys
from datetime import timedelta
from functools import partial
import provisioner.workflow.applying as workflow
import provisioner_aws.client as client
from provisioner.cli.main import main

at, count = int(sys.argv[1]), 0

def step():
    global count
    if count == at:
        os._exit(137)
    count += 1

def around(real):
    def call(*args, **kwargs):
        step()
        try:
            return real(*args, **kwargs)
        finally:
            step()
    return call

os.link = around(os.link)
client.Account.write = around(client.Account.write)
workflow.Terms = partial(workflow.Terms, lease=timedelta(seconds=1))
sys.argv = ["provisioner", *sys.argv[2:]]
sys.exit(main())
"""


def killed(team: Any, at: int) -> int:
    """Apply in a process that dies at one step: before or after a ledger entry or a write to the cloud."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(at), "apply", str(team.home / "plan.json")],
        cwd=team.checkout,
        env=team.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def ledger(team: Any) -> list[dict[str, Any]]:
    files = sorted((team.checkout / ".provisioner").rglob("0*.json"))
    return [json.loads(path.read_text()) for path in files]


def test_one_kill_after_another_and_the_plan_still_ends_as_signed(team):
    team.plan()
    team.sign_all()
    codes = [killed(team, at) for at in (0, 1, 4, 5, 6, 7)]
    assert codes == [137] * 6
    team.apply()
    assert team.json("drift")["drift"]["differences"] == []
    assert team.json("plan")["exit_code"] == 0
    entries = ledger(team)
    digest = json.loads((team.home / "plan.json").read_text())["digest"]
    assert [entry["body"]["plan"] for entry in entries if entry["kind"] == "consumed"] == [digest]
    settled = [
        e["body"]["operation"] for e in entries if e["kind"] == "outcome" and e["body"]["status"] in ("done", "already")
    ]
    operations = json.loads((team.home / "plan.json").read_text())["plan"]["operations"]
    assert sorted(settled) == sorted(operation["id"] for operation in operations), "each settled exactly once"
    again = team.apply(check=None)
    assert again.returncode != 0 and "applied" in again.stdout + again.stderr


def test_two_applies_at_once(team):
    team.plan()
    team.sign_all()
    command = [sys.executable, "-c", KILLED, "-1", "apply", str(team.home / "plan.json")]
    runs = [
        subprocess.Popen(
            command, cwd=team.checkout, env=team.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [run.communicate(timeout=120) for run in runs]
    assert sorted(run.returncode == 0 for run in runs) == [False, True], told
    (loser,) = [out + err for run, (out, err) in zip(runs, told, strict=True) if run.returncode != 0]
    assert "has been applied" in loser and "Traceback" not in loser
    assert team.json("drift")["drift"]["differences"] == []
