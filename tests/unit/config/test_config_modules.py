"""Modules, repetition and the names and addresses that come of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.config import Loaded

Load = Callable[..., Loaded]
Write = Callable[..., Path]

AGENT = """
agent "{label}" {{
  {extra}

  runtime "lambda" {{
  }}

  identity "aws" {{}}
}}
"""


def agent(label: str, extra: str = "") -> str:
    return AGENT.format(label=label, extra=extra)


def names(found: Loaded) -> dict[str, str]:
    assert found.configuration is not None, found.diagnostics
    return {one.address: name for name, one in found.configuration.agents.items() if name != "triage"}


def test_for_each_over_a_map(loaded: Load) -> None:
    found = loaded({"x.hcl": agent("worker", 'for_each = { b = "two", a = "one" }\n  purpose = each.value')})
    assert names(found) == {'agent.worker["a"]': "worker_a", 'agent.worker["b"]': "worker_b"}
    assert found.configuration is not None
    assert found.configuration.agents["worker_a"].purpose == "one"


def test_for_each_over_a_set(loaded: Load) -> None:
    found = loaded({"x.hcl": agent("this", 'for_each = toset(["x"])\n  purpose = each.value')})
    assert names(found) == {'agent.this["x"]': "x"}


def test_count(loaded: Load) -> None:
    found = loaded({"x.hcl": agent("worker", 'count = 2\n  purpose = "number ${count.index}"')})
    assert names(found) == {"agent.worker[0]": "worker_0", "agent.worker[1]": "worker_1"}


def test_zero_instances(loaded: Load) -> None:
    assert names(loaded({"x.hcl": agent("worker", "count = 0")})) == {}


def test_instances_are_values(loaded: Load) -> None:
    found = loaded(
        {
            "x.hcl": agent("worker", 'for_each = toset(["a", "b"])')
            + agent("counted", "count = 2")
            + """
grant "one" {
  agents = [agent.worker["a"], agent.counted[1]]
  tools  = [tool.inbox]
}

grant "all" {
  agents = concat(values(agent.worker), agent.counted[*])
  tools  = [for name in ["inbox"] : tool[name]]
}
"""
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.grants["grant.one"].agents == ("worker_a", "counted_1")
    assert found.configuration.grants["grant.all"].agents == ("worker_a", "worker_b", "counted_0", "counted_1")


def test_dynamic_blocks_with_labels(loaded: Load, workspace: Write) -> None:
    agents = (workspace() / "agents.hcl").read_text()
    dynamic = """
    dynamic "statement" {
      for_each = { read = ["s3:GetObject"], list = ["s3:ListBucket"] }
      iterator = part
      labels   = ["${part.key}_it"]

      content {
        actions   = part.value
        resources = ["*"]

        dynamic "condition" {
          for_each = [for one in part.value : one if one == "s3:ListBucket"]

          content {
            operator = "StringLike"
            key      = "s3:prefix"
            values   = [condition.value, tostring(condition.key)]
          }
        }
      }
    }
"""
    found = loaded({"agents.hcl": agents.replace('    statement "objects" {', dynamic + '    statement "objects" {')})
    assert found.configuration is not None, found.diagnostics
    statements = found.configuration.tools["tool.inbox"].clouds["aws"][0].of("statement")
    assert [statement.labels[0] for statement in statements] == ["list_it", "read_it", "objects"]
    assert statements[0].of("condition")[0].get("values") == ("s3:ListBucket", "0")
    assert statements[1].of("condition") == ()


MODULE = (
    """
variable "tools" {
  type = list(tool)
}

variable "sponsor" {
  type = person
}

variable "inputs" {
  type    = string
  default = "trusted"
}
"""
    + agent("this", "sponsor = var.sponsor\n  inputs = var.inputs")
    + agent("helper")
    + """
grant "reads" {
  agents = [agent.this]
  tools  = var.tools
}

output "agent" {
  value = agent.this
}
"""
)


def test_a_module_with_blocks_as_inputs_and_outputs(loaded: Load) -> None:
    found = loaded(
        {
            "modules/reader/main.hcl": MODULE,
            "x.hcl": """
module "billing" {
  source  = "./modules/reader"
  tools   = [tool.inbox]
  sponsor = person.alice
}

