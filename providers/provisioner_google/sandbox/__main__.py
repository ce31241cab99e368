"""`python -m provisioner_google.sandbox`: the emulator in the foreground."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import start

_ENDS = {signal.SIGTERM, signal.SIGINT}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is told to end (SIGTERM, SIGINT)."""
    parser = argparse.ArgumentParser(prog="provisioner_google.sandbox", description="A Google Cloud emulator for IAM.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--token", default="", help="what the health path answers with")
    parser.add_argument("--seeds", type=Path, help="JSON file: organizations, folders, projects, resources, groups")
    parser.add_argument("--enforce", action="store_true", help="callers may do only what the policies allow")
    parser.add_argument("--quotas", action="store_true", help="answer 429 beyond the quotas a minute")
    parser.add_argument("--on-demand", action="store_true", help="projects and resources exist once asked for")
    given = parser.parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # before there are threads, which inherit it
    seeds = json.loads(given.seeds.read_text(encoding="utf-8")) if given.seeds else None
    emulator = start(
        given.port, seeds, given.token, enforce=given.enforce, quotas=given.quotas, on_demand=given.on_demand
    )
    sys.stdout.write(f"Google Cloud emulator on {emulator.endpoint}\n")
    sys.stdout.flush()
    signal.sigwait(_ENDS)
    emulator.stop()


if __name__ == "__main__":
    main()
