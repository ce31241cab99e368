"""What the core needs to run the emulator as an embedded cloud."""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import threading
from typing import Any

from .control import PREFIX

HOST = "127.0.0.1"
_TIMEOUT_SECONDS = 5.0


class SandboxCloud:
    """A command, the runner file's keys, a health check, a reset. Projects and resources exist once asked for."""

    name = "google"

    def command(self, port: int, token: str) -> tuple[str, ...]:
        """The foreground server's command line. `token` is how `healthy` tells this server from another."""
        module = "provisioner_google.sandbox"
        return (sys.executable, "-m", module, "--port", str(port), "--token", token, "--on-demand")

    def run(self, port: int, token: str) -> None:
        """Serve until the process ends, beside other clouds in it. Raises OSError when the port is taken."""
        from . import start

        start(port, None, token, on_demand=True)
        threading.Event().wait()

    def settings(self, port: int) -> dict[str, str]:
        """The runner file's keys for a provider that is this sandbox: no credentials, which only loopback accepts."""
        return {"endpoint": f"http://{HOST}:{port}", "credentials": "sandbox"}

    def healthy(self, port: int, token: str) -> bool:
        """True when the server at `port` is ours. A stale port, or another program's, is not."""
        answer = _ask("GET", port, f"{PREFIX}health")
        return answer is not None and secrets.compare_digest(str(answer.get("token", "")), token)

    def reset(self, port: int) -> bool:
        """Forget every resource. False when nothing answers."""
        return _ask("POST", port, f"{PREFIX}reset") is not None


def _ask(method: str, port: int, path: str) -> dict[str, Any] | None:
    """One request to the server, as JSON; None for any answer that is none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if response.status == 200 and isinstance(answer, dict) else None
