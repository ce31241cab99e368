"""Single conditions of who may stand in, be carried, be notified or replace: without each, a named attack gets through.

Beside `test_verifier_mutations.py`, which switches off whole refusals: here the decision stands in what a function
gives back, so the source text itself is changed.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import judge
import pytest
import scenario
from test_verifier_mutations import ROOM, Loader, source

HERE = Path(__file__).parent

MUTANTS = [
    ("standing", "evidence.store_now >= at", "True", "escalation-too-early"),
    ("standing", "evidence.store_now is not None and evidence.store_now >= at", "True",
     "owner-replaced-before-notice"),
    ("standing", "if not there or way.open:", "if True:", "escalation-by-this-machine-s-clock"),
    ("standing", "len({item.person for item in found}) >= owner.threshold", "found",
     "escalation-by-half-of-the-other-owner"),
    ("standing", "if item.person in owner.signers", "if True", "escalation-by-somebody-else"),
    ("standing", "if item.person not in persons", "if True", "escalation-opened-by-its-own-people"),
    ("standing", "max(BREAK_GLASS_PEOPLE, _governance_threshold(root))", "1", "glass-broken-by-one"),
    ("standing", "max(BREAK_GLASS_PEOPLE, _governance_threshold(root))", "_governance_threshold(root)",
     "glass-broken-by-one-where-governance-is-one"),
    ("standing", "return frozenset(_governors(root))", "return frozenset(root.people)", "glass-broken-by-others"),
    ("standing", "max(NOTICE_PEOPLE, _governance_threshold(root))", "1", "owner-replaced-by-one-person"),
    ("standing", "if not seconds or not all(seconds):", "if False:", "owner-replaced-by-this-machine-s-clock"),
    ("standing", "not all(seconds)", "not any(seconds)", "owner-replaced-on-a-local-ledger-without-one-owner"),
    ("standing", "if at is None or not _passed(at, evidence):", "if at is not None and not _passed(at, evidence):",
     "owner-replaced-without-an-announcement"),
    ("states", "if standing:", "if False:", "glass-broken-over-a-rejection"),
    ("states", "item.requirement == requirement]", "True]", "one-owner-missing"),
    ("carrying", "!= UNCHANGED", "is None", "carried-where-the-root-says-no"),
    ("carrying", "evidence.now - evidence.grace >= ends(evidence, carried)", "False",
     "carried-beyond-its-plan-s-own-time"),
    ("carrying", "said.role is not Role.OWNER", "False", "carried-glass"),
    ("carrying", "finding_name(item), item.message, item.fix", "finding_name(item), '', ''",
     "carried-acceptance-of-a-risk-that-grew"),
    ("narrowing", "root.approval.narrowing != NOTIFY or ", "", "narrowing-where-the-root-wants-it-signed"),
    ("narrowing", "isinstance(provider, NarrowingJudge) and provider.narrows(change)", "True",
     "widening-called-narrower"),
    ("narrowing", "change.effect is not Effect.NARROWER", "False", "unknown-effect-notified"),
    ("narrowing", " or part.accept", "", "risk-notified"),
    ("takeover", "if signer not in old.signers:", "if False:", "owner-given-another-signer"),
    ("takeover", "elif _keys(wanted, signer) - _keys(in_force, signer):", "elif False:", "owner-s-key-exchanged"),
    ("takeover", "if new.threshold < old.threshold:", "if False:", "owner-s-quorum-lowered"),
    ("takeover", "if now is not None and (", "if now is not None and was is not None and (", "owner-given-a-stand-in"),
    ("takeover", "if now is not None and (", "if now is not None and was is None and (", "owner-s-stand-in-hastened"),
    ("takeover", "if old is not None and new != old:", "if False:", "surface-taken-from-its-owner"),
    ("takeover", "if old is not None and new != old:", "if False:", "tool-taken-from-its-owner"),
    ("takeover", "if old is not None and new != old:", "if False:", "agent-taken-from-its-owner"),
    ("exceptions", "people = RENEWAL_QUORUM if renews(item, known) else 1", "people = 1", "renewal-that-asks-for-one"),
    ("exceptions", "old.rule == item.rule and subjects & set(old.subjects)", "False",
     "renewal-under-another-name-that-asks-for-one"),
    ("exceptions", "elif end > since + LONGEST:", "elif False:", "exception-for-a-year"),
    ("exceptions", "if end <= now:", "if False:", "exception-that-ended"),
    ("exceptions", "return dict(sorted(found.items()))", "return {}",
     "exception-whose-owner-is-not-asked"),
    ("exceptions", "        if old is not None:", "        if False:", "baseline-that-grows"),
    ("exceptions", "if common and end_of(new.expires) > end_of(had.expires):", "if False:",
     "baseline-under-another-name"),
]  # fmt: skip


@contextmanager
def changed(module: str, old: str, new: str) -> Iterator[None]:
    """The whole room imported anew around one module with other text, and put back afterwards."""
    text = source(module)
    assert old in text, f"{module} no longer holds {old!r}"
    loader = Loader(f"{ROOM}.{module}", ast.parse(text.replace(old, new)))
    kept = {name: loaded for name, loaded in sys.modules.items() if name.startswith(f"{ROOM}.")}
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


@pytest.mark.parametrize(("module", "old", "new", "name"), MUTANTS)
def test_without_one_condition_an_attack_gets_through(module: str, old: str, new: str, name: str) -> None:
    case = judge.load(HERE / f"{name}.json")
    assert case["expect"] != judge.VERIFIED
    with changed(module, old, new):
        assert judge.outcome(case, scenario.Cloud()) == {judge.VERIFIED}
