"""`rightsize`: from what agents used to the narrower tool, as an edit of the file where the tool stands.

Nothing is written that is not proven: the edited files are loaded and compiled as a plan would, every changed policy is
compared by its provider, and all must be narrower or equal; a boundary test that would fail refuses it too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ..config import load
from ..lang.ast import Block
from ..lang.editor import Editor
from ..model.changes import Action, Change, Effect
from ..model.configuration import Configuration, Settings
from ..model.diagnostics import Diagnostic, DiagnosticError, Severity
from ..model.requests import World
from ..model.resources import Address, Desired, Resource
from ..model.rightsizing import Compared, FileEdit, Rightsizing, ToolNote
from ..model.source import Source
from ..model.usage import Edit
from ..planning.planner import raise_for
from ..policy.boundary_tests import judge
from ..usage.judge import Holder, ToolFit, blocks_of, days, fits, holders, targets_of, uncovered
from .compiling import Compiled, compile_all, preflight, providers_of
from .planning import stamp
from .project import ConfigurationError, Project
from .using import Used, parts_of, read_usage

SHORT_DAYS = 30
"""Logs of less than this are said to be short: what an agent does once a month is not in them."""


_HOLE = re.compile(r"\n[ \t]*(\r?\n[ \t]*\})")
"""A blank line before a closing brace: what is left above the last block of a body once it has gone."""


@dataclass(frozen=True, slots=True)
class Rightsized:
    """What was found, and warnings about the logs."""

    found: Rightsizing
    warnings: tuple[Diagnostic, ...]


class _Stands(Exception):
    """Why a tool is left as it is, with the way out."""


def rightsize(project: Project, agents: Sequence[str], paths: Sequence[Path]) -> Rightsized:
    """Find what the agents' tools could do without. Writes nothing, reads no cloud.

    Raises DiagnosticError for an agent or a path that is not there, and where an edit is not proven to be narrower.
    """
    configuration = project.configuration
    names = tuple(dict.fromkeys(_agent(configuration, name) for name in agents))
    now = datetime.now(UTC).replace(microsecond=0)
    compiled = _compiled(configuration, project, now)
    used = read_usage(paths, compiled)
    texts = {name: source.text for name, source in project.sources.items()}
    edited = dict(texts)
    notes = []
    everything = holders(parts_of(compiled))
    for holder in everything:
        if set(holder.agents) & set(names):
            blocks = blocks_of(everything, holder.provider, holder.agents)
            notes.append(_tool(holder, names, used, edited, blocks))
    changed = {name: text for name, text in edited.items() if text != texts[name]}
    compared = _proven(project, compiled, changed, now) if changed else ()
    edits = tuple(FileEdit(name, texts[name], text, _diff(name, texts[name], text)) for name, text in changed.items())
    usages = [(cloud, one, used.usage.of(cloud, one)) for cloud in used.principals for one in names]
    found = Rightsizing(
        agents=names,
        windows=tuple((f"{cloud} {target}", window) for (cloud, target), window in used.usage.windows.items()),
        tools=tuple(notes),
        denied=tuple(item for _, _, usage in usages for item in usage.denied),
        unmapped=tuple(pair for _, _, usage in usages for pair in usage.unmapped.items()),
        compared=compared,
        edits=edits,
    )
    return Rightsized(found, (*used.warnings, *_short(names, used)))


def _agent(configuration: Configuration, text: str) -> str:
    name = text.removeprefix("agent.")
    if name not in configuration.agents:
        known = ", ".join(sorted(configuration.agents)) or "none"
        raise DiagnosticError.of("E-AGENT", f"There is no agent {text!r}", f"The configuration declares {known}.")
    return name


def _compiled(configuration: Configuration, project: Project, now: datetime) -> Compiled:
    """Owners play no part in what a policy allows, so a tool without one of its own gets a stand-in."""
    providers = providers_of(configuration, project.registry)
    compiled = compile_all(configuration, providers, lambda agent, tool: tool.owner or "owner", {}, now)
    raise_for(preflight(compiled))
    return compiled


def _short(agents: Sequence[str], used: Used) -> Iterator[Diagnostic]:
    for (cloud, target), window in used.usage.windows.items():
        length = days(window.first, window.last)
        if length < SHORT_DAYS and target in targets_of(cloud, agents, used.principals):
            yield Diagnostic(
                "W-USAGE-SHORT",
                f"the logs of {cloud} {target} cover {length} days",
                f"What an agent does once a month, or in an emergency, is not in less than {SHORT_DAYS} days. Give"
                " older logs as well, or read the diff with that in mind.",
                Severity.WARNING,
            )


def _tool(
    holder: Holder, agents: Sequence[str], used: Used, texts: dict[str, str], blocks: tuple[Settings, ...]
) -> ToolNote:
    """Judge one tool, and edit the text of its file where that narrows it."""
    tool = holder.tool
    note = ToolNote(tool.address, holder.provider, str(tool.range or ""), holder.agents)
    others = sorted(set(holder.agents) - set(agents))
    if others:
        named = " ".join((*agents, *others))
        out = f"`provisioner rightsize {named} -usage …`, or give {agents[0]} a tool and grant of its own"
        return replace(note, refused=f"held by {', '.join(f'agent.{name}' for name in others)} too: {out}")
    fitting = used.fitters.get(holder.provider)
    if fitting is None:
        return replace(note, refused=f"nobody reads the audit logs of {holder.provider}: give this provider's own")
    lacking = uncovered(holder.provider, holder.agents, used.usage, used.principals)
    if lacking:
        where = f"{holder.provider} {', '.join(lacking)}"
        return replace(note, refused=f"the logs hold nothing of {where}: give its logs as well")
    found = tuple(fits(holder, holder.agents, used.usage, used.principals, fitting, blocks))
    note = replace(
        note,
        unused=tuple(name for one in found for name in one.fit.unused),
        loose=tuple(said for one in found for said in one.fit.loose),
        kept=tuple(said for one in found for said in one.fit.unjudged),
    )
    if all(one.fit.idle for one in found):
        return replace(note, refused=f"nothing of it was used: take {tool.address} out of the grants that name it")
    if not any(one.fit.edits or one.fit.idle for one in found):
        return note
    try:
        name, text = _edited(found, texts)
    except _Stands as error:
        return replace(note, refused=str(error))
    texts[name] = text
    return replace(note, edited=True)


def _edited(found: Sequence[ToolFit], texts: Mapping[str, str]) -> tuple[str, str]:
    """The file's name and its new text. Raises _Stands."""
    tool, cloud = found[0].tool, found[0].provider
    if tool.range is None or "[" in tool.address or not tool.address.startswith("tool."):
        why = "it has several instances, or stands in a module that others may call"
        raise _Stands(f"{why}: narrow it by hand, or write a tool of its own for this agent")
    name = tool.range.filename
    editor = Editor(Source(name, texts[name]))
    block = next(
        (b for b in editor.body.blocks if b.type == "tool" and [x.value for x in b.labels] == [tool.name]), None
    )
    if block is None:
        raise _Stands(f"{name} has no block tool {tool.name!r}: narrow it by hand")
    clouds = [inner for inner in block.body.blocks if inner.type == cloud]
    if len(clouds) != len(found):
        raise _Stands("a dynamic block makes what it gives: narrow it by hand")
    for one, body in zip(found, clouds, strict=True):
        if one.fit.idle:
            editor.remove_block(body)
            continue
        for edit in one.fit.edits:
            _apply(editor, body, edit, one)
    text = editor.text()
    return name, text if _HOLE.search(texts[name]) else _HOLE.sub(r"\1", text)


