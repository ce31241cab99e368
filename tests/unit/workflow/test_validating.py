"""Early word of a deadlock: surfaces whose signers are all authors, told while the configuration is being written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.model.diagnostics import Diagnostic
from provisioner.workflow.initialising import carry_out, prepare
from provisioner.workflow.project import Inputs, open_project
from provisioner.workflow.validating import validate

QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart"


class Checkout:
    def __init__(self, home: Path) -> None:
        self.root = home / "checkout"
        shutil.copytree(QUICKSTART, self.root)
        self.runner = home / "config" / "provisioner" / "runner.toml"
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}

    def commit(self, person: str) -> None:
        who = ["-c", f"user.name={person}", "-c", f"user.email={person}@acme.example"]
        for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "--allow-empty", "-m", "change"]):
            subprocess.run(["git", *arguments], cwd=self.root, env=self.environ, check=True)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def tell_runner(self, text: str) -> None:
        self.runner.parent.mkdir(parents=True, exist_ok=True)
        self.runner.write_text(text)
        self.runner.chmod(0o600)

    def warnings(self) -> tuple[Diagnostic, ...]:
        found = validate(Inputs(self.root, self.environ))
        assert found.valid, found.diagnostics
        assert {diagnostic.code for diagnostic in found.diagnostics} <= {"W-DEADLOCK"}
        return found.diagnostics

    def summaries(self) -> list[str]:
        return [warning.summary for warning in self.warnings()]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


IDENTITY = "identity cannot be signed: its only signer is an excluded person, alice (author)"


def test_outside_of_a_repository_nothing_is_known(checkout: Checkout) -> None:
    assert checkout.summaries() == []


def test_an_author_who_would_have_to_sign(checkout: Checkout) -> None:
    checkout.commit("dana")
    assert checkout.summaries() == []
    checkout.edit("agents.hcl", "never pay", "never, ever pay")
    assert checkout.summaries() == [], "an edit that is not committed is nobody's yet"
    checkout.commit("alice")
    (warning,) = checkout.warnings()
    assert warning.summary == IDENTITY
    assert warning.subject is not None
    assert warning.subject.filename == "workspace.hcl"
    assert "Let somebody else write the change" in warning.detail


def test_a_second_signer_solves_it(checkout: Checkout) -> None:
    checkout.edit("workspace.hcl", "signers     = [person.alice]", "signers     = [person.alice, person.erin]")
    checkout.commit("alice")
    assert checkout.summaries() == []


def test_a_team_of_one_is_never_stuck(checkout: Checkout) -> None:
    checkout.edit("workspace.hcl", 'plan_ttl = "72h"', 'plan_ttl = "72h"\n    solo     = true')
    for other in ("bob", "carol", "erin"):
        checkout.edit("workspace.hcl", f"signers     = [person.{other}]", "signers     = [person.alice]")
    checkout.commit("alice")
    assert checkout.summaries() == []


def test_who_plans_here_is_excluded_too(checkout: Checkout) -> None:
    checkout.commit("dana")
    checkout.tell_runner('[workspace.acme-sandbox]\nperson = "bob"\n')
    assert checkout.summaries() == [
        "tool_access cannot be signed: its only signer is an excluded person, bob (planned it)"
    ]


def test_the_root_in_force_judges_and_not_the_configuration(checkout: Checkout) -> None:
    checkout.commit("dana")
    checkout.tell_runner('[provider.aws]\nendpoint = "http://127.0.0.1:1"\n')
    carry_out(prepare(open_project(Inputs(checkout.root, checkout.environ))))
    assert checkout.summaries() == []
    checkout.edit("workspace.hcl", "signers     = [person.alice]", "signers     = [person.alice, person.erin]")
    checkout.commit("alice")
    assert checkout.summaries() == [IDENTITY], "the new signer is not in force yet"


def test_a_ledger_that_is_not_there_is_a_warning(checkout: Checkout) -> None:
    checkout.commit("dana")
    checkout.tell_runner('[workspace.acme-sandbox]\nledger = "/nowhere/ledger"\n')
    (warning,) = checkout.warnings()
    assert warning.summary == "Whether anybody could sign is not known"
    assert "/nowhere/ledger" in warning.detail


def test_a_ledger_far_away_is_not_asked(checkout: Checkout) -> None:
    checkout.commit("alice")
    checkout.tell_runner('[workspace.acme-sandbox]\nledger = "s3://acme-ledger?region=eu-west-1"\n')
    assert checkout.summaries() == []


def test_a_configuration_with_errors_is_not_asked_who_wrote_it(checkout: Checkout) -> None:
    checkout.commit("alice")
    checkout.edit("workspace.hcl", 'default_for = ["identity"]', "default_for = []")
    found = validate(Inputs(checkout.root, checkout.environ))
    assert not found.valid
    assert "W-DEADLOCK" not in {diagnostic.code for diagnostic in found.diagnostics}
