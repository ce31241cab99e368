"""Record what `terraform console` answers to the expression corpus, or compare ours with a fresh answer.

    python benchmarks/compare_console.py record [group …]   # rewrite tests/golden/expressions/<group>.json
    python benchmarks/compare_console.py [group …]          # ask terraform again and show where we differ

The corpus is tests/golden/expressions/*.txt, one expression a line, evaluated in a folder that holds a copy of
tests/golden/expressions/files and the variables below. Needs `terraform` 1.11 on the PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "tests" / "golden" / "expressions"

VARIABLES = """
variable "s" { default = "x" }
variable "n" { default = 5 }
variable "b" { default = true }
variable "list" { default = ["a", "b"] }
variable "map" { default = { k = "v" } }
variable "nul" { default = null }
variable "tmpl" { default = "Hi $${name}" }
variable "secret" {
  default   = "x"
  sensitive = true
}
variable "secret_list" {
  default   = ["x", "y"]
  sensitive = true
}
"""


def ask(folder: Path, lines: list[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of one console process."""
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "NO_COLOR": "1"}
    done = subprocess.run(
        ["terraform", "console", "-no-color"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def errors_of(text: str) -> list[dict[str, str]]:
    """Summary and detail (unwrapped) of each error that a console process printed."""
    found = []
    for block in text.split("\nError: ")[1:]:
        summary, _, rest = block.partition("\n")
        rest = re.sub(r"\n  on .*?(?=\n\n)", "", rest, flags=re.DOTALL)
        rest = re.sub(r"\n\s+├─+\n(\s+│.*\n)*", "", rest)
        found.append({"summary": summary.strip(), "detail": " ".join(rest.split())})
    return found


def answers(folder: Path, expressions: list[str]) -> list[dict[str, object]]:
    """What terraform says to each expression: value and type, or errors."""
    out: list[dict[str, object]] = []
    for expression in expressions:
        code, text, errors = ask(folder, [expression])
        if code:
            out.append({"expr": expression, "errors": errors_of(errors)})
        else:
            out.append({"expr": expression, "value": text.removesuffix("\n")})
    for answer in out:
        if "value" in answer:  # a console process prints the last line's answer only
            answer["type"] = ask(folder, [f"type({answer['expr']})"])[1].strip()
    return out


def groups() -> dict[str, list[str]]:
    """Expressions by file of the corpus."""
    return {path.stem: path.read_text().splitlines() for path in sorted(CORPUS.glob("*.txt"))}


def main() -> None:
    recording = sys.argv[1:2] == ["record"]
    wanted = set(sys.argv[2:] if recording else sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(CORPUS / "files", folder, dirs_exist_ok=True)
        (folder / "main.tf").write_text(VARIABLES)
        for group, expressions in groups().items():
            if wanted and group not in wanted:
                continue
            found = answers(folder, expressions)
            path = CORPUS / f"{group}.json"
            if recording:
                path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
                print(f"{group}: {len(found)} recorded")
                continue
            before = {answer["expr"]: answer for answer in json.loads(path.read_text())}
            changed = [answer for answer in found if before.get(answer["expr"]) != answer]
            print(f"{group}: {len(found)} asked, {len(changed)} differ from the record")
            for answer in changed:
                print("  ", json.dumps(answer, ensure_ascii=False))


if __name__ == "__main__":
    main()