def _apply(editor: Editor, body: Block, edit: Edit, fit: ToolFit) -> None:
    block = body
    for type_, at in edit.path:
        inside = [inner for inner in block.body.blocks if inner.type == type_]
        if len(inside) != len(fit.settings.of(type_)):
            raise _Stands("a dynamic block makes what it gives: narrow it by hand")
        block = inside[at]
    if edit.remove:
        editor.remove_block(block)
    for name, values in edit.attributes.items():
        if name not in block.body.attributes:
            raise _Stands(f"{name} is not written in it: narrow it by hand")
        editor.set_attribute(block.body, name, list(values))


def _diff(name: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm="")
    return "\n".join(lines)


def _proven(project: Project, before: Compiled, changed: Mapping[str, str], now: datetime) -> tuple[Compared, ...]:
    """What the edit does to every policy. Raises DiagnosticError unless all of it is narrower or equal."""
    inputs = project.inputs
    loaded = load(
        inputs.root,
        var_files=inputs.var_files,
        variables=inputs.variables,
        environ=inputs.environ,
        providers=project.registry.schema,
        edited=changed,
    )
    if loaded.configuration is None:
        raise ConfigurationError(loaded.diagnostics, loaded.sources)
    after = _compiled(loaded.configuration, project, now)
    compared = tuple(_compared(before, after, now))
    wider = [one for one in compared if Effect(one.effect) not in (Effect.NARROWER, Effect.EQUAL)]
    if wider:
        said = "; ".join(f"{one.label}: {one.effect} ({one.reason})" for one in wider)
        raise DiagnosticError.of(
            "E-RIGHTSIZE",
            "The narrower tool is not proven to be narrower",
            f"{said}. Nothing was written. Narrow the tool by hand, and let `provisioner plan` compare it.",
        )
    _tests(loaded.configuration, before, after, now)
    return compared


