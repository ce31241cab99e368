"""How fast expressions are evaluated: 1,000 agents by `for_each`, and 10,000 lines of `console -json`.

    python benchmarks/language_evaluate.py

Prints one line of JSON per measurement: the best of three runs, in seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from provisioner.lang.console import run_lines
from provisioner.lang.evaluate import evaluate
from provisioner.lang.parser import parse_expression
from provisioner.lang.scope import Budget, Namespace, Scope
from provisioner.lang.values import BlockValue, from_python, object_of
from provisioner.model.source import Source

AGENTS = 1_000
LINES = 10_000

# What an agent with its runtime, identity and grants asks for: twenty attributes.
ATTRIBUTES = [
    '"agent-${each.key}"',
    '"Reads ${each.value.team} data for ${upper(each.key)}"',
    "[for t in each.value.tools : tool[t]]",
    'each.value.env == "prod" ? "untrusted" : "trusted"',
    '{ for k, v in each.value.tags : k => "${v}-x" }',
    '"arn:aws:eks:${local.region}:${local.account}:cluster/${each.value.cluster}"',
    "merge(each.value.tags, { name = each.key })",
    'try(each.value.missing, "2027-01-01")',
    'lookup(each.value.tags, "a", "b")',
    "[local.region, local.account]",
    'format("%s-%03d", each.key, 5)',
    'join(",", each.value.tools)',
    "length(each.value.tools) > 0 && true",
    "each.value.cluster",
    "boundary.agents",
    "local.region",
    '"finance-agents"',
    "5",
    '["s3:GetObject", "s3:ListBucket"]',
    'concat(each.value.tools, ["t9"])',
]


def agents() -> None:
    """Evaluate every attribute of every agent once."""
    parsed = [expr for expr, _ in (parse_expression(Source("a.hcl", text)) for text in ATTRIBUTES) if expr is not None]
    tools = {f"t{i}": BlockValue("tool", f"tool.t{i}") for i in range(20)}
    root = Scope(
        {
            "local": Namespace.of("local", {"region": "eu-west-1", "account": "111122223333"}),
            "tool": Namespace.of("tool", tools, whole=True),
            "boundary": Namespace.of("boundary", {"agents": BlockValue("boundary", "boundary.agents")}),
        },
        budget=Budget(),
    )
    data = {"team": "fin", "tools": ["t1", "t2", "t3"], "env": "prod", "tags": {"a": "1", "b": "2"}, "cluster": "c"}
    value = from_python(data)
    for number in range(AGENTS):
        scope = root.child({"each": object_of({"key": f"a{number}", "value": value})})
        for expr in parsed:
            evaluate(expr, scope)


def console() -> None:
    """Answer every line."""
    request = {"expr": '[for x in var.l : upper("${x}-${var.n}")]', "vars": {"l": ["a", "b"]}}
    lines = [json.dumps({**request, "vars": {"l": ["a", "b"], "n": n}}) for n in range(LINES)]
    answered = sum("value" in line for line in run_lines(lines))
    if answered != LINES:
        raise SystemExit(f"only {answered} of {LINES} lines had a value")


def best(run: Callable[[], None]) -> float:
    """The shortest of three runs."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return round(min(times), 3)


if __name__ == "__main__":
    print(json.dumps({"what": f"{AGENTS} agents of {len(ATTRIBUTES)} attributes", "seconds": best(agents)}))
    print(json.dumps({"what": f"{LINES} console lines", "seconds": best(console)}))
