"""`rules` and `explain`: every rule, and how hard it is in this workspace."""

from __future__ import annotations

from pathlib import Path

from ..model.configuration import CustomRule
from ..policy.catalogue import catalogue
from ..policy.rules import RULES
from ..render.rulebook import RuleBook, RulePage
from .owning import judge_of
from .project import Project


def has_configuration(folder: Path) -> bool:
    """Whether a folder holds a root module's files."""
    return any(path.suffix == ".hcl" and not path.name.endswith(".vars.hcl") for path in folder.glob("*.hcl"))


def rulebook(project: Project | None) -> RuleBook:
    """The rules that this version ships, and with a project the root's severities and the organisation's own."""
    severity: dict[str, str] = {}
    source = "as shipped"
    own: tuple[RulePage, ...] = ()
    if project is not None:
        judge = judge_of(project)
        severity, source = dict(judge.data.severity), judge.source
        own = tuple(_own(rule) for rule in project.configuration.rules.values())
    known = catalogue()
    pages = tuple(
        RulePage(
            rule.id,
            rule.level.value if rule.absolute else severity.get(rule.id, rule.level.value),
            rule.level.value,
            rule.surface.value,
            rule.summary,
            rule.why,
            rule.fix,
            rule.breaks,
            rule.holds,
            rule.absolute,
            tuple((reference, known.framework(reference) or "") for reference in known.rules[rule.id]),
        )
        for rule in RULES
    )
    return RuleBook(source, known.version, (*pages, *own))


def _own(rule: CustomRule) -> RulePage:
    where = f"declared at {rule.range}" if rule.range else "declared in the configuration"
    count = len(rule.breaches)
    said = f"{count} of {rule.judged} {rule.each} blocks break it" if rule.judged else f"no {rule.each} block is judged"
    references = tuple((reference, catalogue().framework(reference) or "") for reference in rule.references)
    return RulePage(
        rule.name,
        rule.severity,
        rule.severity,
        rule.surface,
        f"a rule of your own about every {rule.each}",
        f"{where}; {said}",
        rule.fix,
        "",
        "",
        False,
        references,
    )
