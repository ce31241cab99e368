"""Every attack that the design names has a file of the corpus or a script that carries it out; those without a better
place are here.
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scenario as s
from cryptography.hazmat.primitives import serialization

from provisioner import canonical, planfile
from provisioner.approval import dsse, sshsig, statement
from provisioner.approval.authors import authors
from provisioner.approval.chain import RootRecord, TrustError, follow
from provisioner.approval.root import RootError, RootPerson, make_root, parse_root, pin
from provisioner.approval.sshsig import SignatureError
from provisioner.approval.verifier import verify
from provisioner.ledger.entries import EntryError, Kind, decode, encode
from provisioner.model.plan import PlanNotes

HERE = Path(__file__).parent
TESTS = HERE.parent

NAMED: dict[str, tuple[str, ...]] = {
    "stolen": ("signed-for-another-plan.json", "signed-for-another-part.json", "signed-by-a-stranger.json"),
    "expired": ("plan-expired.json", "signoff-expired.json"),
    "replayed after revert": ("replayed-after-apply.json",),
    "re-published for a longer life": (
        "unit/ledger/test_ledger_views.py::test_publishing_again_does_not_renew_a_life",
        "unit/ledger/test_ledger_views.py::test_touching_a_file_does_not_renew_a_life",
    ),
    "one byte changed in each field": (
        "attacks/test_named_attacks.py::test_no_field_of_a_plan_can_be_changed",
        "attacks/test_named_attacks.py::test_no_field_of_a_statement_can_be_changed",
        "attacks/test_named_attacks.py::test_no_field_of_a_root_can_be_changed",
        "attacks/test_named_attacks.py::test_no_field_of_an_entry_can_be_changed",
    ),
    "duplicate keys": ("plan-duplicate-key.json", "statement-says-a-thing-twice.json"),
    "duplicate signers": ("same-signature-twice.json", "one-person-with-two-keys.json"),
    "one key under two people": ("root-one-key-under-two-people.json",),
    "wrong namespace": (
        "git-commit-signature.json",
        "file-signature.json",
        "attacks/test_named_attacks.py::test_a_real_git_commit_signature_is_no_sign_off",
    ),
    "touchless security key": (
        "touchless-security-key.json",
        "unit/approval/test_sshsig_interop.py::test_a_touchless_signature_passes_ssh_keygen_and_not_us",
    ),
    "wrong surface": ("signed-for-the-wrong-surface.json",),
    "wrong workspace": ("signed-for-another-workspace.json", "plan-of-another-workspace.json"),
    "root swapped in the pull request": ("root-swapped-in-pull-request.json",),
    "ledger truncated": (
        "ledger-cut-short.json",
        "unit/ledger/test_ledger_objects.py::test_a_ledger_cut_short_or_rewritten_is_told_by_the_cache",
        "e2e/test_audit_cli.py::test_a_ledger_cut_short_is_told_by_the_runners_memory",
    ),
    "ledger rewritten whole": ("ledger-rewritten.json",),
    "entry squatted": (
        "unit/ledger/test_ledger_log.py::test_a_squatted_number_is_found",
        "unit/ledger/test_ledger_objects.py::test_a_squatted_entry_is_refused",
    ),
    "delete marker": ("unit/ledger/test_ledger_objects.py::test_a_delete_marker_is_refused",),
    "two appliers at once": (
        "e2e/test_apply_crash_cli.py::test_two_applies_at_once",
        "unit/applying/test_apply_crash.py::test_four_processes_apply_at_once",
    ),
    "a paused holder waking after take-over": (
        "unit/applying/test_executor.py::test_a_paused_holder_who_wakes_after_a_takeover_is_fenced",
    ),
    "clock set back": ("clock-set-back.json",),
    "self-approval by a second e-mail": (
        "author-signs-with-a-second-key.json",
        "attacks/test_named_attacks.py::test_a_second_address_is_the_same_person",
    ),
    "sponsor approving": ("sponsor-signs.json",),
    "author hidden by --author": ("unit/approval/test_authors.py::test_author_option_hides_nobody",),
    "stop that does more": ("unit/approval/test_stopping.py::test_what_does_more_than_stop_is_no_stop",),
    "pack with another history": ("unit/ledger/test_ledger_packs.py::test_a_wrong_pack_changes_nothing",),
}


@pytest.mark.parametrize("name", NAMED)
def test_every_named_attack_is_carried_out(name: str) -> None:
    for place in NAMED[name]:
        path, _, function = place.partition("::")
        if function:
            assert re.search(rf"^def {function}\(", (TESTS / path).read_text(), re.M), place
        else:
            assert (HERE / path).exists(), place


def changed(value: Any) -> Any:
    """The value with one byte of it another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1] != "0" else "1") if value else "x"
    if isinstance(value, dict):
        return {"x": 1}
    return [1] if isinstance(value, list) else 0


