"""Whether a condition follows from others, and requests that tell them apart.

A condition counts where it is true. An expression may also be neither true nor false: an attribute that the request
does not have makes its test an error, which `&&` and `||` pass on unless the other side decides. So every table here
has three values, and no test is taken to be true or false by force. Capped: what is too large is not proved.
Source: the CEL language definition, «Logical operators».
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise, product
from typing import Any

from . import cel, celcalls
from .cel import Node

MOST_ROWS = 20_000
"""Rows of a table that are looked at; beyond, nothing is proved."""

MOST_EXAMPLES = 3_000
Value = bool | None
"""True, False, or None for an error."""

_CERTAIN = ("request.time", "resource.name", "resource.type", "resource.service")
"""Attributes whose type is known: all tests of one of them fail together, or none does."""

_TEXTUAL = ("startsWith", "endsWith", "contains")
_DATES = ("getHours", "getDayOfWeek", "getMinutes", "getMonth", "getDate", "getDayOfMonth", "getFullYear",
          "getDayOfYear")  # fmt: skip


def follows(condition: str, others: Sequence[str]) -> bool:
    """True only where every request that meets `condition` meets one of `others`; an empty text is always met. Without
    others: only where nothing meets `condition`.

    False says nothing. Raises CelError for text that is no expression.
    """
    if condition in others or "" in others:
        return True
    one = cel.parse(condition or "true")
    nodes = [cel.parse(other) for other in others]
    if any(cel.implies(one, other) for other in nodes):
        return True
    return _in_every_row(one, nodes)


def _in_every_row(one: Node, others: Sequence[Node]) -> bool:
    atoms = list(dict.fromkeys(atom for node in (one, *others) for atom in _atoms(node)))
    groups = _groups(atoms)
    size = 1
    for group in groups:
        size *= len(group)
        if size > MOST_ROWS:
            return False
    ties = _ties(atoms)
    for row in product(*groups):
        values = {atom: value for vector in row for atom, value in vector}
        if any(values[a] is True and values[b] is not wanted for a, b, wanted in ties):
            continue
        if _value(one, values) is True and not any(_value(other, values) is True for other in others):
            return False
    return True


def _atoms(node: Node) -> Iterator[Node]:
    """The single tests of an expression: what is not `&&`, `||`, `!` or a constant."""
    node = _plain(node)
    if node.op in ("&&", "||", "!"):
        for arg in node.args:
            yield from _atoms(arg)
    elif node.op != "value":
        yield node


def _plain(node: Node) -> Node:
    """`a != b` is `!(a == b)`."""
    return Node("!", args=(Node("==", args=node.args),)) if node.op == "!=" else node


def _value(node: Node, values: Mapping[Node, Value]) -> Value:
    node = _plain(node)
    if node.op == "value":
        return node.value if isinstance(node.value, bool) else None
    if node.op == "!":
        found = _value(node.args[0], values)
        return None if found is None else not found
    if node.op in ("&&", "||"):
        decides = node.op == "||"
        parts = [_value(arg, values) for arg in node.args]
        return decides if decides in parts else None if None in parts else not decides
    return values[node]


Vector = tuple[tuple[Node, Value], ...]


def _groups(atoms: Sequence[Node]) -> list[list[Vector]]:
    """The ways in which tests of one attribute can come out together; of what is not known so well, each alone."""
    timed: dict[str, list[Node]] = {}
    out: list[list[Vector]] = []
    for atom in atoms:
        test = test_of(atom)
        if test is not None and test[1] in _CERTAIN and isinstance(test[2], datetime):
            timed.setdefault(test[1], []).append(atom)
        else:
            out.append([((atom, value),) for value in (True, False, None)])
    return [*out, *(_regions(group) for group in timed.values())]


def _regions(atoms: Sequence[Node]) -> list[Vector]:
    """Comparisons of one time with constants: what each says before, at, between and after the constants."""
    tests = [test for atom in atoms if (test := test_of(atom)) is not None]
    found: dict[tuple[Value, ...], None] = {}
    for point in _points(tests):
        found[tuple(_compared(op, point, value) for op, _, value in tests)] = None
    found[(None,) * len(tests)] = None
    return [tuple(zip(atoms, vector, strict=True)) for vector in found]


def _points(tests: Sequence[tuple[str, str, Any]]) -> list[datetime]:
    edges = sorted({value for _, _, value in tests})
    day = timedelta(days=1)
    between = [left + (right - left) / 2 for left, right in pairwise(edges)]
    return [edges[0] - day, *edges, *between, edges[-1] + day]


def _compared(op: str, left: Any, right: Any) -> bool:
    return bool({"==": left == right, "<": left < right, "<=": left <= right, ">": left > right,
                 ">=": left >= right}[op])  # fmt: skip


def _ties(atoms: Sequence[Node]) -> list[tuple[Node, Node, bool]]:
    """`(a, b, v)`: where test a is true, test b is v."""
    out = []
    for a in atoms:
        for b in atoms:
            if a == b:
                continue
            if cel.implies(a, b):
                out.append((a, b, True))
            elif _excludes(a, b):
                out.append((a, b, False))
    return out


def _excludes(a: Node, b: Node) -> bool:
    """Whether two tests of one text are never true together, and b is then false and no error."""
    one, other = test_of(a), test_of(b)
    if one is None or other is None or one[1] != other[1] or one[1] not in _CERTAIN:
        return False
    (op, _, value), (other_op, _, bound) = one, other
    if not isinstance(value, str) or not isinstance(bound, str):
        return False
    if op == "==":
        return not _says(other_op, value, bound)
    if other_op == "==":
        return not _says(op, bound, value)
    if (op, other_op) == ("startsWith", "startsWith"):
        return not value.startswith(bound) and not bound.startswith(value)
    if (op, other_op) == ("endsWith", "endsWith"):
        return not value.endswith(bound) and not bound.endswith(value)
    return False


def _says(op: str, value: str, bound: str) -> bool:
    """What a test says of a value; True where it is none of those that are known, so that nothing is excluded."""
    return {
        "==": value == bound,
        "startsWith": value.startswith(bound),
        "endsWith": value.endswith(bound),
        "contains": bound in value,
    }.get(op, True)


def test_of(node: Node) -> tuple[str, str, Any] | None:
    """Operator, attribute and constant of a test such as `x == "a"`, `x.startsWith("a")`, `x < timestamp("…")`."""
    if node.op == "call" and node.text in _TEXTUAL and len(node.args) == 2:
        subject, value = node.args
        known = subject.op == "name" and value.op == "value"
        return (node.text, subject.text, value.value) if known else None
    if node.op in ("==", "<", "<=", ">", ">=") and len(node.args) == 2 and node.args[0].op == "name":
        constant = cel.evaluate(node.args[1], {})
        return None if isinstance(constant, cel.Unknown) else (node.op, node.args[0].text, constant)
    return None


test_of.__test__ = False  # type: ignore[attr-defined]


def examples(conditions: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Contexts that the conditions may judge differently, made of their own constants. At most MOST_EXAMPLES."""
    chosen: dict[str, dict[Any, None]] = {}
    tags: dict[str, dict[str, None]] = {}
    attributes: dict[str, dict[Any, None]] = {}
    for condition in conditions:
        if condition:
            _collect(cel.parse(condition), chosen, tags, attributes)
    _join(chosen)
    axes: list[list[tuple[str, str, Any]]] = [[("", name, value) for value in values] for name, values in
                                              chosen.items()]  # fmt: skip
    axes += [[("tags", key, value) for value in (*values, "other", None)] for key, values in tags.items()]
    axes += [[("attributes", key, value) for value in (*values, None)] for key, values in attributes.items()]
    for row in islice(product(*axes), MOST_EXAMPLES):
        made: dict[str, Any] = {celcalls.TAGS: {}, celcalls.ALL_TAGS: True, celcalls.API: {}, celcalls.ALL_API: True}
        for kind, name, value in row:
            if kind == "":
                made[name] = value
            elif value is not None:
                made[celcalls.TAGS if kind == "tags" else celcalls.API][name] = _listed(value)
        yield made


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _collect(
    node: Node,
    chosen: dict[str, dict[Any, None]],
    tags: dict[str, dict[str, None]],
    attributes: dict[str, dict[Any, None]],
) -> None:
    """Values that a condition speaks of, by attribute, by tag, by API attribute."""
    if node.op == "!=":
        node = Node("==", args=node.args)
    for arg in node.args:
        _collect(arg, chosen, tags, attributes)
    test = test_of(node)
    constants = [arg.value for arg in node.args if arg.op == "value" and isinstance(arg.value, str)]
    if node.op == "call" and node.args[0].op == "name" and celcalls.asks_context(node.args[0].text, node.text):
        if node.text == "getAttribute" and constants:
            attributes.setdefault(constants[0], {})
        elif constants:
            tags.setdefault(constants[0], {}).update(dict.fromkeys(constants[1:]))
    elif test is not None:
        chosen.setdefault(test[1], {}).update(dict.fromkeys(_around(*test)))
    elif node.op == "call" and node.text in _DATES:
        chosen.setdefault("request.time", {}).update(dict.fromkeys(_hours()))
    elif node.op == "==" and node.args[0].op == "call" and node.args[0].text == "extract":
        _extracted(node, chosen)
    elif node.op in ("call", "==") and node.args and _attribute(node.args[0]) is not None:
        values = cel.evaluate(node.args[-1], {})
        usable = (tuple(values), ()) if isinstance(values, list) else (values, "other")
        if not isinstance(values, cel.Unknown):
            attributes.setdefault(str(_attribute(node.args[0])), {}).update(dict.fromkeys((*usable, ("other",))))
    elif node.op == "in" and node.args[0].op == "name":
        values = cel.evaluate(node.args[1], {})
        if isinstance(values, list):
            chosen.setdefault(node.args[0].text, {}).update(dict.fromkeys((*values, "other")))


