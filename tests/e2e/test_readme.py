"""What the README shows is what the commands print. UPDATE_README=1 writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n\$ (provisioner [^\n]+)\n```\n\n```text\n(.*?)```\n", re.S)
VOLATILE = [
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:DIGEST"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "PLAN"),
    (re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\dZ)?"), "DATE"),
    (re.compile(r"\d+\.\d s\b"), "SECONDS"),
    (re.compile(r"\bevent\s+PLAN…"), "event"),
]


def stable(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return text


def test_the_readme_shows_what_the_commands_print(team):
    shown: dict[str, str] = {"provisioner plan": team.run("plan", check=3).stdout}
    team.plan()
    team.sign_all()
    team.apply()
    team.iam().attach_role_policy(
        RoleName="acme-sandbox-invoice-triage", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    shown["provisioner drift"] = team.run("drift", check=5).stdout
    text = README.read_text()
    blocks = dict(BLOCK.findall(text))
    assert set(blocks) == set(shown)
    if os.environ.get("UPDATE_README"):
        for command, output in shown.items():
            text = text.replace(blocks[command], output)
        README.write_text(text)
        return
    for command, output in shown.items():
        assert stable(blocks[command]) == stable(output), command


def test_every_command_of_the_readme_exists(team):
    known = set(re.findall(r"^  ([a-z][a-z-]*) ", team.run("-help").stdout, re.M))
    table = README.read_text().split("## Commands")[1].split("Single-")[0]
    named = set(re.findall(r"`([a-z][a-z-]*)`", table))
    assert named == known & named and known <= named, named ^ known


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
