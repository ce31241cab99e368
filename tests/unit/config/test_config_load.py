"""`load`: what comes out of good files, and that bad ones never raise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.config import Loaded, load
from provisioner.model.configuration import Escalation, Expiry

Load = Callable[..., Loaded]
Write = Callable[..., Path]

TOOL = """
tool "{name}" {{
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"

  aws {{
    statement "s" {{
      actions   = ["s3:GetObject"]
      resources = ["*"]
    }}
  }}
}}
"""


def codes(found: Loaded) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_base_loads(loaded: Load) -> None:
    found = loaded()
    assert found.diagnostics == ()
    configuration = found.configuration
    assert configuration is not None
    assert configuration.workspace.name == "golden"
    assert configuration.workspace.ledger.kind == "local"
    assert configuration.workspace.ledger.settings["path"] == ".provisioner"
    assert configuration.providers["aws"].settings.values == {
        "account_id": "123456789012",
        "regions": ("eu-west-1",),
    }
    agent = configuration.agents["triage"]
    assert (agent.address, agent.sponsor, agent.boundary, agent.inputs) == (
        "agent.triage",
        "bob",
        "boundary.agents",
        "untrusted",
    )
    assert agent.runtime.type == "runtime"
    assert agent.runtime.labels == ("lambda",)
    assert agent.runtime.get("functions") == ("triage",)
    assert agent.identities["aws"].provider == "aws"
    assert agent.identities["aws"].settings.values == {"path": "/agents/"}
    assert configuration.grants["grant.reads"].agents == ("triage",)
    assert configuration.grants["grant.reads"].tools == ("tool.inbox",)
    statement = configuration.tools["tool.inbox"].clouds["aws"][0].of("statement")[0]
    assert statement.labels == ("objects",)
    assert statement.range_of("actions").start.line == 14
    assert configuration.owners["team"].signers == ("alice", "bob")
    assert configuration.owners["team"].title == "team"
    assert configuration.files == ("agents.hcl", "keys/alice.pub", "keys/bob.pub", "workspace.hcl")
    assert configuration.inputs == ()


def test_keys_lose_their_comments(loaded: Load) -> None:
    configuration = loaded().configuration
    assert configuration is not None
    assert all(len(key.split()) == 2 for person in configuration.people.values() for key in person.keys)


def test_everything_the_provisioner_block_can_say(loaded: Load, workspace: Write) -> None:
    text = (workspace() / "workspace.hcl").read_text()
    block = """provisioner {
  required_version = "~> 0.1, != 0.1.7"
  workspace        = "golden"
  protect          = ["arn:aws:iam::*:role/Admin"]
  severity         = { "FED-3" = "block" }

  ledger "s3" {
    bucket = "decisions"
    region = "eu-west-1"
  }

  limits {
    max_changes        = 7
    max_delete_percent = 0
  }

  approval {
    plan_ttl        = "1h30m"
    carry           = "unchanged"
    narrowing       = "notify"
    solo            = true
    checkpoint_keys = [file("keys/alice.pub")]
  }
}
"""
    found = loaded({"workspace.hcl": text.replace('provisioner {\n  workspace = "golden"\n}\n', block)})
    assert found.configuration is not None, found.diagnostics
    root = found.configuration.workspace
    assert root.ledger.kind == "s3"
    assert root.ledger.settings == {"bucket": "decisions", "prefix": "", "region": "eu-west-1"}
    assert (root.limits.max_changes, root.limits.max_delete_percent) == (7, 0)
    assert root.approval.plan_ttl_seconds == 5400
    assert (root.approval.carry, root.approval.narrowing, root.approval.solo) == ("unchanged", "notify", True)
    assert len(root.approval.checkpoint_keys) == 1
    assert root.severity == {"FED-3": "block"}


def test_owners_escalation_and_tests(loaded: Load) -> None:
    found = loaded(
        {
            "more.hcl": """
control_owner "second" {
  surfaces  = ["tool_access"]
  signers   = [person.bob, person.bob]

  escalation {
    to    = control_owner.team
    after = "24h"
  }
}

agent "other" {
  owners {
    tool_access = control_owner.second
  }

  session {
    max_duration = "2h"
  }

  lifecycle {
    prevent_destroy = true
  }

  runtime "ecs" {
    count = 2
  }

  identity "aws" {
    path = "/x/"
  }
}

