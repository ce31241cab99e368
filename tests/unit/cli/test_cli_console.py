"""`provisioner console`: pipes, programs, completion. The terminal itself is tried in tests/e2e."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import console
from provisioner.cli import main as entry
from provisioner.cli.console import Pending, candidates, history_file
from provisioner.cli.session import Session
from provisioner.config import open_scope
from provisioner.lang.scanner import Scanner
from provisioner.lang.scope import Scope

QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart"
MODULE = """
variable "name" {}
variable "secret" {
  default   = "s3cr3t"
  sensitive = true
}
locals {
  greeting = "hello ${var.name}"
  deep     = { inner = { leaf = 1, "not a name" = 2 } }
  broken   = local.missing
}
module "child" {
  source = "./child"
  word   = var.name
}
output "o" { value = local.greeting }
"""
CHILD = 'variable "word" {}\noutput "loud" { value = upper(var.word) }\n'


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def module(empty: Path) -> Path:
    (empty / "main.hcl").write_text(MODULE)
    (empty / "child").mkdir()
    (empty / "child" / "main.hcl").write_text(CHILD)
    return empty


class Run:
    """Feeds bytes to the command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, given: str | bytes, *argv: str, **environ: str) -> tuple[int, str, str]:
        data = given.encode() if isinstance(given, str) else given
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = entry.run(["console", *argv], {"HOME": "/nonexistent", **environ})
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def lines(self, given: str | bytes, *argv: str) -> list[Any]:
        code, out, err = self(given, "-json", *argv)
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


# Pipes


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ("1 + 1", "2\n"),
        ("1 + 1\n", "2\n"),
        ("1\n\n  \n2\r\n", "1\n2\n"),
        ("[\n1,\n2\n]\n", "[\n  1,\n  2,\n]\n"),
        ('{\na = "x"\nb = [\n1]\n}\n', '{\n  "a" = "x"\n  "b" = [\n    1,\n  ]\n}\n'),
        ("<<EOT\nhi\nEOT\n3\n", "<<EOT\nhi\n\nEOT\n3\n"),
        ('"a${\n1\n}"', '"a1"\n'),
        ("1 + \\\n 2\n", "3\n"),
        ("<<A\nx\\\ny\nA\n", "<<EOT\nx\\\ny\n\nEOT\n"),
        ("1\nexit\n2\n", "1\n"),
        ("", ""),
        ('sensitive("x")', "(sensitive value)\n"),
        ("path.module", '"."\n'),
        ("type([1])", "tuple([\n    number,\n])\n"),
    ],
)
def test_each_expression_is_answered(empty: Path, run: Run, given: str, out: str) -> None:
    assert run(given) == (0, out, "")


@pytest.mark.parametrize(
    ("given", "out", "says"),
    [
        ("1\nnope\n2\n", "1\n", "Unknown variable"),
        ("(1 +\n\n", "", "Missing expression"),
        ("1))\n", "", "Extra characters"),
        ("var.x", "", "undeclared input variable"),
        ('file("../x")', "", "outside the root module's folder"),
        (b"1\n\xff\n", "1\n", "Line 2 of standard input is not UTF-8"),
    ],
)
def test_the_first_error_ends_a_pipe(empty: Path, run: Run, given: str | bytes, out: str, says: str) -> None:
    code, printed, err = run(given)
    assert (code, printed) == (1, out)
    assert says in err


def test_the_names_of_a_configuration(module: Path, run: Run) -> None:
    asked = "local.greeting\nmodule.child.loud\nvar.secret\nlocal.deep.inner.leaf\n"
    assert run(asked, "-var", "name=you") == (0, '"hello you"\n"YOU"\n(sensitive value)\n1\n', "")
    (module / "v.vars.hcl").write_text('name = "file"\n')
    assert run("var.name", "-var-file=v.vars.hcl")[1] == '"file"\n'
    assert run("var.name", PROVISIONER_VAR_name="env")[1] == '"env"\n'


def test_blocks_and_clouds(empty: Path, run: Run) -> None:
    shutil.copytree(QUICKSTART, empty, dirs_exist_ok=True)
    asked = 'keys(tool)\ntool["triage_log"].effect\nagent.invoice_triage.name\nprovider.aws.account_id\n'
    code, out, err = run(asked)
    assert (code, err) == (0, "")
    assert out == '[\n  "invoice_inbox",\n  "triage_log",\n]\n"write"\n"invoice_triage"\n"123456789012"\n'


def test_a_value_is_asked_for_only_when_it_is_needed(module: Path, run: Run) -> None:
    """A variable without a value and a local that is wrong spoil nothing else."""
    assert run("local.deep.inner.leaf") == (0, "1\n", "")
    code, out, err = run("var.name")
    assert (code, out) == (1, "")
    assert "on main.hcl line 2" in err
    assert "on main.hcl line 10" in run("local.broken")[2]


def test_a_configuration_that_cannot_be_read(module: Path, run: Run) -> None:
    (module / "bad.hcl").write_text("a = \nb = \n")
    code, out, err = run("1 + 1")
    assert (code, out) == (1, "")
    assert err.count("Error: Invalid expression") == 2
    code, out, err = run('{"expr": "1"}', "-json")
    assert (code, err) == (1, "")
    found = json.loads(out)["diagnostics"]
    assert [one["range"]["filename"] for one in found] == ["bad.hcl", "bad.hcl"]


def test_a_value_for_nothing(empty: Path, run: Run) -> None:
    code, out, err = run("1", "-var", "x=1")
    assert (code, out) == (1, "")
    assert "declares no variable of that name" in err