grant "more" {
  agents = [module.billing.agent]
  tools  = [tool.inbox]
}
""",
        }
    )
    assert names(found) == {
        "module.billing.agent.this": "billing",
        "module.billing.agent.helper": "billing_helper",
    }
    configuration = found.configuration
    assert configuration is not None
    assert configuration.agents["billing"].sponsor == "alice"
    assert configuration.agents["billing"].inputs == "trusted"
    assert configuration.grants["module.billing.grant.reads"].name == "billing_reads"
    assert configuration.grants["grant.more"].agents == ("billing",)
    assert "modules/reader/main.hcl" in configuration.files


def test_modules_repeat_and_nest(loaded: Load) -> None:
    found = loaded(
        {
            "inner/main.hcl": 'variable "who" {\n}\n' + agent("this", 'purpose = "for ${var.who}"'),
            "outer/main.hcl": 'variable "who" {\n}\n\nmodule "inner" {\n  source = "../inner"\n  who    = var.who\n}\n',
            "x.hcl": """
module "team" {
  source   = "./outer"
  for_each = { red = "Ruth", blue = "Ben" }
  who      = each.value
}

module "counted" {
  source = "./inner"
  count  = 2
  who    = "number ${count.index}"
}
""",
        }
    )
    assert names(found) == {
        'module.team["blue"].module.inner.agent.this': "blue_inner",
        'module.team["red"].module.inner.agent.this': "red_inner",
        "module.counted[0].agent.this": "counted_0",
        "module.counted[1].agent.this": "counted_1",
    }
    assert found.configuration is not None
    assert found.configuration.agents["blue_inner"].purpose == "for Ben"


def test_outputs_of_repeated_modules(loaded: Load) -> None:
    found = loaded(
        {
            "m/main.hcl": 'variable "n" {\n}\n\noutput "twice" {\n  value = var.n * 2\n}\n',
            "x.hcl": """
module "m" {
  source   = "./m"
  for_each = { a = 1, b = 2 }
  n        = each.value
}

output "all" {
  value = { for key, one in module.m : key => one.twice }
}

output "one" {
  value = module.m["b"].twice
}
""",
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.outputs == {"all": {"a": 2, "b": 4}, "one": 4}


def test_a_module_may_need_an_output_of_another(loaded: Load) -> None:
    module = 'variable "n" {\n}\n\noutput "n" {\n  value = var.n + 1\n}\n'
    found = loaded(
        {
            "m/main.hcl": module,
            "x.hcl": 'module "b" {\n  source = "./m"\n  n      = module.a.n\n}\n\n'
            'module "a" {\n  source = "./m"\n  n      = 1\n}\n\noutput "n" {\n  value = module.b.n\n}\n',
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.outputs == {"n": 3}


def test_providers_reach_a_module_as_they_are_passed(loaded: Load, workspace: Write) -> None:
    text = (workspace() / "workspace.hcl").read_text()
    found = loaded(
        {
            "workspace.hcl": text,
            "m/main.hcl": """
agent "this" {
  runtime "lambda" {
  }

  identity "aws" {
    provider = provider.aws.audit
  }
}

agent "default" {
  runtime "lambda" {
  }

  identity "aws" {}
}
""",
            "x.hcl": """
provider "aws" {
  alias      = "prod"
  account_id = "210987654321"
}

module "m" {
  source = "./m"

