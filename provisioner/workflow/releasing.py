"""`release AGENT`: a plan that takes our mark off an agent and leaves all that it may do, as a removed block has."""

from __future__ import annotations

from dataclasses import replace

from ..ledger import replay
from ..model.changes import Action
from ..model.configuration import Removed
from ..model.diagnostics import DiagnosticError
from .authorized import counted
from .planning import plan
from .project import Project, workspace_ledger
from .results import PlanRun


def release(project: Project, agent: str) -> PlanRun:
    """The plan. `agent` is its name or its block's address.

    Raises DiagnosticError for an agent that is declared still, that no applied plan made or claimed, or of which
    nothing is live; CloudError where a cloud cannot be read.
    """
    name, block = _known(project, agent)
    configuration = project.configuration
    declared = next((item for item in configuration.agents.values() if name == item.name), None)
    if declared is not None:
        raise DiagnosticError.of(
            "E-RELEASE-DECLARED",
            f"{declared.address} is declared still, so the next plan would want it back",
            "Take its block out of the configuration, and the grants, delegations and tests that name it. Then release"
            " it.",
            declared.range,
        )
    removed = (*configuration.removed, Removed(block))
    letting_go = replace(project, configuration=replace(configuration, removed=removed))
    try:
        run = plan(letting_go, (f"agent.{name}",))
    except DiagnosticError as error:
        if error.diagnostics[0].code == "E-TARGET":  # no live resource is this agent's
            raise _nothing(name) from error
        raise
    if all(change.action is not Action.RELEASE for change in run.file.plan.changes):
        raise _nothing(name)
    return run


def _nothing(name: str) -> DiagnosticError:
    return DiagnosticError.of(
        "E-RELEASE-NOTHING",
        f"Nothing live of agent {name} carries this workspace's mark",
        "There is nothing to let go of: it was released or deleted before. `provisioner drift` says what is there.",
    )


def _known(project: Project, agent: str) -> tuple[str, str]:
    """The agent's name and its block, from what applied plans made or claimed."""
    workspace = project.configuration.workspace.name
    ledger = workspace_ledger(project.runner, workspace, project.inputs.root)
    known: dict[str, str] = {}
    for address, item in replay.signed_state(ledger.history, counted(ledger, project.runner)).items():
        if item.agent is not None and item.block is not None and "/" not in address.name:
            known.setdefault(item.agent, item.block)
    for name, block in known.items():
        if agent in (name, block):
            return name, block
    raise DiagnosticError.of(
        "E-AGENT-UNKNOWN",
        f"No applied plan in the ledger is about an agent {agent!r}" if agent else "No agent is named",
        f"It knows {', '.join(sorted(known)) or 'no agent yet'}. A boundary or a federation is let go of by a removed"
        " block.",
    )
