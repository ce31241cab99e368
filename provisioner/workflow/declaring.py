"""What a plan was made from, as it stands in the signed bytes: files, agents, tests, sponsors."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..approval.limits import DELETIONS_COUNT_FROM, deletions
from ..approval.root import test_digest
from ..model.configuration import Configuration
from ..model.diagnostics import DiagnosticError
from ..model.plan import Declared, DeclaredTest
from ..planning.planner import Draft
from .project import Project


def declared(project: Project, made: Draft) -> Declared:
    """Raises DiagnosticError where a file that was read is there no more."""
    configuration = project.configuration
    return Declared(
        sources=sources(project.inputs.root, configuration),
        agents=tuple(sorted(agent.name for agent in configuration.agents.values())),
        tests=tests(configuration),
        sponsors=sponsors(configuration, made),
        live_total=made.live_total if deletions(made.changes) >= DELETIONS_COUNT_FROM else 0,
        addresses={agent.name: agent.address for agent in configuration.agents.values()},
    )


def sources(root: Path, configuration: Configuration) -> dict[str, str]:
    """SHA-256 in hex of every file that was read, by its path from the root module's folder."""
    return {_name(file): _sha256(root / file, file) for file in sorted(configuration.files)}


def tests(configuration: Configuration) -> dict[str, DeclaredTest]:
    """The declared boundary tests by address."""
    return {
        address: DeclaredTest(test_digest(test), tuple(sorted(test.agents)))
        for address, test in sorted(configuration.tests.items())
        if not test.generated
    }


def sponsors(configuration: Configuration, made: Draft) -> dict[str, str]:
    """Sponsors of the agents whose authority changes only through something that they share."""
    named = {note.agent for note in made.agents}
    served = {world.agent for world in made.worlds} - named
    return {
        agent.name: agent.sponsor
        for agent in sorted(configuration.agents.values(), key=lambda agent: agent.name)
        if agent.name in served and agent.sponsor is not None
    }


def _sha256(path: Path, name: str) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DiagnosticError.of(
            "E-FILE",
            f"{name} was read and is there no more: {error.strerror}",
            "Let nothing change it, and plan again.",
        ) from error


def _name(file: str) -> str:
    """Bytes of a name that are no UTF-8 cannot be signed: they are written out."""
    return file.encode("utf-8", "backslashreplace").decode("utf-8")