# Programs


def test_lines_of_json(empty: Path, run: Run) -> None:
    given = b"\n".join(
        [
            b'{"expr": "upper(var.a)", "vars": {"a": "x"}}',
            b"",
            b"not json",
            b'\xff{"expr": "1"}',
            b'{"expr": "nope"}',
            '{"expr": "\\"é\\""}'.encode(),
            b'{"expr": "[1, null]"}',
        ]
    )
    answers = run.lines(given)
    assert answers[0] == {"value": "X", "type": "string"}
    assert [sorted(one) for one in answers[1:4]] == [["diagnostics"]] * 3
    assert answers[4] == {"value": "é", "type": "string"}
    assert answers[5]["value"] == [1, None]


def test_lines_of_json_know_the_configuration(module: Path, run: Run) -> None:
    answers = run.lines('{"expr": "local.greeting"}\n{"expr": "var.secret"}\n', "-var=name=you")
    assert answers == [{"value": "hello you", "type": "string"}, {"sensitive": True, "type": "string"}]


def test_ten_thousand_lines_and_one_that_is_too_long(empty: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "MAX_LINE", 100)
    lines = [json.dumps({"expr": f"{n} + 1"}) for n in range(10_000)]
    lines[500] = '{"expr": "' + "x" * 250 + '"}'
    lines[501] = '{"expr": "' + "x" * 86 + '"}\\'  # just over the limit without its line end
    answers = run.lines("\n".join(lines))
    assert len(answers) == 10_000
    assert [number for number, one in enumerate(answers) if one.get("value") != number + 1] == [500, 501]


class Broken(io.RawIOBase):
    """A pipe whose reader has gone."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raise BrokenPipeError


def test_a_reader_that_leaves(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"expr": "1"}\n')))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Broken()))  # type: ignore[type-var]
    with pytest.raises(BrokenPipeError):  # main() turns it into a quiet exit; see tests/e2e
        entry.run(["console", "-json"], {})


# Several lines


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "",
        "f(\n1)",
        "[[\n1,\n]\n]",
        '"${\n1}"',
        '"%{ if true\n}x%{ endif }"',
        "<<A\n[(${1}\nA",
        "f(<<A\nx\nA\n)",
        "[<<A\n]\nA\n]",
        "/* [\n*/ 1",
        "1 \\\n+ 1",
        '["]",\n1]',
        "<<A\nx \\\nA",
        "[ # ]\n1]",
    ],
)
def test_when_an_expression_is_complete(text: str) -> None:
    pending = Pending()
    assert [pending.add(line) for line in text.split("\n")] == [False] * text.count("\n") + [True]


@pytest.mark.parametrize("text", ["1 +", ")", "(]", '"abc', "[1, $]", '"\\\\"', "1 \\\\"])
def test_what_no_further_line_can_mend_is_complete(text: str) -> None:
    """It is shown as an error at once. (`(]` is one bracket each way.)"""
    assert Pending().add(text)


def test_a_long_expression_is_not_read_again_for_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    made = Scanner.__init__

    def counting(self: Scanner, source: Any, keep: bool = False) -> None:
        nonlocal seen
        seen += len(source.text)
        made(self, source, keep)

    monkeypatch.setattr(Scanner, "__init__", counting)
    pending = Pending()
    lines = ["[", *['"item ${n}",'] * 2_000, "]"]
    done = [pending.add(line) for line in lines]
    assert done.index(True) == len(lines) - 1
    assert seen < 4 * len(pending.text)


# Completion and history


@pytest.fixture
def scope(module: Path) -> Scope:
    opened = open_scope(module, variables={"name": "you"}, providers=lambda name: None)
    assert opened.scope is not None
    return opened.scope


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loc", ["local"]),
        ("local.", ["local.broken", "local.deep", "local.greeting"]),
        ("local.g", ["local.greeting"]),
        ("local.deep.", ["local.deep.inner"]),
        ("local.deep.inner.", ["local.deep.inner.leaf"]),
        ("module.child.", ["module.child.loud"]),
        ("var.", ["var.name", "var.secret"]),
        ("var.secret.", []),
        ("local.broken.", []),
        ("nope.", []),
        ("local..", []),
        ("base64gz", ["base64gzip("]),
        ("cidrsub", ["cidrsubnet(", "cidrsubnets("]),
        ("timest", []),
        ("to", [f"to{kind}(" for kind in ("bool", "list", "map", "number", "set", "string")] + ["tool"]),
    ],
)
def test_completion(scope: Scope, text: str, expected: list[str]) -> None:
    assert sorted(candidates(text, scope)) == sorted(expected)


def test_completion_of_blocks() -> None:
    from provisioner.registry import Registry

    opened = open_scope(QUICKSTART, providers=Registry().schema)
    assert opened.scope is not None
    assert candidates("tool.i", opened.scope) == ["tool.invoice_inbox"]
    assert "tool.invoice_inbox.purpose" in candidates("tool.invoice_inbox.", opened.scope)
    assert "provider.aws.account_id" in candidates("provider.aws.", opened.scope)


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, Path("/s/provisioner/console_history")),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, Path("/h/.local/state/provisioner/console_history")),
        ({"HOME": "/h"}, Path("/h/.local/state/provisioner/console_history")),
        ({}, None),
    ],
)
def test_where_history_is_kept(environ: dict[str, str], path: Path | None) -> None:
    assert history_file(Session(environ, Path())) == path
