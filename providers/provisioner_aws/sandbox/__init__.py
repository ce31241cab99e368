"""The embedded AWS of `provisioner sandbox`: moto's server on loopback.

moto 5.2 is faithful for roles, policies, versions, attachments, boundaries, users, keys, instance profiles and OIDC
providers. EKS pod identity associations and AgentCore workload identities it lacks: `handlers` has them. What is
missing still is listed in `GAPS`: the sandbox never pretends.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

HOST = "127.0.0.1"
HEALTH_PATH = "/provisioner-sandbox"
_RESET_PATH = "/moto-api/reset"
_TIMEOUT_SECONDS = 2.0
_START_SECONDS = 30.0
_ACCESS_KEY = re.compile(r"Credential=SANDBOX([0-9]{12})/")

GAPS = (
    "permissions are not enforced: every caller may do everything",
    "size limits and the quota of attachments are not enforced; `validate` checks them before anything is sent",
    "MaxItems of the bulk read is ignored: the answer is always one page",
    "a trust policy is not checked when a role is made",
    "changes are visible at once: no eventual consistency",
    "policy simulation and Access Analyzer answer with an error",
    "CloudTrail's look-up shows the writes to IAM that the sandbox carried out, at once, and nothing else",
    "a pod identity association hands out no credentials, and a workload identity no tokens: both are records only",
)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class SandboxCloud:
    """What the core needs to run this cloud: a command, the runner file's keys, a health check, a reset."""

    name = "aws"

    def command(self, port: int, token: str) -> tuple[str, ...]:
        """The foreground server's command line. `token` is how `healthy` tells this server from another."""
        return (sys.executable, "-m", "provisioner_aws.sandbox", "--port", str(port), "--token", token)

    def run(self, port: int, token: str) -> None:
        """Serve until the process ends, beside other clouds in it. Ends by SystemExit when the port is taken."""
        serve(port, token)

    def settings(self, port: int) -> dict[str, str]:
        """The runner file's keys for a provider that is this sandbox: dummy credentials, which only loopback gets."""
        return {"endpoint": f"http://{HOST}:{port}", "credentials": "sandbox"}

    def healthy(self, port: int, token: str) -> bool:
        """True when the server at `port` is ours. A stale port, or another program's, is not."""
        answer = _ask("GET", port, HEALTH_PATH)
        return answer is not None and secrets.compare_digest(str(answer.get("token", "")), token)

    def reset(self, port: int) -> bool:
        """Forget every resource. False when nothing answers."""
        return _ask("POST", port, _RESET_PATH) is not None


def _ask(method: str, port: int, path: str) -> dict[str, Any] | None:
    """One request to the server, as JSON; None for any answer that is none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else None


@contextmanager
def in_child(managed_policies: bool = True) -> Iterator[int]:
    """A sandbox for as long as the block runs, for tests and benchmarks: yields its port.

    Without AWS's own managed policies it is emptied in a tenth of the time.
    """
    cloud, token = SandboxCloud(), secrets.token_hex(16)
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = int(free.getsockname()[1])
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        (*cloud.command(port, token), *([] if managed_policies else ["--without-managed-policies"])),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + _START_SECONDS
        while not cloud.healthy(port, token):
            if child.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the AWS sandbox did not start; is moto[server] installed?")
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait()


def with_health(application: Application, token: str) -> Application:
    """The application with one path of ours in front, which answers with the token."""
    body = json.dumps({"cloud": "aws", "token": token, "gaps": list(GAPS)}).encode()

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != HEALTH_PATH:
            return application(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def one_at_a_time(application: Application) -> Application:
    """The application with its requests in a row: moto reads its tables while another request changes them, and then
    answers 500 («dictionary changed size during iteration»)."""
    lock = threading.Lock()

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with lock:
            return list(application(environ, start_response))

    return answer


def with_accounts(application: Application) -> Application:
    """The application, told by each request's access key (`SANDBOX123456789012`) which account the caller is in."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        found = _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        if found is not None:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = found[1]
        return application(environ, start_response)

    return answer


def serve(port: int, token: str, managed_policies: bool = True) -> None:
    """Run in the foreground until the process ends.

    moto takes its settings from the environment when it is first imported, so they are set here, before. AWS-managed
    policies are loaded on the first IAM request, which takes about 0.5 s.
    """
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true" if managed_policies else "false"
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    from .handlers import with_handlers

    application = with_handlers(DomainDispatcherApplication(create_backend_app), _RESET_PATH)
    application = with_health(with_accounts(one_at_a_time(application)), token)
    run_simple(HOST, port, application, threaded=True, request_handler=MotoRequestHandler)


def main(arguments: Sequence[str] | None = None) -> None:
    """The child process of `provisioner sandbox up`."""
    parser = argparse.ArgumentParser(prog="provisioner_aws.sandbox")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--without-managed-policies", action="store_true")
    given = parser.parse_args(arguments)
    serve(given.port, given.token, not given.without_managed_policies)
