"""The first apply of many agents, side by side with Terraform on the same moto.

    python -m benchmarks.compare_apply [--agents 500] [--peer-agents 500] [--slow-agents 200] [--latency 0.02]

Ours is planned and signed by every owner first, then `provisioner apply` alone is measured, journal and all: a role, an
inline policy and the mark for each agent, one boundary for all. Terraform makes the same roles and inline policies
at `-parallelism=10` in its local state. Both go through one counting proxy. A second pair is measured with a latency
added to every request; that no agent's calls come in another order than was signed is checked in both.
Terraform is skipped, and that is said, when it or its AWS provider is missing; see plan_no_change.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from .plan_no_change import COMMAND, TERRAFORM, Counter, Figures, endpoint, measure, run, workspace

PEOPLE = ("alice", "bob", "carol", "dana", "erin")
SIGNERS = {"identity": "alice", "tool_access": "bob", "runtime": "carol", "governance": "erin"}


def make_keys(repo: Path) -> None:
    """Keys of our own for the quickstart's people, and a signed first commit of the one who writes."""
    folder = repo.parent / "private"
    folder.mkdir()
    for person in PEOPLE:
        path = folder / person
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(path)], check=True)
        shutil.copy(f"{path}.pub", repo / "keys" / f"{person}.pub")
    settings = {
        "user.name": "dana",
        "user.email": "dana@acme.example",
        "gpg.format": "ssh",
        "user.signingkey": str(folder / "dana"),
    }
    given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    for command in (["init", "-q"], ["add", "-A"], [*given, "commit", "-q", "-S", "-m", "first"]):
        subprocess.run(["git", *command], cwd=repo, check=True)


def signed_plan(repo: Path, env: dict[str, str]) -> Path:
    """Plan and have every owner sign."""
    path = repo.parent / "plan.json"
    done = subprocess.run(
        [str(COMMAND), "plan", f"-out={path}"], cwd=repo, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 3, 4):
        raise SystemExit(done.stdout + done.stderr)
    sealed = json.loads(path.read_text())
    for item in sealed["plan"]["requirements"]:
        key = repo.parent / "private" / SIGNERS[item["surface"]]
        run(
            ["sign", str(path), f"-owner={item['owner']}", f"-key={key}", f"-digest={sealed['digest']}", "-yes"],
            repo,
            env,
        )
    return path


def ours(agents: int, latency: float) -> Figures:
    with workspace(agents, make_keys) as (repo, env):
        url = endpoint(env)
        plan = signed_plan(repo, env)
        counter = Counter(url, latency)
        runner = Path(env["PROVISIONER_RUNNER"])
        runner.write_text(runner.read_text().replace(url, counter.url))
        figures = measure([str(COMMAND), "apply", str(plan)], counter, agents, 1, cwd=repo, env=env)
        runner.write_text(runner.read_text().replace(counter.url, url))
        in_order(json.loads(plan.read_text())["plan"]["operations"], counter.calls)
        return figures


def in_order(operations: list[dict[str, Any]], calls: list[dict[str, str]]) -> None:
    """Fails unless every write of the plan was sent once, and those of each role in the signed order."""
    signed: dict[str, list[str]] = {}
    for operation in operations:
        signed.setdefault(operation["params"].get("RoleName", ""), []).append(operation["verb"].removeprefix("iam:"))
    sent: dict[str, list[str]] = {}
    for call in calls:
        if call.get("Action", "").startswith(("Create", "Put", "Attach", "Tag", "Update", "Delete")):
            sent.setdefault(call.get("RoleName", ""), []).append(call["Action"])
    if sent != signed:
        raise SystemExit("the writes were not those of the plan, or came in another order")


def terraform(agents: int, latency: float) -> Figures | str:
    """Terraform's first apply of as many roles and inline policies, or why it was skipped."""
    program = shutil.which("terraform")
    if program is None:
        return "terraform is not on PATH"
    with workspace(2) as (_, env), tempfile.TemporaryDirectory(prefix="bench-tf-") as name:
        counter, folder = Counter(endpoint(env), latency), Path(name)
        (folder / "main.tf").write_text(textwrap.dedent(TERRAFORM.format(url=counter.url, roles=agents)))
        (folder / "rc").write_text("disable_checkpoint = true\n")
        own = {"PATH": os.environ["PATH"], "HOME": name, "TF_CLI_CONFIG_FILE": str(folder / "rc")}
        plugins = os.environ.get("TF_PLUGIN_DIR")
        given = [f"-plugin-dir={plugins}"] if plugins else []
        init = subprocess.run(
            [program, "init", "-input=false", *given], cwd=folder, env=own, capture_output=True, text=True, check=False
        )
        if init.returncode != 0:
            reason = re.sub(r"\x1b\[[0-9;]*m", "", init.stderr).split("Error: ", 1)[-1].strip().splitlines()[:1]
            return f"its init says {reason}; TF_PLUGIN_DIR must name a plugin folder with hashicorp/aws"
        command = [program, "apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=10"]
        return measure(command, counter, agents, 1, cwd=folder, env=own)


def pair(agents: int, peer_agents: int, latency: float) -> None:
    """One measurement of each, side by side, and the ratio."""
    print(f"first apply on moto's HTTP server, {os.cpu_count()} cores, {latency * 1000:.0f} ms added per request")
    mine = ours(agents, latency)
    print(mine.line("provisioner"), "  each agent's calls in the signed order", flush=True)
    if not peer_agents:
        return
    peer = terraform(peer_agents, latency)
    if isinstance(peer, str):
        print(f"terraform    skipped: {peer}")
        return
    print(peer.line("terraform"))
    each = [
        (getattr(peer, name) / peer.roles) / (getattr(mine, name) / mine.roles) for name in ("wall", "cpu", "requests")
    ]
    print(
        "ratio        terraform / provisioner, per agent: wall {:.1f}, cpu {:.1f}, requests {:.1f}".format(*each),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--peer-agents", type=int, default=500, help="0 leaves Terraform out")
    parser.add_argument("--slow-agents", type=int, default=200, help="of both, with the latency; 0 leaves that out")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds added to every request of the second pair")
    given = parser.parse_args()
    pair(given.agents, given.peer_agents, 0.0)
    if given.slow_agents:
        pair(given.slow_agents, given.slow_agents if given.peer_agents else 0, given.latency)


if __name__ == "__main__":
    main()
