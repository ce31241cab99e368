"""`owners` and `who-signs`: who answers for what, from the configuration and the root in force. Reads no cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..approval.ownership import one_owner, resolve_owner
from ..approval.root import RootData, root_data
from ..approval.root_changes import compare
from ..lang.parser import parse_file
from ..ledger import views
from ..ledger.log import Ledger
from ..model.changes import Surface
from ..model.configuration import AGENT_SURFACES, Agent, Configuration, Tool
from ..model.diagnostics import DiagnosticError
from ..model.resources import Desired
from ..model.source import SourceRange
from ..render.owners import OwnerMatrix, OwnerRow
from ..render.whosigns import BlockSigners, Signers, WhoSigns
from ..runner import Runner
from .compiling import compile_all, providers_of
from .project import Project, workspace_ledger
from .roots import root_in_force


@dataclass(frozen=True, slots=True)
class Judge:
    """The root data that decides, and what to call it."""

    data: RootData
    source: str
    in_force: bool


def judge_of(project: Project) -> Judge:
    """The root in force where this runner knows a ledger; before `init`, what the configuration itself would have."""
    name = project.configuration.workspace.name
    if project.runner.workspace(name).ledger is None:
        return Judge(root_data(project.configuration, ""), "the configuration's own word: no trust root yet", False)
    ledger = workspace_ledger(project.runner, name, project.inputs.root)
    root = root_in_force(ledger, project.runner).root
    return Judge(root.data, f"trust root v{root.version}", True)


def owners(project: Project) -> OwnerMatrix:
    """The matrix of every surface, agent and tool that the configuration declares."""
    judge, configuration = judge_of(project), project.configuration
    differences: tuple[str, ...] = ()
    if judge.in_force:
        wanted = root_data(configuration, judge.data.ledger)
        names = [agent.name for agent in configuration.agents.values()]
        differences = tuple(compare(judge.data, wanted, names, list(configuration.tools)))
    rows = [*_surfaces(judge.data), *_agents(judge.data, configuration), *_tools(judge.data, configuration)]
    return OwnerMatrix(configuration.workspace.name, judge.source, judge.data.approval.solo, tuple(rows), differences)


def matrix_in_force(ledger: Ledger, runner: Runner) -> OwnerMatrix:
    """The matrix from the ledger alone: surfaces, the agents of the plan that was applied last, and whatever names an
    owner of its own. Raises DiagnosticError."""
    root = root_in_force(ledger, runner).root
    data = root.data
    agents: dict[str, str] = dict.fromkeys(data.agents, "")
    last = views.last_consumed(ledger.history)
    found = views.publication(ledger.history, last.plan) if last is not None else None
    if found is not None:
        plan = found.file().plan
        agents |= dict.fromkeys(plan.declared.agents if plan.declared is not None else (), "")
        agents |= {note.agent: note.sponsor or "" for note in plan.agents if note.agent in agents}
    rows = list(_surfaces(data))
    for agent in sorted(agents):
        for surface in AGENT_SURFACES:
            owner = resolve_owner(data, surface, agent)
            rows.append(_row(data, "agent", f"agent.{agent}", surface, owner, agents[agent]))
    for tool in sorted(data.tools):
        rows.append(_row(data, "tool", tool, "tool_access", resolve_owner(data, "tool_access", None, tool)))
    return OwnerMatrix(ledger.workspace, f"trust root v{root.version}", data.approval.solo, tuple(rows))


def who_signs(project: Project, path: Path) -> WhoSigns:
    """Whose sign-off a change of a file would need. Raises DiagnosticError for a file outside the configuration."""
    configuration, judge = project.configuration, judge_of(project)
    name = _relative(path, project.inputs.root)
    if name not in configuration.files:
        raise DiagnosticError.of(
            "E-NOT-READ",
            f"The configuration does not read {path}",
            f"It reads {', '.join(sorted(configuration.files)[:8])}"
            f"{' and more' if len(configuration.files) > 8 else ''}. Nobody has to sign a change of other files.",
        )
    blocks = [
        BlockSigners(address, line, tuple(_signers(judge.data, pairs)))
        for address, line, pairs in _blocks(project, judge.data, name)
    ]
    blocks.sort(key=lambda block: block.line)
    union: set[Pair] = {(one.surface, one.owner) for block in blocks for one in block.signers}
    shared = _shared(project, name)
    if shared or not blocks:
        # What others read (a local value, a key, a template) is not traced to them, so anybody may be asked.
        union |= {(surface.value, owner) for surface in Surface for owner in _defaults(judge.data, surface)}
    signers = tuple(_signers(judge.data, union))
    return WhoSigns(configuration.workspace.name, judge.source, name, tuple(blocks), signers, shared)


def _surfaces(root: RootData) -> Iterator[OwnerRow]:
    for surface in Surface:
        yield _row(root, "surface", "(default)", surface.value, resolve_owner(root, surface))


def _agents(root: RootData, configuration: Configuration) -> Iterator[OwnerRow]:
    for agent in sorted(configuration.agents.values(), key=lambda agent: agent.name):
        for surface in AGENT_SURFACES:
            owner = resolve_owner(root, surface, agent.name)
            yield _row(root, "agent", f"agent.{agent.name}", surface, owner, agent.sponsor or "")


def _tools(root: RootData, configuration: Configuration) -> Iterator[OwnerRow]:
    for address in sorted(configuration.tools):
        owner = resolve_owner(root, "tool_access", None, address)
        yield _row(root, "tool", address, "tool_access", owner)


def _row(root: RootData, kind: str, subject: str, surface: str, name: str | None, informed: str = "") -> OwnerRow:
    owner = root.owners.get(name or "")
    if name is None or owner is None:
        return OwnerRow(kind, subject, surface, None, "", "", (), 0, "", informed)
    way = owner.escalation
    stands_in = f"{way.to} after {_span(way.after_seconds)}" if way is not None else ""
    return OwnerRow(
        kind, subject, surface, name, owner.title, owner.contact, owner.signers, owner.threshold, stands_in, informed
    )


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h" if not rest else f"{seconds} s"


def _relative(path: Path, root: Path) -> str:
    absolute = (Path.cwd() / path).resolve()
    base = root.resolve()
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else str(path)


def _desired(project: Project, root: RootData) -> Sequence[Desired]:
    def owner_of(agent: Agent, tool: Tool) -> str | None:
        return resolve_owner(root, "tool_access", agent.name, tool.address)

    now = datetime.now(UTC).replace(microsecond=0)
    providers = providers_of(project.configuration, project.registry)
    return compile_all(project.configuration, providers, owner_of, {}, now).desired


Pair = tuple[str, str | None]
"""(surface, owner); None where the surface has not exactly one."""


def _shared(project: Project, filename: str) -> tuple[str, ...]:
    """The kinds of block in a file that mean something only through others, which may stand anywhere."""
    source = project.sources.get(filename)
    if source is None:
        return ()
    body, _ = parse_file(source)
    return tuple(sorted({block.type for block in body.blocks if block.type in _READ_BY_OTHERS}))


_READ_BY_OTHERS = frozenset({"agent_defaults", "import", "locals", "module", "moved", "removed", "variable"})


def _blocks(project: Project, root: RootData, filename: str) -> Iterator[tuple[str, int, set[Pair]]]:
    """The blocks of one file with what a change of each would touch: the cloud resources that come from it by the
    providers' own schemas, and what it means for the trust root."""
    configuration = project.configuration
    providers = providers_of(configuration, project.registry)
    kinds = {name: provider.schema().kinds for name, provider in providers.items()}
    touched: dict[str, set[Pair]] = {}
    for item in _desired(project, root):
        address = item.resource.address
        for surface in kinds[address.provider][address.kind].surfaces(None):
            owner = one_owner(root, surface.value, item.resource.agent, item.tools)
            touched.setdefault(item.block, set()).add((surface.value, owner))
    governor = (Surface.GOVERNANCE.value, resolve_owner(root, Surface.GOVERNANCE))
    for block, line, governs in _declared(configuration, filename):
        pairs = set(touched.get(block, ())) | _through_grants(configuration, root, block)
        yield block, line, pairs | ({governor} if governs or not pairs else set())


