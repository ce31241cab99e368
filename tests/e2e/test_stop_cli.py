"""`stop AGENT` on a real sandbox: at once, by one owner, without a configuration; lifted by a signed plan only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from provisioner.ledger.entries import Kind, format_time
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
from provisioner.model.authority import Target
from provisioner.model.requests import Answer, Attempt, World
from provisioner.sdk.provider import Connection, Scope

ROLE = "acme-sandbox-invoice-triage"
ACCOUNT = "123456789012"
INBOX = {"action": "s3:GetObject", "resource": "arn:aws:s3:::acme-invoices/inbox/1.pdf"}
ITEM = {"action": "dynamodb:GetItem", "resource": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/triage"}
ANYTHING = {"action": "iam:CreateUser", "resource": "*"}
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def live_answers(team: Any) -> list[Answer]:
    """What the live policies say now, for a new session and for one from yesterday, by the provider's own reading."""
    from provisioner_aws.aws import AWS

    endpoint = team.json("sandbox", "status")["sandboxes"][0]["endpoint"]
    settings = {"endpoint": endpoint, "credentials": "sandbox"}
    reader = AWS().reader([Connection(Target("aws", "aws", ACCOUNT, None), settings, ("eu-west-1",))])
    snapshot = reader.read(Scope("acme-sandbox", frozenset(), frozenset({"invoice_triage"})))
    world = World({resource.address: resource for resource in snapshot.resources})
    out = []
    for issued in (datetime.now(UTC) + timedelta(seconds=5), datetime.now(UTC) - timedelta(days=1)):
        context = {"aws:RequestedRegion": "eu-west-1", "aws:TokenIssueTime": f"{issued:%Y-%m-%dT%H:%M:%SZ}"}
        for request in (INBOX, ITEM, ANYTHING):
            out.append(AWS().evaluate(world, Attempt("invoice_triage", {**request, "context": context})).answer)
    return out


def test_everything_is_denied_at_once_and_a_signed_plan_gives_it_back(applied: Any) -> None:
    assert Answer.ALLOWED in live_answers(applied)
    for file in applied.checkout.glob("*.hcl"):
        file.write_text("nothing { here is = HCL\n")
    done = applied.run("stop", "agent.invoice_triage", f"-key={applied.key('alice')}", "-yes")
    assert "Applied: 1 operation" in done.stdout and "can no longer: any action" in done.stdout
    assert set(live_answers(applied)) == {Answer.DENIED}
    applied.git("checkout", "-q", ".")
    drift = applied.json("drift", check=2)["drift"]["differences"]
    assert [(item["kind"], item["agent"]) for item in drift] == [("pending", "invoice_triage")]
    applied.plan()
    (change,) = applied.json("show", str(applied.home / "plan.json"))["plan"]["changes"]
    assert (change["action"], change["effect"]) == ("delete", "wider")
    assert change["address"]["name"] == f"{ROLE}/provisioner-stop"
    applied.apply(check=3)
    assert set(live_answers(applied)) == {Answer.DENIED}
    applied.sign_all()
    applied.apply()
    assert Answer.ALLOWED in live_answers(applied)
    assert applied.json("drift")["drift"]["differences"] == []
    assert applied.json("audit", "verify")["verified"] is True


def test_what_somebody_added_by_hand_is_denied_too_and_nobody_is_waited_for(applied: Any) -> None:
    applied.iam().attach_role_policy(RoleName=ROLE, PolicyArn=ADMIN)
    applied.iam().delete_role_permissions_boundary(RoleName=ROLE)
    assert Answer.DENIED not in live_answers(applied)[:2]
    # Somebody else's apply holds the workspace: it can start no call any more, and the stop goes on.
    ledger = Ledger.open(LocalStore(applied.checkout / ".provisioner"), "acme-sandbox")
    lease = {
        "plan": "sha256:" + "0" * 64,
        "holder": "other-run",
        "expires": format_time(datetime.now(UTC) + timedelta(minutes=9)),
    }
    ledger.append(Kind.LEASE, lease)
    begun = datetime.now(UTC)
    applied.run("stop", "invoice_triage", f"-key={applied.key('erin')}", "-yes")
    assert set(live_answers(applied)) == {Answer.DENIED}
    assert datetime.now(UTC) - begun < timedelta(minutes=8), "it did not wait for the lease to end"
    holders = [entry.body["holder"] for entry in Ledger.open(ledger.store, "acme-sandbox").history.of(Kind.LEASE)]
    assert holders[-1] != "other-run"


def test_plan_sign_and_apply_in_three_places(applied: Any) -> None:
    path = str(applied.home / "stop.json")
    assert (
        "-owner NAME: iam, api, platform, security"
        in applied.run("stop", "invoice_triage", f"-out={path}", check=1).stderr
    )
    applied.run("stop", "invoice_triage", "-owner=platform", f"-out={path}")
    assert Answer.ALLOWED in live_answers(applied), "a plan stops nothing"
    digest = json.loads(Path(path).read_text())["digest"]
    applied.run("publish", path)
    applied.run("apply", path, check=3)
    applied.run("sign", path, f"-key={applied.key('carol')}", f"-digest={digest}", "-yes")
    applied.run("apply", path)
    assert set(live_answers(applied)) == {Answer.DENIED}

    applied.run("stop", "invoice_triage", f"-key={applied.key('bob')}", "-yes")
    assert set(live_answers(applied)) == {Answer.DENIED}, "stopping twice is no error"
    assert applied.iam().list_role_policies(RoleName=ROLE)["PolicyNames"].count("provisioner-stop") == 1


def test_who_may_not_and_what_is_not_there(applied: Any) -> None:
    refused = [
        ("nobody", "alice", "It knows invoice_triage"),
        ("invoice_triage", "dana", "who signs for none of the agent's owners"),
        ("invoice_triage", "alice -owner=api", "alice is no signer of control_owner.api"),
        ("invoice_triage", "alice -owner=x", "does not answer for agent"),
    ]
    for agent, given, says in refused:
        person, *options = given.split()
        done = applied.run("stop", agent, f"-key={applied.key(person)}", *options, "-yes", check=1)
        assert says in done.stderr, done.stderr
    key = f"-key={applied.key('alice')}"
    assert "Nothing was stopped" in applied.run("stop", "invoice_triage", key, check=1).stderr
    assert Answer.ALLOWED in live_answers(applied)
    iam = applied.iam()
    iam.untag_role(RoleName=ROLE, TagKeys=["provisioner:agent"])
    done = applied.run("stop", "invoice_triage", key, "-yes", check=1)
    assert "carries this workspace's mark" in done.stderr
    assert "provisioner-stop" not in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