  providers = {
    aws       = provider.aws
    aws.audit = provider.aws.prod
  }
}
""",
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.agents["m"].identities["aws"].provider == "aws.prod"
    assert found.configuration.agents["m_default"].identities["aws"].provider == "aws"


def test_an_agent_can_set_its_provider_once(loaded: Load) -> None:
    found = loaded(
        {
            "x.hcl": 'provider "aws" {\n  alias = "dev"\n  account_id = "210987654321"\n}\n'
            + agent("dev", "provider = provider.aws.dev")
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.agents["dev"].identities["aws"].provider == "aws.dev"


def test_files_are_relative_to_their_module(loaded: Load) -> None:
    found = loaded(
        {
            "m/main.hcl": 'output "texts" {\n  value = [file("note"), file("${path.module}/note"), '
            'file("${path.root}/note")]\n}\n',
            "m/note": "inner",
            "note": "outer",
            "x.hcl": 'module "m" {\n  source = "./m"\n}\n\noutput "texts" {\n  value = module.m.texts\n}\n',
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.outputs == {"texts": ["inner", "inner", "outer"]}
    assert {"m/note", "note"} <= set(found.configuration.files)


@pytest.mark.parametrize("kind", ["provisioner", "person", "control_owner", "agent_defaults"])
def test_root_only_blocks(loaded: Load, kind: str) -> None:
    label = "" if kind in ("provisioner", "agent_defaults") else ' "x"'
    found = loaded({"m/main.hcl": f"{kind}{label} {{\n}}\n", "x.hcl": 'module "m" {\n  source = "./m"\n}\n'})
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["E-ROOT-ONLY"]


def test_a_module_outside_the_root_is_recorded_from_there(loaded: Load, workspace: Write) -> None:
    beside = workspace().parent / "shared"
    beside.mkdir()
    (beside / "main.hcl").write_text(agent("this"))
    found = loaded({"x.hcl": 'module "shared" {\n  source = "../shared"\n}\n'})
    assert found.configuration is not None, found.diagnostics
    assert "../shared/main.hcl" in found.configuration.files


def test_names_collide_across_modules(loaded: Load) -> None:
    found = loaded(
        {
            "m/main.hcl": agent("this"),
            "x.hcl": 'module "triage" {\n  source = "./m"\n}\n',
        }
    )
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["E-NAME-TAKEN"]
    assert "agents.hcl:20" in found.diagnostics[0].detail
    assert "m/main.hcl:2" in found.diagnostics[0].detail


def test_variables_pass_through_nested_optional_types(loaded: Load) -> None:
    found = loaded(
        {
            "x.hcl": """
variable "agents" {
  type = map(object({
    purpose = string
    inputs  = optional(string, "trusted")
    tools   = optional(list(string), [])
  }))
  default = { a = { purpose = "one" } }
}
"""
            + agent("w", "for_each = var.agents\n  purpose = each.value.purpose\n  inputs = each.value.inputs")
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert found.configuration.agents["w_a"].inputs == "trusted"


# Moves


def moved(source: str, target: str) -> str:
    return f"\nmoved {{\n  from = {source}\n  to   = {target}\n}}\n"


MODULE_WITH_AGENT = 'variable "n" {\n  default = ""\n}\n' + agent("w")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (moved("agent.old", "agent.new") + agent("new"), {"agent.new": "old"}),
        (moved("agent.a", "agent.b") + moved("agent.b", "agent.c") + agent("c"), {"agent.c": "a"}),
        (
            moved("agent.old", "agent.new") + agent("new", 'for_each = toset(["x", "y"])'),
            {'agent.new["x"]': "old_x", 'agent.new["y"]': "old_y"},
        ),
        (
            moved("agent.w", 'agent.w["x"]') + agent("w", 'for_each = toset(["x", "y"])'),
            {'agent.w["x"]': "w", 'agent.w["y"]': "w_y"},
        ),
        (moved('agent.w["x"]', "agent.w") + agent("w"), {"agent.w": "w_x"}),
        (
            moved("agent.w[0]", 'agent.w["x"]') + agent("w", 'for_each = toset(["x"])'),
            {'agent.w["x"]': "w_0"},
        ),
        (
            moved("agent.w", "agent.v")
            + moved("agent.other", 'agent.v["x"]')
            + agent("v", 'for_each = toset(["x", "y"])'),
            {'agent.v["x"]': "other", 'agent.v["y"]': "w_y"},
        ),
        (moved("agent.old", "agent.new") + agent("new", 'name = "written"'), {"agent.new": "written"}),
        (moved("agent.gone", "agent.zero") + agent("zero", "count = 0"), {}),
    ],
)
def test_a_moved_agent_keeps_its_name(loaded: Load, text: str, expected: dict[str, str]) -> None:
    found = loaded({"x.hcl": text})
    assert names(found) == expected


@pytest.mark.parametrize(
    ("text", "inner", "expected"),
    [
        (moved("module.a", "module.m"), "", {"module.m.agent.w": "a_w"}),
        (moved("agent.old", "module.m.agent.w"), "", {"module.m.agent.w": "old"}),
        (moved("module.a", "module.m"), moved("agent.v", "agent.w"), {"module.m.agent.w": "a_v"}),
        (moved("module.a.agent.z", "module.m.agent.w"), "", {"module.m.agent.w": "a_z"}),
        (moved("module.a.module.b", "module.m"), "", {"module.m.agent.w": "a_b_w"}),
        (moved('module.m["x"]', "module.m"), "", {"module.m.agent.w": "x_w"}),
        (
            moved("agent.old", "module.n.agent.w") + moved("module.n", "module.m"),
            "",
            {"module.m.agent.w": "old"},
        ),
    ],
)
def test_moves_of_and_into_modules(loaded: Load, text: str, inner: str, expected: dict[str, str]) -> None:
    found = loaded({"x.hcl": f'module "m" {{\n  source = "./w"\n}}\n{text}', "w/main.hcl": agent("w") + inner})
    assert names(found) == expected


def test_a_moved_module_with_instances(loaded: Load) -> None:
    text = 'module "m" {\n  source   = "./w"\n  for_each = toset(["eu", "us"])\n}\n'
    found = loaded({"x.hcl": text + moved("module.a", 'module.m["eu"]'), "w/main.hcl": agent("w")})
    assert names(found) == {'module.m["eu"].agent.w': "a_w", 'module.m["us"].agent.w': "us_w"}
    assert found.configuration is not None
    assert found.configuration.moved == {"module.a.agent.w": 'module.m["eu"].agent.w'}


def test_grants_boundaries_and_tools_move_too(loaded: Load) -> None:
    text = """
