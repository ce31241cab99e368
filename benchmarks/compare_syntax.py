"""Compares what is accepted, and its layout, with `terraform fmt`; needs Terraform on the machine.

    python benchmarks/compare_syntax.py [random programs]

First the recorded corpus of tests/golden/syntax, then that many random mutations of it (default 2,000). Prints every
difference; exits 1 when there is one that is not listed here as known.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from provisioner.lang.fmt import format_text
from provisioner.model.source import Source

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "syntax"
SCRAPS = ['"', "${", "%{", "}", "{", "(", ")", "[", "]", "\n", "=", ",", ".", "*", "...", "=>", "?", ":", "::", "~",
          "<<EOT\n", "EOT\n", "# c\n", "/* c */", "1", "0.1", "a", "-", "!", "==", "&&", " ", "\t", "\r\n", "$${",
          "%%{",
          "if", "in", "for x in y", "null", "é", "[*]", ".*", ".0", "a = 1\n", "x {\n}\n", "'", ";", "\\"]  # fmt: skip


def corpus() -> list[str]:
    lines = (GOLDEN / "verdicts.jsonl").read_text("utf-8").splitlines()
    inputs = sorted((GOLDEN / "fmt").glob("*.in.hcl"))
    return [json.loads(line)["text"] for line in lines] + [path.read_bytes().decode() for path in inputs]


def mutations(texts: list[str], count: int) -> list[str]:
    chance = random.Random(1)
    made = []
    for _ in range(count):
        text = chance.choice(texts)
        for _ in range(chance.randint(1, 3)):
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice([*SCRAPS, ""]) + text[at + chance.choice([0, 0, 0, 1, 3]) :]
        made.append(text)
    return made


def terraform(texts: list[str]) -> list[str | None]:
    """What `terraform fmt` makes of each text; None where it finds a syntax error."""
    folder = Path(tempfile.mkdtemp(prefix="compare-syntax-"))
    try:
        for number, text in enumerate(texts):
            (folder / f"f{number}.tf").write_bytes(text.encode())
        run = subprocess.run(
            ["terraform", "fmt", "-no-color", "-list=false", str(folder)],
            capture_output=True, text=True, check=False, env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        )  # fmt: skip
        bad = {int(number) for number in re.findall(r"on (?:\S*/)?f(\d+)\.tf line", run.stderr)}
        return [
            None if number in bad else (folder / f"f{number}.tf").read_bytes().decode() for number in range(len(texts))
        ]
    finally:
        shutil.rmtree(folder)


def known(ours: str, theirs: str) -> bool:
    """Terraform drops a block label that holds a dollar or percent sign; we keep it."""
    headers = re.compile(r'^(\s*[\w-]+)((?: "[^"\n]*")*) \{', re.MULTILINE)

    def without(text: str) -> str:
        return headers.sub(lambda m: m[1] + re.sub(r' "[^"]*[$%][^"]*"', "", m[2]) + " {", text)

    return without(ours) == without(theirs)


def main() -> None:
    if shutil.which("terraform") is None:
        raise SystemExit("terraform is not installed: nothing to compare with")
    recorded = corpus()
    valid = [text for text in recorded if text.endswith("\n") and not format_text(Source("main.tf", text))[1]]
    texts = recorded + mutations(valid, int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
    accepted = differences = 0
    for text, theirs in zip(texts, terraform(texts), strict=True):
        formatted, diagnostics = format_text(Source("main.tf", text))
        ours = None if diagnostics else formatted
        accepted += theirs is not None
        if ours == theirs or (ours is not None and theirs is not None and known(ours, theirs)):
            continue
        differences += 1
        print(f"--- {text!r}\n  terraform: {theirs!r}\n  ours:      {ours!r}")
    print(f"{len(texts)} programs, {accepted} accepted, {differences} differences")
    raise SystemExit(1 if differences else 0)


if __name__ == "__main__":
    main()
