"""Every benchmark in turn: `make bench`, or

    python -m benchmarks [name...]      # language, start_up, evaluate …, compare_apply

Each runs in a process of its own. A peer that is not installed is skipped, and that is said.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "start_up",
    "language",
    "plan_no_change",
    "plan_google",
    "compare_apply",
    "evaluate",
    "compare_policies",
    "review_page",
)


def main() -> None:
    chosen = sys.argv[1:] or NAMES
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        raise SystemExit(f"there is no benchmark {unknown[0]}; there are {', '.join(NAMES)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    failed = []
    for name in chosen:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"\nnot finished: {', '.join(failed)}")


if __name__ == "__main__":
    main()
