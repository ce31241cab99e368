"""Who may sign, end to end: authors that somebody wants forgotten, tests that vanish, keys revoked in the middle."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner import planfile
from provisioner.applying.result import Phase, Progress
from provisioner.approval.requirements import of_plan
from provisioner.model.changes import Effect
from provisioner.runner import load_runner
from provisioner.workflow.applying import apply, judge
from provisioner.workflow.providing import providers
from provisioner.workflow.roots import root_in_force
from provisioner.workflow.signing import open_plan

from .conftest import Team


def excluded(team: Team, name: str = "plan.json") -> set[str]:
    plan = json.loads((team.home / name).read_text())["plan"]
    return {item["person"] for item in plan["exclusions"] if item["agent"] is None}


def rewritten(team: Team, name: str, **over: Any) -> None:
    """A plan file made by hand: what `over` says, and the requirements that follow from it."""
    path = team.home / name
    file = planfile.decode(path.read_bytes())
    opened = open_plan(str(path), load_runner(team.env), team.checkout)
    root = root_in_force(opened.ledger, opened.runner)
    plan = replace(file.plan, **over.pop("plan", {}))
    from provisioner.approval.requirements import Background

    wanted = of_plan(root.root.data, plan, Background(root.earlier, providers()))
    plan = replace(plan, requirements=wanted.requirements)
    path.write_bytes(planfile.encode(plan, replace(file.notes, **over)))


def test_a_later_commit_published_first_hides_no_author(team: Team) -> None:
    """Whoever writes to the ledger publishes the plan before its maker does, beside a commit that is not its own."""
    team.plan()
    team.edit('"dynamodb:Query"]\n      res', '"dynamodb:Query", "dynamodb:Scan"]\n      res')
    team.commit("slipped in", "bob")
    rewritten(team, "plan.json", commit=team.git("rev-parse", "HEAD").strip())
    team.sign_all()
    team.apply()
    team.edit("Sort supplier invoices", "Sort all supplier invoices")
    team.commit("a harmless word", "dana")
    team.plan()
    assert excluded(team) == {"bob", "dana"}


def test_a_plan_that_hides_its_author_is_refused_where_the_checkout_tells(team: Team) -> None:
    team.plan()
    assert excluded(team) == {"dana"}
    file = planfile.decode((team.home / "plan.json").read_bytes())
    kept = tuple(item for item in file.plan.exclusions if item.agent is not None)
    rewritten(team, "plan.json", plan={"exclusions": kept})
    team.sign_all()
    told = team.apply(check=3).stdout
    assert "does not exclude dana" in told
    team.edit("Sort supplier invoices", "Sort all supplier invoices")
    assert "does not exclude dana" in team.apply(check=3).stdout


def test_an_author_and_a_sponsor_are_told_at_once(team: Team) -> None:
    """Bob wrote it and signs for IAM: he hears so before his key is used, and may still say no."""
    team.edit("Sort supplier invoices", "Sort all supplier invoices")
    team.commit("a word", "bob")
    digest = team.plan()
    signers = team.signers()
    owner = next(owner for owner, person in signers.items() if person == "bob")
    plan = str(team.home / "plan.json")
    how = [plan, f"-owner={owner}", f"-key={team.key('bob')}", f"-digest={digest}", "-yes"]
    done = team.run("sign", *how, check=1)
    assert "bob may not sign" in done.stderr and "an author" in done.stderr
    assert "Nothing was signed." in done.stderr
    team.run("sign", *how, "-reject", "-reason=not mine to give")


def test_a_no_of_somebody_else_is_told_at_once(team: Team) -> None:
    digest = team.plan()
    owner = team.required()[0][1]
    first = team.signers()[owner]
    plan = str(team.home / "plan.json")
    team.run("sign", plan, f"-owner={owner}", f"-key={team.key(first)}", f"-digest={digest}", "-yes",
             "-reject", "-reason=too wide")  # fmt: skip
    again = team.run("sign", plan, f"-owner={owner}", f"-key={team.key(first)}", f"-digest={digest}", "-yes")
    assert "Signed" in again.stdout


def test_a_test_that_came_with_a_plan_goes_only_with_governance(applied: Team) -> None:
    """It came after root 1, which does not know it; the plan that brought it was signed, and says so."""
    extra = 'test "more" {\n  agents  = [agent.invoice_triage]\n  surface = "tool_access"\n  expect  = "denied"\n\n' \
            '  attempt "aws" "a" {\n    action   = "s3:DeleteBucket"\n    resource = "arn:aws:s3:::acme-invoices"\n' \
            '    context  = { "aws:RequestedRegion" = "eu-west-1" }\n  }\n}\n'  # fmt: skip
    file = applied.checkout / "more.hcl"
    file.write_text(extra)
    applied.edit("Sort supplier invoices", "Sort all supplier invoices")
    applied.commit("one more test")
    applied.plan()
    assert all(surface != "governance" for surface, _ in applied.required())
    applied.sign_all()
    applied.apply()
    file.unlink()
    applied.commit("and away again")
    applied.plan()
    assert ("governance", "security") in applied.required()
    plan = json.loads((applied.home / "plan.json").read_text())["plan"]
    assert plan["next_root"]["lines"] == ["- test.more"]
    told = applied.run("plan", "-target=agent.invoice_triage", check=1).stderr
    assert "changes what plans are judged by" in told


@pytest.mark.parametrize("when", ["in the middle", "at the end"])
def test_a_key_revoked_during_an_apply_stops_it_and_another_goes_on(team: Team, when: str) -> None:
    team.edit(
        'keys   = [file("keys/bob.pub")]', 'keys   = [file("keys/bob.pub"), file("keys/bob2.pub")]', "workspace.hcl"
    )
    import shutil
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(team.key("bob2"))], check=True)
    shutil.copy(f"{team.key('bob2')}.pub", team.checkout / "keys" / "bob2.pub")
    team.commit("bob has two keys")
    for old in (team.checkout / ".provisioner").rglob("*"):
        if old.is_file():
            old.unlink()
    (team.home / "runner.toml").write_text((team.home / "runner.toml").read_text().split("[workspace")[0])
    shutil.rmtree(team.home / "memory", ignore_errors=True)
    team.run("init", "-yes")
    team.plan()
    team.sign_all()
    opened = open_plan(str(team.home / "plan.json"), load_runner(team.env), team.checkout)
    verified = judge(opened)[1].verified
    assert verified is not None
    total = len(verified.plan.operations)
    done: list[str] = []

    def revoke(step: Progress) -> None:
        due = step.number == (1 if when == "in the middle" else total)
        if step.phase is Phase.FINISHED and due and not done:
            done.append(team.run("revoke", str(Path(f"{team.key('bob')}.pub")), "-reason=stolen",
                                 f"-key={team.key('bob2')}", "-yes").stdout)  # fmt: skip

    result = apply(opened, verified, revoke, 1)
    assert done and not result.complete and result.stopped is not None
    assert "was revoked" in result.stopped.summary
    left = [item for item in result.operations if item.status.value in ("skipped", "failed")]
    assert bool(left) is (when == "in the middle")
    assert "was revoked" in team.apply(check=3).stdout
    owner = next(owner for owner, person in team.signers().items() if person == "bob")
    team.run("sign", str(team.home / "plan.json"), f"-owner={owner}", f"-key={team.key('bob2')}", "-yes",
             f"-digest={verified.digest}")  # fmt: skip
    team.apply()
    assert team.run("audit", "verify").returncode == 0
    assert team.run("drift", check=None).returncode == 0


def test_a_ci_actor_is_excluded_and_an_unknown_one_needs_two(team: Team) -> None:
    ci = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "alice-gh"}
    plan = str(team.home / "ci.json")
    team.run("plan", f"-out={plan}", check=None, **ci)
    found = json.loads(Path(plan).read_text())["plan"]
    assert found["unknown_authors"] == ["accounts that no person of the trust root has: github:alice-gh"]
    assert all(item["threshold"] == 2 for item in found["requirements"])


def test_who_owns_a_tool_signs_when_it_is_taken_away(team: Team) -> None:
    """A live policy does not name its tools: the plan that made it says that this one was the finance team's."""
    workspace = team.checkout / "workspace.hcl"
    workspace.write_text(
        workspace.read_text() + '\ncontrol_owner "finance" {\n  title    = "Finance"\n  contact  = "f@acme.example"\n'
        '  surfaces = ["tool_access"]\n  signers  = [person.erin]\n}\n'
    )  # fmt: skip
    team.edit('tool "triage_log" {', 'tool "triage_log" {\n  owner       = control_owner.finance')
    team.commit("finance owns the log")
    for _ in range(2):  # the first plan makes the owner, by the rules of root 1; the second is judged by root 2
        team.plan()
        team.sign_all()
        team.apply()
    team.edit("tools  = [tool.invoice_inbox, tool.triage_log]", "tools  = [tool.invoice_inbox]")
    team.commit("no log any more")
    team.plan()
    changes = json.loads((team.home / "plan.json").read_text())["plan"]["changes"]
    gone = {tuple(change["tools"]): change["owners"] for change in changes if change["action"] == "delete"}
    assert gone[("tool.triage_log",)] == {"tool_access": "finance"}
    assert ("tool_access", "finance") in team.required()
    team.sign_all()
    team.apply()
    default = next(owner for surface, owner in team.required() if (surface, owner) != ("tool_access", "finance"))
    team.edit("tools  = [tool.invoice_inbox]", "tools  = [tool.triage_log]")
    team.commit("the log in the place of the inbox")
    team.plan()
    changes = json.loads((team.home / "plan.json").read_text())["plan"]["changes"]
    (swapped,) = [change for change in changes if change["action"] == "update"]
    assert (swapped["tools"], swapped["left"]) == (["tool.triage_log"], ["tool.invoice_inbox"])
    assert swapped["owners"] == {"tool_access": "finance"}
    assert set(team.required()) == {("tool_access", "finance"), ("tool_access", default)}
    told = team.apply(check=4).stdout  # a test wants the inbox
    assert "TST-1 blocks" in told and "other tools" not in told


def test_a_wider_change_that_is_called_narrower_is_not_carried_out(applied: Team) -> None:
    """The planner lied about an effect, and everybody signed: the provider judges it anew by what is live."""
    applied.edit('"dynamodb:Query"]\n      res', '"dynamodb:Query", "dynamodb:UpdateItem"]\n      res')
    applied.edit('"dynamodb:Query"]\n    deny', '"dynamodb:Query", "dynamodb:UpdateItem"]\n    deny')
    applied.commit("more")
    applied.plan()
    file = planfile.decode((applied.home / "plan.json").read_bytes())
    assert any(change.effect is Effect.WIDER for change in file.plan.changes)
    lie = tuple(replace(change, effect=Effect.NARROWER) for change in file.plan.changes)
    rewritten(applied, "plan.json", plan={"changes": lie, "exclusions": file.plan.exclusions[:1]})
    applied.sign_all()
    done = applied.apply(check=5).stdout
    assert "the plan calls it narrower, and by what is live it is wider" in " ".join(done.split())
    assert "UpdateItem" not in json.dumps(applied.iam().get_role_policy(
        RoleName="acme-sandbox-invoice-triage", PolicyName="triage")["PolicyDocument"])  # fmt: skip
