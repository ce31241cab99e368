"""A `moved` block, read: two addresses of one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..lang import ast
from ..lang.suggest import suggestion
from ..model.source import SourceRange
from .names import Key, joined_name, key_text, module_name
from .report import Report

MODULE: Final = "module"
MOVABLE: Final = ("agent", "boundary", "delegation", "federation", "grant", "tool")
RELEASABLE: Final = ("agent", "boundary", "federation", "grant")
"""Kinds of blocks whose address makes a name, and those that are something of their own in a cloud."""

Part = tuple[str, str, Key]
"""Kind (`module` for a module call), label and instance key."""

Address = tuple[Part, ...]
"""From a module down: module calls, then a block, or a module call as the last."""


@dataclass(frozen=True, slots=True)
class Move:
    """One moved block; both addresses as seen from its module.

    `whole`: neither ends in an instance key, so that all instances move, each keeping its key.
    """

    source: Address
    target: Address
    range: SourceRange
    source_range: SourceRange
    target_range: SourceRange

    @property
    def whole(self) -> bool:
        return self.source[-1][2] is None and self.target[-1][2] is None

    def back(self, address: Address, base: Address) -> Address | None:
        """The address before the move, of one after it; None when this move is not about it. `base` is the module."""
        at = len(base) + len(self.target) - 1
        if len(address) <= at or address[:at] != (*base, *self.target[:-1]):
            return None
        kind, label, key = self.target[-1]
        found = address[at]
        if found[:2] != (kind, label) or not (self.whole or found[2] == key):
            return None
        if kind != MODULE and len(address) != at + 1:
            return None
        last = self.source[-1]
        return (*base, *self.source[:-1], (last[0], last[1], found[2] if self.whole else last[2]), *address[at + 1 :])


def text(address: Address) -> str:
    """An address as people write it."""
    return ".".join(f"{kind}.{label}{key_text(key)}" for kind, label, key in address)


def name(address: Address) -> str:
    """The default name of the block at an address."""
    *modules, (_, label, key) = address
    return joined_name((*(module_name(name, at) for _, name, at in modules), label, key))


def read_move(block: ast.Block, known: Mapping[str, object], report: Report) -> Move | None:
    """A moved block; None, reported, when it is none. `known` are the kinds of blocks that there are."""
    attributes = block.body.attributes
    for bad in (*(a for n, a in attributes.items() if n not in ("from", "to")), *block.body.blocks, *block.labels):
        detail = "A moved block holds two addresses and nothing else: from = agent.old and to = agent.new."
        report.error("E-MOVED", "Invalid moved block", detail, bad.range)
        return None
    for wanted in ("from", "to"):
        if wanted not in attributes:
            detail = f'The argument "{wanted}" is required, but no definition was found. Add it.'
            report.error("E-REQUIRED", "Missing required argument", detail, block.header)
            return None
    ends = [_end(attributes[wanted].expr, known, report, "moved") for wanted in ("from", "to")]
    source, target = ends
    if source is None or target is None:
        return None
    subject = attributes["to"].expr.range
    if source[-1][0] != target[-1][0]:
        detail = (
            f"{text(source)} and {text(target)} are blocks of two kinds, and one does not continue the other. Move a "
            f"{source[-1][0]} to a {source[-1][0]}."
        )
        report.error("E-MOVED", "Move between two kinds of block", detail, subject)
        return None
    if source == target:
        detail = "from and to are the same address. Remove the moved block."
        report.error("E-MOVED", "Redundant move", detail, subject)
        return None
    return Move(source, target, block.header, attributes["from"].expr.range, subject)


@dataclass(frozen=True, slots=True)
class Release:
    """A removed block: what was at `address` is let go of and stays in the cloud as it is, or goes with `destroy`."""

    address: Address
    range: SourceRange
    subject: SourceRange
    destroy: bool = False


def read_removed(block: ast.Block, known: Mapping[str, object], report: Report) -> Release | None:
    """A removed block; None, reported, when it is none."""
    attributes, blocks = block.body.attributes, block.body.blocks
    others = [attribute for name, attribute in attributes.items() if name != "from"]
    for bad in (*others, *(inner for inner in blocks if inner.type != "lifecycle"), *block.labels):
        detail = "A removed block holds an address and how to let go of it: from = agent.old, and a lifecycle block."
        report.error("E-REMOVED", "Invalid removed block", detail, bad.range)
        return None
    if "from" not in attributes:
        detail = 'The argument "from" is required, but no definition was found. Add it.'
        report.error("E-REQUIRED", "Missing required argument", detail, block.header)
        return None
    destroy = [inner.body.attributes.get("destroy") for inner in blocks]
    expr = destroy[0].expr if len(destroy) == 1 and destroy[0] is not None else None
    if not isinstance(expr, ast.Literal) or not isinstance(expr.value, bool) or len(blocks[0].body.attributes) != 1:
        detail = (
            "A removed block says what becomes of the thing: lifecycle { destroy = false } on lines of their own lets "
            "go of it and leaves it as it is, destroy = true deletes it as a block that is only taken out would."
        )
        subject = blocks[0].header if blocks else block.header
        report.error("E-REMOVED", "Removed block that does not say whether it keeps", detail, subject)
        return None
    written = attributes["from"].expr
    address = _end(written, known, report, "removed")
    if address is None:
        return None
    return Release(address, block.header, written.range, expr.value)


def _end(expr: ast.Expr, known: Mapping[str, object], report: Report, block: str) -> Address | None:
    steps = _steps(expr)
    parts: list[Part] = []
    at = 0
    while steps is not None and at + 1 < len(steps) and (not parts or parts[-1][0] == MODULE):
        kind, label = steps[at], steps[at + 1]
        if not isinstance(kind, _Name) or not isinstance(label, _Name):
            break
        at += 2
        key: Key = None
        if at < len(steps) and not isinstance(steps[at], _Name):
            key = steps[at]
            at += 1
        parts.append((str(kind), str(label), key))
    if steps is None or not parts or at < len(steps):
        detail = (
            f"{'from is an address' if block == 'removed' else 'from and to are addresses'}, with literal keys where "
            'there are any: agent.triage, module.billing["eu"].agent.triage, agent.worker[0], module.billing.'
        )
        report.error(f"E-{block.upper()}", f"Invalid address in a {block} block", detail, expr.range)
        return None
    for kind in (part[0] for part in parts[:-1]):
        if kind != MODULE:
            detail = f"Nothing lies inside of a {kind}. Write the address up to there."
            report.error(f"E-{block.upper()}", f"Invalid address in a {block} block", detail, expr.range)
            return None
    last = parts[-1][0]
    kinds = RELEASABLE if block == "removed" else (*MOVABLE, MODULE)
    if last not in kinds:
        why = f"There are no blocks of type {last}.{suggestion(last, kinds)}"
        if last in known:
            why = f"Blocks of type {last} do not move: nothing in a cloud is named after their address."
            if block == "removed":
                why = f"A {last} is nothing of its own in a cloud, so there is nothing to let go of."
        what = "can be let go of" if block == "removed" else "move"
        detail = f"{why} Blocks that {what} are {', '.join(kinds[:-1])} and {kinds[-1]}."
        report.error(f"E-{block.upper()}", f"Invalid address in a {block} block", detail, expr.range)
        return None
    return tuple(parts)


class _Name(str):
    """A step that is a name; keys are plain strings and numbers."""

    __slots__ = ()


def _steps(expr: ast.Expr) -> list[str | int] | None:
    steps: list[str | int] = []
    while not isinstance(expr, ast.Variable):
        if isinstance(expr, ast.GetAttr):
            steps.append(_Name(expr.name))
        elif isinstance(expr, ast.Index) and (key := _literal(expr.key)) is not None:
            steps.append(key)
        else:
            return None
        expr = expr.target
    steps.append(_Name(expr.name))
    return steps[::-1]


def _literal(expr: ast.Expr) -> str | int | None:
    if isinstance(expr, ast.String):
        return expr.value
    return expr.value if isinstance(expr, ast.Literal) and type(expr.value) is int else None
