"""`moved { from = agent.a  to = agent.b }`: a block under a new address keeps the name that the old one gave it.

There is no state file in which an object could change its address. What a rename must not do is make a new principal:
the clouds' names come from addresses, so a moved block takes its default name from the oldest address it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ..model.diagnostics import DiagnosticError
from ..model.source import SourceRange
from .moved import MODULE, Address, Move, name, text
from .names import Key
from .report import Report

if TYPE_CHECKING:
    from .instances import ExpansionNode, ModuleInstance
    from .module import Module


_MAX_TRAIL: Final = 100


class Moves:
    """All moves of a configuration, by the module that declares them. `moved` maps old addresses to present ones.

    `wrong` tells that some move cannot be as it is written, which was reported: names that clash are no news then.
    """

    def __init__(self, root: Module) -> None:
        self._root = root
        self.any = _any(root)
        self.moved: dict[str, str] = {}
        self.wrong = False

    def default_name(self, address: Address, subject: SourceRange) -> str:
        """The name of the block that is now at an address. Raises DiagnosticError (E-MOVED) for moves in a circle."""
        trail = [address]
        while (before := self._before(trail[-1], subject)) is not None:
            if before in trail or len(trail) > _MAX_TRAIL:
                ring = " ← ".join(text(one) for one in [*trail, before][-5:])
                detail = f"The moves lead in a circle: {ring}. Remove one of them."
                raise DiagnosticError.of("E-MOVED", "Moves in a circle", detail, subject)
            trail.append(before)
        for old in trail[1:]:
            self.moved.setdefault(text(old), text(address))
        return name(trail[-1])

    def _before(self, address: Address, subject: SourceRange) -> Address | None:
        """One move back. The one that says most about the address comes first: inside a module before the module's."""
        found: dict[tuple[int, bool], set[Address]] = {}
        for base, moves in self._declared(address):
            for move in moves:
                before = move.back(address, base)
                if before is not None:
                    found.setdefault((len(base) + len(move.target), not move.whole), set()).add(before)
        if not found:
            return None
        best = found[max(found)]
        if len(best) > 1:
            detail = (
                f"{text(address)} would come from {' and from '.join(sorted(text(one) for one in best))}. One block "
                "continues one: remove the other move."
            )
            raise DiagnosticError.of("E-MOVED", "Ambiguous moves", detail, subject)
        return next(iter(best))

    def _declared(self, address: Address) -> Iterator[tuple[Address, Sequence[Move]]]:
        module: Module | None = self._root
        for at, (kind, label, _) in enumerate(address):
            if module is None:
                return
            yield address[:at], module.moves
            module = module.children.get(label) if kind == MODULE else None


def _any(root: Module) -> bool:
    pending, seen = [root], set()
    while pending:
        module = pending.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        if module.moves:
            return True
        pending += module.children.values()
    return False


def check_declared(module: Module, report: Report) -> None:
    """What the moves of one module say of one another, and of modules that are not its own."""
    for at, move in enumerate(module.moves):
        for other in module.moves[:at]:
            if (move.source == other.source) != (move.target == other.target):
                same = "from" if move.source == other.source else "to"
                one = text(move.source if same == "from" else move.target)
                where = move.source_range if same == "from" else move.target_range
                detail = (
                    f"{one} stands in another move too, at {other.range}. One block continues one: remove one move."
                )
                report.error("E-MOVED", "Ambiguous moves", detail, where)
        for end, where in ((move.source, move.source_range), (move.target, move.target_range)):
            _check_package(module, end, where, report)
    ring = _ring(module.moves)
    if ring:
        path = " → ".join(text(end) for end in [ring[0].source, *(move.target for move in ring)])
        detail = f"The moves lead in a circle: {path}. Remove one of them."
        report.error("E-MOVED", "Moves in a circle", detail, ring[0].range)


def _check_package(module: Module, end: Address, where: SourceRange, report: Report) -> None:
    at: Module | None = module
    for _, label, _ in end[:-1]:
        at = at.children.get(label) if at is not None else None
        if at is not None and at.package != module.package:
            detail = (
                f"module.{label} comes from a repository of its own, whose blocks may be renamed there at any time. A "
                "move between them belongs into that repository."
            )
            report.error("E-MOVED", "Move into another repository's module", detail, where)
            return


def _ring(moves: Sequence[Move]) -> list[Move]:
    """Moves of which each begins where the one before ends, and the first where the last does."""
    following = {move.source: move for move in moves}
    for first in moves:
        trail = [first]
        while (then := following.get(trail[-1].target)) is not None and then not in trail:
            trail.append(then)
        if then is first:
            return trail
    return []


def check_instances(instances: Iterable[ModuleInstance], report: Report) -> None:
    """`from` must be gone, and `to` must be there, or be where another move begins."""
    for module in instances:
        for move in module.module.moves:
            if _exists(module, move.source, move.whole):
                detail = (
                    f"{module.prefix}{text(move.source)} is declared still, so it did not move. Remove the old block, "
                    "or this moved block."
                )
                report.error("E-MOVED", "Moved block still exists", detail, move.source_range)
                module.run.moves.wrong = True
            if not _goes_on(move, module.module.moves) and _exists(module, move.target, move.whole) is False:
                detail = (
                    f"{module.prefix}{text(move.target)} is not declared, so nothing moved there. Correct the address, "
                    "or remove this moved block."
                )
                report.error("E-MOVED", "Nothing at the new address", detail, move.target_range)


def _goes_on(move: Move, moves: Iterable[Move]) -> bool:
    """Whether another move takes along what this one brings."""
    for other in moves:
        *above, (kind, label, key) = other.source
        at = len(above)
        passed = move.target[at] if len(move.target) > at and move.target[:at] == tuple(above) else None
        if passed is not None and passed[:2] == (kind, label) and (other.whole or passed[2] == key):
            return True
    return False


def _exists(module: ModuleInstance, end: Address, whole: bool) -> bool | None:
    """Whether a block is declared, or with a key, whether that instance is; None when it cannot be told."""
    for kind, label, key in end[:-1]:
        nodes = module.calls if kind == MODULE else {}
        if label not in nodes:
            return False
        found = _instances(module, nodes[label])
        if found is None:
            return None
        if key not in found:
            return False
        module = found[key]
    kind, label, key = end[-1]
    group = module.calls if kind == MODULE else module.blocks.get(kind, {})
    if whole or label not in group:
        return label in group
    last = _instances(module, group[label])
    return None if last is None else key in last


def _instances(module: ModuleInstance, node: ExpansionNode) -> dict[Key, ModuleInstance] | None:
    return node.value if module.run.graph.settle(node) else None
