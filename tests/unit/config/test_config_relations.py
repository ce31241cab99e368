"""Federations, delegations, exceptions, baselines, rules, imports, removed blocks and manage, decoded."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.config import Loaded
from provisioner.model.configuration import Expiry, Import, RuleException

Load = Callable[..., Loaded]

AGENTS = """
agent "fixer" {
  name        = "repo-fixer"
  purpose     = "Fix"
  sponsor     = person.bob
  environment = "prod"
  review_by   = "2027-02-01"
  runtime "github_actions" {
    repository = "acme/fixer"
    federation = federation.github
  }
  identity "aws" {}
}
"""


def _configuration(found: Loaded):
    assert found.configuration is not None, [d.summary + d.detail for d in found.diagnostics]
    return found.configuration


def test_a_federation_has_the_shape_of_its_providers_cloud(loaded: Load) -> None:
    text = """
    provider "google" {
      project = "acme-fin"
    }
    federation "eks" {
      provider = provider.google
      pool     = "eks-agents"
      oidc {
        issuer = "https://oidc.example"
      }
      lifecycle {
        prevent_destroy = true
      }
    }
    federation "github" {
      provider = provider.aws
      url      = "https://token.actions.githubusercontent.com"
    }
    """
    configuration = _configuration(loaded({"more.hcl": text + AGENTS}))
    eks, github = configuration.federations["federation.eks"], configuration.federations["federation.github"]
    assert (eks.provider, eks.settings.get("pool"), eks.prevent_destroy) == ("google", "eks-agents", True)
    assert eks.settings.of("oidc")[0].get("issuer") == "https://oidc.example"
    assert (github.provider, github.name) == ("aws", "github")
    assert configuration.agents["repo-fixer"].runtime.get("federation") == "federation.github"
    assert configuration.kept == ("federation.eks",)


def test_a_federation_passes_through_a_module(loaded: Load) -> None:
    files = {
        "more.hcl": """
        federation "github" {
          url = "https://token.actions.githubusercontent.com"
        }
        module "fixer" {
          source     = "./fixer"
          federation = federation.github
          sponsor    = person.bob
        }
        """,
        "fixer/main.hcl": """
        variable "federation" {
          type = federation
        }
        variable "sponsor" {
          type = person
        }
        agent "this" {
          purpose     = "Fix"
          sponsor     = var.sponsor
          environment = "prod"
          review_by   = "2027-02-01"
          runtime "github_actions" {
            repository = "acme/fixer"
            federation = var.federation
          }
          identity "aws" {}
        }
        """,
    }
    configuration = _configuration(loaded(files))
    assert configuration.agents["fixer"].runtime.get("federation") == "federation.github"


def test_a_runtime_of_two_clouds_asks_for_what_the_agents_clouds_ask_for(loaded: Load) -> None:
    google = (
        'provider "google" {\n project = "acme-fin"\n}\nfederation "github" {\n provider = provider.aws\n url = "u"\n}'
    )
    assert loaded({"more.hcl": google + AGENTS}).ok  # in AWS only: no repository_id needed
    both = AGENTS.replace('identity "aws" {}', 'identity "aws" {}\n  identity "google" {}')
    found = loaded({"more.hcl": google + both})
    assert [d.code for d in found.diagnostics] == ["E-REQUIRED"]
    assert "repository_id" in found.diagnostics[0].detail


def test_delegations(loaded: Load) -> None:
    text = """
    federation "github" {
      url = "https://token.actions.githubusercontent.com"
    }
    delegation "asks" {
      for_each = toset(["assume_role", "invoke"])
      from     = [agent.triage, agent.triage]
      to       = agent.fixer
      via      = each.key
      expires  = "90d"
      reason   = "FIN-1"
    }
    """
    configuration = _configuration(loaded({"more.hcl": text + AGENTS}))
    assert list(configuration.delegations) == ['delegation.asks["assume_role"]', 'delegation.asks["invoke"]']
    one = configuration.delegations['delegation.asks["assume_role"]']
    assert (one.sources, one.target, one.via, one.reason) == (("triage",), "repo-fixer", "assume_role", "FIN-1")
    assert one.expires == Expiry(after_seconds=90 * 86400)


def test_exceptions_and_baselines(loaded: Load) -> None:
    text = """
    exception "late" {
      rule                 = "INV-1"
      subjects             = [agent.triage, "grant.reads"]
      reason               = "Review is under way"
      compensating_control = "Nothing widens meanwhile"
      ticket               = "SEC-1"
      accepted_by          = control_owner.team
      expires              = "2027-01-15"
    }
    exception "own" {
      rule                 = "named"
      subjects             = agent.triage
      reason               = "Old name"
      compensating_control = "None needed"
      ticket               = "SEC-2"
      accepted_by          = control_owner.team
      expires              = "2027-01-15"
    }
    baseline "start" {
      rules   = ["PRV-3", "named"]
      agents  = values({ a = agent.triage })
      expires = "2027-03-01"
    }
    rule "named" {
      each      = "agent"
      surface   = "identity"
      condition = startswith(self.name, "acme-")
      message   = "${self.name} does not start with acme-"
      fix       = "Rename it."
    }
    """
    configuration = _configuration(loaded({"more.hcl": text}))
    late = configuration.exceptions["exception.late"]
    assert late == RuleException(
        "exception.late",
        "late",
        "INV-1",
        ("agent.triage", "grant.reads"),
        "Review is under way",
        "Nothing widens meanwhile",
        "SEC-1",
        "team",
        "2027-01-15",
        late.range,
    )
    assert configuration.exceptions["exception.own"].subjects == ("agent.triage",)
    start = configuration.baselines["baseline.start"]
    assert (start.rules, start.agents, start.expires) == (("PRV-3", "named"), ("triage",), "2027-03-01")
    rule = configuration.rules["rule.named"]
    assert rule.breaches == (("agent.triage", "triage does not start with acme-"),)
    assert (rule.judged, rule.severity, rule.surface) == (1, "block", "identity")


def test_a_rule_sees_grants_tools_and_locals(loaded: Load) -> None:
    text = """
    locals {
      levels = ["confidential", "restricted"]
    }
    rule "dated" {
      for_each  = toset(["reads", "other"])
      each      = "grant"
      severity  = "accept"
      surface   = "tool_access"
      condition = self.expires != null || !anytrue([for t in self.tools : contains(local.levels, t.sensitivity)])
      message   = "${self.address} gives ${join(", ", self.agents[*].name)} secrets for ever"
      fix       = "Give it an end."
    }
    """
    configuration = _configuration(loaded({"more.hcl": text}))
    assert list(configuration.rules) == ['rule.dated["other"]', 'rule.dated["reads"]']
    message = "grant.reads gives triage secrets for ever"
    assert configuration.rules['rule.dated["reads"]'].breaches == (("grant.reads", message),)


def test_imports_removed_blocks_and_manage(loaded: Load, workspace: Callable[..., object]) -> None:
    text = """
    locals {
      old = { fixer = "old-fixer" }
    }
    federation "github" {
      url = "https://token.actions.githubusercontent.com"
    }
    import {
      to = agent.triage
      id = "old-triage"
    }
    import {
      for_each = local.old
      to       = agent.fixer
      id       = each.value
      cloud    = "aws"
    }
    removed {
      from = module.billing["eu"].agent.gone
      lifecycle {
        destroy = false
      }
    }
    """
    managed = AGENTS.replace('name        = "repo-fixer"', 'manage = ["runtime", "tool_access"]')
    configuration = _configuration(loaded({"more.hcl": text + managed}))
    assert [(i.agent, i.cloud, i.id) for i in configuration.imports] == [
        ("triage", "aws", "old-triage"),
        ("fixer", "aws", "old-fixer"),
    ]
    assert isinstance(configuration.imports[0], Import)
    assert [r.address for r in configuration.removed] == ['module.billing["eu"].agent.gone']
    assert configuration.agents["fixer"].manage == ("tool_access", "runtime")
    assert configuration.agents["triage"].manage == ("identity", "tool_access", "runtime")


def test_one_principal_is_not_imported_twice(loaded: Load) -> None:
    text = """
    federation "github" {
      url = "u"
    }
    import {
      to = agent.triage
      id = "old"
    }
    import {
      to = agent.fixer
      id = "old"
    }
    """
    found = loaded({"more.hcl": text + AGENTS})
    assert [(d.code, d.summary) for d in found.diagnostics] == [("E-IMPORT", "One principal imported twice")]