grant "more" {
  agents  = [agent.other, agent.other]
  tools   = values(tool)
  expires = "90d"

  when {
    session_tags = { team = "a" }
  }
}

test "denied" {
  all     = true
  surface = "tool_access"
  expect  = "denied"
  strict  = true

  attempt "aws" "put" {
    action  = "s3:PutObject"
    context = { "aws:RequestedRegion" = ["eu-west-1"] }
  }
}

test "sibling" {
  agents  = [agent.other]
  surface = "identity"
  expect  = "denied"

  assume "other_account" {
    claims = { account = "1" }
  }
}
"""
        }
    )
    configuration = found.configuration
    assert configuration is not None, found.diagnostics
    assert configuration.owners["second"].escalation == Escalation("team", 86_400)
    assert configuration.owners["second"].signers == ("bob",)
    other = configuration.agents["other"]
    assert other.owners == {"tool_access": "second"}
    assert other.session.max_seconds == 7200
    assert other.prevent_destroy
    assert other.runtime.values == {"count": 2}
    grant = configuration.grants["grant.more"]
    assert grant.agents == ("other",)
    assert grant.tools == ("tool.inbox",)
    assert grant.expires == Expiry(after_seconds=90 * 86_400)
    assert grant.when == {"session_tags": {"team": "a"}}
    denied = configuration.tests["test.denied"]
    assert denied.agents == ("triage", "other")
    assert denied.strict
    assert denied.attempts[0].labels == ("aws", "put")
    assert denied.attempts[0].values["context"] == {"aws:RequestedRegion": ("eu-west-1",)}
    assert configuration.tests["test.sibling"].assumes[0].get("claims") == {"account": "1"}


def test_agent_defaults(loaded: Load) -> None:
    found = loaded(
        {
            "more.hcl": """
agent_defaults {
  sponsor     = person.alice
  environment = "dev"
  review_by   = "2027-05-01"
  boundary    = boundary.agents
  inputs      = "trusted"

  owners {
    runtime = control_owner.team
  }

  session {
    attribution  = "session_name"
    max_duration = "1h"
  }
}

agent "plain" {
  runtime "lambda" {
  }

  identity "aws" {}
}

agent "own" {
  sponsor = person.bob

  session {
    max_duration = "4h"
  }

  runtime "lambda" {
  }

  identity "aws" {}
}
"""
        }
    )
    configuration = found.configuration
    assert configuration is not None, found.diagnostics
    plain, own = configuration.agents["plain"], configuration.agents["own"]
    assert (plain.sponsor, plain.environment, plain.review_by) == ("alice", "dev", "2027-05-01")
    assert (plain.boundary, plain.inputs, plain.owners) == ("boundary.agents", "trusted", {"runtime": "team"})
    assert (plain.session.attribution, plain.session.max_seconds) == ("session_name", 3600)
    assert (own.sponsor, own.session.attribution, own.session.max_seconds) == ("bob", "session_name", 14_400)
    assert configuration.agents["triage"].environment == "prod"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2027-02-01T01:00:00+01:00", "2027-02-01T00:00:00Z"),
        ("2027-02-01T00:00:00.5Z", "2027-02-01T00:00:00Z"),
        ("2027-02-01", "2027-02-01T00:00:00Z"),
    ],
)
def test_expiry_times(loaded: Load, workspace: Write, written: str, expected: str) -> None:
    agents = (workspace() / "agents.hcl").read_text()
    changed = agents.replace("tools  = [tool.inbox]", f'tools  = [tool.inbox]\n  expires = "{written}"')
    configuration = loaded({"agents.hcl": changed}).configuration
    assert configuration is not None
    assert configuration.grants["grant.reads"].expires == Expiry(at=expected)


def test_provider_attributes_are_values(loaded: Load) -> None:
    found = loaded(
        {
            "out.hcl": """
provider "google" {
  alias   = "fin"
  project = "acme-fin"
}

output "account" {
  value = provider.aws.account_id
}

output "project" {
  value = provider.google.fin.project
}

