"""The language at work: syntax beside python-hcl2 and pygohcl, whole configurations, expressions, layout, in one run.

    python -m benchmarks.language [blocks]     # default 5,000

Configurations are loaded in a process of their own, so that its peak memory is theirs: medians of five runs.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import language_evaluate, language_syntax
from benchmarks.table import Row, Skipped, show

ROOT = Path(__file__).resolve().parents[1]
RUNS = 5

# Eight blocks, 59 lines: a tool, the agent that uses it, six grants (nested blocks are not counted).
UNIT = """
tool "t{n}" {{
  purpose     = "Read the invoices of team {n}"
  sensitivity = "confidential"
  effect      = "read"

  aws {{
    statement "objects" {{
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-${{var.stage}}/{n}/*"]
    }}
  }}
}}

agent "a{n}" {{
  purpose     = "Sort the invoices of team {n}"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {{
    functions = ["f-{n}"]
  }}

  identity "aws" {{}}
}}
"""
GRANT = """
grant "g{n}_{m}" {{
  agents = [agent.a{n}]
  tools  = [tool.t{n}]
  reason = "T-{n}"
}}
"""
VARIABLE = """
variable "stage" {
  default = "prod"
}
"""
FOR_EACH = """
agent "worker" {{
  for_each    = toset([for n in range({agents}) : format("%05d", n)])
  purpose     = "Sort the invoices of team ${{each.key}}"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {{
    functions = ["f-${{each.key}}"]
  }}

  identity "aws" {{}}
}}
"""


def program(blocks: int) -> str:
    """A configuration of about so many blocks, to stand beside the quickstart's workspace."""
    parts = [VARIABLE]
    for n in range(blocks // 8):
        parts.append(UNIT.format(n=n))
        parts += [GRANT.format(n=n, m=m) for m in range(6)]
    return "".join(parts)


def load_once(folder: Path) -> None:
    """Load a configuration and print seconds and peak MB, in a process that does nothing else."""
    from provisioner.config import load
    from provisioner.registry import Registry

    schema = Registry().schema
    schema("aws")
    start = time.perf_counter()
    loaded = load(folder, providers=schema)
    seconds = time.perf_counter() - start
    if loaded.configuration is None:
        raise SystemExit(f"the program is not valid: {loaded.diagnostics[0].summary}")
    print(json.dumps({"seconds": seconds, "megabytes": peak_megabytes()}))


def peak_megabytes() -> float:
    """The most memory that this process has held. Not from getrusage on Linux, which counts the parent before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def loaded(text: str) -> tuple[float, float]:
    """Seconds and peak MB of the process that loads `text` beside the quickstart."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name) / "w"
        shutil.copytree(ROOT / "examples" / "quickstart", folder, ignore=shutil.ignore_patterns(".*"))
        (folder / "many.hcl").write_text(text)
        runs = []
        for _ in range(RUNS):
            command = [sys.executable, "-m", "benchmarks.language", "--load", str(folder)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            runs.append(json.loads(done.stdout))
    return statistics.median(run["seconds"] for run in runs), statistics.median(run["megabytes"] for run in runs)


def syntax(blocks: int) -> list[Row | Skipped]:
    """Rates of reading, ours and the peers', on the same text."""
    text = language_syntax.program(blocks, language_syntax.REFERENCE)
    ours = language_syntax.rate(text, language_syntax.parsed)
    size = len(text) / 1e6
    layout = language_syntax.rate(text, language_syntax.format_source, 1)
    rows: list[Row | Skipped] = [
        Row("ours, scan and parse", size / ours, "s", size / 1.5, f"{ours:.2f} MB/s; 1.5 MB/s is asked for"),
        Row("ours, format", size / layout, "s", None, f"{layout:.2f} MB/s"),
    ]
    for part in (blocks // 10, blocks * 4):
        smaller = language_syntax.program(part, language_syntax.REFERENCE)
        found = language_syntax.rate(smaller, language_syntax.parsed, 1)
        rows.append(Row(f"ours, {part} blocks", len(smaller) / 1e6 / found, "s", None, f"{found:.2f} MB/s"))
    for name, found in language_syntax.peers(blocks).items():
        if isinstance(found, str):
            rows.append(Skipped(name, found.removesuffix(", skipped")))
        else:
            note = f"{found:.2f} MB/s; ours is {ours / found:.1f} times as fast"
            rows.append(Row(name, size / found, "s", None, note))
    return rows


def configurations(blocks: int) -> list[Row | Skipped]:
    """Files to the typed configuration."""
    text = program(blocks)
    seconds, peak = loaded(text)
    lines = text.count("\n")
    rows: list[Row | Skipped] = [
        Row(f"{blocks} blocks ({lines} lines) parsed and decoded", seconds, "s", 2.0),
        Row("  its process, at most", peak, "MB", 200.0),
    ]
    seconds, peak = loaded(FOR_EACH.format(agents=1_000))
    return [
        *rows,
        Row("1,000 agents by for_each, loaded", seconds, "s", 0.5),
        Row("  its process, at most", peak, "MB", 200.0),
    ]


def expressions() -> list[Row | Skipped]:
    """The evaluator alone."""
    attributes = len(language_evaluate.ATTRIBUTES)
    return [
        Row(
            f"{language_evaluate.AGENTS} agents of {attributes} attributes, evaluated",
            language_evaluate.best(language_evaluate.agents),
            "s",
            0.5,
        ),
        Row(
            f"{language_evaluate.LINES} lines of console -json", language_evaluate.best(language_evaluate.console), "s"
        ),
    ]


def main() -> None:
    if sys.argv[1:2] == ["--load"]:
        load_once(Path(sys.argv[2]))
        return
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    text = language_syntax.program(blocks, language_syntax.REFERENCE)
    title = f"Syntax: {blocks} blocks, {text.count(chr(10))} lines, {len(text) / 1e6:.2f} MB (seconds for all of it)"
    show(title, syntax(blocks))
    show(f"Configurations (median of {RUNS})", configurations(blocks))
    show("Expressions (best of 3)", expressions())


if __name__ == "__main__":
    main()
