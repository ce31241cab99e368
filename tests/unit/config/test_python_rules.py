"""Rules written in Python: found by their entry point, named by a `rule` block, and never passed by where they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest

from .conftest import Load

CODE = """
def naming(block, blocks):
    tools = {tool["name"] for tool in blocks["tool"]}
    assert tools and block in blocks["agent"]
    return None if block["name"].startswith("acme-") else f"{block['name']} does not start with acme-"

def raises(block, blocks):
    raise KeyError("lost")

def odd(block, blocks):
    return 7

def vandal(block, blocks):
    blocks["agent"].clear()
    block["name"] = "acme-triage"

class Mute(Exception):
    def __str__(self):
        raise ValueError

class Sly(str):
    def strip(self, *given):
        return ""

def leaves(block, blocks):
    raise SystemExit(0)

def mute(block, blocks):
    raise Mute

def blank(block, blocks):
    return " \\n\\t"

def loud(block, blocks):
    return "bad\\x1b[2J\\u202e \\ud800name\\r\\n" + "x" * 10_000_000

def sly(block, blocks):
    return Sly("it breaks the rule")

def screams(block, blocks):
    raise ValueError("y" * 10_000_000)

constant = 3
"""
POINTS = """[provisioner.rules]
naming = acme_rules:naming
raises = acme_rules:raises
odd = acme_rules:odd
vandal = acme_rules:vandal
leaves = acme_rules:leaves
mute = acme_rules:mute
blank = acme_rules:blank
loud = acme_rules:loud
sly = acme_rules:sly
screams = acme_rules:screams
constant = acme_rules:constant
gone = acme_rules:gone
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Packages as pip leaves them."""

    def installed(name: str, points: str) -> None:
        folder = tmp_path / "site" / f"{name}-1.2.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.0\n")
        (folder / "entry_points.txt").write_text(points)
        invalidate_caches()

    installed("acme-rules", POINTS)
    (tmp_path / "site" / "acme_rules.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield installed


def rule(name: str, more: str = "") -> dict[str, str]:
    body = f'each = "agent"\nsurface = "identity"\nseverity = "accept"\nfix = "Rename it."\ncheck = "{name}"\n{more}'
    return {"more.hcl": f'rule "named" {{\n{body}\n}}\n'}


def test_a_check_judges_each_block(loaded: Load) -> None:
    found: Any = loaded(rule("naming")).configuration
    own = found.rules["rule.named"]
    assert own.breaches == (("agent.triage", "triage does not start with acme-"),)
    assert (own.judged, own.severity, own.surface) == (1, "accept", "identity")
    assert own.condition == "check naming of acme-rules 1.2.0", "what the trust root holds"


def test_what_a_check_does_to_its_copy_changes_nothing(loaded: Load) -> None:
    text = rule("vandal")["more.hcl"] + rule("naming")["more.hcl"].replace('"named"', '"second"')
    found: Any = loaded({"more.hcl": text}).configuration
    assert found.rules["rule.named"].breaches == () and len(found.rules["rule.second"].breaches) == 1
    assert [agent.name for agent in found.agents.values()] == ["triage"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "failed on agent.triage: it raised KeyError: 'lost'"),
        ("odd", "failed on agent.triage: it answered with int"),
        ("leaves", "it raised SystemExit: 0"),  # a check that ends the process must not end it as a success
        ("mute", "it raised Mute."),
        ("blank", "it answered with an empty text"),
        ("screams", "it raised ValueError: yyy"),
        ("constant", "is no function"),
        ("gone", "acme-rules 1.2.0 cannot be loaded: AttributeError"),
        ("namin", "did you mean naming?"),
        ("nowhere", "install the package that offers it in provisioner.rules"),
    ],
)
def test_a_check_that_cannot_judge_is_an_error_at_its_line(name: str, said: str, loaded: Load) -> None:
    result = loaded(rule(name))
    (error,) = [one for one in result.diagnostics if one.is_error]
    assert result.configuration is None and error.code == "E-RULE" and said in error.detail
    assert error.subject is not None and error.subject.start.line == 6
    assert len(error.detail) < 600


def test_what_a_check_says_is_one_line_that_anybody_can_print(loaded: Load) -> None:
    found: Any = loaded(rule("loud")).configuration
    ((address, said),) = found.rules["rule.named"].breaches
    assert address == "agent.triage" and said.startswith("bad [2J ?name xxx")
    assert len(said) == 400 and said.endswith("x…") and said.isprintable()
    plain: Any = loaded(rule("sly")).configuration
    ((_, said),) = plain.rules["rule.named"].breaches
    assert said == "it breaks the rule" and type(said) is str


def test_two_packages_with_one_name_are_refused(package: Callable[[str, str], None], loaded: Load) -> None:
    package("evil-rules", "[provisioner.rules]\nnaming = acme_rules:vandal\n")
    (error,) = [one for one in loaded(rule("naming")).diagnostics if one.is_error]
    assert "several packages offer it: acme-rules 1.2.0, evil-rules 1.2.0" in error.detail


def test_a_check_or_a_condition_and_never_both(loaded: Load) -> None:
    (error,) = [one for one in loaded(rule("naming", "condition = true")).diagnostics if one.is_error]
    assert "condition" in error.detail and "judged twice" in error.summary
