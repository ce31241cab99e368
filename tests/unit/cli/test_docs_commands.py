"""Every command line in the documentation can be typed: the command is there, and so are its options."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from provisioner.cli.arguments import normalise
from provisioner.cli.binding import Binding
from provisioner.cli.commands import COMMANDS
from provisioner.cli.main import module_of
from provisioner.lang.parser import parse_file
from provisioner.model.source import Source

ROOT = Path(__file__).parents[3]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "SECURITY.md"]
LINE = re.compile(r"^\$ (provisioner .+?)(?:  +#.*)?$", re.M)
HCL = re.compile(r"^```hcl\n(.*?)^```$", re.M | re.S)


def lines() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in re.findall(r"^```(?:console|text|sh)\n(.*?)^```$", page.read_text(), re.M | re.S):
            found += [(str(page.relative_to(ROOT)), line) for line in LINE.findall(block)]
    return found


@pytest.mark.parametrize(("page", "line"), lines())
def test_a_command_of_the_documentation_parses(page: str, line: str) -> None:
    name, *args = shlex.split(re.split(r" [<>|] ", line)[0])[1:]
    assert name in COMMANDS, f"{page}: {line}"
    app = import_module(module_of(name), "provisioner.cli").app
    functions = {info.name or info.callback.__name__: info.callback for info in app.registered_commands}
    group = len(functions) > 1 or app.registered_callback is not None
    if group:
        name, *args = args
    binding = Binding(functions[name if group else next(iter(functions))])
    given = normalise(args, binding.options)
    binding.values(given.arguments)


@pytest.mark.parametrize("page", [p for p in PAGES if "howto" in p.parts], ids=lambda page: page.stem)
def test_the_configuration_in_a_how_to_is_hcl(page: Path) -> None:
    for text in HCL.findall(page.read_text()):
        _, diagnostics = parse_file(Source(page.name, text))
        assert not diagnostics, text


def test_the_how_tos_are_there_and_listed() -> None:
    folder = ROOT / "docs" / "howto"
    pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (folder / "README.md").read_text()))
    assert pages == listed and len(pages) >= 5
    assert len([line for page, line in lines() if page.startswith("docs/howto")]) > 20
