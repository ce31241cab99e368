"""Evaluations of AWS policies on one core.

python -m benchmarks.evaluate [evaluations]      # default 100000

Worlds: an agent's role with four identity policies and a boundary (23 statements), and 40 AWS-managed policies with a
boundary and a service control policy. Policies are compiled once; every request is another one. The third row is the
command itself, with its input and output.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provisioner_aws.policy.context import Context, context_values
from provisioner_aws.policy.document import parse_labelled
from provisioner_aws.policy.evaluate import Layer, Policies, PolicyRequest, evaluate
from provisioner_aws.policy.match import Caller

from benchmarks.policy_corpus import managed_policies, typical_policies
from benchmarks.table import Row, show

LIMIT = 10.0
ACTIONS = ("s3:GetObject", "s3:PutObject", "dynamodb:Query", "ec2:StartInstances", "iam:PassRole", "sqs:SendMessage")
ROLE = "arn:aws:iam::111122223333:role/agents/triage"
COMMAND = str(Path(sys.executable).parent / "provisioner")


def requests(count: int) -> Iterator[dict[str, Any]]:
    """So many different requests."""
    places = ("arn:aws:s3:::acme-invoices/inbox/", "arn:aws:s3:::acme-home/triage/", "arn:aws:s3:::acme-lake/")
    tables = tuple(f"arn:aws:dynamodb:eu-west-1:111122223333:table/{name}-" for name in ("suppliers", "triage"))
    turns = itertools.cycle(itertools.product(ACTIONS, (*places, *tables), ("eu-west-1", "us-east-1")))
    for number, (action, place, region) in zip(range(count), turns, strict=False):
        context = {
            "aws:RequestedRegion": region,
            "aws:SourceIp": f"10.{number % 200}.0.1",
            "aws:MultiFactorAuthPresent": number % 2 == 0,
            "aws:PrincipalTag/team": "a",
            "aws:SecureTransport": True,
        }
        yield {"principal": ROLE, "action": action, "resource": f"{place}{number}", "context": context}


def seconds(policies: Policies, count: int) -> float:
    """Processor time of evaluating so many requests, without making them."""
    caller = Caller("AWS", ROLE)
    asked = [
        PolicyRequest(item["action"], item["resource"], Context(context_values(item["context"])), caller)
        for item in requests(count)
    ]
    start = time.process_time()
    for request in asked:
        evaluate(request, policies)
    return time.process_time() - start


def by_command(policies: dict[str, Any], count: int) -> float:
    """Wall time of `access evaluate -json`, from a file of requests to a file of decisions."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        given = Path(name) / "requests.jsonl"
        with given.open("w") as stream:
            for item in requests(count):
                stream.write(json.dumps({**item, "policies": policies}) + "\n")
        start = time.perf_counter()
        with (Path(name) / "decisions.jsonl").open("wb") as out:
            subprocess.run([COMMAND, "access", "evaluate", "-json", str(given)], stdout=out, check=True)
        return time.perf_counter() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    typical = typical_policies()
    chosen = ("bucket-by-prefix", "home-folder", "tables", "network")
    agent = {"identity": [typical[name] for name in chosen], "boundary": typical["boundary"]}
    layer = Layer("the agent", tuple(parse_labelled(typical[name], name) for name in chosen))
    boundary = Layer("the boundary", (parse_labelled(typical["boundary"], "boundary"),))
    managed = managed_policies()
    big = Layer("the role", tuple(parse_labelled(managed[name], name) for name in sorted(managed)[:400:10]))
    scp = Layer("the organisation", (parse_labelled(typical["regions"], "regions"),))
    rows = [
        Row(f"{count:,} evaluations, an agent's role", seconds(Policies(layer, boundary), count), "s", LIMIT),
        Row(
            f"{count:,} evaluations, 40 managed policies",
            seconds(Policies(big, boundary, limits=(scp,)), count),
            "s",
            LIMIT,
        ),
        Row(
            f"{count:,} lines of access evaluate -json",
            by_command(agent, count),
            "s",
            None,
            "wall, with reading and writing",
        ),
    ]
    show("Evaluation of AWS policies, one core", rows)


if __name__ == "__main__":
    main()