output "agent" {
  value = [agent.triage, agent.triage.name, agent.triage.purpose, tool.inbox.effect, 1.5]
}
"""
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.outputs == {
        "account": "123456789012",
        "project": "acme-fin",
        "agent": ["agent.triage", "triage", "Sort invoices", "read", "1.5"],
    }


def test_only_named_providers_are_asked_for(workspace: Write, clouds: dict[str, object]) -> None:
    asked: list[str] = []

    def resolve(name: str) -> object:
        asked.append(name)
        return clouds.get(name)

    assert load(workspace(), providers=resolve).ok  # type: ignore[arg-type]
    assert asked == ["aws"]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    found = load(tmp_path / "nowhere", providers=lambda _: None)
    assert codes(found) == ["E-FILE"]
    assert found.configuration is None


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x.hcl").write_text("")
    assert codes(load(tmp_path / "x.hcl", providers=lambda _: None)) == ["E-FILE"]


def test_files_that_do_not_count(loaded: Load) -> None:
    found = loaded({".hidden.hcl": "nonsense {", "old.hcl~": "nonsense {", "x.vars.hcl": "nonsense {", "a.txt": "{"})
    assert found.diagnostics == ()


def test_a_directory_named_like_a_file(loaded: Load, workspace: Write) -> None:
    (workspace() / "x.hcl").mkdir()
    found = loaded()
    assert codes(found) == ["E-FILE"]
    assert "is a directory" in found.diagnostics[0].detail


def test_invalid_utf8_names_the_line(loaded: Load, workspace: Write) -> None:
    (workspace() / "x.hcl").write_bytes(b'locals {\n  a = "\xff"\n}\n')
    assert "the byte 0xff on line 2" in loaded().diagnostics[0].detail


def test_utf16(loaded: Load, workspace: Write) -> None:
    (workspace() / "x.hcl").write_bytes("locals {}".encode("utf-16"))
    assert "is UTF-16" in loaded().diagnostics[0].detail


def test_a_byte_order_mark_is_taken_off(loaded: Load, workspace: Write) -> None:
    (workspace() / "x.hcl").write_bytes(b"\xef\xbb\xbflocals {\n}\n")
    assert loaded().ok


def test_a_symbolic_link_out_of_the_folder(loaded: Load, workspace: Write, tmp_path: Path) -> None:
    outside = tmp_path / "outside.hcl"
    outside.write_text("locals {\n}\n")
    (workspace() / "x.hcl").symlink_to(outside)
    assert "symbolic link out of" in loaded().diagnostics[0].detail


def test_a_symbolic_link_within_records_both(loaded: Load, workspace: Write) -> None:
    root = workspace({"parts/x.hcl": "locals {\n}\n"})
    (root / "x.hcl").symlink_to("parts/x.hcl")
    configuration = loaded().configuration
    assert configuration is not None
    assert {"x.hcl", "parts/x.hcl"} <= set(configuration.files)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(loaded: Load, workspace: Write) -> None:
    (workspace({"x.hcl": ""}) / "x.hcl").chmod(0)
    assert "cannot be read" in loaded().diagnostics[0].detail


def test_a_pipe(loaded: Load, workspace: Write) -> None:
    os.mkfifo(workspace() / "x.hcl")
    assert "not a regular file" in loaded().diagnostics[0].detail


def test_errors_come_in_reading_order(loaded: Load) -> None:
    found = loaded({"b.hcl": 'output "x" {\n  value = var.b\n}\n', "a.hcl": "locals {\n  y = var.a\n  x = var.c\n}\n"})
    places = [str(diagnostic.subject) for diagnostic in found.diagnostics]
    assert places == ["a.hcl:2", "a.hcl:3", "b.hcl:2"]


def test_a_long_chain_of_locals_is_no_recursion(loaded: Load) -> None:
    lines = ["  a0 = 1", *(f"  a{i} = local.a{i - 1} + 1" for i in range(1, 5000))]
    text = "locals {\n" + "\n".join(lines) + '\n}\n\noutput "last" {\n  value = local.a4999\n}\n'
    configuration = loaded({"chain.hcl": text}).configuration
    assert configuration is not None
    assert configuration.outputs["last"] == 5000


def test_a_long_chain_the_other_way_round(loaded: Load) -> None:
    lines = [f"  a{i} = local.a{i + 1}" for i in range(3000)]
    text = "locals {\n" + "\n".join([*lines, "  a3000 = 7"]) + '\n}\n\noutput "first" {\n  value = local.a0\n}\n'
    configuration = loaded({"chain.hcl": text}).configuration
    assert configuration is not None
    assert configuration.outputs["first"] == 7


def test_secrets_are_not_shown_again(loaded: Load) -> None:
    secret = "AKIA" + "QQ6ZTESTTESTTEST"
    found = loaded({"x.hcl": f'locals {{\n  key = "{secret}"\n  bad = var.none\n}}\n'})
    assert "E-SECRET" in codes(found)
    assert all(secret not in source.text for source in found.sources.values())
    assert all(secret not in d.detail + d.summary for d in found.diagnostics)


def test_a_secret_that_a_file_holds(loaded: Load, workspace: Write) -> None:
    secret = "ghp_" + "a1B2c3D4" * 5
    agents = (workspace({"token": secret}) / "agents.hcl").read_text()
    found = loaded({"agents.hcl": agents.replace('"Sort invoices"', 'file("token")')})
    assert codes(found) == ["E-TEXT"]
    assert secret not in repr(found.diagnostics)


def test_a_secret_is_not_shown_as_a_value_in_scope(loaded: Load) -> None:
    secret = "ghp_" + "a1B2c3D4" * 5
    found = loaded({"token": secret, "x.hcl": 'locals {\n  t = file("token")\n  u = local.t + 1\n}\n'})
    assert found.diagnostics
    assert any(value.traversal == "local.t" for value in found.diagnostics[0].values)
    assert secret not in repr(found.diagnostics)


def test_tools_of_two_clouds(loaded: Load) -> None:
    found = loaded(
        {
            "more.hcl": """
