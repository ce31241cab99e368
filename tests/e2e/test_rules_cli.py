"""`rules` and `explain`, by the installed command, with and without a configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from provisioner.policy.rules import RULES

COMMAND = [str(Path(sys.executable).with_name("provisioner"))]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_every_rule_is_listed_without_a_configuration(tmp_path: Path) -> None:
    shown = run(tmp_path, "rules")
    assert shown.returncode == 0, shown.stderr
    assert all(rule.id in shown.stdout for rule in RULES)
    listed = json.loads(run(tmp_path, "rules", "-json").stdout)
    assert [rule["id"] for rule in listed["rules"]] == [rule.id for rule in RULES]


def test_explain_gives_why_examples_and_frameworks(tmp_path: Path) -> None:
    shown = run(tmp_path, "explain", "prv-2")
    assert shown.returncode == 0
    assert "iam:PassedToService" in shown.stdout
    assert "ASI03 (OWASP Top 10 for Agentic Applications 2026)" in shown.stdout


def test_an_unknown_rule_is_told_what_there_is(tmp_path: Path) -> None:
    shown = run(tmp_path, "explain", "PVR-2")
    assert shown.returncode == 1
    assert "Did you mean PRV-2?" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_rule_of_ones_own_is_explained_with_its_breaches(tmp_path: Path) -> None:
    (tmp_path / "main.hcl").write_text(
        """
provisioner {
  workspace = "w"
}

provider "aws" {
  account_id = "123456789012"
  regions    = ["eu-west-1"]
}

person "alice" {
  emails = ["alice@example.com"]
  keys   = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINLUpxszoRHtLGghBSCOhZ/mdkHLOmYCkGYV01ND+YWX"]
}

control_owner "team" {
  surfaces    = ["identity", "tool_access", "runtime", "governance"]
  default_for = ["identity", "tool_access", "runtime", "governance"]
  signers     = [person.alice]
}

tool "inbox" {
  purpose     = "Read"
  sensitivity = "public"
  effect      = "read"

  aws {
    statement "s" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::b/k"]
    }
  }
}

rule "classified" {
  each      = "tool"
  surface   = "tool_access"
  condition = self.sensitivity != "public"
  message   = "${self.name} is public"
  fix       = "Say how confidential it is."
}
""",
        encoding="utf-8",
    )
    shown = run(tmp_path, "explain", "classified")
    assert shown.returncode == 0, shown.stderr
    assert "1 of 1 tool blocks break it" in shown.stdout