boundary "outer" {
  aws {
    allow = ["s3:*"]
  }
}

grant "g" {
  agents = [agent.triage]
  tools  = [tool.inbox]
}

output "name" {
  value = tool.inbox.name
}
"""
    for old, new in (("boundary.agents_2", "boundary.outer"), ("grant.h", "grant.g"), ("tool.mail", "tool.inbox")):
        text += moved(old, new)
    found = loaded({"x.hcl": text}).configuration
    assert found is not None
    assert found.boundaries["boundary.outer"].name == "agents_2"
    assert found.grants["grant.g"].name == "h"
    assert (found.tools["tool.inbox"].name, found.outputs["name"]) == ("mail", "mail")
    assert found.moved == {
        "boundary.agents_2": "boundary.outer",
        "grant.h": "grant.g",
        "tool.mail": "tool.inbox",
    }


@pytest.mark.parametrize(
    "text",
    [
        moved("module.m.module.n", "module.m"),
        moved("agent.x", "module.m.agent.w") + moved("module.k.agent.x", "module.m.agent.w"),
    ],
)
def test_moves_that_end_nowhere_are_errors(loaded: Load, text: str) -> None:
    found = loaded({"x.hcl": f'module "m" {{\n  source = "./w"\n}}\n{text}', "w/main.hcl": agent("w")})
    assert {diagnostic.code for diagnostic in found.diagnostics} == {"E-MOVED"}


def test_moves_in_and_around_a_module_may_not_contradict(loaded: Load) -> None:
    text = 'module "m" {\n  source = "./w"\n}\n' + moved("agent.x", "module.m.agent.w")
    found = loaded({"x.hcl": text, "w/main.hcl": agent("w") + moved("agent.y", "agent.w")})
    assert [diagnostic.summary for diagnostic in found.diagnostics] == ["Ambiguous moves"]


DEV = 'provider "aws" {\n  alias = "dev"\n  account_id = "210987654321"\n}\n'


def test_agent_defaults_choose_the_provider_of_who_does_not_say(loaded: Load) -> None:
    found = loaded(
        {
            "x.hcl": DEV
            + "agent_defaults {\n  provider = provider.aws.dev\n}\n"
            + agent("own", "provider = provider.aws")
            + 'module "plain" {\n  source = "./w"\n}\n'
            + 'module "told" {\n  source = "./outer"\n  providers = { aws = provider.aws }\n}\n',
            "w/main.hcl": agent("w"),
            "outer/main.hcl": 'module "inner" {\n  source = "../w"\n}\n',
        }
    )
    assert found.configuration is not None, found.diagnostics
    assert {name: one.identities["aws"].provider for name, one in found.configuration.agents.items()} == {
        "triage": "aws.dev",
        "own": "aws",
        "plain_w": "aws.dev",
        "told_inner_w": "aws",
    }
