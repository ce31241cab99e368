"""The action's steps as they stand, in a runner's environment that is made up: real bash, the installed command, a
`gh` that keeps comments in a file. And the GitLab component's scripts."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
COMPONENT = list(yaml.safe_load_all((ROOT / "templates" / "provisioner.yml").read_text()))[1]

GH = """#!/usr/bin/env python3
import json, os, sys
from pathlib import Path

store = Path(os.environ["GH_STORE"])
comments = json.loads(store.read_text()) if store.exists() else []
arguments = sys.argv[1:]
assert arguments.pop(0) == "api" and os.environ["GH_TOKEN"] == "token"
if "--jq" in arguments:
    for one in comments:
        if one["body"].startswith(os.environ["MARKER"]):
            print(one["id"])
    sys.exit()
method = arguments[arguments.index("--method") + 1]
path = next(a for a in arguments if a.startswith("repos/"))
field = next(a for a in arguments if a.startswith("body=@"))
body = Path(field.removeprefix("body=@")).read_text()
if method == "POST":
    comments.append({"id": len(comments) + 1, "body": body, "path": path})
else:
    (known,) = [one for one in comments if str(one["id"]) == path.rpartition("/")[2]]
    known["body"] = body
store.write_text(json.dumps(comments))
"""


class Runner:
    """Evaluates what the action writes in `${{ }}` and `if:`, and runs its steps in order."""

    def __init__(self, team: Any, fork: bool = False) -> None:
        self.team = team
        self.fork = fork
        self.outputs: dict[str, str] = {}
        self.summary = team.home / "summary.md"
        tools = team.home / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "gh").write_text(GH)
        (tools / "gh").chmod((tools / "gh").stat().st_mode | stat.S_IXUSR)
        self.tools = tools

    def value(self, text: str, inputs: dict[str, str]) -> str:
        known = {
            **{f"inputs.{name}": value for name, value in inputs.items()},
            **{f"steps.run.outputs.{name}": value for name, value in self.outputs.items()},
            "github.event.pull_request.head.repo.fork": "true" if self.fork else "false",
            "github.event.pull_request.number": "7",
            "github.repository": "acme/agents",
            "github.server_url": "https://github.example",
            "github.run_id": "11",
            "github.token": "token",
        }
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known.get(found.group(1), ""), text)

    def holds(self, condition: str, inputs: dict[str, str]) -> bool:
        parts = []
        for part in condition.split(" && "):
            name, operator, literal = re.fullmatch(r"inputs\.([a-z-]+) (==|!=) '(.*)'", part).groups()
            parts.append((inputs[name] == literal) == (operator == "=="))
        return all(parts)

    def run(self, job: str, **given_inputs: str) -> int:
        inputs = {name: str(item.get("default", "")) for name, item in ACTION["inputs"].items()}
        inputs = {name: self.value(text, {}) for name, text in inputs.items()} | {"job": job, **given_inputs}
        code = 0
        for step in ACTION["runs"]["steps"]:
            if "if" in step and not self.holds(step["if"], inputs):
                continue
            output = self.team.home / "output"
            output.write_text("")
            given = {name: self.value(text, inputs) for name, text in step.get("env", {}).items()}
            places = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.summary)}
            store = {"GH_STORE": str(self.team.home / "comments.json")}
            path = f"{self.tools}{os.pathsep}{self.team.env['PATH']}"
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
                cwd=self.team.checkout / self.value(step.get("working-directory", "."), inputs),
                env={**self.team.env, **given, **places, **store, "PATH": path},
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            assert "Traceback" not in done.stderr + done.stdout, done.stderr
            for line in output.read_text().splitlines():
                name, _, text = line.partition("=")
                self.outputs[name] = text
            code = done.returncode
            if code:
                break
        return code

    @property
    def comments(self) -> list[dict[str, Any]]:
        path = self.team.home / "comments.json"
        return json.loads(path.read_text()) if path.exists() else []


@pytest.fixture
def started(team: Any) -> Any:
    team.env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{team.env['PATH']}"
    team.run("init", "-yes")
    return team


def test_a_pull_request_is_planned_and_gets_one_comment(started: Any) -> None:
    runner = Runner(started)
    since = str(started.home / "plans" / "plan.json")
    for forged in ("plan.md", "plan.json", "review.html"):
        (started.checkout / forged).write_text("forged")
    assert runner.run("pull-request", since=since) == 0
    (comment,) = runner.comments
    assert comment["path"] == "repos/acme/agents/issues/7/comments"
    assert comment["body"].startswith("<!-- provisioner:comment workspace=") and "Who has to sign" in comment["body"]
    assert runner.outputs["exit-code"] == "0" and runner.outputs["digest"].startswith("sha256:")
    assert json.loads((started.checkout / runner.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert "#### Who has to sign" in runner.summary.read_text()
    assert (started.checkout / "review.html").read_text().startswith("<!DOCTYPE html>")
    assert "Since the last comment" not in comment["body"]
    started.edit("table/triage", "table/triage-2")
    assert runner.run("pull-request", since=since) == 0
    (again,) = runner.comments
    assert again["id"] == comment["id"] and "Since the last comment (plan <code>" in again["body"]
    assert "- change 3: changed" in again["body"] and "- changes 1 2: the same" in again["body"]
    Path(since).write_text("{}")
    assert runner.run("pull-request", since=since) == 0
    assert "Since the last comment" not in runner.comments[0]["body"], "a plan that is none costs that part only"


def test_what_the_checkout_holds_is_never_taken_for_the_runs_own(started: Any) -> None:
    runner = Runner(started)
    (started.checkout / "plan.md").write_text("<!-- provisioner:comment -->\nready: nothing to sign")
    (started.checkout / "plan.json").write_text('{"digest": "sha256:forged"}')
    (started.checkout / "broken.hcl").write_text("agent {")
    assert runner.run("pull-request") == 1
    assert runner.comments == [] and "digest" not in runner.outputs


def test_no_cloud_key_is_asked_for_anywhere() -> None:
    """Identity tokens only: nothing that could hold a long-lived key of a cloud is read, or shown in the how-to."""
    keys = re.compile(
        r"(?i)secrets\.|access_key|secret_key|credentials_json|application_credentials|service_account_key"
    )
    for name in ("action.yml", "templates/provisioner.yml", "docs/howto/plan-in-ci.md", ".pre-commit-hooks.yaml"):
        assert not keys.search((ROOT / name).read_text()), name
    assert "id-token: write" in (ROOT / "docs/howto/plan-in-ci.md").read_text()


def test_the_workflow_of_atlantis_runs_as_it_stands(started: Any) -> None:
    page = (ROOT / "docs" / "howto" / "plan-in-ci.md").read_text()
    (found,) = re.findall(r"```yaml\n(# atlantis\.yaml\n.*?)```", page, re.DOTALL)
    steps = yaml.safe_load(found)["workflows"]["provisioner"]
    env = {**started.env, "PLANFILE": str(started.home / "atlantis" / "agents.tfplan")}
    Path(env["PLANFILE"]).parent.mkdir()

    def run(name: str) -> subprocess.CompletedProcess[str]:
        script = "\n".join(["set -e", *(step["run"] for step in steps[name]["steps"])])
        return subprocess.run(
            ["sh", "-c", script],
            cwd=started.checkout,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    planned = run("plan")
    assert planned.returncode == 0 and "#### Who has to sign" in planned.stdout, planned.stderr
    assert run("apply").returncode == 3, "an approval of Atlantis is no sign-off"
    (started.home / "plan.json").write_bytes(Path(env["PLANFILE"]).read_bytes())
    started.sign_all()
    assert run("apply").returncode == 0


def test_a_fork_is_validated_only(started: Any) -> None:
    runner = Runner(started, fork=True)
    started.env["PROVISIONER_RUNNER"] = str(started.home / "nowhere.toml")
    assert runner.run("pull-request") == 0
    assert "plan" not in runner.outputs and runner.comments == []


def test_what_blocks_fails_the_job_and_is_commented(started: Any) -> None:
    started.edit(
        '"s3:GetObject"]\n      resources = ["arn:aws:s3:::acme-invoices/inbox/*"]', '"s3:*"]\n      resources = ["*"]'
    )
    runner = Runner(started)
    code = runner.run("pull-request")
    assert code == 4 and "PRV-3" in runner.comments[0]["body"]


def test_publish_sign_apply_and_drift(started: Any) -> None:
    runner = Runner(started)
    assert runner.run("publish") == 0
    published = (started.checkout / "plan.json").read_bytes()
    assert runner.run("apply") == 0  # nobody has signed: nothing to apply, nothing done
    assert started.iam().list_roles(PathPrefix="/agents/")["Roles"] == []
    (started.home / "plan.json").write_bytes(published)
    started.sign_all()
    assert runner.run("apply") == 0
    assert runner.run("drift") == 0
    iam = started.iam()
    (role,) = [r["RoleName"] for r in iam.list_roles(PathPrefix="/agents/")["Roles"]]
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert runner.run("drift") == 5
    assert json.loads((started.checkout / "drift.json").read_text())["exit_code"] == 5
    assert runner.run("drift", record="true", notify=" \n") == 1, "a blank is no target"
    told = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        started.env["CHAT"] = f"json://127.0.0.1:{server.server_port}/"
        for _ in range(2):
            assert runner.run("drift", record="true", notify="env:CHAT\n") == 5
        server.shutdown()
    assert [one["title"] for one in told] == ["Drift in acme-sandbox: 1 new"], "told once"


def test_another_job_is_told(started: Any) -> None:
    assert Runner(started).run("destroy-all") == 1


def test_no_step_puts_an_expression_into_a_script() -> None:
    """What a pull request can choose would be code there."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_the_component_runs_as_it_stands(started: Any) -> None:
    job = COMPONENT["provisioner-plan"]
    script = "\n".join(["set -eu", *COMPONENT[".provisioner"]["before_script"], *job["script"]])
    env = {**started.env, "PROVISIONER_ROOT": ".", "PROVISIONER_VERSION": ""}
    done = subprocess.run(
        ["sh", "-c", script], cwd=started.checkout, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    for kind, path in job["artifacts"]["reports"].items():
        assert (started.checkout / path.replace("$[[ inputs.root ]]/", "")).exists(), kind
    names = {name for name in COMPONENT if not name.startswith(".")}
    assert names == {f"provisioner-{name}" for name in ("validate", "plan", "publish", "apply", "drift")}
