"""Which names an expression refers to: for dependency order, cycles and unused or unknown names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.source import SourceRange
from . import ast


@dataclass(frozen=True, slots=True)
class Reference:
    """`root.path[0].path[1]…`: a root name and the steps known without evaluating (`tool["x"].name` → `x`, `name`).

    `path` stops at the first step that needs evaluation (`tool[each.key].name` → empty). `expr` is the longest
    expression these steps make up.
    """

    root: str
    path: tuple[str | int, ...]
    expr: ast.Expr

    @property
    def range(self) -> SourceRange:
        """Where it is written."""
        return self.expr.range


def references(expr: ast.Expr) -> list[Reference]:
    """Every reference in `expr`, in source order, names bound by `for` left out. Iterative: any depth is fine."""
    found: list[Reference] = []
    stack: list[tuple[ast.Expr, frozenset[str]]] = [(expr, frozenset())]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, (ast.Variable, ast.GetAttr, ast.Index)):
            _traversal(node, bound, found, stack)
        else:
            stack.extend(reversed(list(children(node, bound))))
    return found


def _traversal(
    node: ast.Expr, bound: frozenset[str], found: list[Reference], stack: list[tuple[ast.Expr, frozenset[str]]]
) -> None:
    steps: list[ast.GetAttr | ast.Index] = []
    at = node
    while isinstance(at, (ast.GetAttr, ast.Index)):
        steps.append(at)
        at = at.target
    steps.reverse()
    pending = [step.key for step in steps if isinstance(step, ast.Index) and not _is_constant(step.key)]
    stack.extend((key, bound) for key in reversed(pending))
    if not isinstance(at, ast.Variable):
        stack.append((at, bound))
        return
    if at.name in bound:
        return
    path: list[str | int] = []
    whole: ast.Expr = at
    for step in steps:
        known = step.name if isinstance(step, ast.GetAttr) else _constant_key(step.key)
        if known is None:
            break
        path.append(known)
        whole = step
    found.append(Reference(at.name, tuple(path), whole))


def _is_constant(key: ast.Expr) -> bool:
    return isinstance(key, (ast.String, ast.Literal))


def _constant_key(key: ast.Expr) -> str | int | None:
    if isinstance(key, ast.String):
        return key.value
    if isinstance(key, ast.Literal) and type(key.value) is int:
        return key.value
    return None


def children(node: ast.Expr, bound: frozenset[str] = frozenset()) -> Iterator[tuple[ast.Expr, frozenset[str]]]:
    """The direct parts of an expression in source order, each with the names bound around it."""
    if isinstance(node, ast.Template):
        yield from ((part, bound) for part in node.parts)
    elif isinstance(node, (ast.TemplateWrap, ast.Paren)):
        yield node.expr, bound
    elif isinstance(node, ast.TemplateIf):
        yield from ((part, bound) for part in (node.condition, *node.then, *node.otherwise))
    elif isinstance(node, ast.TemplateFor):
        yield node.collection, bound
        inner = bound | {name for name in (node.key, node.value) if name}
        yield from ((part, inner) for part in node.body)
    elif isinstance(node, ast.GetAttr):
        yield node.target, bound
    elif isinstance(node, ast.Index):
        yield from ((node.target, bound), (node.key, bound))
    elif isinstance(node, ast.Splat):
        yield from ((node.target, bound), (node.each, bound))
    elif isinstance(node, ast.Call):
        yield from ((arg, bound) for arg in node.args)
    elif isinstance(node, ast.Unary):
        yield node.operand, bound
    elif isinstance(node, ast.Binary):
        yield from ((node.left, bound), (node.right, bound))
    elif isinstance(node, ast.Conditional):
        yield from ((part, bound) for part in (node.condition, node.then, node.otherwise))
    elif isinstance(node, ast.TupleCons):
        yield from ((item, bound) for item in node.items)
    elif isinstance(node, ast.ObjectCons):
        for item in node.items:
            if not isinstance(item.key, ast.Variable):
                yield item.key, bound
            yield item.value, bound
    elif isinstance(node, ast.ForExpr):
        yield node.collection, bound
        inner = bound | {name for name in (node.key, node.value) if name}
        for part in (node.key_result, node.result, node.condition):
            if part is not None:
                yield part, inner
