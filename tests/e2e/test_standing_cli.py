"""Who may sign besides the owner, with the installed command and real keys: standing in, broken glass, kept sign-offs,
notices, exceptions, owners that are replaced."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from .conftest import Team, make_team

FRANK = """
person "frank" {
  emails = ["frank@acme.example"]
  keys   = [file("keys/frank.pub")]
}

control_owner "iam" {"""
IAM = "  signers     = [person.alice]\n}"
GOVERNANCE = "  signers     = [person.erin]"
TTL = '    plan_ttl = "72h"\n'
EXCEPTION = """
exception "old_subject" {
  rule                 = "FED-3"
  subjects             = [agent.invoice_triage]
  reason               = "has not opted in"
  compensating_control = "pinned elsewhere"
  ticket               = "SEC-77"
  accepted_by          = control_owner.api
  expires              = "%s"
}
"""


def prepared(home: Path, after: str = "24h", ledger: str = "local") -> Team:
    """The quickstart's team, with frank in governance, a stand-in for iam, carry and narrowing; nothing started yet."""
    team = make_team(home)
    new_key(team, "frank")
    escalation = "  signers     = [person.alice]\n\n  escalation {\n    to    = control_owner.security\n    after = "
    team.edit('\ncontrol_owner "iam" {', FRANK, "workspace.hcl")
    team.edit(IAM, f'{escalation}"{after}"\n  }}\n}}', "workspace.hcl")
    team.edit(GOVERNANCE, "  signers     = [person.erin, person.frank]", "workspace.hcl")
    team.edit(TTL, f'{TTL}    carry = "unchanged"\n    narrowing = "notify"\n', "workspace.hcl")
    if ledger == "s3":
        block = 'ledger "s3" {\n    bucket = "ledgers"\n    prefix = "q"\n    region = "eu-west-1"\n  }'
        team.edit('ledger "local" {\n    path = ".provisioner"\n  }', block, "workspace.hcl")
    team.commit("first")
    team.run("sandbox", "up")
    return team


def new_key(team: Team, name: str) -> None:
    key = team.key(name)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    shutil.copy(f"{key}.pub", team.checkout / "keys" / f"{name}.pub")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Team]:
    team = prepared(tmp_path)
    try:
        team.run("init", "-yes")
        yield team
    finally:
        team.run("sandbox", "down", check=None)


def digest(team: Team, name: str = "plan.json") -> str:
    found: str = json.loads((team.home / name).read_text())["digest"]
    return found


def sign(team: Team, person: str, *options: str, name: str = "plan.json", check: int = 0) -> str:
    where = digest(team, name) if "-review" in options else str(team.home / name)
    given = ("sign", where, f"-key={team.key(person)}", f"-digest={digest(team, name)}", "-yes", *options)
    done = team.run(*given, check=check)
    return " ".join((done.stdout + done.stderr).split())


def said(team: Team, *command: str, check: int | None = None) -> str:
    return " ".join(team.run(*command, check=check).stdout.split())


def test_others_stand_in_on_a_local_ledger_only_together(company: Team) -> None:
    company.plan()
    plan = str(company.home / "plan.json")
    sign(company, "bob")
    sign(company, "carol")
    assert "api may stand" not in said(company, "status", plan, check=3)
    assert "security may stand in for iam at once together with one more owner" in said(company, "status", plan)
    assert "is no signer of control_owner.iam" in sign(company, "erin", "-owner=iam", check=1)
    assert "Nobody may stand in for control_owner.api" in sign(company, "erin", "-owner=api", "-as=security", check=1)
    assert "does not sign for control_owner.security" in sign(company, "bob", "-owner=iam", "-as=security", check=1)
    told = sign(company, "erin", "-owner=iam", "-as=security")
    assert "capacity in the owner's place, as security" in told
    assert "Security may stand in for iam at once together with one more owner" in told
    assert "signed, not enough yet: erin as escalation" in said(company, "status", plan)
    company.apply(check=3)
    sign(company, "carol", "-owner=iam", "-as=platform")
    shown = said(company, "status", plan, check=0)
    assert "signed by erin in its place" in shown and "READY" in shown
    company.apply()
    decisions = company.json("audit", "show")["plans"][0]["decisions"]
    assert {(item["person"], item["role"], item["counts"]) for item in decisions} >= {("erin", "escalation", True)}