provider "google" {
  project = "acme"
}

tool "both" {
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"

  aws {
    statement "s" {
      actions   = ["s3:GetObject"]
      resources = ["*"]
    }
  }

  google "a" {
    role     = "r"
    resource = "x"
  }

  google "b" {
    role     = "r"
    resource = "y"
  }

  requires "resource_policy" {
    resource = "arn:x"
  }
}

grant "narrowed" {
  agents = [agent.triage]
  tools  = [tool.both]
  clouds = ["aws"]
}
"""
        }
    )
    configuration = found.configuration
    assert configuration is not None, found.diagnostics
    both = configuration.tools["tool.both"]
    assert [len(both.clouds[cloud]) for cloud in ("aws", "google")] == [1, 2]
    assert both.requires[0].labels == ("resource_policy",)
    assert configuration.grants["grant.narrowed"].clouds == ("aws",)


def test_a_cycle_poisons_only_what_needs_it(loaded: Load) -> None:
    found = loaded({"x.hcl": "locals {\n  a = local.a\n  b = local.a\n  c = var.none\n}\n"})
    assert sorted(codes(found)) == ["E-CYCLE", "E-REFERENCE"]


def test_the_tool_template_is_good(loaded: Load) -> None:
    assert loaded({"x.hcl": TOOL.format(name="x")}).ok


def test_what_is_kept(loaded: Load) -> None:
    text = """
boundary "kept" {
  lifecycle {
    prevent_destroy = true
  }
  aws {
    allow = ["s3:*"]
  }
}

grant "some" {
  for_each = { a = true, b = false }
  agents   = [agent.triage]
  tools    = [tool.inbox]
  lifecycle {
    prevent_destroy = each.value
  }
}

grant "all" {
  for_each = toset(["x", "y"])
  agents   = [agent.triage]
  tools    = [tool.inbox]
  lifecycle {
    prevent_destroy = true
  }
}

grant "none_left" {
  count  = 0
  agents = [agent.triage]
  tools  = [tool.inbox]
  lifecycle {
    prevent_destroy = true
  }
}
"""
    configuration = loaded({"x.hcl": text}).configuration
    assert configuration is not None
    assert configuration.boundaries["boundary.kept"].prevent_destroy
    assert not configuration.boundaries["boundary.agents"].prevent_destroy
    assert configuration.grants['grant.some["a"]'].prevent_destroy
    assert not configuration.grants['grant.some["b"]'].prevent_destroy
    assert configuration.kept == (
        "boundary.kept",
        "grant.all",
        'grant.all["x"]',
        'grant.all["y"]',
        "grant.none_left",
        'grant.some["a"]',
    )
