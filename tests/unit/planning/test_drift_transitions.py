"""What is new, known, gone and not seen again between two drift runs."""

from __future__ import annotations

from dataclasses import replace

from provisioner.model.changes import Effect
from provisioner.model.drift import Difference, DriftKind, DriftReport, Ignored, Transition, Turn
from provisioner.model.resources import Address, Coverage, Gap
from provisioner.planning.transitions import Remembered, compared, key_of, remembered, transitions, unsent

ADDRESS = Address("aws", "111122223333", "iam_role_policy", "acme-triage/hotfix")
FOUND = Difference(
    "D-1", DriftKind.OUT_OF_BAND, ("+ policy hotfix",), agent="triage", address=ADDRESS, effect=Effect.WIDER
)
OTHER = replace(FOUND, id="D-2", what=("+ policy second",))
WAITS = Difference("D-3", DriftKind.PENDING, ("+ grant",), agent="triage")
MONDAY, TUESDAY = "2026-11-23T06:00:00Z", "2026-11-24T06:00:00Z"


def report(*differences: Difference, gaps: tuple[Gap, ...] = (), ignored: tuple[Ignored, ...] = ()) -> DriftReport:
    return DriftReport("w", 1, None, differences, 1, 0, 1, 0, Coverage((), gaps), ignored=ignored)


def gap(target: str) -> Gap:
    return Gap("aws", target, "roles", "AccessDenied")


def monday(*differences: Difference) -> Remembered:
    return Remembered(MONDAY, remembered(compared(report(*differences), None, MONDAY)))


def test_the_key_is_the_content_and_not_the_number() -> None:
    assert key_of(FOUND) == key_of(replace(FOUND, id="D-9", tell=("api",), since=MONDAY))
    changed = [
        replace(FOUND, kind=DriftKind.UNCLAIMED),
        replace(FOUND, address=replace(ADDRESS, target="999999999999")),
        replace(FOUND, what=("+ policy hotfix", "  more")),
        replace(FOUND, agent="other"),
    ]
    assert len({key_of(one) for one in (FOUND, *changed)}) == 5


def test_the_first_run_has_nothing_to_compare_with() -> None:
    first = compared(report(FOUND), None, MONDAY)
    assert (first.compared, first.differences[0].since, first.gone) == ("", "", ())
    assert [one.turn for one in transitions(first, None)] == [Turn.NEW]
    assert [known.since for known in remembered(first)] == [MONDAY]


def test_new_known_and_gone() -> None:
    last = monday(FOUND, WAITS)
    second = compared(report(FOUND, OTHER), last, TUESDAY)
    assert [one.since for one in second.differences] == [MONDAY, TUESDAY]
    assert [(known.kind, known.since) for known in second.gone] == [(DriftKind.PENDING, MONDAY)]
    told = transitions(second, last)
    assert [(one.turn, one.known.what, one.time) for one in told] == [
        (Turn.NEW, "+ policy second", TUESDAY),
        (Turn.GONE, "+ grant", TUESDAY),
    ]
    assert [known.since for known in remembered(second)] == [MONDAY, TUESDAY]
    again = compared(report(FOUND, OTHER), Remembered(TUESDAY, remembered(second)), TUESDAY)
    assert transitions(again, Remembered(TUESDAY, remembered(second))) == ()


def test_what_could_not_be_read_is_not_gone() -> None:
    last = monday(FOUND, WAITS)
    second = compared(report(gaps=(gap(ADDRESS.target),)), last, TUESDAY)
    assert second.gone == () and len(second.unseen) == 2
    assert transitions(second, last) == ()
    assert set(remembered(second)) == set(last.open)
    # Another account's gap hides nothing here; what has no place may be hidden by any.
    second = compared(report(gaps=(gap("999999999999"),)), last, TUESDAY)
    assert [known.kind for known in second.gone] == [DriftKind.OUT_OF_BAND]
    assert [known.kind for known in second.unseen] == [DriftKind.PENDING]


def test_a_gap_that_is_closed_is_gone() -> None:
    unread = Difference("D-1", DriftKind.INCOMPLETE, ("roles: AccessDenied",), target="aws 111122223333")
    second = compared(report(gaps=(gap("999999999999"),)), monday(unread), TUESDAY)
    assert [known.kind for known in second.gone] == [DriftKind.INCOMPLETE]


def test_what_is_ignored_is_neither_gone_nor_told_until_the_block_ends() -> None:
    last = monday(FOUND)
    ignored = (Ignored("i.hcl:1", "known", "2027-01-01", False, (FOUND,)),)
    second = compared(report(ignored=ignored), last, TUESDAY)
    assert second.gone == () and transitions(second, last) == () and remembered(second) == ()
    last = Remembered(TUESDAY, ())
    assert [one.turn for one in transitions(compared(report(FOUND), last, TUESDAY), last)] == [Turn.NEW]


def test_what_was_not_delivered_comes_after_what_is_new() -> None:
    (known,) = monday(FOUND).open
    old, new = Transition(Turn.NEW, known, MONDAY), Transition(Turn.GONE, known, TUESDAY)
    assert unsent((old,), (new,)) == (new, old)