def test_broken_glass_is_owed_a_review_until_its_owner_gives_it(company: Team) -> None:
    company.plan()
    plan, short = str(company.home / "plan.json"), digest(company)[7:15]
    sign(company, "bob")
    sign(company, "carol")
    assert "Breaking glass needs a reason" in sign(company, "erin", "-break-glass", check=1)
    assert "is not governance" in sign(company, "bob", "-break-glass", "-reason=x", check=1)
    assert "BREAKING GLASS, for 60 minutes" in sign(company, "erin", "-break-glass", "-reason=INC-1: it is down")
    company.apply(check=3)
    sign(company, "frank", "-break-glass", "-reason=INC-1: it is down")
    assert "GLASS BROKEN by erin and frank" in said(company, "status", plan, check=0)
    company.apply()
    owed = f"iam owes a review of identity in plan {short}: glass broken by erin and frank"
    assert owed in said(company, "plan") and owed in said(company, "drift")
    assert owed in said(company, "audit", "verify", check=0) and owed in said(company, "status", short)
    assert len(company.json("drift")["drift"]["obligations"]) == 1
    assert len(company.json("plan", check=None)["sign_offs"]["obligations"]) == 1
    (notice,) = company.json("inbox", "-person=alice")["notices"]
    assert (notice["kind"], notice["plan"], notice["owner"]) == ("review", short, "iam")
    assert "REVIEW OWED" in said(company, "inbox", "-person=alice") and owed in notice["text"]
    assert [company.json("inbox", f"-person={name}")["notices"] for name in ("erin", "bob")] == [[], []]
    kinds = [
        json.loads(path.read_text())["kind"] for path in sorted((company.checkout / ".provisioner").rglob("*.json"))
    ]
    assert kinds.index("obligation") < kinds.index("intent")
    assert "A review needs a reason" in sign(company, "alice", "-review", check=1)
    assert "has no review" in sign(company, "bob", "-review", "-reason=x", check=1)
    sign(company, "alice", "-review", "-reject", "-reason=it was not needed")
    assert "objected to by alice: it was not needed" in said(company, "drift")
    told = sign(company, "alice", "-review", "-reason=taken back")
    assert "REVIEW of what was applied by breaking glass" in told
    assert company.json("inbox", "-person=alice")["notices"] == []
    assert "owes a review" not in said(company, "drift") + said(company, "plan") + said(company, "audit", "verify")


def test_a_sign_off_is_kept_where_its_part_is_the_same_and_narrowing_needs_none(company: Team) -> None:
    company.plan()
    company.sign_all()
    first = digest(company)[7:15]
    company.edit('"dynamodb:PutItem", "dynamodb:Query"]\n      resources', '"dynamodb:PutItem"]\n      resources')
    company.commit("less")
    company.plan()
    assert digest(company)[7:15] != first
    shown = said(company, "plan", check=3)
    assert "signed by alice, kept: change 2 is the same" in shown
    assert "signed by carol, kept: changes 1 2 are the same" in shown
    assert f"bob's sign-off of plan {first} no longer counts: change 3 is new in it" in shown
    company.apply(check=3)
    sign(company, "bob")
    company.apply()
    assert company.json("audit", "verify")["verified"]
    company.edit('"dynamodb:GetItem", "dynamodb:PutItem"]', '"dynamodb:GetItem"]')
    company.commit("less again")
    company.plan("less.json")
    shown = said(company, "status", str(company.home / "less.json"), check=0)
    assert "notified: it only takes authority away" in shown
    assert "needs no sign-off" in sign(company, "bob", name="less.json", check=1)
    company.run("publish", str(company.home / "less.json"))
    (notice,) = company.json("inbox", "-person=bob")["notices"]
    assert notice["kind"] == "narrowing" and "needs no sign-off of api" in notice["text"] and "-reject" in notice["do"]
    sign(company, "bob", "-reject", "-reason=it is in use", name="less.json")
    company.apply("less.json", check=3)
    time.sleep(1.1)
    company.edit(
        'resources = ["arn:aws:s3:::acme-invoices/inbox/*"]', 'resources = ["arn:aws:s3:::acme-invoices/inbox/2026/*"]'
    )
    company.commit("less still")
    company.plan("still.json")
    company.run("publish", str(company.home / "still.json"))
    company.apply("still.json")
    assert company.json("audit", "verify")["verified"] and "no drift" in said(company, "drift", check=0)


