"""Questions across clouds: an AWS role becomes another, is a federated principal, impersonates a service account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.requests import Answer
from provisioner.workflow import questions
from provisioner.workflow.project import Inputs, open_project

INVOICE = "//storage.googleapis.com/projects/_/buckets/acme-invoices/objects/inbox/1.pdf"
WORKSPACE = """
provisioner {
  workspace = "acme"
  ledger "local" { path = ".provisioner" }
}
provider "aws" {
  account_id  = "111122223333"
  regions     = ["eu-west-1"]
  environment = "prod"
}
provider "google" {
  project        = "acme-fin-prod"
  project_number = "987654321098"
  environment    = "prod"
}
person "alice" {
  emails = ["alice@acme.example"]
  keys   = [file("alice.pub")]
}
control_owner "all" {
  contact     = "all@acme.example"
  surfaces    = ["identity", "tool_access", "runtime", "governance"]
  default_for = ["identity", "tool_access", "runtime", "governance"]
  signers     = [person.alice]
}
federation "aws" {
  provider = provider.google
  pool     = "aws-agents-prod"
  aws { account_id = "FEDERATED" }
}
tool "invoices" {
  purpose     = "Read invoices"
  sensitivity = "confidential"
  effect      = "read"
  google "objects" {
    permissions = ["storage.objects.get"]
    resource    = "//storage.googleapis.com/projects/_/buckets/acme-invoices"
  }
}
agent "front_desk" {
  purpose = "Talk to suppliers"
  inputs  = "untrusted"
  runtime "lambda" { functions = ["front-desk"] }
  identity "aws" {}
}
agent "triage" {
  purpose = "Sort invoices"
  inputs  = "trusted"
  runtime "lambda" { functions = ["triage"] }
  identity "aws" {}
  identity "google" { federation = federation.aws }
}
agent "reader" {
  purpose = "Read invoices"
  inputs  = "trusted"
  runtime "cloud_run" {
    service  = "reader"
    location = "europe-west1"
  }
  identity "google" {}
}
grant "reads" {
  agents = [agent.reader]
  tools  = [tool.invoices]
}
delegation "front_asks_triage" {
  from    = [agent.front_desk]
  to      = agent.triage
  via     = "assume_role"
  expires = "2037-10-01"
}
delegation "triage_as_reader" {
  from    = [agent.triage]
  to      = agent.reader
  via     = "impersonate"
  expires = "2037-10-01"
}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti alice"


@pytest.fixture
def asking(tmp_path: Path) -> Callable[..., questions.Asked]:
    def ask(federated: str = "111122223333", without: str = "") -> questions.Asked:
        text = WORKSPACE.replace("FEDERATED", federated)
        if without:
            start = text.index(f'delegation "{without}"')
            text = text[:start] + text[text.index("}\n", start) + 2 :]
        (tmp_path / "main.hcl").write_text(text)
        (tmp_path / "alice.pub").write_text(KEY)
        (tmp_path / "runner.toml").write_text("")
        environ = {"PROVISIONER_RUNNER": str(tmp_path / "runner.toml")}
        return questions.ask(open_project(Inputs(root=tmp_path, environ=environ)), {})

    return ask


def test_a_chain_over_both_clouds_is_allowed_with_every_step_named(asking: Callable[..., questions.Asked]) -> None:
    asked = asking()
    found = questions.can(asked, "front_desk", "storage.objects.get", INVOICE)
    assert found.answer is Answer.ALLOWED
    (route,) = [route for route in found.routes if route.decision.answer is Answer.ALLOWED]
    steps = [(hop.source, hop.target, hop.cloud, hop.via, hop.declared) for hop in route.hops]
    assert steps == [
        ("front_desk", "triage", "aws", "assume_role", True),
        ("triage", "triage", "google", "federation", True),
        ("triage", "reader", "google", "projects/acme-fin-prod/roles/acme.delegation.impersonate", True),
    ]
    (decides,) = route.decision.deciding
    assert decides.resource == "//storage.googleapis.com/projects/_/buckets/acme-invoices"
    denied = questions.can(asked, "front_desk", "storage.objects.delete", INVOICE)
    assert denied.answer is Answer.DENIED


@pytest.mark.parametrize("without", ["front_asks_triage", "triage_as_reader"])
def test_without_one_step_there_is_no_chain(asking: Callable[..., questions.Asked], without: str) -> None:
    found = questions.can(asking(without=without), "front_desk", "storage.objects.get", INVOICE)
    assert found.answer is Answer.DENIED


def test_a_pool_for_another_account_admits_nobody(asking: Callable[..., questions.Asked]) -> None:
    asked = asking(federated="999988887777")
    assert questions.can(asked, "front_desk", "storage.objects.get", INVOICE).answer is Answer.DENIED
    assert questions.can(asked, "triage", "storage.objects.get", INVOICE).answer is Answer.ALLOWED  # by itself


def test_who_and_list_see_the_chain(asking: Callable[..., questions.Asked]) -> None:
    asked = asking()
    who = questions.who(asked, INVOICE)
    assert who.unlisted == ()
    assert {(one.agent, one.action, one.answer) for one in who.verdicts} == {
        (name, "storage.objects.get", Answer.ALLOWED) for name in ("front_desk", "triage", "reader")
    }
    held = questions.held(asked, "reader")
    (holding,) = [one for one in held.holdings if one.effect == "Allow"]
    assert (holding.cloud, holding.actions) == ("google", ("storage.objects.get",))
    assert holding.principal == "serviceAccount:acme-reader@acme-fin-prod.iam.gserviceaccount.com"
    assert {hops[-1].target for hops in questions.held(asked, "front_desk").reached} == {"triage", "reader"}


def test_nobody_speaks_for_another_cloud(asking: Callable[..., questions.Asked]) -> None:
    asked = asking()
    found = questions.can(asked, "reader", "s3:GetObject", "arn:aws:s3:::b/k")
    assert found.answer is Answer.DENIED
    with pytest.raises(DiagnosticError):
        questions.can(asked, "reader", "storage", INVOICE)
