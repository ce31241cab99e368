"""A plan with nothing to change on Google Cloud: many projects, agents and bindings on the emulator.

    python -m benchmarks.plan_google [--projects 50] [--agents 1000] [--runs 3]

Five bindings an agent, on five resources of its project. Every agent is a service account, which costs two calls (who
may use it, its keys); with --federated they are federated principals of one pool a project, which cost none of their
own. Prints calls, wall seconds and peak memory of the whole command (median of the runs).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.plan_no_change import COMMAND, ROOT, run
from benchmarks.table import Row, show

ORGANIZATION = "123456789012"
NUMBER = 900000000000
RESOURCES = {
    "bucket": ("roles/storage.objectViewer", "//storage.googleapis.com/projects/_/buckets/{project}-in"),
    "dataset": ("roles/bigquery.dataViewer", "//bigquery.googleapis.com/projects/{project}/datasets/suppliers"),
    "topic": ("roles/pubsub.publisher", "//pubsub.googleapis.com/projects/{project}/topics/tickets"),
    "secret": ("roles/secretmanager.secretAccessor", "//secretmanager.googleapis.com/projects/{project}/secrets/token"),
    "jobs": ("roles/bigquery.jobUser", "projects/{project}"),
}
SECONDS, MEGABYTES, IMPORT_SECONDS = 5.0, 200.0, 0.5

Json = dict[str, Any]


@dataclass(frozen=True)
class Figures:
    """One plan: calls that the emulator counted, seconds, megabytes of the whole command; how many bindings it has."""

    calls: int
    wall: float
    cpu: float
    megabytes: float
    bindings: int


def project_id(index: int) -> str:
    return f"acme-p{index:03}"


def configuration(projects: int, agents: int, federated: bool) -> str:
    """One provider, boundary, tool, grant and block of agents a project."""
    each = -(-agents // projects)
    parts = []
    for index in range(projects):
        one, key = project_id(index), f"p{index:03}"
        names = ", ".join(f'"{key}-{n:03}"' for n in range(min(each, agents - index * each)))
        if not names:
            break
        blocks = "".join(
            f'\n  google "{label}" {{\n    role     = "{role}"\n    resource = "{resource.format(project=one)}"\n  }}\n'
            for label, (role, resource) in RESOURCES.items()
        )
        parts.append(
            f"""
provider "google" {{
  alias          = "{key}"
  project        = "{one}"
  project_number = "{NUMBER + index}"
  environment    = "sandbox"
}}

boundary "{key}" {{
  google {{
    attach = "projects/{one}"
    deny   = ["iam.serviceAccountKeys.create"]
  }}
}}

tool "{key}" {{
  purpose     = "Read what suppliers send"
  sensitivity = "internal"
  effect      = "read"
{blocks}}}
{_agents(key, names, federated)}
grant "{key}" {{
  agents = values(agent.{key})
  tools  = [tool.{key}]
  reason = "bench"
}}
"""
        )
    return "".join(parts)


def _agents(key: str, names: str, federated: bool) -> str:
    runtime = '  runtime "cloud_run" {}\n'
    identity = f"    provider = provider.google.{key}\n"
    federation = ""
    if federated:
        runtime = (
            '  runtime "github_actions" {\n    repository    = "acme/${each.key}"\n'
            '    repository_id = tostring(1000 + index(sort([NAMES]), each.key))\n    owner_id      = "7"\n'
            '    environment   = "prod"\n  }\n'
        ).replace("NAMES", names)
        identity += f"    federation = federation.{key}\n"
        issuer = "https://token.actions.githubusercontent.com"
        federation = (
            f'\nfederation "{key}" {{\n  provider = provider.google.{key}\n  pool     = "github-{key}"\n\n'
            f'  oidc {{\n    issuer = "{issuer}"\n  }}\n}}\n'
        )
    return (
        f'{federation}\nagent "{key}" {{\n  for_each    = toset([{names}])\n  name        = each.key\n'
        '  purpose     = "Sort what suppliers send; never pay"\n  sponsor     = person.sam\n  inputs      = "trusted"\n'
        f'  environment = "sandbox"\n  review_by   = "2027-11-01"\n  boundary    = boundary.{key}\n\n{runtime}\n'
        f'  identity "google" {{\n{identity}  }}\n}}\n'
    )


@contextmanager
def workspace(projects: int, agents: int, federated: bool) -> Iterator[tuple[Path, dict[str, str], Any]]:
    """A checkout made from the Google quickstart, an emulator in this process, and a trust root."""
    from provisioner_google.sandbox import start

    seeds: Json = {
        "organizations": {ORGANIZATION: {}},
        "projects": {
            project_id(n): {"number": str(NUMBER + n), "parent": f"organizations/{ORGANIZATION}"}
            for n in range(projects)
        },
        "resources": {
            resource.format(project=project_id(n)): {"project": project_id(n)} if "buckets" in resource else {}
            for n in range(projects)
            for _, resource in RESOURCES.values()
            if resource.startswith("//")
        },
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as name, start(seeds=seeds) as emulator:
        repo = Path(name) / "repo"
        shutil.copytree(ROOT / "examples" / "google-quickstart", repo, ignore=shutil.ignore_patterns(".provisioner"))
        (repo / "tests.hcl").unlink()
        (repo / "agents.hcl").write_text(configuration(projects, agents, federated))
        settings = (repo / "workspace.hcl").read_text()
        head, _, rest = settings.partition('provider "google" {')
        limits = "  limits {\n    max_changes = 1000000\n  }\n\n  approval {"
        (repo / "workspace.hcl").write_text(head.replace("  approval {", limits, 1) + rest.partition("}\n")[2])
        runner = Path(name) / "runner.toml"
        entries = (f'[provider."google.p{n:03}"]\nendpoint = "{emulator.endpoint}"\ncredentials = "sandbox"\n'
                   for n in range(projects))  # fmt: skip
        runner.write_text("\n".join(entries))
        runner.chmod(0o600)
        env = {"PATH": os.environ["PATH"], "HOME": name, "PROVISIONER_RUNNER": str(runner), "TERM": "dumb"}
        run(["init", "-yes"], repo, env)
        yield repo, env, emulator


def seed(repo: Path, env: dict[str, str], endpoint: str) -> int:
    """Make live what the configuration asks for, by the plan's own parameters but without its journal; how many
    bindings that are."""
    command = [str(COMMAND), "plan", f"-out={repo.parent / 'plan.json'}"]
    done = subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3, 4):
        raise SystemExit(done.stdout + done.stderr)
    operations = json.loads((repo.parent / "plan.json").read_text())["plan"]["operations"]
    policies: dict[str, list[Json]] = defaultdict(list)
    for operation in operations:
        params = operation["params"]
        if "add" in params:
            policies[params["resource"]] += params["add"]
        else:
            _make(endpoint, operation)
    for resource, tuples in policies.items():
        _grant(endpoint, resource, tuples)
    return sum(map(len, policies.values()))


def _call(method: str, url: str, body: Json) -> Json:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
    with urlopen(request) as answer:
        found: Json = json.loads(answer.read())
    return found


@cache
def _project(endpoint: str, name: str) -> Any:
    """The provider's own way to a project, without pauses."""
    from provisioner_google.client import Project

    from provisioner.model.authority import Target
    from provisioner.sdk.provider import Connection

    settings = {"endpoint": endpoint, "credentials": "sandbox"}
    return Project(Connection(Target("google", "google", name, "x"), settings), sleep=lambda _: None)


