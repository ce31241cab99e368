"""Finds the line of a data file that a value came from: `each.value.sponsor` → line 14 of agents.yaml.

Works backwards through the syntax, on the way to an error message only: `each` to the block's `for_each`, locals to
their definitions, filters and merges to their sources, down to `yamldecode(file("…"))` or `jsondecode`. Where the way
is not plain there is no origin, never a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ..lang import ast
from ..lang.files import FileAccess, FileError
from ..lang.references import references
from ..model.source import Source, SourceRange
from .text import masked

if TYPE_CHECKING:
    from .instances import BlockInstance, ModuleInstance

_MAX_STEPS: Final = 50
_TRANSPARENT: Final = ("tomap", "toset", "tolist", "nonsensitive", "try")
Path = tuple[str | int, ...]


def origin(expr: ast.Expr, instance: BlockInstance) -> SourceRange | None:
    """Where in a YAML or JSON file the value of an expression in a block instance was written."""
    whole = _Search(instance.module).place(expr, ())
    if whole is not None:
        return whole
    for reference in references(expr):
        path: Path = reference.path
        if reference.root == "each" and path and instance.declaration.repetition is not None:
            rest = path[1:] if path[0] == "value" else ()
            found = _Search(instance.module).place(instance.declaration.repetition.expr, (str(instance.key), *rest))
        elif reference.root == "local" and path:
            found = _Search(instance.module).place(reference.expr, ())
        else:
            continue
        if found is not None:
            return found
    return None


class _Search:
    def __init__(self, module: ModuleInstance) -> None:
        self._module = module
        self._left = _MAX_STEPS

    def place(self, expr: ast.Expr, path: Path) -> SourceRange | None:
        """The place of `path` inside the value of `expr`."""
        self._left -= 1
        if self._left < 0:
            return None
        if isinstance(expr, ast.Paren | ast.TemplateWrap):
            return self.place(expr.expr, path)
        if isinstance(expr, ast.GetAttr):
            if isinstance(expr.target, ast.Variable):
                return self._local(expr, path)
            return self.place(expr.target, (expr.name, *path))
        if isinstance(expr, ast.Index):
            key = expr.key
            if isinstance(key, ast.String):
                return self.place(expr.target, (key.value, *path))
            if isinstance(key, ast.Literal) and type(key.value) is int:
                return self.place(expr.target, (key.value, *path))
            return None
        if isinstance(expr, ast.ForExpr):
            return self.place(expr.collection, path) if _keeps(expr) else None
        if isinstance(expr, ast.Call):
            return self._call(expr, path)
        return None

    def _local(self, expr: ast.GetAttr, path: Path) -> SourceRange | None:
        assert isinstance(expr.target, ast.Variable)
        attribute = self._module.module.locals.get(expr.name) if expr.target.name == "local" else None
        return None if attribute is None else self.place(attribute.expr, path)

    def _call(self, call: ast.Call, path: Path) -> SourceRange | None:
        if call.name in ("yamldecode", "jsondecode") and len(call.args) == 1:
            inner = call.args[0]
            if isinstance(inner, ast.Call) and inner.name == "file" and len(inner.args) == 1:
                named = inner.args[0]
                return self._file(named.value, path) if isinstance(named, ast.String) else None
            return None
        if call.name == "merge":
            # A later argument replaces keys of an earlier one.
            return _first(self.place(argument, path) for argument in reversed(call.args))
        if call.name in _TRANSPARENT and call.args:
            return self.place(call.args[0], path)
        return None

    def _file(self, name: str, path: Path) -> SourceRange | None:
        files = self._module.run.files
        access = FileAccess(self._module.module.directory, files.root)
        try:
            text = access.read_bytes(name).decode("utf-8")
            relative = access.relative(access.resolve(name))
        except (FileError, UnicodeDecodeError):  # said where the expression was evaluated
            return None
        files.sources.setdefault(relative, Source(relative, masked(text)))
        return _in_yaml(Source(relative, text), path)


def _first(found: Iterable[SourceRange | None]) -> SourceRange | None:
    return next((place for place in found if place is not None), None)


def _keeps(expr: ast.ForExpr) -> bool:
    """Whether a `for` only filters: `{ for k, v in x : k => v if … }`."""
    return (
        isinstance(expr.key_result, ast.Variable)
        and isinstance(expr.result, ast.Variable)
        and expr.key_result.name == expr.key
        and expr.result.name == expr.value
        and not expr.group
    )


@lru_cache(maxsize=4)
def _composed(text: str) -> Any:
    """The node tree of a YAML text, which JSON is too; None when it is neither."""
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):  # said where the expression was evaluated
        return None


def _in_yaml(source: Source, path: Path) -> SourceRange | None:
    """The place of a path in a YAML or JSON text; that of its key where the value is a collection."""
    import yaml

    node = shown = _composed(source.text)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if pair is None:
                return None
            shown, node = pair
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            shown = node = node.value[step]
        else:
            return None
    if isinstance(node, yaml.ScalarNode):
        shown = node
    if shown is None:
        return None
    return source.range(shown.start_mark.index, shown.end_mark.index)