def _declared(configuration: Configuration, filename: str) -> Iterator[tuple[str, int, bool]]:
    """Address, line and whether the trust root holds something of it, for every block of a file."""
    workspace = configuration.workspace.range
    if workspace is not None and workspace.filename == filename:
        yield "provisioner", workspace.start.line, True
    config = configuration
    named: list[tuple[str, SourceRange | None, bool]] = [
        *((f"provider.{one.key}", one.range, True) for one in config.providers.values()),
        *((f"person.{one.name}", one.range, True) for one in config.people.values()),
        *((f"control_owner.{one.name}", one.range, True) for one in config.owners.values()),
        *((one.address, one.range, bool(one.owners)) for one in config.agents.values()),
        *((one.address, one.range, one.owner is not None) for one in config.tools.values()),
        *((one.address, one.range, True) for one in config.tests.values() if not one.generated),
        *((one.address, one.range, True) for one in config.exceptions.values()),
        *((one.address, one.range, True) for one in config.baselines.values()),
        *((one.address, one.range, True) for one in config.rules.values()),
    ]
    named += [(one.address, one.range, False) for one in config.boundaries.values()]
    named += [(one.address, one.range, False) for one in config.grants.values()]
    named += [(one.address, one.range, False) for one in config.federations.values()]
    named += [(one.address, one.range, False) for one in config.delegations.values()]
    for address, where, governs in named:
        if where is not None and where.filename == filename:
            yield address, where.start.line, governs


def _through_grants(configuration: Configuration, root: RootData, address: str) -> set[Pair]:
    """What a change of a tool touches: the policies of every grant that gives it."""
    if address not in configuration.tools:
        return set()
    given = {name for grant in configuration.grants.values() if address in grant.tools for name in grant.agents}
    agents: set[str | None] = {*given} or {None}
    return {(Surface.TOOL_ACCESS.value, resolve_owner(root, "tool_access", agent, address)) for agent in agents}


def _defaults(root: RootData, surface: Surface) -> Iterator[str | None]:
    named = [name for name, owner in root.owners.items() if surface.value in owner.surfaces]
    yield from named
    if not named:
        yield None


def _signers(root: RootData, pairs: set[Pair]) -> Iterator[Signers]:
    order = {surface.value: at for at, surface in enumerate(Surface)}
    for surface, name in sorted(pairs, key=lambda pair: (order[pair[0]], pair[1] or "")):
        owner = root.owners.get(name or "")
        yield Signers(surface, name, owner.signers if owner else (), owner.threshold if owner else 0)
