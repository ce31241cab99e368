"""What the workflow hands to the executor does judge: a rejection that comes while a plan is applied stops it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.applying.result import ApplyResult
from provisioner.runner import load_runner
from provisioner.sdk.errors import ProceedError
from provisioner.workflow import applying, signing


def test_the_recheck_sees_what_comes_after_the_verdict(team: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    team.plan()
    team.sign_all()
    plan = str(team.home / "plan.json")
    opened = signing.open_plan(plan, load_runner(team.env), team.checkout)
    _, verdict = applying.judge(opened)
    assert verdict.verified is not None
    handed: dict[str, Any] = {}

    def take(*_: Any, **more: Any) -> ApplyResult:
        handed.update(more)
        return ApplyResult(opened.file.digest, ())

    monkeypatch.setattr(applying, "execute", take)
    applying.apply(opened, verdict.verified)

    handed["recheck"](opened.ledger)
    digest = json.loads((team.home / "plan.json").read_text())["digest"]
    no = ["-reject", "-reason=wait", f"-digest={digest}", "-yes"]
    team.run("sign", plan, "-owner=api", f"-key={team.key(team.signers()['api'])}", *no)
    opened.ledger.refresh()
    with pytest.raises(ProceedError, match="rejected"):
        handed["recheck"](opened.ledger)
