"""A plan with nothing to change over many roles, side by side with Terraform on the same moto.

    python benchmarks/plan_no_change.py [--roles 1000] [--peer-roles 100] [--runs 3]

Prints requests, wall seconds, CPU seconds and peak memory of the whole process (median of the runs) and the ratio per
role. Terraform is skipped, and that is said, when it or its AWS provider is missing: it must be on PATH, and
TF_PLUGIN_DIR must name a plugin folder with hashicorp/aws, unless Terraform finds one by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).parent / "provisioner"


@dataclass(frozen=True)
class Figures:
    """One measured command; `requests` counts HTTP requests to the cloud."""

    roles: int
    requests: int
    wall: float
    cpu: float
    megabytes: float

    def line(self, name: str) -> str:
        return (
            f"{name:<12} {self.roles:>6} roles {self.requests:>6} requests {self.wall:>7.2f} s wall"
            f" {self.cpu:>7.2f} s cpu {self.megabytes:>6.0f} MB"
        )


class Counter:
    """A counting proxy in front of moto, so that both tools are counted by the same means."""

    def __init__(self, upstream: str, latency: float = 0.0) -> None:
        """`latency` in seconds is added to every request. `calls` are the parameters of IAM's, as they arrive."""
        self.count = 0
        self.calls: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                outer.count += 1
                if latency:
                    time.sleep(latency)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.calls.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
                request = Request(upstream + self.path, data=body, method=self.command)
                for name, value in self.headers.items():
                    if name.lower() not in ("host", "content-length", "connection"):
                        request.add_header(name, value)
                try:
                    answer = urlopen(request, timeout=300)
                except OSError as error:
                    answer = error  # an HTTP error is an answer too
                data = answer.read()  # type: ignore[union-attr]
                self.send_response(answer.status)  # type: ignore[union-attr]
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def measure(command: list[str], counter: Counter, roles: int, runs: int, **options: object) -> Figures:
    """Run a command several times; medians. Fails when the command does."""
    walls, cpus, peaks = [], [], []
    for _ in range(runs):
        counter.count = 0
        counter.calls.clear()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload]
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            said = log.read().decode(errors="replace")
        if process.returncode != 0:
            raise SystemExit(f"{command} gave {process.returncode}:\n{said}")
        walls.append(time.monotonic() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        peaks.append(usage.ru_maxrss / 1024)
    return Figures(roles, counter.count, statistics.median(walls), statistics.median(cpus), statistics.median(peaks))


@contextmanager
def workspace(roles: int, prepare: Callable[[Path], None] | None = None) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with `roles` agents made from the quickstart, a sandbox of its own, and a trust root.

    `prepare` may change the checkout before the trust root is recorded."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        home = Path(name)
        repo = home / "repo"
        shutil.copytree(ROOT / "examples" / "quickstart", repo, ignore=shutil.ignore_patterns(".provisioner"))
        text = (repo / "agents.hcl").read_text()
        text = text.replace(
            'agent "invoice_triage" {',
            f'agent "worker" {{\n  for_each    = toset({numbers(roles)})',
        )
        text = text.replace('["invoice-triage"]', '["f-${each.key}"]')
        text = text.replace("[agent.invoice_triage]", "values(agent.worker)")
        (repo / "agents.hcl").write_text(text)
        limits = "  limits {\n    max_changes = 1000000\n  }\n\n  approval {"
        quotas = f'provider "aws" {{\n  quotas {{\n    roles = {max(roles, 1000)}\n  }}\n'
        settings = (repo / "workspace.hcl").read_text().replace("  approval {", limits, 1)
        (repo / "workspace.hcl").write_text(settings.replace('provider "aws" {\n', quotas, 1))
        tests = (repo / "tests.hcl").read_text().replace("[agent.invoice_triage]", '[agent.worker["00001"]]')
        (repo / "tests.hcl").write_text(tests)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "PROVISIONER_RUNNER": str(home / "runner.toml"),
            "TERM": "dumb",
        }
        if prepare is not None:
            prepare(repo)
        run(["sandbox", "up"], repo, env)
        try:
            run(["init", "-yes"], repo, env)
            yield repo, env
        finally:
            run(["sandbox", "down"], repo, env)


def numbers(count: int) -> str:
    """An expression for `00000`, `00001` …: `range` gives at most 1,024 at once, as Terraform's."""
    one = f'[for n in range(1000) : format("%05d", h * 1000 + n) if h * 1000 + n < {count}]'
    return f"flatten([for h in range({-(-count // 1000)}) : {one}])"