def _compared(before: Compiled, after: Compiled, now: datetime) -> Iterator[Compared]:
    old, new = _by_address(before.desired), _by_address(after.desired)
    worlds = [World({a: item.resource for a, item in side.items()}, stamp(now)) for side in (old, new)]
    for address in sorted({*old, *new}):
        was, is_ = old.get(address), new.get(address)
        if was is not None and is_ is not None and was.resource.attributes == is_.resource.attributes:
            continue
        change = _change(address, was, is_)
        found = before.providers[address.provider].assess(change, worlds[0], worlds[1])
        yield Compared(change.label, change.agent or "", str(found.effect), found.cannot, found.reason)


def _by_address(desired: Iterable[Desired]) -> dict[Address, Desired]:
    return {item.resource.address: item for item in desired}


def _change(address: Address, was: Desired | None, is_: Desired | None) -> Change:
    either = is_ or was
    assert either is not None
    action = Action.CREATE if was is None else Action.DELETE if is_ is None else Action.UPDATE
    sides = [_attributes(side.resource) if side is not None else None for side in (was, is_)]
    return Change(
        1, action, address, either.label, either.resource.agent, either.block, (), {}, Effect.UNKNOWN, (), (), "",
        sides[0], sides[1],
    )  # fmt: skip


def _attributes(resource: Resource) -> dict[str, object]:
    return dict(resource.attributes)


def _tests(configuration: Configuration, before: Compiled, after: Compiled, now: datetime) -> None:
    """Raises DiagnosticError where a boundary test that passes would fail: somebody wrote down that it is needed."""
    results = []
    for compiled in (before, after):
        world = World({item.resource.address: item.resource for item in compiled.desired}, stamp(now))
        found = judge(tuple(configuration.tests.values()), configuration, compiled.providers, world)
        results.append({(one.test, one.case, one.agent): one for one in found})
    lost = [one for key, one in results[1].items() if not one.passed and results[0][key].passed]
    if lost:
        raise DiagnosticError.of(
            "E-RIGHTSIZE",
            "A boundary test would fail on the narrower tool",
            f"{'; '.join(f'{one.test} {one.case} on agent.{one.agent}' for one in lost)}. Nothing was written. The test"
            " says that it is needed, the logs that nobody used it: change the test, or leave the tool as it is.",
        )
