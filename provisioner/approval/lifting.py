"""Whether an exception or baseline is really about a finding: judged from what is signed, never from the plan's word.

A finding names its subject, its agent and its changes. What an exception may call it follows from these, where they
fit together; a plan that calls it otherwise is refused. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..model.changes import Change, Surface
from ..model.findings import SHIPPED, Finding
from ..model.plan import Declared, Plan
from .exceptions import baselines_in_force, exceptions_in_force
from .past import Past
from .root import RootBaseline, RootData, RootException


@dataclass(frozen=True, slots=True)
class Lifter:
    """An exception or baseline: `rules` by id, `subjects` as block addresses, `agents` (names) for a baseline.

    `violations` are a baseline's, rule and subject; None where they are not known: before its first plan was applied,
    and for plans that were carried out long ago.
    """

    name: str
    rules: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    until: str = ""
    violations: frozenset[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A plan beside what the signed plans before it have left; `past` None where they are not looked at."""

    plan: Plan
    past: Past | None

    @property
    def declared(self) -> Declared | None:
        """What the plan says it was made from; None for one that does not hold the addresses of agents yet."""
        said = self.plan.declared
        return said if said is not None and (said.addresses or not said.agents) else None


def lifters(root: RootData, past: Past | None, now: datetime) -> Mapping[str, Lifter]:
    """The exceptions and baselines of a root that hold at a time, by address."""
    found = {name: _exception(name, item) for name, item in exceptions_in_force(root, now).items()}
    held = None if past is None else past.violations
    for name, item in baselines_in_force(root, now).items():
        found[name] = _baseline(name, item, None if held is None else held.get(name, frozenset()))
    return found


def proposed(root: RootData, wanted: RootData) -> tuple[Lifter, ...]:
    """What a next root would set aside besides."""
    return (
        *(_exception(name, item) for name, item in wanted.exceptions.items() if name not in root.exceptions),
        *(_baseline(name, item, None) for name, item in wanted.baselines.items() if name not in root.baselines),
    )


def covered_as(lifter: Lifter, finding: Finding, known: Known) -> tuple[str, ...]:
    """By which names an exception or baseline is about a finding; none where it is about another one."""
    if finding.rule not in lifter.rules:
        return ()
    if lifter.violations is not None and (finding.rule, finding.subject) not in lifter.violations:
        return ()
    subjects = {*lifter.subjects, *(filter(None, (address_of(known, agent) for agent in lifter.agents)))}
    return tuple(sorted(subjects & names(finding, known)))


def names(finding: Finding, known: Known) -> frozenset[str]:
    """What an exception may call a finding: its agent, the blocks of its changes, and the subject where that is
    neither somebody else's block nor a name that no change explains."""
    declared = known.declared
    if declared is None:
        return frozenset()
    by_number = {change.number: change for change in known.plan.changes}
    changes = [by_number[number] for number in finding.changes if number in by_number]
    if len(changes) < len(finding.changes) or not fits(finding, changes):
        return frozenset()
    own = {change.block for change in changes if change.block}
    if finding.agent is not None:
        address = address_of(known, finding.agent)
        if address is None:
            return frozenset()
        own.add(address)
    if _subject_counts(finding, known.plan):
        own.add(finding.subject)
    return frozenset(own)


def address_of(known: Known, agent: str) -> str | None:
    """The address of an agent's block; None where the plan gives it another than was signed before, without a change
    of the agent's own identity that its owner signs, and where it gives one address to two agents."""
    declared = known.declared
    address = declared.addresses.get(agent) if declared is not None else None
    if declared is None or address is None or list(declared.addresses.values()).count(address) > 1:
        return None
    last = known.past.last if known.past is not None else None
    before = last.addresses.get(agent) if last is not None else None
    if before in (None, address) or any(_renames(change, agent, address) for change in known.plan.changes):
        return address
    return None


def _renames(change: Change, agent: str, address: str) -> bool:
    return (change.agent, change.block) == (agent, address) and Surface.IDENTITY in change.surfaces


def fits(finding: Finding, changes: Collection[Change]) -> bool:
    """Whether a finding's changes are its agent's own, or of something shared; a chain may run through others."""
    shipped = SHIPPED.get(finding.rule)
    if finding.agent is None or (shipped is not None and shipped.along):
        return True
    return all(change.agent in (None, finding.agent) for change in changes)


def _subject_counts(finding: Finding, plan: Plan) -> bool:
    """Whether a subject that is neither the agent nor a changed block may be a name: a place in a cloud that the plan
    looks at, a test, and what an organisation's own rule judges. Any other rule would be about somebody else's block.
    """
    if _in_a_cloud(finding.subject, plan):
        return True
    return not finding.changes and (finding.rule == "TST-1" or finding.rule not in SHIPPED)


def _in_a_cloud(subject: str, plan: Plan) -> bool:
    return any(subject.startswith(f"{target.provider}:{target.id}:") for target in plan.targets)


def _exception(name: str, item: RootException) -> Lifter:
    return Lifter(name, (item.rule,), subjects=item.subjects, until=item.expires)


def _baseline(name: str, item: RootBaseline, violations: frozenset[tuple[str, str]] | None) -> Lifter:
    return Lifter(name, item.rules, agents=item.agents, until=item.expires, violations=violations)
