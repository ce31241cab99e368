"""The audit commands on a real team's ledger: local with an export, and in S3 with signed checkpoints."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from provisioner import planfile
from provisioner.ledger import replay, views
from provisioner.ledger.entries import Kind
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger

Team = Any


def make_team(home: Path) -> Team:
    """The team of conftest.py, for a fixture of our own."""
    spec = importlib.util.spec_from_file_location("e2e_team", Path(__file__).with_name("conftest.py"))
    assert spec is not None and spec.loader is not None
    module = sys.modules["e2e_team"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_team(home)


def workspace(team: Team) -> str:
    text = (team.home / "runner.toml").read_text()
    return text.split("[workspace.", 1)[1].split("]", 1)[0].strip('"')


def codes(report: dict[str, Any]) -> set[str]:
    return {problem["code"] for problem in report["problems"]}


def test_a_true_ledger_is_proved_shown_and_exported(applied: Team) -> None:
    report = applied.json("audit", "verify")
    assert report["verified"] and report["problems"] == [] and report["notes"] == []
    assert report["plans_applied"] == 1 and report["signoffs"] >= 1 and report["remembered"] == report["entries"]
    text = applied.run("audit", "verify").stdout
    assert "verified" in text and report["tree"] in text

    digest = json.loads((applied.home / "plan.json").read_text())["digest"]
    owners = applied.signers()
    (plan,) = applied.json("audit", "show", digest[7:15])["plans"]
    assert (plan["digest"], plan["state"], plan["authorized"]) == (digest, "applied", True)
    assert {(item["surface"], item["owner"]) for item in plan["decisions"]} == set(applied.required())
    assert all(item["counts"] and item["person"] == owners[item["owner"]] for item in plan["decisions"])
    assert applied.json("audit", "show", plan["agents"][0])["plans"] == [plan]
    assert applied.json("audit", "show", plan["owners"][0])["plans"] == [plan]
    assert plan["owners"][0] in applied.run("audit", "show").stdout
    refused = applied.json("audit", "show", "nobody", check=1)
    assert refused["diagnostics"][0]["code"] == "E-AUDIT-UNKNOWN"

    for name in ("export", "export.zip"):
        applied.run("audit", "export", str(applied.home / name))
        assert applied.json("audit", "verify", str(applied.home / name))["entries"] == report["entries"]
        assert applied.json("audit", "show", f"-from={applied.home / name}")["plans"] == [plan]
        again = applied.json("audit", "export", str(applied.home / name), check=1)
        assert again["diagnostics"][0]["code"] == "E-BUNDLE"
    shutil.rmtree(applied.checkout / ".provisioner")
    assert applied.json("audit", "verify", str(applied.home / "export"))["verified"]


def test_a_changed_export_is_refused(applied: Team) -> None:
    good = applied.home / "export"
    applied.run("audit", "export", str(good))
    entries = sorted((good / "entries").iterdir())
    for at, file in enumerate([entries[0], entries[len(entries) // 2], entries[-1], good / "manifest.json"]):
        bad = applied.home / f"bad{at}"
        shutil.copytree(good, bad)
        target = bad / file.relative_to(good)
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.write_bytes(data)
        assert applied.run("audit", "verify", str(bad), check=1).stderr
    short = applied.home / "short"
    shutil.copytree(good, short)
    (short / "entries" / entries[-1].name).unlink()
    manifest = json.loads((short / "manifest.json").read_text())
    manifest["size"] -= 1
    manifest["times"].pop()
    (short / "manifest.json").write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
    assert applied.json("audit", "verify", str(short), check=1)["diagnostics"][0]["code"] == "E-BUNDLE"
    with zipfile.ZipFile(applied.home / "odd.zip", "w") as archive:
        archive.writestr("../elsewhere", "x")
    assert applied.json("audit", "verify", str(applied.home / "odd.zip"), check=1)["diagnostics"]
    assert applied.json("audit", "verify", str(applied.home / "none"), check=1)["diagnostics"]


def test_a_ledger_cut_short_is_told_by_the_runners_memory(applied: Team) -> None:
    folder = applied.checkout / ".provisioner"
    newest = sorted(folder.glob("*.json"))[-1]
    newest.unlink()
    assert codes(applied.json("audit", "verify", check=1)) == {"E-ROLLBACK"}
    refused = applied.json("plan", check=1)
    assert refused["diagnostics"][0]["code"] == "E-ROLLBACK"


def test_a_forged_plan_and_outcome_hide_no_drift(applied: Team) -> None:
    """Who can write to the ledger adds a plan that nobody signed, and says that it was applied."""
    role = applied.iam().list_roles(PathPrefix="/agents/")["Roles"][0]["RoleName"]
    applied.iam().attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert applied.run("drift", check=5)
    ledger = Ledger.open(LocalStore(applied.checkout / ".provisioner"), workspace(applied))
    digest = json.loads((applied.home / "plan.json").read_text())["digest"]
    file = json.loads((applied.home / "plan.json").read_text())
    mine = forged_plan(file, views.base(ledger.history))
    first = mine.plan.operations[0].id
    ledger.append(Kind.PLAN, {"digest": mine.digest, "file": json.loads(planfile.encode(mine.plan, mine.notes))})
    ledger.append(Kind.INTENT, {"plan": mine.digest, "operation": first, "holder": "x"})
    outcome = {"plan": mine.digest, "operation": first, "status": "done", "detail": "", "live": ""}
    ledger.append(Kind.OUTCOME, outcome)
    believed = replay.signed_state(ledger.history)
    assert any(item.plan == mine.digest for item in believed.values()), "without judgement it would be believed"
    assert applied.run("drift", check=5)
    ledger.append(Kind.CONSUMED, {"plan": mine.digest, "result": "complete"})
    assert applied.run("drift", check=5)
    report = applied.json("audit", "verify", check=1)
    assert not report["verified"] and "E-MISSING" in codes(report)
    plans = {plan["digest"]: plan for plan in applied.json("audit", "show")["plans"]}
    assert plans[digest]["authorized"] and not plans[mine.digest]["authorized"]


def forged_plan(file: dict[str, Any], base: int) -> planfile.PlanFile:
    """A plan of one's own: the true one again, on the newest base, with nobody's sign-off."""
    true = planfile.decode(json.dumps(file, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    return planfile.seal(replace(true.plan, base=base), true.notes)


@pytest.fixture
def in_s3(tmp_path: Path) -> Iterator[tuple[Team, str, Any]]:
    team = make_team(tmp_path)
    for file in team.checkout.glob("*.hcl"):
        text = file.read_text()
        if 'ledger "local"' in text:
            key = team.key("dana").with_suffix(".pub").read_text().split()
            start = text.index('ledger "local"')
            end = text.index("}", start) + 1
            block = (
                'ledger "s3" {\n    bucket = "ledgers"\n    prefix = "team/quickstart"\n    region = "eu-west-1"\n  }'
            )
            text = text[:start] + block + text[end:]
            text = text.replace("approval {", f'approval {{\n    checkpoint_keys = ["{key[0]} {key[1]}"]\n', 1)
            file.write_text(text)
    team.commit("first")
    team.run("sandbox", "up")
    endpoint = team.json("sandbox", "status")["sandboxes"][0]["endpoint"]
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1"
    )
    client.create_bucket(Bucket="ledgers", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_bucket_versioning(Bucket="ledgers", VersioningConfiguration={"Status": "Enabled"})
    try:
        yield team, endpoint, client
    finally:
        team.run("sandbox", "down", check=None)


def test_the_whole_job_with_a_ledger_in_s3(in_s3: tuple[Team, str, Any]) -> None:
    team, endpoint, client = in_s3
    text = "".join(file.read_text() for file in team.checkout.glob("*.hcl"))
    name = re.search(r'workspace\s*=\s*"([^"]+)"', text)[1]  # type: ignore[index]
    without = team.json("init", "-yes", check=1)["diagnostics"][0]
    assert without["code"] == "E-LEDGER-READ" and "no credentials" in without["summary"]
    runner = team.home / "runner.toml"
    runner.write_text(
        runner.read_text() + f'\n[workspace."{name}"]\nledger_endpoint = "{endpoint}"\nledger_credentials = "sandbox"\n'
        f'checkpoint_key = "{team.key("dana")}"\n'
    )
    done = team.json("init", "-yes")
    assert done["ledger"] == "s3://ledgers/team/quickstart?region=eu-west-1"
    assert {item["code"] for item in done["diagnostics"]} >= {"W-LEDGER-LOCK", "W-LEDGER-POLICY"}
    assert len(client.list_object_versions(Bucket="ledgers")["Versions"]) == 1, "the probe leaves nothing behind"
    team.plan()
    data = json.loads(client.get_object(Bucket="ledgers", Key="team/quickstart/00000001.json")["Body"].read())
    owners = {key: value["signers"][0] for key, value in data["body"]["data"]["owners"].items()}
    digest = json.loads((team.home / "plan.json").read_text())["digest"]
    for owner in dict.fromkeys(owner for _, owner in team.required()):
        options = (f"-owner={owner}", f"-key={team.key(owners[owner])}", f"-digest={digest}", "-yes")
        team.run("sign", str(team.home / "plan.json"), *options)
    team.apply()
    report = team.json("audit", "verify")
    assert report["verified"] and report["checkpoints"] == 1 and report["covered"] == report["entries"] - 1
    team.run("audit", "export", str(team.home / "export.zip"))
    assert team.json("audit", "verify", str(team.home / "export.zip"))["covered"] == report["covered"]

    client.delete_object(Bucket="ledgers", Key=f"team/quickstart/{report['entries']:08d}.json")
    for command in (("audit", "verify"), ("status", digest[7:15])):
        assert team.json(*command, check=1)["diagnostics"][0]["code"] == "E-LEDGER-VERSIONS"
