"""What only the whole configuration can tell: who answers for each surface, and what nothing uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.changes import Surface
from ..model.configuration import Agent, Configuration
from ..model.source import SourceRange
from .module import Module
from .report import Report


def ownership(configuration: Configuration, report: Report) -> None:
    """Report OWN-1 for each surface that is needed and has not exactly one owner.

    The same rule judges changes later against the trust root; here it is told early.
    """
    defaults = _defaults(configuration, report)
    for surface in (Surface.IDENTITY, Surface.TOOL_ACCESS, Surface.RUNTIME):
        if str(surface) not in defaults:
            lacking = list(_without_owner(configuration, surface))
            if lacking:
                _no_owner(report, str(surface), lacking)
    if str(Surface.GOVERNANCE) not in defaults:
        detail = (
            "No control owner is the default for governance, so nobody could sign a change of the owners themselves. "
            'Add default_for = ["governance"] to one control owner.'
        )
        report.error("OWN-1", "No owner for governance", detail, configuration.workspace.range)


def _defaults(configuration: Configuration, report: Report) -> dict[str, str]:
    """The default owner by surface; two of them are an error."""
    defaults: dict[str, str] = {}
    for name, owner in configuration.owners.items():
        for surface in owner.default_for:
            known = defaults.setdefault(surface, name)
            if known != name:
                first = configuration.owners[known]
                detail = (
                    f"control_owner.{known} ({first.range}) and control_owner.{name} are both the default for "
                    f"{surface}. Ownership that is shared is not owned: take it out of default_for in one of them."
                )
                report.error("OWN-1", f"Two default owners for {surface}", detail, owner.range)
    return defaults


def _without_owner(configuration: Configuration, surface: Surface) -> Iterator[tuple[str, SourceRange | None]]:
    """Blocks that need an owner of a surface and do not name one themselves."""
    if surface is not Surface.TOOL_ACCESS:
        for agent in configuration.agents.values():
            if str(surface) not in agent.owners:
                yield agent.address, agent.range
        return
    for grant in configuration.grants.values():
        agents = [configuration.agents[name] for name in grant.agents]
        if _grant_unowned(configuration, grant.tools, agents):
            yield grant.address, grant.range


def _grant_unowned(configuration: Configuration, tools: Iterable[str], agents: Iterable[Agent]) -> bool:
    open_tools = [address for address in tools if configuration.tools[address].owner is None]
    return bool(open_tools) and any(str(Surface.TOOL_ACCESS) not in agent.owners for agent in agents)


def _no_owner(report: Report, surface: str, lacking: list[tuple[str, SourceRange | None]]) -> None:
    first, subject = lacking[0]
    others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    detail = (
        f"{first}{others} needs an owner of {surface}, and there is none: no control owner is the default for it, and "
        f"the block names none. Every change resolves to exactly one owner for each surface. Add "
        f'default_for = ["{surface}"] to one control owner, or owners {{ {surface} = control_owner.… }} to the agent.'
    )
    if surface == str(Surface.TOOL_ACCESS):
        detail = detail.removesuffix(".") + ", or owner = control_owner.… to the tool."
    report.error("OWN-1", f"No owner for {surface}", detail, subject)


def surfaces(configuration: Configuration, report: Report) -> None:
    """An owner must own the surface that it is given."""
    for agent in configuration.agents.values():
        for surface, name in agent.owners.items():
            if surface not in configuration.owners[name].surfaces:
                _not_theirs(report, agent.address, name, surface, agent.range)
    for tool in configuration.tools.values():
        if tool.owner is not None and str(Surface.TOOL_ACCESS) not in configuration.owners[tool.owner].surfaces:
            _not_theirs(report, tool.address, tool.owner, str(Surface.TOOL_ACCESS), tool.range)


def _not_theirs(report: Report, block: str, owner: str, surface: str, subject: SourceRange | None) -> None:
    detail = (
        f'{block} gives {surface} to control_owner.{owner}, whose surfaces do not hold it. Add "{surface}" to its '
        "surfaces, or name another owner."
    )
    report.error("E-OWNER", f"Owner of another surface than {surface}", detail, subject)


def unused(modules: Iterable[Module], report: Report) -> None:
    """Warn of variables that nothing refers to."""
    for module in modules:
        used = module.used_variables()
        for name, declaration in module.variables.items():
            if name not in used:
                detail = f"Nothing refers to var.{name}, so setting it changes nothing. Use it, or remove the block."
                report.warning("W-UNUSED", "Variable is not used", detail, declaration.block.header)
