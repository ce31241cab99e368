"""docs/reference/rules.md says what the rules are. `UPDATE_GOLDEN=1 pytest …` writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.model.findings import ABSOLUTE
from provisioner.policy.catalogue import catalogue
from provisioner.policy.rules import RULES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "rules.md"
_LETTER = {"block": "B", "accept": "S", "warn": "W"}

HEAD = """\
# Rules

`provisioner rules` lists them with the severities of the trust root in force, `provisioner explain RULE` shows one.
**B** blocks a plan, **S** needs the surface owner's acceptance with a reason in the sign-off, **W** warns. Rules marked
**!** are absolute: no exception lifts them, no severity lowers them, no broken glass goes round them.

Governance may set another severity, `severity = { "FED-3" = "block" }` in the `provisioner` block; it counts once it is
in the trust root. An [exception](blocks.md) lifts a rule for some subjects until a day, at most 90 days ahead, and
needs the signature of `accepted_by`; renewing it needs two people. A `baseline` lifts the violations that were there on
the day of adoption; they may only shrink. What only the next trust root would lift is accepted by governance in the
plan that brings it. A `rule` block adds a rule of your own.
"""


def page() -> str:
    lines = [HEAD, "| rule | severity | surface | what it holds | references |", "|---|---|---|---|---|"]
    for rule in RULES:
        letter = _LETTER[rule.level.value] + ("!" if rule.absolute else "")
        references = ", ".join(catalogue().rules[rule.id])
        lines.append(f"| [{rule.id}](#{rule.id.lower()}) | {letter} | {rule.surface} | {rule.summary} | {references} |")
    named = [f"{start} is {name}" for start, name in catalogue().frameworks.items()]
    lines += ["", f"Catalogue {catalogue().version}: {'; '.join(named)}.", ""]
    for rule in RULES:
        lines += [f"## {rule.id}", "", f"{rule.summary[0].upper()}{rule.summary[1:]}. {rule.why}", ""]
        lines += [f"- breaks it: {rule.breaks}", f"- holds: {rule.holds}", f"- way out: {rule.fix}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def test_the_page_is_what_the_rules_are() -> None:
    text = page()
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def test_every_rule_is_explained() -> None:
    for rule in RULES:
        assert rule.why and rule.fix and rule.breaks and rule.holds and rule.summary, rule.id
        assert all(catalogue().framework(reference) for reference in catalogue().rules[rule.id]), rule.id


def test_the_verifier_knows_the_same_absolute_rules() -> None:
    assert {rule.id for rule in RULES if rule.absolute} == set(ABSOLUTE)
