"""Names that are looked up while evaluating, and what is said of those that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..lang.scope import Namespace
from ..lang.values import Value
from .graph import Graph, Node


def undeclared(kind: str, where: str) -> Callable[[str], tuple[str, str]]:
    return lambda name: (
        f"Reference to undeclared {kind}",
        (f'A {kind} "{name}" has not been declared in {where}. Correct the name, or declare it.'),
    )


def namespace(graph: Graph, name: str, nodes: Mapping[str, Node], noun: str, where: str, how: str) -> Namespace:
    def say(missing: str) -> tuple[str, str]:
        article = "An" if noun[0] in "aeiou" else "A"
        return f"Reference to undeclared {noun}", (
            f'{article} {noun} with the name "{missing}" has not been declared in {where}. '
            f"Declare it with {how.format(missing)}."
        )

    return Namespace(name, lambda key: graph.value(nodes[key]), lambda: nodes, say)


def absent(name: str, argument: str) -> Namespace:
    def say(_: str) -> tuple[str, str]:
        return f'Reference to "{name}" in context without {argument}', (
            f'The "{name}" object can be used only in blocks where the "{argument}" argument is set.'
        )

    def resolve(key: str) -> Value:
        raise KeyError(key)

    return Namespace(name, resolve, tuple, say)
