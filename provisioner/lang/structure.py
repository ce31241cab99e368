"""What a syntax tree says, without where it says it: for comparing two of them."""

from __future__ import annotations

from dataclasses import fields

from .ast import Binary, Node

_PLACES = frozenset({"source", "start", "end", "name_end", "header_end"})


_PARTS: dict[type[Node], tuple[str, ...]] = {}


def _parts(kind: type[Node]) -> tuple[str, ...]:
    if kind not in _PARTS:
        _PARTS[kind] = tuple(part.name for part in fields(kind) if part.name not in _PLACES)
    return _PARTS[kind]


def outline(node: object) -> object:
    """Nested tuples that are equal exactly when two trees have the same structure; lists keep their order.

    A chain of operators is unrolled rather than recursed into: it may be thousands long.
    """
    if isinstance(node, Binary):
        chain: list[object] = []
        at: object = node
        while isinstance(at, Binary):
            chain.append((at.op, outline(at.right)))
            at = at.left
        return ("Binary", outline(at), tuple(reversed(chain)))
    if isinstance(node, Node):
        return (type(node).__name__, *(outline(getattr(node, part)) for part in _parts(type(node))))
    if isinstance(node, list):
        return tuple(outline(item) for item in node)
    if isinstance(node, dict):
        return tuple((key, outline(item)) for key, item in node.items())
    return (type(node).__name__, node)
