"""Where the values of variables come from, and which one wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provisioner.config import Loaded

Load = Callable[..., Loaded]
Write = Callable[..., Path]

SHOW = '\n\noutput "x" {\n  value = var.x\n}\n'
STRING = 'variable "x" {\n  type    = string\n  default = "default"\n}' + SHOW


def value(found: Loaded) -> object:
    assert found.configuration is not None, found.diagnostics
    return found.configuration.outputs["x"]


def test_each_source_wins_over_the_one_before(loaded: Load, workspace: Write) -> None:
    environ = {"PROVISIONER_VAR_x": "environment", "PROVISIONER_VAR_other": "ignored"}
    files = {"x.hcl": STRING}
    assert value(loaded(files)) == "default"
    assert value(loaded(files, environ=environ)) == "environment"
    files["a.auto.vars.hcl"] = 'x = "auto a"\n'
    assert value(loaded(files, environ=environ)) == "auto a"
    files["b.auto.vars.hcl"] = 'x = "auto b"\n'
    assert value(loaded(files, environ=environ)) == "auto b"
    files["mine.vars.hcl"] = 'x = "file"\n'
    var_files = [workspace() / "mine.vars.hcl"]
    assert value(loaded(files, environ=environ, var_files=var_files)) == "file"
    assert value(loaded(files, environ=environ, var_files=var_files, variables={"x": "option"})) == "option"


def test_values_from_outside_are_named(loaded: Load, workspace: Write, tmp_path: Path) -> None:
    files = {"x.hcl": STRING, "a.auto.vars.hcl": 'x = "auto"\n'}
    inside = loaded(files).configuration
    assert inside is not None
    assert inside.inputs == ()
    assert "a.auto.vars.hcl" in inside.files
    option = loaded(files, variables={"x": "1"}).configuration
    assert option is not None
    assert option.inputs == ("x",)
    outside = tmp_path / "outside.vars.hcl"
    outside.write_text('x = "outside"\n')
    named = loaded(files, var_files=[outside]).configuration
    assert named is not None
    assert named.inputs == ("x",)
    assert "../outside.vars.hcl" in named.files


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ("string", "[1", "[1"),
        ("string", "007", "007"),
        ("number", "007", 7),
        ("bool", "true", True),
        ("list(string)", '["a", 1]', ["a", "1"]),
        ("map(number)", "{ a = 1 }", {"a": 1}),
        ("any", "[1, true]", [1, True]),
        ("object({ a = optional(number, 3) })", "{}", {"a": 3}),
    ],
)
def test_text_becomes_a_value_by_type(loaded: Load, declared: str, text: str, expected: object) -> None:
    found = loaded({"x.hcl": f'variable "x" {{\n  type = {declared}\n}}{SHOW}'}, variables={"x": text})
    assert value(found) == expected


def test_without_a_type_text_stays_text(loaded: Load) -> None:
    assert value(loaded({"x.hcl": 'variable "x" {\n}' + SHOW}, variables={"x": "[1]"})) == "[1]"


def test_null_takes_the_default_only_where_null_is_refused(loaded: Load) -> None:
    text = 'variable "x" {\n  default  = 5\n  nullable = FLAG\n}' + SHOW
    files = {"n.auto.vars.hcl": "x = null\n"}
    assert value(loaded({**files, "x.hcl": text.replace("FLAG", "true")})) is None
    assert value(loaded({**files, "x.hcl": text.replace("FLAG", "false")})) == 5


def test_sensitive_values_do_not_show(loaded: Load) -> None:
    declared = 'variable "x" {\n  type      = number\n  sensitive = true\n}\n\n'
    text = declared + 'output "x" {\n  value     = var.x\n  sensitive = true\n}\n'
    assert value(loaded({"x.hcl": text}, variables={"x": "12"})) == "(sensitive value)"
    wrong = loaded({"x.hcl": text}, variables={"x": "hunter2"})
    assert [d.code for d in wrong.diagnostics] == ["E-TYPE"]
    assert "hunter2" not in repr(wrong.diagnostics)
    assert all("hunter2" not in source.text for source in wrong.sources.values())


VALIDATED = (
    """
variable "x" {
  type = number

  validation {
    condition     = var.x > local.least
    error_message = "It must be more than ${local.least}."
  }

  validation {
    condition     = var.x < 100
    error_message = "It must be less than 100."
  }
}

locals {
  least = 10
}
"""
    + SHOW
)


@pytest.mark.parametrize(("given", "messages"), [("11", []), ("9", ["more than 10"]), ("100", ["less than 100"])])
def test_validation(loaded: Load, given: str, messages: list[str]) -> None:
    found = loaded({"x.hcl": VALIDATED}, variables={"x": given})
    assert [d.code for d in found.diagnostics] == ["E-VALIDATION"] * len(messages)
    assert all(message in d.detail for message, d in zip(messages, found.diagnostics, strict=True))


def test_validation_of_a_module_input_points_to_the_call(loaded: Load) -> None:
    found = loaded(
        {
            "m/main.hcl": VALIDATED,
            "x.hcl": 'module "m" {\n  source = "./m"\n  x      = 3\n}\n',
        }
    )
    assert [str(d.subject) for d in found.diagnostics] == ["x.hcl:3"]


def test_a_validation_that_is_no_condition(loaded: Load) -> None:
    validation = 'validation {\n    condition     = "yes"\n    error_message = "no"\n  }\n'
    text = 'variable "x" {\n  default = 1\n  ' + validation + "}" + SHOW
    assert [d.summary for d in loaded({"x.hcl": text}).diagnostics] == ["Invalid variable validation result"]


@pytest.mark.parametrize(
    ("options", "severity"),
    [({"variables": {"y": "1"}}, "error"), ({"environ": {"PROVISIONER_VAR_y": "1"}}, None)],
)
def test_values_for_nothing(loaded: Load, options: Mapping[str, object], severity: str | None) -> None:
    found = loaded({"x.hcl": STRING}, **options)
    assert [str(d.severity) for d in found.diagnostics] == ([severity] if severity else [])