def test_an_exception_is_signed_by_the_owner_that_accepts_it(company: Team) -> None:
    end = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 60 * 86_400))
    with (company.checkout / "workspace.hcl").open("a") as file:
        file.write(EXCEPTION % end)
    company.commit("an exception")
    company.plan()
    shown = said(company, "plan")
    line = f"+ exception.old_subject: FED-3 for agent.invoice_triage until {end}, accepted by api (SEC-77)"
    assert line in shown
    assert ("governance", "api") in company.required() and ("governance", "security") in company.required()
    company.sign_all()
    company.apply()
    assert company.json("audit", "verify")["roots"] == 2
    late = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 200 * 86_400))
    company.edit(end, late, "workspace.hcl")
    company.commit("for longer")
    company.plan()
    shown = said(company, "plan")
    assert "EXC-1: exception.old_subject would last until" in shown and "more than 90 days" in shown
    renewed = [line for line in shown.split("governance api") if line][1]
    assert renewed.split()[1:4] == ["0", "of", "2"], "a renewal takes two people"


def test_an_owner_is_asked_before_others_sign_in_its_place(company: Team) -> None:
    """Rotation: alice's old key signs for the root that takes it away; the new one counts only after."""
    old = company.home / "keys" / "alice-old"
    company.key("alice").rename(old)
    Path(f"{company.key('alice')}.pub").rename(f"{old}.pub")
    new_key(company, "alice")
    company.commit("alice has a new key")
    company.plan()
    assert company.required()[-2:] == [("governance", "iam"), ("governance", "security")]
    assert "iam is asked because alice gets a new key" in said(company, "plan")
    sign(company, "erin", "-owner=security")
    sign(company, "bob")
    sign(company, "carol")
    assert "belongs to nobody" in sign(company, "alice", check=1)
    company.apply(check=3)
    sign(company, "alice-old")
    company.apply()
    company.edit('"s3:GetObject"]\n      resources', '"s3:GetObject", "s3:GetObjectTagging"]\n      resources')
    company.commit("more")
    company.plan()
    assert "belongs to nobody" in sign(company, "alice-old", check=1)
    assert company.json("audit", "verify")["verified"]


def test_who_is_replaced_unasked_finds_it_in_the_inbox(company: Team) -> None:
    """Before, with the way to object; and after, though the root no longer knows them."""
    company.edit("  signers     = [person.alice]", "  signers     = [person.frank]", "workspace.hcl")
    company.commit("frank for alice")
    company.plan()
    company.run("publish", str(company.home / "plan.json"))
    (notice,) = company.json("inbox", "-person=alice")["notices"]
    assert notice["kind"] == "replacing" and "frank comes to sign for it" in notice["text"]
    assert f"sign {digest(company)[7:15]} -owner iam -reject" in notice["do"]
    for person in ("erin", "frank"):
        sign(company, person, "-owner=security")
    for person in ("bob", "carol"):
        sign(company, person)
    sign(company, "alice", "-owner=iam", "-surface=identity")
    for person, standing in (("bob", "api"), ("carol", "platform")):
        sign(company, person, "-owner=iam", f"-as={standing}")
    company.apply()
    (notice,) = company.json("inbox", "-person=alice")["notices"]
    assert notice["kind"] == "replaced" and notice["text"].startswith("Trust root v2 of ")
    assert "frank comes to sign for it. Consent of iam was not needed: every other owner" in notice["text"]
    assert "REPLACED" in said(company, "inbox", "-person=alice")
    assert company.json("inbox", "-person=carol")["notices"] == []


def test_a_stand_in_opens_by_the_clock_of_a_ledger_in_s3(tmp_path: Path) -> None:
    team = prepared(tmp_path, after="2s", ledger="s3")
    try:
        endpoint = team.json("sandbox", "status")["sandboxes"][0]["endpoint"]
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
        client = boto3.client("s3", endpoint_url=endpoint, **keys)
        client.create_bucket(Bucket="ledgers", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_bucket_versioning(Bucket="ledgers", VersioningConfiguration={"Status": "Enabled"})
        runner = team.home / "runner.toml"
        place = f'ledger_endpoint = "{endpoint}"\nledger_credentials = "sandbox"\n'
        runner.write_text(f'{runner.read_text()}\n[workspace."acme-sandbox"]\n{place}')
        team.run("init", "-yes")
        team.plan()
        plan = str(team.home / "plan.json")
        assert "security may stand in for iam 2 s after publication" in said(team, "status", plan)
        sign(team, "bob")
        sign(team, "carol")
        sign(team, "erin", "-owner=iam", "-as=security")
        for _ in range(20):
            if "signed by erin in its place" in said(team, "status", plan):
                break
            time.sleep(0.5)
        assert "signed by erin in its place" in said(team, "status", plan, check=0)
        team.apply()
        assert team.json("audit", "verify")["verified"]
    finally:
        team.run("sandbox", "down", check=None)
