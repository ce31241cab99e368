"""Lazy evaluation in dependency order: each thing is computed once, after what it needs; cycles are found and named.

Dependencies come from the syntax, so that a chain of any length is walked with a stack of our own and never exhausts
Python's. What only shows at run time (`agent[local.key].name`) nests, to a bounded depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import SourceRange
from .report import Report

MAX_NESTING = 20


class State(Enum):
    NEW = 0
    VISITING = 1
    DONE = 2
    FAILED = 3


class Node:
    """One thing to compute. Subclasses say what it `needs`, how to `compute` it, and what to call it."""

    __slots__ = ("failure", "state", "value")

    def __init__(self) -> None:
        self.state = State.NEW
        self.value: Any = None
        self.failure: tuple[Diagnostic, ...] = ()

    @property
    def title(self) -> str:
        """As a person refers to it: `local.names`."""
        raise TypeError(f"{type(self).__name__} has no title")

    @property
    def range(self) -> SourceRange | None:
        """Where it is declared."""
        return None

    def needs(self) -> Iterator[Node]:
        """What must be computed before. Each is settled before the next one is asked for."""
        return iter(())

    def compute(self) -> Any:
        """The value. Raises DiagnosticError."""
        raise TypeError(f"{type(self).__name__} has no value")


class Graph:
    """Settles nodes. Errors go into the report once; what depends on a failure fails without a word."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._trail: list[Node] = []
        self._nesting = 0

    def settle(self, node: Node) -> bool:
        """Compute a node and what it needs; whether it has a value."""
        if node.state is State.VISITING:
            self._cycle(node)
            return False
        if node.state is State.NEW:
            self._walk(node)
        return node.state is State.DONE

    def value(self, node: Node) -> Any:
        """The value of a node. Raises DiagnosticError with what stopped it, which has been reported already."""
        if node.state is not State.DONE and not self.settle(node):
            raise DiagnosticError(node.failure)
        return node.value

    def _walk(self, first: Node) -> None:
        if self._nesting >= MAX_NESTING:
            detail = "References that are only known while evaluating are nested too deeply. Name the blocks directly."
            error = Diagnostic("E-BUDGET", "References are nested too deeply", detail, subject=first.range)
            self._fail(first, (error,))
            return
        self._nesting += 1
        try:
            self._run(first)
        finally:
            self._nesting -= 1

    def _run(self, first: Node) -> None:
        stack = [self._open(first)]
        while stack:
            node, needs = stack[-1]
            for need in needs:
                if need.state is State.NEW:
                    stack.append(self._open(need))
                    break
                if need.state is State.VISITING:
                    self._cycle(need)
                if need.state is not State.DONE and not node.failure:
                    node.failure = need.failure
            else:
                stack.pop()
                self._close(node)
                if stack and node.state is State.FAILED and not stack[-1][0].failure:
                    stack[-1][0].failure = node.failure

    def _open(self, node: Node) -> tuple[Node, Iterator[Node]]:
        node.state = State.VISITING
        self._trail.append(node)
        return node, node.needs()

    def _close(self, node: Node) -> None:
        if not node.failure:
            try:
                node.value = node.compute()
            except DiagnosticError as error:
                self._fail(node, error.diagnostics)
        self._trail.pop()
        # A cycle found while computing may have failed the node meanwhile.
        node.state = State.FAILED if node.failure else State.DONE

    def _fail(self, node: Node, diagnostics: tuple[Diagnostic, ...]) -> None:
        node.state = State.FAILED
        node.failure = diagnostics
        self._report.extend(diagnostics)

    def _cycle(self, node: Node) -> None:
        """Report that `node` needs itself; everything on the way fails with it."""
        if node.failure:
            return
        at = self._trail.index(node) if node in self._trail else len(self._trail)
        ring = self._trail[at:]
        path = " → ".join([*(step.title for step in ring), node.title])
        detail = (
            f"Each of these needs the next one's value, so none can be computed: {path}. "
            "Take one of the references away, for example by moving the shared part into a local of its own."
        )
        first = min(ring, key=lambda step: (step.range is None, step.range)) if ring else node
        error = Diagnostic("E-CYCLE", f"Cycle: {path}", detail, subject=first.range)
        self._report.add(error)
        for step in ring:
            step.failure = (error,)
        node.failure = (error,)
