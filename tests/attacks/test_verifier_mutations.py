"""Takes verification apart, piece by piece: without any one piece, some attack of the corpus gets through.

So the suite fails if a check is removed. Two ways: whole checks are taken out of their tables, and single refusals
are switched off in the source (`if bad: refuse` becomes `if bad and False: refuse`).
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import judge
import pytest
import scenario

from provisioner.approval import plan_checks, signoff_checks, verifier

HERE = Path(__file__).parent
ROOM = "provisioner.approval"


@cache
def attacks() -> tuple[dict[str, Any], ...]:
    cases = (judge.load(path) for path in sorted(HERE.glob("*.json")))
    return tuple(case for case in cases if case["expect"] != judge.VERIFIED)


def passing(codes: Set[str]) -> str | None:
    """The first attack with one of these codes that gets through; a crash is no way through."""
    for case in attacks():
        if case["expect"] not in codes:
            continue
        try:
            if judge.outcome(case, scenario.Cloud()) == {judge.VERIFIED}:
                return str(case["name"])
        except Exception:  # noqa: BLE001 - a mutant may break in any way, and then lets nothing through
            continue
    return None


TABLES = [
    (plan_checks, verifier, "PLAN_CHECKS"),
    (signoff_checks, signoff_checks, "SIGNOFF_CHECKS"),
    (signoff_checks, signoff_checks, "APPROVAL_CHECKS"),
]
CHECKS = [
    pytest.param(used, table, check, id=check.__name__)
    for home, used, table in TABLES
    for check in getattr(home, table)
]


@pytest.mark.parametrize(("used", "table", "check"), CHECKS)
def test_without_one_check_an_attack_gets_through(
    used: ModuleType, table: str, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = set(re.findall(r'"(E-[A-Z-]+)"', inspect.getsource(check)))
    assert codes
    assert passing(codes) is None
    monkeypatch.setattr(used, table, tuple(item for item in getattr(used, table) if item is not check))
    assert passing(codes) is not None, f"nothing needs {check.__name__}"


REFUSALS = {
    "sshsig": {"E-SIGNATURE"},
    "dsse": {"E-ENVELOPE", "E-STATEMENT", "E-SIGNATURE"},
    "statement": {"E-STATEMENT"},
    "plan_checks": set(),
    "finding_checks": set(),
    "next_root_checks": set(),
    "signoff_checks": {"E-ROLLBACK"},
    "verifier": {"E-MISSING", "E-REJECTED"},
    "chain": {"E-PIN", "E-PIN-PLACE", "E-ROOT-CHAIN", "E-ROOT-UNSOUND"},
    "root": {"E-ROOT-BROKEN"},
    "requirements": {"E-MISSING"},
}
"""Which attacks a module's refusals answer to, besides those whose codes stand in the function itself."""

ELSEWHERE = {"recheck", "__post_init__", "parse_file", "timestamp", "dearmor", "make"}
"""Functions that the corpus does not pass through; the unit tests of this room hold them."""

REDUNDANT = {
    "plan_checks: len(changes) != len(plan.changes)": "calls_are_the_providers, where there are providers",
    "plan_checks: any((not change.surfaces for change in plan.changes))": "surfaces_are_the_providers, likewise",
    "sshsig: len(blob) > _MAX_BYTES": "spares work; what follows is refused anyway",
    "sshsig: hash_name not in _HASHES": "without it the name is not found: a crash instead of a reason",
    "sshsig: len(signature.data) != 64": "cryptography refuses the length too",
    "sshsig: len(signature.data) != (fields.modulus.bit_length() + 7) // 8": "cryptography refuses the length too",
    "dsse: not all((isinstance(text, str) and len(text) <= MAX_ENVELOPE_BYTES for text in texts))": "a crash instead",
    "statement: not isinstance(value, dict) or value.get('_type') != STATEMENT_TYPE": "encode(statement) != payload",
    "statement: value.get('predicateType') != PREDICATE_TYPE": "encode(statement) != payload",
    "statement: statement.decision is Decision.REJECT and (not statement.reason.strip())": "about rejections alone",
    "signoff_checks: person is None": "signer_of_the_owner",
    "signoff_checks: requirement is None": "a crash instead of a reason",
    "finding_checks: wanted is None": "a crash instead of a reason",
    "verifier: state.state is State.REJECTED": "E-MISSING in the place of E-REJECTED",
    "signoff_checks: claim.evidence.root.root.data.approval.carry != carrying.UNCHANGED": "about rejections alone",
    "signoff_checks: carried is not None and requirement is None": "E-SURFACE: who signed what is gone, is not listed",
    "verifier: all((signed.role is Role.OWNER for signed in state.relies)) and state.state is State.SIGNED": (
        "without it the plan ends sooner: with the first sign-off that does"
    ),
    "chain: not records": "a crash instead of a reason",
    "chain: made is None": "a crash instead of a reason",
    "root: type(version) is not int or version < 1": "the chain counts versions from 1",
    "root: root.digest != body['digest']": "the pin and the chain go by the computed digest",
}
"""Refusals that something else backs up, so that no attack can show the lack of one alone; and what backs them up."""