def _make(endpoint: str, operation: Json) -> None:
    from provisioner_google import rest

    from provisioner.model.resources import Address

    where = Address(**operation["address"])
    rest.write(_project(endpoint, where.target), operation["verb"], where, operation["params"], {})


def _grant(endpoint: str, resource: str, tuples: list[Json]) -> None:
    from provisioner_google import table

    found = table.row_of(resource)
    assert found is not None
    row, url = found[0], endpoint + table.rest_path(resource)
    if row is table.DATASET:
        emails = (one["member"].partition(":") for one in tuples)
        access = [{"role": "READER", "userByEmail" if kind == "serviceAccount" else "iamMember":
                   name if kind == "serviceAccount" else f"{kind}:{name}"} for kind, _, name in emails]  # fmt: skip
        _call("PATCH", url, {"access": access})
        return
    roles: dict[str, list[str]] = defaultdict(list)
    for one in tuples:
        roles[one["role"]].append(one["member"])
    policy: Json = {"version": 3, "bindings": [{"role": role, "members": members} for role, members in roles.items()]}
    _call(row.put, url + row.suffixes[1], policy if row.put == "PUT" else {"policy": policy})


def measured(projects: int, agents: int, runs: int, federated: bool = False) -> Figures:
    """Medians of a plan that changes nothing."""
    with workspace(projects, agents, federated) as (repo, env, emulator):
        bindings = seed(repo, env, emulator.endpoint)
        emulator.core.forget()
        found = [_plan(repo, env) for _ in range(runs)]
        calls = sum(emulator.calls.values()) // runs
    wall, cpu, megabytes = (statistics.median(one) for one in zip(*found, strict=True))
    return Figures(calls, wall, cpu, megabytes, bindings)


def _plan(repo: Path, env: dict[str, str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds, peak megabytes of one plan, which must find nothing to change."""
    start = time.monotonic()
    process = subprocess.Popen([str(COMMAND), "plan"], cwd=repo, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the plan is not empty: exit {process.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def importing(runs: int) -> float:
    """Seconds that the provider and all that it reads with take to import, beyond the interpreter's own start."""
    modules = "provisioner_google.reader, provisioner_google.compile, google.auth.transport.urllib3"
    taken = {code: min(_seconds(code) for _ in range(runs)) for code in ("pass", f"import {modules}")}
    return taken[f"import {modules}"] - taken["pass"]


def _seconds(code: str) -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--projects", type=int, default=50)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--federated", action="store_true", help="federated principals instead of service accounts")
    given = parser.parse_args()
    figures = measured(given.projects, given.agents, given.runs, given.federated)
    what = "federated principals" if given.federated else "service accounts"
    title = f"A plan without changes: {given.projects} projects, {given.agents} {what}, {figures.bindings} bindings"
    show(
        title,
        [
            Row("calls", figures.calls, ""),
            Row("wall time of the whole command", figures.wall, "s", SECONDS),
            Row("CPU time", figures.cpu, "s"),
            Row("peak memory", figures.megabytes, "MB", MEGABYTES),
            Row("importing the provider", importing(given.runs), "s", IMPORT_SECONDS),
        ],
    )


if __name__ == "__main__":
    main()
