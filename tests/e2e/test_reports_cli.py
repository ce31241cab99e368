"""Reports for CI, by the installed command: from a plan run, from a plan's bytes, from boundary tests."""

from __future__ import annotations

import json
from typing import Any


def test_a_plan_writes_reports_beside_its_text(team: Any) -> None:
    team.run("init", "-yes")
    out = {name: team.home / name for name in ("plan.md", "plan.sarif", "tests.xml", "tf.json", "cq.json", "plan.csv")}
    names = ("markdown", "sarif", "junit", "gitlab-terraform", "gitlab-codequality", "csv")
    reports = [f"-report={name}={path}" for name, path in zip(names, out.values(), strict=True)]
    done = team.run("plan", f"-out={team.home / 'plan.json'}", "-phase=review", "-root=agents/", *reports)
    assert "SIGN-OFF" in done.stdout
    assert out["plan.md"].read_text().startswith("<!-- provisioner:comment workspace=")
    assert json.loads(out["plan.sarif"].read_text())["version"] == "2.1.0"
    assert 'failures="0"' in out["tests.xml"].read_text() and "<testcase" in out["tests.xml"].read_text()
    assert json.loads(out["tf.json"].read_text())["create"] == 3
    assert json.loads(out["cq.json"].read_text()) == []
    assert out["plan.csv"].read_text().count("\n") == 4

    shown = team.run("show", str(team.home / "plan.json"), "-format=markdown", "-root=agents/").stdout
    assert "#### Who has to sign" in shown and "provisioner sign" in shown
    team.edit("Write down which team gets an invoice", "Note which team gets an invoice")
    team.edit("acme-invoices/inbox/*", "acme-invoices/inbox/new/*")
    team.plan("second.json")
    since = f"-since={team.home / 'plan.json'}"
    assert (
        "Since the last comment" in team.run("show", str(team.home / "second.json"), "-format=markdown", since).stdout
    )


def test_bad_formats_are_told_and_write_nothing(team: Any) -> None:
    team.run("init", "-yes")
    assert "E-USAGE" in team.run("plan", "-report=pdf=x.pdf", check=1).stderr
    assert "names no file" in team.run("plan", "-report=markdown", check=1).stderr
    assert "E-IO" in team.run("plan", f"-report=csv={team.home}/nowhere/x.csv", check=1).stderr
    assert not list(team.checkout.glob("x.*"))


def test_boundary_tests_as_junit(team: Any) -> None:
    path = team.home / "tests.xml"
    team.run("test", f"-junit={path}")
    assert path.read_text().count("<testcase") >= 7
