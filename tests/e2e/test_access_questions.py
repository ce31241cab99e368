"""`access can|why|who|list` by the installed command: planned, along chains, and against the live cloud."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

INBOX = "arn:aws:s3:::acme-invoices/inbox/1.pdf"
REGION = "-context=aws:RequestedRegion=eu-west-1"
FRONT = """
boundary "asking" {
  aws {
    allow           = ["s3:GetObject", "sts:AssumeRole", "lambda:InvokeFunction"]
    deny            = ["iam:*"]
    regions         = ["eu-west-1"]
    global_services = ["sts"]
  }
}

agent "front_desk" {
  purpose     = "Talk to suppliers"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.asking

  runtime "lambda" {
    functions = ["front-desk"]
  }

  identity "aws" {}
}

delegation "triage_for_suppliers" {
  from    = [agent.front_desk]
  to      = agent.invoice_triage
  via     = "VIA"
  expires = "2037-10-01"
  reason  = "DEMO-2"
}
"""


def quickstart(home: Path, example: str) -> Any:
    """An example without a sandbox, ledger or runner: planned questions need none."""
    spec = importlib.util.spec_from_file_location("e2e_team_of_questions", Path(__file__).parent / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    team = module.make_team(home, example)
    del team.env["PROVISIONER_RUNNER"]
    return team


@pytest.fixture
def offline(tmp_path: Path) -> Any:
    return quickstart(tmp_path, "quickstart")


def asking(team: Any, via: str) -> None:
    (team.checkout / "front.hcl").write_text(FRONT.replace("VIA", via))


def test_can_names_the_statements_and_what_is_missing(offline: Any) -> None:
    allowed = offline.run("access", "can", "invoice_triage", "s3:GetObject", INBOX, REGION)
    assert allowed.stdout.startswith("ALLOWED   agent.invoice_triage: s3:GetObject")
    assert "inline policy triage allows s3:GetObject on acme-invoices/inbox/*" in allowed.stdout
    depends = offline.run("access", "can", "agent.invoice_triage", "s3:GetObject", INBOX, check=4)
    assert depends.stdout.startswith("DEPENDS")
    assert "missing: aws:RequestedRegion" in depends.stdout
    denied = offline.json("access", "can", "invoice_triage", "s3:DeleteObject", INBOX, REGION, check=4)
    assert (denied["answer"], denied["world"], denied["exit_code"]) == ("denied", "planned", 4)
    assert denied["context"] == {"aws:RequestedRegion": ["eu-west-1"]}
    assert denied["conditions"] == ["blocked"]


def test_a_chain_is_named(offline: Any) -> None:
    asking(offline, "assume_role")
    found = offline.json("access", "can", "front_desk", "s3:GetObject", INBOX, REGION)
    own, through = found["routes"]
    assert (own["hops"], own["answer"]) == ([], "denied")
    assert (through["agent"], through["answer"]) == ("invoice_triage", "allowed")
    (hop,) = through["hops"]
    assert hop == {
        "source": "front_desk",
        "target": "invoice_triage",
        "cloud": "aws",
        "via": "assume_role",
        "declared": True,
        "depends_on": "",
    }
    text = offline.run("access", "can", "front_desk", "s3:GetObject", INBOX, REGION).stdout
    assert "agent.front_desk -> agent.invoice_triage (assume_role, declared)" in text
    no = offline.run("access", "can", "front_desk", "s3:PutObject", INBOX, REGION, check=4).stdout
    assert "nor as agent.invoice_triage" in no
    why = offline.run("access", "why", "front_desk", "s3:GetObject", INBOX, REGION).stdout
    assert "by itself, in aws: denied" in why
    assert "given: aws:RequestedRegion = eu-west-1" in why


def test_calling_an_agent_is_not_being_it(offline: Any) -> None:
    asking(offline, "invoke")
    found = offline.json("access", "can", "front_desk", "s3:GetObject", INBOX, REGION, check=4)
    assert found["answer"] == "depends"
    assert found["routes"][1]["missing"] == ["what agent.invoice_triage does for its caller"]


def test_a_boundary_that_stops_the_hop_stops_the_chain(offline: Any) -> None:
    asking(offline, "assume_role")
    offline.edit('"s3:GetObject", "sts:AssumeRole", ', '"s3:GetObject", ', file="front.hcl")
    found = offline.json("access", "can", "front_desk", "s3:GetObject", INBOX, REGION, check=4)
    assert found["answer"] == "denied"
    assert [route["agent"] for route in found["routes"]] == ["front_desk"]


def test_google_is_asked_by_its_own_permissions(tmp_path: Path) -> None:
    team = quickstart(tmp_path, "google-quickstart")
    inbox = "//storage.googleapis.com/projects/_/buckets/acme-invoices/objects/inbox/1.pdf"
    found = team.json("access", "can", "invoice_triage", "storage.objects.get", inbox)
    assert [(route["cloud"], route["answer"]) for route in found["routes"]] == [("google", "allowed")]
    assert "E-ACTION" in team.run("access", "can", "invoice_triage", "s3:GetObject", inbox, check=1).stderr
    listed = team.run("access", "list", "invoice_triage").stdout
    assert "allows storage.objects.get on //storage.googleapis.com/projects/_/buckets/acme-invoices, when" in listed
    assert "what role roles/pubsub.publisher holds" in listed  # nobody reads a cloud here
    assert "denys " not in listed
    assert "denies cloudresourcemanager.googleapis.com/projects.setIamPolicy" in listed
    who = team.json("access", "who", inbox, "-action=storage.objects.get")
    # What a predefined role of another agent holds is not known offline: that agent depends on it.
    sure = [verdict["agent"] for verdict in who["verdicts"] if verdict["answer"] == "allowed"]
    assert sure == ["invoice_triage"]
    everything = team.json("access", "who", inbox)
    assert everything["unlisted"] == []
    assert {(one["agent"], one["action"]) for one in everything["verdicts"]} == {
        ("invoice_triage", "storage.objects.get")
    }
    why = team.run("access", "why", "invoice_triage", "storage.objects.get", inbox).stdout
    assert "Allow: statement projects/acme-fin-prod/roles/" in why


def test_who(offline: Any) -> None:
    asking(offline, "assume_role")
    found = offline.json("access", "who", INBOX, REGION)
    assert [(v["agent"], v["action"], v["answer"]) for v in found["verdicts"]] == [
        ("invoice_triage", "s3:GetObject", "allowed"),
        ("front_desk", "s3:GetObject", "allowed"),
    ]
    bucket = offline.run("access", "who", "arn:aws:s3:::acme-invoices", REGION).stdout
    assert "may, depending on s3:prefix, s3:ListBucket" in bucket  # a caller chooses the prefix
    assert "s3:GetObject" not in bucket  # a bucket is no object
    one = offline.run("access", "who", INBOX, "-action=s3:DeleteObject", REGION).stdout
    assert "nobody: none of 2 agents" in one


def test_list(offline: Any) -> None:
    asking(offline, "assume_role")
    found = offline.json("access", "list", "invoice_triage")
    rows = {tuple(row["actions"]): row for row in found["holdings"]}
    row = rows[("s3:GetObject",)]
    assert (row["cloud"], row["effect"], row["within_boundary"]) == ("aws", "Allow", "part")
    assert row["resources"] == ["arn:aws:s3:::acme-invoices/inbox/*"]
    assert any("aws:RequestedRegion is not eu-west-1" in text for text in row["limits"])
    assert rows[("s3:ListBucket",)]["conditions"] == ["when s3:prefix is like inbox/*"]
    text = offline.run("access", "list", "front_desk").stdout
    assert "allows sts:AssumeRole on" in text
    assert "may also act as or through agent.invoice_triage" in text


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("can", "nobody", "s3:GetObject", INBOX), "E-AGENT"),
        (("can", "invoice_triage", "s3:Get*", INBOX), "E-ACTION"),
        (("can", "invoice_triage", "bigquery.tables.getData", INBOX), "E-ACTION"),
        (("why", "invoice_triage", "s3:GetObject", "arn:aws:s3:::acme-invoices/*"), "E-RESOURCE"),
        (("who", INBOX, "-context", "novalue"), "E-USAGE"),
        (("who", INBOX, "-action", "nothing"), "E-ACTION"),
        (("list", "nobody"), "E-AGENT"),
    ],
)
def test_bad_questions_are_diagnosed(offline: Any, args: tuple[str, ...], code: str) -> None:
    assert code in offline.run("access", *args, check=1).stderr


def test_live_is_what_is_there(applied: Any) -> None:
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/payments"
    question = ("access", "can", "invoice_triage", "dynamodb:Query", table)
    assert applied.json(*question, "-live", check=4)["answer"] == "denied"
    judged = applied.json("test", "-live")  # what the plan promised holds in the cloud
    assert sum(judged["calls"].values()) > 0 and judged["milliseconds"] > 0
    assert (judged["world"], judged["failed"], judged["gaps"]) == ("live", 0, [])
    assert all(one["passed"] for one in judged["coverage"])
    asked = applied.json("test", "-simulate", check=4)  # the sandbox has no simulator, and says so
    open_ = [one for one in asked["results"] if not one["passed"]]
    assert {one["got"] for one in open_} == {"depends"}
    assert all("IAM's simulator in account 123456789012 did not answer" in one["missing"][0] for one in open_)
    iam = applied.iam()
    (role,) = [r["RoleName"] for r in iam.list_roles(PathPrefix="/agents/")["Roles"]]
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": table}
    archive = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-invoices/archive/*"}
    document = {"Version": "2012-10-17", "Statement": [statement, archive]}
    iam.put_role_policy(RoleName=role, PolicyName="hotfix", PolicyDocument=json.dumps(document))
    assert applied.json(*question, check=4)["answer"] == "denied"  # the plan takes it away
    live = applied.json(*question, "-live")
    assert (live["answer"], live["world"]) == ("allowed", "live")
    assert any("inline policy hotfix" in text for text in live["routes"][0]["because"])
    who = applied.json("access", "who", table, "-live")
    actions = {verdict["action"] for verdict in who["verdicts"]}
    assert actions == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }  # what the boundary leaves of dynamodb:*
    broken = applied.json("test", "-live", "-junit", "live.xml", check=4)
    (failure,) = [one for one in broken["results"] if not one["passed"]]
    assert "inline policy hotfix" in {one["policy"] for one in failure["deciding"]}
    assert applied.json("test")["failed"] == 0
    assert "<failure" in (applied.checkout / "live.xml").read_text()
    (applied.checkout / "live.xml").unlink()
    held = applied.run("access", "list", "invoice_triage", "-live").stdout
    assert "inline policy hotfix" in held
    asking(applied, "assume_role")
    found = applied.json("access", "can", "front_desk", "s3:GetObject", INBOX, REGION, "-live", check=4)
    assert all(not route["hops"] for route in found["routes"])  # declared, and not yet in the cloud
    (applied.checkout / "front.hcl").unlink()
    for name in ("agents.hcl", "tests.hcl"):
        path = applied.checkout / name
        text = path.read_text().replace('agent "invoice_triage"', 'agent "sorter"')
        path.write_text(text.replace("agent.invoice_triage", "agent.sorter"))
    gone = applied.json("access", "who", table, "-action=dynamodb:Query", "-live")
    assert [verdict["agent"] for verdict in gone["verdicts"]] == ["invoice_triage"]  # renamed, and still in the cloud
    assert applied.json("access", "who", table, "-action=dynamodb:Query")["verdicts"] == []
