"""`revoke` with the installed command: real keys, a real ledger, a plan that may then not be applied."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Team


def test_a_stolen_key_stops_a_signed_plan_and_another_signer_goes_on(team: Team) -> None:
    team.plan()
    team.sign_all()
    signers = team.signers()
    owner = next(owner for _, owner in team.required())
    person = signers[owner]
    done = team.run("revoke", person, "-reason=laptop stolen", f"-key={team.key(person)}", "-yes")
    assert "counts at once" in done.stdout and "revoked: SHA256:" in done.stdout
    told = team.run("status", str(team.home / "plan.json"), check=3).stdout
    assert "was revoked" in told
    assert "was revoked" in team.apply(check=3).stdout
    refused = team.run(
        "sign", str(team.home / "plan.json"), f"-owner={owner}", f"-key={team.key(person)}", "-yes",
        f"-digest={json.loads((team.home / 'plan.json').read_text())['digest']}", check=1,
    )  # fmt: skip
    assert "revoked" in refused.stderr


def test_what_was_applied_before_stays_valid_and_the_audit_says_so(applied: Team) -> None:
    person = next(iter(applied.signers().values()))
    applied.run("revoke", f"person.{person}", "-reason=left", f"-key={applied.key(person)}", "-yes")
    told = applied.run("audit", "verify").stdout
    assert "1 key revoked" in told
    shown = applied.run("audit", "show").stdout
    assert "REVOKED" in shown and person in shown and "left" in shown
    assert applied.run("drift", check=None).returncode == 0


def test_a_stranger_and_a_colleague_are_refused_at_once(team: Team, tmp_path: Path) -> None:
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "mallory")], check=True)
    people = sorted({*team.signers().values()})
    done = team.run("revoke", people[0], "-reason=x", f"-key={tmp_path / 'mallory'}", "-yes", check=1)
    assert "belongs to nobody" in done.stderr
    done = team.run("revoke", "nobody", "-reason=x", f"-key={team.key(people[0])}", "-yes", check=1)
    assert "is no person" in done.stderr
    done = team.run("revoke", people[0], f"-key={team.key(people[0])}", "-yes", check=1)
    assert "needs a reason" in done.stderr
    done = team.run("revoke", people[0], "-reason=x", f"-key={team.key(people[0])}", check=1)
    assert "nobody said yes" in done.stderr


def test_a_revocation_made_elsewhere_is_taken_in(team: Team, tmp_path: Path) -> None:
    person = next(iter(team.signers().values()))
    public = team.checkout / "keys" / f"{person}.pub"
    file = tmp_path / "revocation.json"
    team.run("revoke", str(public), "-reason=gone", f"-key={team.key(person)}", "-yes", f"-out={file}")
    assert "revoked: SHA256:" in team.run("publish", str(file)).stdout
    again = team.run("revoke", person, "-reason=gone", f"-key={team.key(person)}", "-yes", check=1)
    assert "was revoked" in again.stderr