def run(arguments: list[str], cwd: Path, env: dict[str, str]) -> str:
    """Run the command; its output."""
    done = subprocess.run([str(COMMAND), *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"provisioner {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def endpoint(env: dict[str, str]) -> str:
    """The sandbox's endpoint, from the runner file that it wrote."""
    found = re.search(r'endpoint = "([^"]+)"', Path(env["PROVISIONER_RUNNER"]).read_text())
    assert found is not None
    return found[1]


def seed(repo: Path, env: dict[str, str], url: str) -> None:
    """Make live what the configuration asks for, by the plan's own parameters but without its journal."""
    import boto3

    done = subprocess.run(
        [str(COMMAND), "plan", f"-out={repo.parent / 'plan.json'}"],
        cwd=repo,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3, 4):
        raise SystemExit(done.stdout + done.stderr)
    plan = json.loads((repo.parent / "plan.json").read_text())["plan"]
    iam = boto3.client(
        "iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    for operation in plan["operations"]:
        name = operation["verb"].removeprefix("iam:")
        method = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
        getattr(iam, method)(**operation["params"])


TERRAFORM = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region                      = "us-east-1"
  access_key                  = "x"
  secret_key                  = "x"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {{
    iam = "{url}"
    sts = "{url}"
  }}
}}
resource "aws_iam_role" "r" {{
  count = {roles}
  name  = format("tf-%05d", count.index)
  path  = "/tf/"
  tags  = {{ a = "b" }}
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow",
    Principal = {{ Service = "lambda.amazonaws.com" }}, Action = "sts:AssumeRole" }}] }})
}}
resource "aws_iam_role_policy" "p" {{
  count  = {roles}
  name   = "triage"
  role   = aws_iam_role.r[count.index].name
  policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow",
    Action = "s3:GetObject", Resource = "arn:aws:s3:::acme-invoices/inbox/*" }}] }})
}}
"""


def terraform(roles: int, runs: int, url: str, counter: Counter) -> Figures | str:
    """Terraform's no-change plan over as many roles, or why it was skipped."""
    program = shutil.which("terraform")
    if program is None:
        return "terraform is not on PATH"
    with tempfile.TemporaryDirectory(prefix="bench-tf-") as name:
        folder = Path(name)
        (folder / "main.tf").write_text(textwrap.dedent(TERRAFORM.format(url=url, roles=roles)))
        (folder / "rc").write_text("disable_checkpoint = true\n")
        env = {"PATH": os.environ["PATH"], "HOME": name, "TF_CLI_CONFIG_FILE": str(folder / "rc")}
        plugins = os.environ.get("TF_PLUGIN_DIR")
        given = [f"-plugin-dir={plugins}"] if plugins else []
        init = subprocess.run(
            [program, "init", "-input=false", *given], cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        if init.returncode != 0:
            reason = re.sub(r"\x1b\[[0-9;]*m", "", init.stderr).split("Error: ", 1)[-1].strip().splitlines()[:1]
            return f"its init says {reason}; TF_PLUGIN_DIR must name a plugin folder with hashicorp/aws"
        made = subprocess.run(
            [program, "apply", "-auto-approve", "-input=false", "-no-color"],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            return f"its apply failed: {made.stderr.strip().splitlines()[-1:]}"
        return measure(
            [program, "plan", "-input=false", "-no-color", "-detailed-exitcode"],
            counter,
            roles,
            runs,
            cwd=folder,
            env=env,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roles", type=int, default=1000)
    parser.add_argument("--peer-roles", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(f"no-change plan on moto's HTTP server, {os.cpu_count()} cores")
    ours: dict[int, Figures] = {}
    for roles in sorted({given.peer_roles, given.roles}):
        with workspace(roles) as (repo, env):
            url = endpoint(env)
            seed(repo, env, url)
            counter = Counter(url)
            runner = Path(env["PROVISIONER_RUNNER"])
            runner.write_text(runner.read_text().replace(url, counter.url))
            ours[roles] = measure(
                [str(COMMAND), "plan", "-detailed-exitcode"], counter, roles, given.runs, cwd=repo, env=env
            )
            print(ours[roles].line("provisioner"))
            if roles == given.peer_roles:
                peer = terraform(roles, given.runs, counter.url, counter)
                runner.write_text(runner.read_text().replace(counter.url, url))
                if isinstance(peer, str):
                    print(f"terraform    skipped: {peer}")
                    continue
                print(peer.line("terraform"))
                print(
                    f"ratio        terraform / provisioner at {roles} roles: requests"
                    f" {peer.requests / ours[roles].requests:.1f}, wall {peer.wall / ours[roles].wall:.1f},"
                    f" cpu {peer.cpu / ours[roles].cpu:.1f}, memory {peer.megabytes / ours[roles].megabytes:.1f}"
                )
            else:
                runner.write_text(runner.read_text().replace(counter.url, url))


if __name__ == "__main__":
    main()
