"""`adopt D-1`: an edit of the configuration that keeps what drift found, for owners to sign.

What is kept is put under a name of its own: the plan takes the unsigned thing off and makes the same anew, so that
there is something to sign, and nothing is ever explained by a signature that nobody gave.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import load
from ..lang.ast import Block, Body
from ..lang.editor import Editor
from ..lang.writer import Code, NewAttribute, NewBlock, Writable, write_expression
from ..model.configuration import Agent
from ..model.diagnostics import DiagnosticError
from ..model.drift import Difference, DriftKind
from ..model.resources import Resource
from ..model.rightsizing import FileEdit
from ..model.source import Source
from ..sdk.describing import Json, Keeping
from .discovering import adopt_role
from .drifting import drift
from .project import ConfigurationError, Project


@dataclass(frozen=True, slots=True)
class Kept:
    """What would be written, and the difference that it keeps. `new`: a file that is not there yet."""

    difference: Difference
    edit: FileEdit
    new: bool = False


def keep(project: Project, wanted: str) -> Kept:
    """The edit for one difference of a drift run made now. Writes nothing.

    Raises DiagnosticError for an id that drift does not have, and for what cannot be kept by an edit, with the reason;
    CloudError where a cloud cannot be read.
    """
    run = drift(project)
    known = {difference.id: difference for difference in run.report.differences}
    difference = known.get(wanted)
    if difference is None:
        raise DiagnosticError.of(
            "E-ADOPT-UNKNOWN",
            f"Drift has no difference {wanted!r} now",
            f"It has {', '.join(known) or 'none'}. Numbers are of a run made now: `provisioner drift` shows them.",
        )
    if difference.kind is DriftKind.UNCLAIMED and difference.address is not None:
        return _whole(project, difference, difference.address.name)
    if difference.kind is not DriftKind.OUT_OF_BAND or difference.address is None:
        raise _cannot(difference, f"it is {difference.kind}, and nothing that somebody did in the cloud")
    live = run.live.get(difference.address)
    if live is None:
        raise _cannot(difference, "it is gone in the cloud: take it out of the files, or plan it back")
    return Kept(difference, _edited(project, difference, live))


def _whole(project: Project, difference: Difference, name: str) -> Kept:
    """A principal that nobody declared, in a file of its own."""
    written = adopt_role(project, name)
    file = f"adopted_{written.agents[0]}.hcl"
    if (project.inputs.root / file).exists():
        raise _cannot(difference, f"{file} exists already")
    _loads(project, {file: written.text})
    return Kept(difference, FileEdit(file, "", written.text, _diff(file, "", written.text)), new=True)


def _edited(project: Project, difference: Difference, live: Resource) -> FileEdit:
    configuration = project.configuration
    agent = next((item for item in configuration.agents.values() if item.name == difference.agent), None)
    if agent is None or agent.range is None:
        raise _cannot(difference, "no agent that the configuration declares has it")
    provider = project.registry.provider(live.address.provider)
    kept = provider.keep(live) if isinstance(provider, Keeping) else "its provider keeps nothing"
    if isinstance(kept, str):
        raise _cannot(difference, kept)
    if "[" in agent.address or agent.address.startswith("module."):
        raise _cannot(difference, f"{agent.address} is made by a block that makes others too, or stands in a module")
    name = agent.range.filename
    source = project.sources[name]
    type_, labels, values = kept
    editor = Editor(source)
    editor.append_block(_identity(editor.body, agent, live.address.provider, difference), _block(type_, labels, values))
    after = editor.text()
    _loads(project, {name: after})
    return FileEdit(name, source.text, after, _diff(name, source.text, after))


def _identity(body: Body, agent: Agent, cloud: str, difference: Difference) -> Body:
    """The body of the agent's identity block for a cloud, where the file writes one."""
    label = agent.address.partition(".")[2]
    for block in body.blocks:
        if block.type == "agent" and _labels(block) == [label]:
            for inner in block.body.blocks:
                if inner.type == "identity" and _labels(inner) == [cloud]:
                    return inner.body
    raise _cannot(difference, f"{agent.address} has no identity {cloud!r} block written out (it may be dynamic)")


def _labels(block: Block) -> list[str]:
    return [label.value for label in block.labels]


def _block(type_: str, labels: tuple[str, ...], values: Mapping[str, object]) -> NewBlock:
    items = tuple(NewAttribute(name, _writable(value)) for name, value in values.items())
    return NewBlock(type_, labels, items)


def _writable(value: object) -> Writable:
    if isinstance(value, Json):
        return Code(f"jsonencode({write_expression(value.value)})")
    return value  # type: ignore[return-value]


def _loads(project: Project, changed: Mapping[str, str]) -> None:
    """Refuse an edit with which the configuration is none."""
    inputs = project.inputs
    known = {name: text for name, text in changed.items() if name in project.sources}
    loaded = load(
        inputs.root,
        var_files=inputs.var_files,
        variables=inputs.variables,
        environ=inputs.environ,
        providers=project.registry.schema,
        edited=known,
    )
    if loaded.configuration is None:
        raise ConfigurationError(loaded.diagnostics, loaded.sources)
    for name, text in changed.items():
        if name not in known:
            Editor(Source(name, text))


def _diff(name: str, before: str, after: str) -> str:
    old = f"a/{name}" if before else str(Path("/dev/null"))
    return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), old, f"b/{name}", lineterm=""))


def _cannot(difference: Difference, why: str) -> DiagnosticError:
    way_out = " or ".join(hint.command for hint in difference.do) or "Settle it by hand."
    what = difference.what[0] if difference.what else difference.id
    return DiagnosticError.of(
        "E-ADOPT", f"{difference.id} ({what}) cannot be kept by an edit of the files: {why}", f"Otherwise: {way_out}."
    )