def _attribute(node: Node) -> str | None:
    """The key of `api.getAttribute(KEY, …)`."""
    if node.op == "call" and node.text == "getAttribute" and len(node.args) == 3:
        return str(node.args[1].value)
    return None


def _around(op: str, name: str, value: Any) -> list[Any]:
    """Values on both sides of a test."""
    if isinstance(value, datetime):
        second = timedelta(seconds=1)
        return [value, value - second, value + second]
    if isinstance(value, str):
        return {
            "startsWith": [value, f"{value}x", "other"],
            "endsWith": [value, f"x{value}", "other"],
            "contains": [value, f"x{value}x", "other"],
        }.get(op, [value, "other"])
    if type(value) is int:
        return [value, value - 1, value + 1]
    return [value]


def _hours() -> Iterator[datetime]:
    start = celcalls.moment("2027-01-01T00:30:00Z")
    assert start is not None
    for step in range(24):
        yield start + timedelta(hours=step)
    for step in range(1, 7):
        yield start + timedelta(days=step, hours=11)


def _extracted(node: Node, chosen: dict[str, dict[Any, None]]) -> None:
    """Texts from which a template extracts the constant that it is compared with."""
    call, other = node.args
    value = cel.evaluate(other, {})
    if call.args[0].op != "name" or len(call.args) != 2 or not isinstance(value, str):
        return
    template = str(call.args[1].value)
    before, _, rest = template.partition("{")
    after = rest.partition("}")[2]
    chosen.setdefault(call.args[0].text, {}).update(dict.fromkeys((f"{before}{value}{after}", "other")))


def _join(chosen: dict[str, dict[Any, None]]) -> None:
    """Beginnings with endings, so that both tests of one text can hold."""
    for values in chosen.values():
        texts = [value for value in values if isinstance(value, str)][:12]
        values.update(dict.fromkeys(f"{a}{b}" for a in texts for b in texts if "other" not in (a, b)))
