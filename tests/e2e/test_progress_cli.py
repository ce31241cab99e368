"""At a terminal reads and applies show how far they are; everything else stays as it is, byte by byte."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

from .conftest import COMMAND, Team

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def at_a_terminal(team: Team, *args: str, **env: str) -> tuple[int, str, str]:
    """Exit code, standard output through a pipe, and what a terminal on standard error was sent."""
    main, side = pty.openpty()
    environ = {**team.env, "TERM": "xterm-256color", **env}
    with subprocess.Popen(
        [str(COMMAND), *args], cwd=team.checkout, env=environ, stdin=side, stdout=subprocess.PIPE, stderr=side
    ) as process:
        os.close(side)
        seen = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not chunk:
                break
            seen += chunk
        assert process.stdout is not None
        out = process.stdout.read().decode()
    os.close(main)
    return process.returncode, out, seen.decode()


def test_progress_is_for_terminals_only(team: Any, tmp_path: Path) -> None:
    plan = str(tmp_path / "change.plan.json")
    code, out, err = at_a_terminal(team, "plan", f"-out={plan}")
    assert code == 3 and "\x1b" not in out and "reading" not in out
    assert "reading aws" in err and "\x1b[?25h" in err, "the cursor is shown again"
    assert "reading aws" not in CONTROL.sub("", err).splitlines()[-1], "the last line is cleared"
    for options, env in ((("-json",), {}), ((), {"TERM": "dumb"})):
        _, _, err = at_a_terminal(team, "plan", *options, **env)
        assert "reading" not in err
    assert "reading" not in team.run("plan", check=3).stderr
    _, _, err = at_a_terminal(team, "plan", NO_COLOR="1")
    assert "reading aws" in err and not re.search(r"\x1b\[[0-9;]*3[0-9]", err), "progress, and no colour"
    team.plan("change.plan.json")
    team.sign_all("change.plan.json")
    code, out, err = at_a_terminal(team, "apply", plan)
    assert code == 0 and "\x1b" not in out and "applying" not in out, out + err
    assert re.search(r"TOOK +aws \d+ calls, [\d.]+ s", out), "what it cost is in the report"
    assert re.search(r"applying .*\d+/\d+", CONTROL.sub("", err)) and "\x1b[?25h" in err
