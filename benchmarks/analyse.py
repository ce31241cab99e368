"""All rules, all escalation paths and the boundary tests' generated negatives over 1,000 agents with 60 tools.

python -m benchmarks.analyse [agents]      # default 1000

A configuration in its own folder is decoded and compiled as `plan` does it; then each part is timed alone, with the
clouds' reading left out. One agent in 25 holds authority that leads further (PassRole, policy versions, assuming).
The second judgement changes one agent and asks again, as a plan after a small change does.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from benchmarks.table import Row, show
from provisioner.approval.root import root_data
from provisioner.model.changes import Change
from provisioner.model.requests import World
from provisioner.policy.boundary_tests import generated, judge
from provisioner.policy.graph import build
from provisioner.workflow.compiling import Compiled, compile_all, providers_of
from provisioner.workflow.project import Inputs, Project, open_project
from provisioner.workflow.ruling import Judged, ruled

T = TypeVar("T")

WORKSPACE = """
provisioner {
  workspace = "acme-agents"
  ledger "local" {
    path        = ".provisioner"
    single_host = true
  }
  limits {
    max_changes = 1000000
  }
}

person "sam" {
  emails = ["sam@acme.example"]
  keys   = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q sam"]
}

control_owner "all" {
  title       = "All"
  contact     = "all@acme.example"
  surfaces    = ["identity", "tool_access", "runtime", "governance"]
  default_for = ["identity", "tool_access", "runtime", "governance"]
  signers     = [person.sam]
}

provider "aws" {
  account_id  = "111122223333"
  environment = "production"
  quotas {
    roles = 100000
  }
}

boundary "agents" {
  aws {
    allow           = ["s3:*", "dynamodb:*", "sqs:*", "lambda:InvokeFunction", "iam:PassRole", "sts:AssumeRole",
                       "iam:CreatePolicyVersion", "lambda:CreateFunction", "lambda:UpdateFunctionCode"]
    deny            = ["iam:CreateUser", "iam:CreateAccessKey"]
    regions         = ["eu-west-1"]
    global_services = ["sts", "iam"]
  }
}
"""
TOOL = """
tool "reads_{n}" {{
  purpose     = "Reads part {n}"
  sensitivity = "internal"
  effect      = "read"
  aws {{
    statement "objects" {{
      actions   = ["s3:GetObject", "s3:GetObjectTagging"]
      resources = ["arn:aws:s3:::acme-part-{n}/inbox/*", "arn:aws:s3:::acme-part-{n}/done/*"]
    }}
    statement "items" {{
      actions   = ["dynamodb:GetItem", "dynamodb:Query"]
      resources = ["arn:aws:dynamodb:eu-west-1:111122223333:table/part-{n}"]
    }}
  }}
}}

tool "writes_{n}" {{
  purpose     = "Writes part {n}"
  sensitivity = "confidential"
  effect      = "write"
  aws {{
    statement "queue" {{
      actions   = ["sqs:SendMessage", "sqs:GetQueueUrl"]
      resources = ["arn:aws:sqs:eu-west-1:111122223333:part-{n}-*"]
    }}
    statement "items" {{
      actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:111122223333:table/part-{n}"]
    }}
  }}
}}
"""
RISKY = """
tool "deploys" {
  purpose     = "Deploys functions"
  sensitivity = "restricted"
  effect      = "write"
  aws {
    statement "deploy" {
      actions   = ["lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:InvokeFunction"]
      resources = ["arn:aws:lambda:eu-west-1:111122223333:function:acme-*"]
    }
    statement "pass" {
      actions   = ["iam:PassRole"]
      resources = ["arn:aws:iam::111122223333:role/agents/acme-agents-worker-0*"]
    }
  }
}