def sites(module: str) -> list[tuple[int, str, frozenset[str]]]:
    """Line, condition and codes of every `if` that refuses, and of every handler of a wrong signature."""
    found = []
    for function in ast.walk(ast.parse(source(module))):
        if not isinstance(function, ast.FunctionDef) or function.name in ELSEWHERE:
            continue
        codes = frozenset(re.findall(r"'(E-[A-Z-]+)'", ast.unparse(function))) | REFUSALS[module]
        for node in ast.walk(function):
            if isinstance(node, ast.If) and _refuses(node.body):
                found.append((node.lineno, ast.unparse(node.test), codes))
            if isinstance(node, ast.ExceptHandler) and "InvalidSignature" in ast.unparse(
                node.type or ast.Constant(None)
            ):
                found.append((node.lineno, "except InvalidSignature", codes))
    return found


def _refuses(body: list[ast.stmt]) -> bool:
    inner = [node for statement in body for node in ast.walk(statement)]
    words = {node.func.id for node in inner if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    words |= {node.func.attr for node in inner if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    return any(isinstance(node, ast.Raise) for node in inner) or bool(
        words & {"Refusal", "append", "_refused", "Judged", "_rejection"}
    )


def source(module: str) -> str:
    spec = importlib.util.find_spec(f"{ROOM}.{module}")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


class Mutant(ast.NodeTransformer):
    def __init__(self, line: int) -> None:
        self.line = line
        self.done = 0

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if node.lineno == self.line and _refuses(node.body):
            node.test = ast.BoolOp(ast.And(), [node.test, ast.Constant(False)])
            self.done += 1
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.lineno == self.line:
            node.body = [ast.Pass()]
            self.done += 1
        return node


class Loader(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Serves one module from a mutated tree."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.code = compile(ast.fix_missing_locations(tree), f"<mutant of {name}>", "exec")

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


@contextmanager
def mutated(module: str, line: int) -> Iterator[None]:
    """The whole room imported anew around one mutated module, and put back afterwards."""
    mutant = Mutant(line)
    tree = mutant.visit(ast.parse(source(module)))
    assert mutant.done == 1, f"{module}:{line} holds {mutant.done} refusals; put each on a line of its own"
    kept = {name: loaded for name, loaded in sys.modules.items() if name.startswith(f"{ROOM}.")}
    loader = Loader(f"{ROOM}.{module}", tree)
    package = sys.modules[ROOM]
    attributes = {name: package.__dict__[name] for name in list(package.__dict__) if f"{ROOM}.{name}" in kept}
    for name in kept:
        del sys.modules[name]
    for name in attributes:
        delattr(package, name)
    sys.meta_path.insert(0, loader)
    try:
        importlib.import_module(f"{ROOM}.{module}")
        yield
    finally:
        sys.meta_path.remove(loader)
        for name in [name for name in sys.modules if name.startswith(f"{ROOM}.")]:
            del sys.modules[name]
        sys.modules.update(kept)
        package.__dict__.update(attributes)


SITES = [
    pytest.param(module, line, f"{module}: {condition}", codes, id=f"{module}:{condition[:60]}")
    for module in REFUSALS
    for line, condition, codes in sites(module)
]


@pytest.mark.parametrize(("module", "line", "name", "codes"), SITES)
def test_without_one_refusal_an_attack_gets_through(module: str, line: int, name: str, codes: frozenset[str]) -> None:
    with mutated(module, line):
        found = passing(codes)
    assert (found is None) == (name in REDUNDANT), name


def test_the_list_of_what_is_backed_up_is_true() -> None:
    names = {f"{module}: {condition}" for module in REFUSALS for _line, condition, _codes in sites(module)}
    assert set(REDUNDANT) <= names
    assert len(names) > 80
