"""`-report FORMAT=FILE`: a plan in the formats that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..model.diagnostics import DiagnosticError
from .files import write_file

if TYPE_CHECKING:
    from ..model.findings import TestResult
    from ..planfile import PlanFile
    from ..render.plandiff import PlanDiff
    from ..render.signoff import SignOffs

FORMATS = ("text", "json", "markdown", "sarif", "junit", "gitlab-terraform", "gitlab-codequality", "csv", "html")

Report: Any = typer.Option(
    "--report",
    metavar="FORMAT=FILE",
    help=f"Write a report too; may be repeated. Formats: {', '.join(FORMATS[2:])}.",
    show_default=False,
)
Root: Any = typer.Option(
    "--root", metavar="PATH", help="The root module's folder as the repository names it, for places and comments."
)


@dataclass(frozen=True, slots=True)
class Material:
    """What reports are made from. `tests` are all results where they are known; a plan's bytes hold the failures."""

    file: PlanFile
    signoffs: SignOffs
    tests: tuple[TestResult, ...] | None = None
    root: str = ""
    artifact: str = ""
    review: str = ""
    since: PlanDiff | None = None


def wanted(given: Sequence[str]) -> list[tuple[str, Path]]:
    """The pairs of `-report`. Raises DiagnosticError for one that is none."""
    pairs = []
    for text in given:
        name, equals, path = text.partition("=")
        known(name, FORMATS[2:])
        if not equals or not path:
            raise DiagnosticError.of("E-USAGE", f"-report {text!r} names no file", "Write -report FORMAT=FILE.")
        pairs.append((name, Path(path)))
    return pairs


def known(name: str, formats: Sequence[str] = FORMATS) -> None:
    """Raise DiagnosticError for a format that there is not."""
    if name not in formats:
        raise DiagnosticError.of("E-USAGE", f"There is no format {name!r}", f"Use one of {', '.join(formats)}.")


def write_reports(pairs: Sequence[tuple[str, Path]], material: Material) -> None:
    """Write each report, whole or not at all. Raises DiagnosticError."""
    for name, path in pairs:
        write_file(path, report(name, material).encode("utf-8", "backslashreplace"))


def report(name: str, material: Material) -> str:
    """One report as text. `name` is any format but text and json."""
    return _RENDERERS[name](material)


def _markdown(material: Material) -> str:
    from ..render.markdown import Comment, plan_markdown

    comment = Comment(material.root or ".", material.artifact, material.review, material.since)
    return plan_markdown(material.file, material.signoffs, comment)


def _sarif(material: Material) -> str:
    from ..policy.table import RULES
    from ..render.sarif import plan_sarif
    from ..version import installed

    return plan_sarif(material.file, installed(), {rule.id: rule.summary for rule in RULES}, material.root)


def _junit(material: Material) -> str:
    from ..render.junit import tests_junit

    results = material.file.plan.tests.failures if material.tests is None else material.tests
    return tests_junit(material.file.plan.workspace, results, material.file.notes.milliseconds / 1000)


def _terraform(material: Material) -> str:
    from ..render.gitlab import terraform_report

    return terraform_report(material.file)


def _quality(material: Material) -> str:
    from ..render.gitlab import code_quality

    return code_quality(material.file, material.root)


def _csv(material: Material) -> str:
    from ..render.spreadsheet import plan_csv

    return plan_csv(material.file)


def _html(material: Material) -> str:
    from ..render.html.plan import Extra, plan_page

    return plan_page(material.file, material.signoffs, Extra(tests=material.tests))


_RENDERERS: dict[str, Callable[[Material], str]] = {
    "markdown": _markdown,
    "sarif": _sarif,
    "junit": _junit,
    "gitlab-terraform": _terraform,
    "gitlab-codequality": _quality,
    "csv": _csv,
    "html": _html,
}