def spoiled(value: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf's path, and a copy of the whole in which that leaf alone is another."""
    for path in _leaves(value, ()):
        other = copy.deepcopy(value)
        inner = other
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = changed(inner[path[-1]])
        yield "/".join(map(str, path)), other


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = False
    for name, item in inner:
        found = True
        yield from _leaves(item, (*path, name))
    if not found and path:
        yield path


GOOD = s.Situation()


def test_no_field_of_a_plan_can_be_changed() -> None:
    """Neither with the digest that was signed, nor with a digest made anew for it."""
    text = canonical.loads(planfile.encode(GOOD.planfile.plan, GOOD.planfile.notes))
    assert isinstance(text, dict)
    count = 0
    for path, value in spoiled(text):
        with pytest.raises(planfile.PlanFileError):
            planfile.decode(canonical.dumps(value))
        count += 1
        if not path.startswith("plan/"):
            continue
        try:
            plan = planfile.from_builtins(value["plan"], type(GOOD.planfile.plan))
        except planfile.PlanFileError:
            continue
        file = planfile.seal(plan, PlanNotes())
        evidence = GOOD.evidence(published=replace(GOOD.published, digest=file.digest))  # type: ignore[type-var]
        assert verify(file, evidence).verified is None, path
    assert count > 90


def test_no_field_of_a_statement_can_be_changed() -> None:
    need = GOOD.planfile.plan.requirements[0]
    said = s.say(GOOD.planfile, need)
    good = s.envelope(said, s.SIGNERS[need.owner])
    rest = [e for e in GOOD.envelopes if dsse.open_envelope(e).statement.owner != need.owner]
    whole = replace(GOOD, envelopes=[good, *rest])
    assert verify(whole.planfile, whole.evidence()).verified is not None
    value = canonical.loads(statement.encode(said))
    paths = []
    for path, other in spoiled(value):
        envelope = {**good, "payload": b64encode(canonical.dumps(other)).decode()}
        made = replace(GOOD, envelopes=[envelope, *rest])
        assert verify(made.planfile, made.evidence()).verified is None, path
        paths.append(path)
    assert {"_type", "predicateType", "subject/0/digest/provisionerPlanV1"} <= set(paths) and len(paths) > 20


def test_no_field_of_a_root_can_be_changed() -> None:
    body = canonical.loads(canonical.dumps(GOOD.root.body()))
    assert isinstance(body, dict)
    count = 0
    for path, other in spoiled(body):
        if path == "plan":
            continue  # root 1 comes from no plan: the ledger's views refuse one that says so
        with pytest.raises(RootError):
            parse_root(other)
        count += 1
        try:
            made = make_root(planfile.from_builtins(other["data"], type(GOOD.root.data)), 1)
        except planfile.PlanFileError:
            continue
        if made.digest != GOOD.root.digest:
            with pytest.raises(TrustError):
                follow([RootRecord(made.body())], pin(GOOD.root), s.WORKSPACE, s.LEDGER)
    assert count > 50


def test_no_field_of_an_entry_can_be_changed() -> None:
    previous = "sha256:" + "a" * 64
    body = {"plan": "sha256:" + "b" * 64, "holder": "h", "expires": "2026-11-23T09:41:00.000Z"}
    data = encode(7, previous, Kind.LEASE, "acme", s.NOW, body)
    good = decode(data, 7, previous, "acme", s.NOW)
    value = canonical.loads(data)
    for path, other in spoiled(value):
        try:
            entry = decode(canonical.dumps(other), 7, previous, "acme", s.NOW)
        except EntryError:
            continue
        assert entry.digest != good.digest, path
        assert path not in ("index", "previous", "workspace", "kind"), path


def key_file(folder: Path, name: str) -> Path:
    """A person's private key as OpenSSH keeps it."""
    path = folder / name
    private = s.private_key(name)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    path.write_bytes(private.private_bytes(encoding, form, serialization.NoEncryption()))
    path.chmod(0o600)
    path.with_name(f"{name}.pub").write_text(s.key_line(name) + "\n")
    return path


def repository(folder: Path, key: Path, email: str) -> Path:
    """One commit of main.hcl, really signed by git with a key."""
    folder.mkdir()
    (folder / "main.hcl").write_text("# a change\n")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=somebody", "-c", f"user.email={email}")
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")
    for command in (["init", "-q"], ["add", "-A"], [*who, *signing, "commit", "-q", "-S", "-m", "change"]):
        subprocess.run(["git", *command], cwd=folder, env=environ, check=True, capture_output=True)
    return folder


def test_a_real_git_commit_signature_is_no_sign_off(tmp_path: Path) -> None:
    """Git's own signature by an owner's key: good for ssh-keygen under git's namespace, and never for us."""
    repo = repository(tmp_path / "repo", key_file(tmp_path, "alice"), "alice@acme.example")
    raw = subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=repo, check=True, capture_output=True).stdout
    head, _, rest = raw.partition(b"gpgsig ")
    lines = rest.split(b"\n")
    end = next(at for at, line in enumerate(lines) if line == b" -----END SSH SIGNATURE-----")
    armored = b"\n".join(line.removeprefix(b" ") for line in lines[: end + 1]).decode() + "\n"
    message = head + b"\n".join(lines[end + 1 :])
    (tmp_path / "allowed").write_text(f"alice {s.key_line('alice')}\n")
    (tmp_path / "sig").write_text(armored)
    command = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "alice", "-s", tmp_path / "sig", "-n"]
    assert subprocess.run([*command, "git"], input=message, capture_output=True, check=False).returncode == 0
    blob = sshsig.dearmor(armored)
    with pytest.raises(SignatureError, match='made for "git"'):
        sshsig.verify_blob(blob, message)
    need = next(item for item in GOOD.planfile.plan.requirements if item.owner == "iam")
    envelope = copy.deepcopy(s.envelope(s.say(GOOD.planfile, need), "alice"))
    envelope["signatures"][0]["sig"] = b64encode(blob).decode()
    others = [e for e in GOOD.envelopes if dsse.open_envelope(e).statement.owner != "iam"]
    made = replace(GOOD, envelopes=[envelope, *others])
    verdict = verify(made.planfile, made.evidence())
    assert verdict.verified is None
    assert "E-SIGNATURE" in {item.refusal.code for item in verdict.refused}


def test_a_second_address_is_the_same_person(tmp_path: Path) -> None:
    """Alice commits under her private address, and under a stranger's: her key, or her address, says who it was."""
    emails = ("alice@acme.example", "alice@home.example")
    people = {**GOOD.root.data.people, "alice": RootPerson(emails, (s.key_line("alice"),))}
    root = replace(GOOD.root.data, people=people)
    key = key_file(tmp_path, "alice")
    for at, email in enumerate((emails[1], "nobody@elsewhere.example")):
        repo = repository(tmp_path / f"repo{at}", key, email)
        found = authors(repo, ("main.hcl",), root, environ=dict(os.environ))
        assert "alice" in {exclusion.person for exclusion in found.people}, email
