"""What an expression sees while it is evaluated: names, files and a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ..model.diagnostics import Diagnostic, DiagnosticError
from .values import ObjectValue, TupleValue, Value, nesting, weigh

if TYPE_CHECKING:
    from .files import FileAccess

MAX_STRING = 16_000_000
"""Longest string an expression may make, in characters."""
MAX_WEIGHT = 2_000_000
"""Most elements a value may hold, counted at every depth."""
MAX_NESTING = 220
"""Deepest nesting of a value, in levels."""
MAX_STEPS = 20_000_000
"""Work one run of the evaluator may do, in units of about one small expression."""


class BudgetError(DiagnosticError):
    """The expression asks for more work or memory than any configuration needs. `try` and `can` do not catch it."""


class Budget:
    """Counts work. Shared by all evaluations of a run, so that no chain of locals can run away."""

    __slots__ = ("left",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take `steps` off; raises BudgetError (E-BUDGET) when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise too_big("This configuration takes too many evaluation steps.")


def too_big(what: str) -> BudgetError:
    """The error for anything over a limit."""
    detail = f"{what} Make the expression produce less: shorter strings, smaller collections, fewer repetitions."
    return BudgetError([Diagnostic("E-BUDGET", "Expression is too large to evaluate", detail)])


def weighed(value: TupleValue | ObjectValue) -> Value:
    """`value`, when it does not hold too many elements and is not nested too deeply."""
    if weigh(value) > MAX_WEIGHT:
        raise too_big(f"A value would hold more than {MAX_WEIGHT} elements.")
    if nesting(value) > MAX_NESTING:
        raise too_big(f"A value would be nested more than {MAX_NESTING} levels deep.")
    return value


class Namespace:
    """A root name whose attributes are looked up one by one: `var`, `local`, `module`, `agent` …

    `resolve(name)` gives an attribute's value; it may evaluate on demand, and raises DiagnosticError when that
    fails. `names()` lists what exists. `undeclared(name)` gives summary and detail for a name that is not in
    `names()` (the «did you mean» is added here). A namespace with `whole` may be used as a value by itself
    (`tool[each.value]`, `keys(agent)`): it becomes an object of all its attributes.
    """

    __slots__ = ("_resolve", "_undeclared", "_whole", "name", "names", "whole")

    def __init__(
        self,
        name: str,
        resolve: Callable[[str], Value],
        names: Callable[[], Iterable[str]],
        undeclared: Callable[[str], tuple[str, str]] | None = None,
        whole: bool = False,
    ) -> None:
        self.name = name
        self.names = names
        self.whole = whole
        self._resolve = resolve
        self._undeclared = undeclared
        self._whole: ObjectValue | None = None

    @classmethod
    def of(cls, name: str, entries: Mapping[str, Value], whole: bool = False) -> Namespace:
        """A namespace over values that exist already."""
        return cls(name, entries.__getitem__, lambda: entries, whole=whole)

    def has(self, name: str) -> bool:
        """True when `name` is declared."""
        names = self.names()
        return name in names if isinstance(names, (Mapping, set, frozenset)) else name in set(names)

    def get(self, name: str) -> Value:
        """The value of a declared attribute."""
        return self._resolve(name)

    def missing(self, name: str) -> tuple[str, str]:
        """Summary and detail for an attribute that does not exist."""
        if self._undeclared is not None:
            return self._undeclared(name)
        return "Unsupported attribute", f'This object does not have an attribute named "{name}".'

    def as_object(self) -> ObjectValue:
        """All attributes as one object."""
        if self._whole is None:
            self._whole = ObjectValue({name: self._resolve(name) for name in sorted(self.names())})
        return self._whole


class Scope:
    """Root names and their values, with a parent for those not found here.

    `variables` maps a root name to a value or a `Namespace`. `files` is what the file functions may read
    (None: they are refused). `budget` is shared with the parent.
    """

    __slots__ = ("budget", "files", "parent", "variables")

    def __init__(
        self,
        variables: Mapping[str, Value | Namespace],
        parent: Scope | None = None,
        files: FileAccess | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.variables = variables
        self.parent = parent
        if parent is None:
            self.files = files
            self.budget = budget if budget is not None else Budget()
        else:
            self.files = parent.files if files is None else files
            self.budget = parent.budget if budget is None else budget

    def child(self, variables: Mapping[str, Value | Namespace]) -> Scope:
        """A scope with more names, e.g. `each` and `count`; same files and budget."""
        return Scope(variables, self)

    def names(self) -> set[str]:
        """Every root name that can be written here."""
        found = {name for name in self.variables if name[:1] != "*"}
        return found | self.parent.names() if self.parent is not None else found
