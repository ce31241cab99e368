"""docs/howto/rotate-a-key.md, command by command."""

from __future__ import annotations

import json
import shutil
import subprocess

from .conftest import Team


def test_a_key_is_rotated_as_the_how_to_says(team: Team) -> None:
    new, plan = team.key("alice-2027"), team.home / "rotate.plan.json"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(new)], check=True)
    shutil.copy(f"{new}.pub", team.checkout / "keys" / "alice-2027.pub")
    (team.checkout / "agents.hcl").write_text("")
    (team.checkout / "tests.hcl").write_text("")
    both = 'keys   = [file("keys/alice.pub"), file("keys/alice-2027.pub")]'
    team.edit('keys   = [file("keys/alice.pub")]', both, "workspace.hcl")
    team.commit("a second key for alice")
    team.run("plan", f"-out={plan}", check=3)
    digest = json.loads(plan.read_text())["digest"]
    signing = ("sign", str(plan), f"-digest={digest}", "-yes")
    said = team.run(*signing, "-owner=security", f"-key={team.key('erin')}").stdout
    assert "+ key of person.alice" in said
    refused = team.run("apply", str(plan), check=3).stdout
    assert "iam is asked because alice gets a new key" in " ".join(refused.split())
    team.run(*signing, "-owner=iam", f"-key={new}", check=1)  # nobody adds themselves
    team.run(*signing, "-owner=iam", f"-key={team.key('alice')}")
    team.run("apply", str(plan))

    team.edit(both, 'keys   = [file("keys/alice-2027.pub")]', "workspace.hcl")
    team.commit("the old key goes")
    team.plan("out.plan.json")
    assert team.required("out.plan.json") == [("governance", "security")]
    team.sign_all("out.plan.json")
    team.apply("out.plan.json")
    told = " ".join(team.run("audit", "verify").stdout.split())
    assert "3, each signed by the quorum of the one before" in told
