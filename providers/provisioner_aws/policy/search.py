"""Is there a request of which all of these tests come out as wanted? An answer with the request, or a proof of none.

A question is a base (literals that must all come out) and clauses (of each, one literal must). Whether the literals on
one part of a request go together is for `values` to say, exactly. The clauses are tried in turn, those with one way out
first; where that takes too many turns, z3 does it: its Booleans are the literals, and every set of literals that it
proposes and no text fulfils is handed back to it as a further clause. Deterministic, and bounded in steps, not in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .document import Condition, Names, Statement
from .globs import TooHardError, charge
from .values import NOTHING, Ground, find_name, find_values

ACTION, RESOURCE = "action", "resource"
Element = Names | Condition
Literal = tuple[str, Element, bool]
"""The part of the request (`action`, `resource`, or a condition key), the test on it, and whether it shall hold."""
Clause = tuple[Literal, ...]
State = Mapping[str, tuple[tuple[Element, bool], ...]]
"""The literals chosen so far, by part."""

TURNS = 150
ROUNDS = 300
_SOLVER_STEPS = 4_000_000
USUAL = {
    "aws:CurrentTime": "2030-01-01T00:00:00Z",
    "aws:EpochTime": "1893456000",
    "aws:SecureTransport": "true",
    "aws:SourceIp": "192.0.2.1",
    "aws:UserAgent": "aws-cli",
    "aws:RequestedRegion": "eu-west-1",
    "aws:PrincipalIsAWSService": "false",
    "aws:ViaAWSService": "false",
}
"""What every request has: a witness without it would be none that can happen."""


def literals_of(item: Statement) -> Clause:
    """The tests that must all hold for a statement to speak of a request; who asks is not among them."""
    out: list[Literal] = [(ACTION, item.actions, True)]
    if item.resources is not None:
        out.append((RESOURCE, item.resources, True))
    out += [(test.key, test, True) for test in item.conditions]
    return tuple(out)


def none_of(item: Statement) -> Clause:
    """The ways in which a statement does not speak of a request."""
    return tuple((part, test, not wanted) for part, test, wanted in literals_of(item))


@dataclass(slots=True)
class Search:
    """One question, with what was found out about its parts."""

    base: Sequence[Literal]
    clauses: Sequence[Clause]
    ground: Ground = NOTHING
    _known: dict[tuple[str, frozenset[tuple[Element, bool]]], bool] | None = None
    _turns: int = 0

    def run(self) -> State | None:
        """Literals that go together and fulfil every clause; None where there are none. Raises TooHardError."""
        self._known, self._turns = {}, 0
        state = self._grown({}, self.base)
        if state is None:
            return None
        try:
            return self._solve(state, self.clauses)
        except _EnoughError:
            return self._with_solver(state)

    def _grown(self, state: State, literals: Iterable[Literal]) -> State | None:
        """The state with more literals; None where they do not go together."""
        out = dict(state)
        changed: set[str] = set()
        for part, test, wanted in literals:
            held = out.get(part, ())
            if (test, not wanted) in held:
                return None
            if (test, wanted) not in held:
                out[part] = (*held, (test, wanted))
                changed.add(part)
        return out if all(self._together(part, out[part]) for part in changed) else None

    def _together(self, part: str, literals: tuple[tuple[Element, bool], ...]) -> bool:
        if self._known is None:
            self._known = {}
        key = (part, frozenset(literals))
        found = self._known.get(key)
        if found is None:
            found = self.value(part, literals) is not None
            self._known[key] = found
        charge(1 + len(literals))
        return found

    def value(self, part: str, literals: Iterable[tuple[Element, bool]]) -> tuple[str, ...] | None:
        """What a part may be; None where nothing will do. Raises TooHardError."""
        if part in (ACTION, RESOURCE):
            names = [(test, wanted) for test, wanted in literals if isinstance(test, Names)]
            found = find_name(names, self.ground, action=part == ACTION)
            return None if found is None else (found,)
        tests = [(test, wanted) for test, wanted in literals if isinstance(test, Condition)]
        return find_values(part, tests, self.ground, USUAL.get(part))

    def _solve(self, state: State, clauses: Sequence[Clause]) -> State | None:
        self._turns += 1
        if self._turns > TURNS:
            raise _EnoughError
        reduced = self._reduced(state, clauses)
        if reduced is None:
            return None
        state, left = reduced
        if not left:
            return state
        clause = min(left, key=len)
        rest = [item for item in left if item is not clause]
        for literal in clause:
            grown = self._grown(state, [literal])
            found = None if grown is None else self._solve(grown, rest)
            if found is not None:
                return found
        return None

    def _reduced(self, state: State, clauses: Sequence[Clause]) -> tuple[State, list[Clause]] | None:
        """Take what has one way out, until nothing has; drop what holds already. None where a clause has none left."""
        waiting = list(clauses)
        while True:
            left: list[Clause] = []
            grew = False
            for clause in waiting:
                if any((test, wanted) in state.get(part, ()) for part, test, wanted in clause):
                    continue
                ways = tuple(literal for literal in clause if self._grown(state, [literal]) is not None)
                if not ways:
                    return None
                if len(ways) == 1:
                    grown = self._grown(state, ways)
                    if grown is None:
                        return None
                    state, grew = grown, True
                else:
                    left.append(ways)
            if not grew:
                return state, left
            waiting = left

    def _with_solver(self, state: State) -> State | None:
        """The same with z3, which learns from every proposal that came to nothing."""
        import z3

        solver: Any = z3.Solver()
        solver.set("random_seed", 0)
        solver.set("rlimit", _SOLVER_STEPS)
        names: dict[tuple[str, Element], Any] = {}

        def boolean(part: str, test: Element, wanted: bool) -> Any:
            name = names.setdefault((part, test), z3.Bool(str(len(names))))
            return name if wanted else z3.Not(name)

        fixed = [(part, test, wanted) for part, held in state.items() for test, wanted in held]
        for literal in fixed:
            solver.add(boolean(*literal))
        for clause in self.clauses:
            solver.add(z3.Or(*(boolean(*literal) for literal in clause)))
        for _ in range(ROUNDS):
            answer = solver.check()
            if answer == z3.unsat:
                return None
            if answer != z3.sat:
                raise TooHardError
            model = solver.model()
            chosen = list(fixed)
            for clause in self.clauses:
                held = [literal for literal in clause if z3.is_true(model.eval(boolean(*literal), True))]
                if not any(literal in chosen for literal in held):
                    chosen.append(held[0])
            conflict = self._conflict(chosen)
            if conflict is None:
                return self._grown({}, chosen)
            solver.add(z3.Or(*(boolean(part, test, not wanted) for part, test, wanted in conflict)))
        raise TooHardError

    def _conflict(self, chosen: Sequence[Literal]) -> list[Literal] | None:
        """Few literals on one part that do not go together; None where all do."""
        parts: dict[str, list[tuple[Element, bool]]] = {}
        for part, test, wanted in chosen:
            parts.setdefault(part, []).append((test, wanted))
        for part, literals in parts.items():
            if self._together(part, tuple(literals)):
                continue
            core = list(literals)
            for literal in literals:
                fewer = [item for item in core if item is not literal]
                if fewer and not self._together(part, tuple(fewer)):
                    core = fewer
            return [(part, test, wanted) for test, wanted in core]
        return None


class _EnoughError(Exception):
    """So many turns that the other way is quicker."""
