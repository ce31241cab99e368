"""How long a command takes that has next to nothing to do: medians over several starts.

python -m benchmarks.start_up [runs]      # default 11
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.table import Row, Skipped, show

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).parent / "provisioner")


def measure(command: list[str], cwd: Path, runs: int, given: bytes = b"") -> float | str:
    """The median in seconds, or what the command said when it failed."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        environ = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb", "CHECKPOINT_DISABLE": "1"}
        times = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            done = subprocess.run(command, cwd=cwd, env=environ, input=given, capture_output=True, check=False)
            times.append(time.perf_counter() - start)
            if done.returncode:
                said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
                return f"exit {done.returncode}: {' '.join(said[:2])}"[:100]
        return statistics.median(times[1:])  # the first start fills the caches


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    quickstart = ROOT / "examples" / "quickstart"
    asked: list[tuple[str, list[str], Path, bytes, float | None]] = [
        ("python -c pass", [sys.executable, "-c", "pass"], ROOT, b"", None),
        ("provisioner --help", [COMMAND, "--help"], ROOT, b"", 0.15),
        ("provisioner validate (quickstart)", [COMMAND, "validate"], quickstart, b"", None),
        ("provisioner fmt -check (quickstart)", [COMMAND, "fmt", "-check"], quickstart, b"", None),
        ("provisioner console (one expression)", [COMMAND, "console"], quickstart, b"1 + 1\n", None),
    ]
    terraform = shutil.which("terraform")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        rows: list[Row | Skipped] = []
        if terraform is None:
            rows.append(Skipped("terraform", "it is not on PATH"))
        else:
            (folder / "main.tf").write_text('variable "a" { default = 1 }\n')
            asked += [
                ("terraform -help", [terraform, "-help"], folder, b"", None),
                ("terraform validate (one variable)", [terraform, "validate"], folder, b"", None),
                ("terraform console (one expression)", [terraform, "console"], folder, b"1 + 1\n", None),
            ]
        found: list[Row | Skipped] = []
        for what, command, cwd, given, limit in asked:
            result = measure(command, cwd, runs, given)
            found.append(Skipped(what, result) if isinstance(result, str) else Row(what, result, "s", limit))
    show(f"Start-up (median of {runs})", [*found, *rows])


if __name__ == "__main__":
    main()