tool "edits_policies" {
  purpose     = "Edits shared policies"
  sensitivity = "restricted"
  effect      = "write"
  aws {
    statement "versions" {
      actions   = ["iam:CreatePolicyVersion"]
      resources = ["arn:aws:iam::111122223333:policy/*"]
    }
  }
}
"""
AGENT = """
agent "worker_{n}" {{
  purpose     = "Worker {n}"
  sponsor     = person.sam
  inputs      = "{inputs}"
  environment = "production"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {{
    functions = ["worker-{n}"]
  }}

  identity "aws" {{}}
}}

grant "worker_{n}" {{
  agents = [agent.worker_{n}]
  tools  = [{tools}]
  reason = "BENCH-{n}"
}}
"""
PARTS = 29


def configuration(agents: int) -> str:
    """The whole program's text."""
    lines = [WORKSPACE, RISKY, *(TOOL.format(n=part) for part in range(PARTS))]
    for n in range(agents):
        tools = [f"tool.reads_{n % PARTS}", f"tool.reads_{n * 7 % PARTS}", f"tool.writes_{n * 3 % PARTS}"]
        tools += ["tool.deploys"] * (n % 50 == 0) + ["tool.edits_policies"] * (n % 50 == 25)
        inputs = ("trusted", "untrusted")[n % 2]
        lines.append(AGENT.format(n=n, inputs=inputs, tools=", ".join(dict.fromkeys(tools))))
    return "\n".join(lines)


def opened(agents: int, change: bool = False) -> tuple[Project, Compiled]:
    """The project and what its providers are asked for; with `change` one agent has one tool less."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        text = configuration(agents)
        if change:
            text = text.replace("[tool.reads_1, tool.reads_7, tool.writes_3]", "[tool.reads_1, tool.writes_3]", 1)
        (Path(name) / "main.hcl").write_text(text)
        (Path(name) / "runner.toml").touch()
        project = open_project(Inputs(Path(name), {"PROVISIONER_RUNNER": f"{name}/runner.toml"}))
        providers = providers_of(project.configuration, project.registry)
        return project, compile_all(project.configuration, providers, lambda *_: "all", {}, NOW)


NOW = datetime(2026, 11, 24, tzinfo=UTC)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def analysed(project: Project, compiled: Compiled) -> tuple[tuple[float, float, float], tuple[int, int, int]]:
    """Seconds, and how many results, of the generated negatives, the rules, and the graph with its paths."""
    config = project.configuration
    resources = {item.resource.address: item.resource for item in compiled.desired}
    world = World(resources, "2026-11-24T00:00:00Z")
    negatives = generated(config.agents.values(), compiled.authorities, compiled.providers)
    tests, results = timed(lambda: judge(negatives, config, compiled.providers, world))
    names = frozenset(agent.name for agent in config.agents.values())
    changes: tuple[Change, ...] = ()
    judged = Judged(changes, resources, results, names, names)
    root = root_data(config, "local:/nowhere?single_host")
    rules, found = timed(lambda: ruled(config, compiled, judged, root, (), NOW))
    provider, authority = compiled.providers["aws"], compiled.authorities["aws"]
    paths, graph = timed(lambda: build(config, [provider.reach(authority, world, set(config.agents))], None, (), None))
    return (tests, rules, paths), (len(results), len(found), len(graph.paths))


def main() -> None:
    agents = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    begun = time.process_time()
    project, compiled = opened(agents)
    ready = time.process_time() - begun
    first, counts = analysed(project, compiled)
    project, compiled = opened(agents, change=True)
    again, _ = analysed(project, compiled)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show(
        f"{agents} agents, processor seconds",
        [
            Row("decode and compile", ready, "s"),
            Row("generated negatives", first[0], "s", None, f"{counts[0]} judged"),
            Row("all rules", first[1], "s", None, f"{counts[1]} findings"),
            Row("graph and escalation paths", first[2], "s", None, f"{counts[2]} paths"),
            Row("rules and escalation", first[1] + first[2], "s", 10.0),
            Row("the same after one agent changed", again[1] + again[2], "s"),
            Row("peak memory", peak, "MB", 500.0),
        ],
    )


if __name__ == "__main__":
    main()
