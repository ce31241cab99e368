"""What a plan asks of governance: its next trust root, new exceptions, tests that get weaker. Pure.

Each check stands alone in NEXT_ROOT_CHECKS; a test takes each away and expects an attack to get through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..planfile import PlanFileError, from_builtins
from .case import REPLAN, Case, PlanCheck
from .exceptions import growth, too_long
from .past import weakened_since
from .root import RootData, RootError, parse_root
from .root_changes import compare
from .root_checks import problems
from .verdict import Refusal


def tests_are_kept(case: Case) -> Iterator[Refusal]:
    """What the last applied plan or the root asserts may only get weaker where governance is told, and signs."""
    told = case.planfile.plan.next_root
    lines = [line for line in _weakened(case) if told is None or line not in told.lines]
    if lines:
        reason = f"the plan weakens boundary tests that were signed for, without a word to governance: {lines[0]}"
        yield Refusal("E-TESTS-WEAKENED", reason, REPLAN)


def next_root_is_sound(case: Case) -> Iterator[Refusal]:
    wanted, root = case.planfile.plan.next_root, case.evidence.root.root
    if wanted is None:
        return
    body = {"version": wanted.version, "data": wanted.data, "digest": wanted.digest, "plan": case.planfile.digest}
    try:
        following = parse_root(body)
    except RootError as error:
        yield Refusal("E-NEXT-ROOT", f"the plan's next trust root cannot be taken: {error}", REPLAN)
        return
    if following.version != root.version + 1:
        reason = f"the plan's next trust root is v{following.version}, and v{root.version + 1} must come"
        yield Refusal("E-NEXT-ROOT", reason, REPLAN)
    if following.data.workspace != root.data.workspace:
        yield Refusal("E-NEXT-ROOT", "the plan's next trust root is for another workspace", REPLAN)
    if case.evidence.providers is not None and not _all_lines(case, wanted.lines, compare(root.data, following.data)):
        yield Refusal("E-NEXT-ROOT", "what the plan says of its next trust root is not all that changes", REPLAN)
    for problem in problems(following.data)[:3]:
        yield Refusal("E-NEXT-ROOT", f"the plan's next trust root is unsound: {problem.summary}", problem.detail)


def exceptions_are_bounded(case: Case) -> Iterator[Refusal]:
    """EXC-1, which is absolute: new exceptions end within 90 days of their first signature, baselines only shrink."""
    wanted, root = case.planfile.plan.next_root, case.evidence.root.root.data
    if wanted is None:
        return
    try:
        following = from_builtins(wanted.data, RootData)
        found, now = case.evidence.published, case.evidence.now
        since = now if found is None else min(found.since, now)
        wrong = [*too_long(root, following, since, now - case.evidence.grace)]
        wrong += growth(root.baselines, following.baselines)
    except (PlanFileError, ValueError):
        return  # next_root_is_sound refuses what cannot be read
    for reason in wrong:
        yield Refusal("E-EXCEPTION", f"EXC-1: {reason}", "Shorten it in the configuration, and plan again.")


NEXT_ROOT_CHECKS: tuple[PlanCheck, ...] = (
    tests_are_kept,
    next_root_is_sound,
    exceptions_are_bounded,
)


def _weakened(case: Case) -> tuple[str, ...]:
    past, declared = case.evidence.past, case.planfile.plan.declared
    if past is None or declared is None:
        return ()
    return weakened_since(case.evidence.root.root.data, past.last, declared)


def _all_lines(case: Case, said: tuple[str, ...], wanted: Sequence[str]) -> bool:
    """Whether a plan says of its next root all that changes. What it says besides is of tests that got weaker."""
    more = said[len(wanted) :]
    allowed = {*_weakened(case)} if case.evidence.past is not None else {line for line in more if "test." in line}
    return said[: len(wanted)] == tuple(wanted) and set(more) <= allowed
