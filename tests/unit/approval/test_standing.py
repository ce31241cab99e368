"""Who acts in an owner's place, as the verifier's states show it; takeovers, renewals, kept sign-offs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import scenario as s
import standing_attacks as attacks

from provisioner.approval import chain
from provisioner.approval.carrying import changed
from provisioner.approval.exceptions import (
    baselines_in_force,
    end_of,
    exceptions_in_force,
    growth,
    renews,
    too_long,
)
from provisioner.approval.root import (
    RootBaseline,
    RootError,
    RootEscalation,
    RootOwner,
    RootPerson,
    make_root,
    parse_root,
    pin,
    root_value,
)
from provisioner.approval.root_changes import compare
from provisioner.approval.root_checks import problems
from provisioner.approval.statement import Decision, Role
from provisioner.approval.takeover import takeovers
from provisioner.approval.verdict import LedgerSignoff, State
from provisioner.approval.verifier import recheck, verify
from provisioner.model.configuration import Approval
from provisioner.model.findings import ABSOLUTE

BASE = s.root_data()


def judged(made: s.Situation) -> Any:
    return verify(made.planfile, made.evidence())


def state_of(made: s.Situation, owner: str = "iam") -> Any:
    return next(state for state in judged(made).states if state.requirement.owner == owner)


def test_a_stand_in_is_told_before_it_opens() -> None:
    state = state_of(attacks.escalated(hours=1))
    assert state.state is State.WAITING and state.stand_in.to == "security" and not state.stand_in.open
    assert state.stand_in.at == s.NOW + timedelta(hours=23)
    assert state_of(attacks.escalated(hours=25)).stand_in.open
    local = state_of(attacks.escalated(hours=25, store_now=None)).stand_in
    assert local.at is None and not local.open and not local.own_clock
    assert state_of(s.Situation()).stand_in is None


def test_what_a_stand_in_rests_on_is_all_remembered() -> None:
    early = attacks.escalated("sam", "tom", "erin", hours=1)
    state = state_of(early)
    assert [item.person for item in state.signed] == ["sam", "tom"]
    assert {item.person for item in state.relies} == {"sam", "tom", "erin"}
    verified = judged(early).verified
    assert verified is not None
    erin = next(item for item in state.relies if item.person == "erin").fingerprint
    found = recheck(verified, early.evidence(revoked=frozenset({erin})))
    assert {item.code for item in found} == {"E-KEY-REVOKED"} and any("iam" in item.reason for item in found)


def test_a_plan_on_broken_glass_ends_with_the_first_hour() -> None:
    made = attacks.glass("sam", "tom")
    state, verdict = state_of(made), judged(made)
    assert state.broken and state.state is State.SIGNED
    assert verdict.verified.valid_until == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    late = made.evidence(now=s.NOW + timedelta(minutes=31))
    assert "E-EXPIRED" in {item.code for item in recheck(verdict.verified, late)}


def test_the_owner_s_own_word_goes_before_broken_glass() -> None:
    made = attacks.glass("sam", "tom")
    own = s.envelope(s.say(made.planfile, s.requirement(made.planfile, "iam")), "alice")
    state = state_of(replace(made, envelopes=[*made.envelopes, own]))
    assert not state.broken and [item.person for item in state.signed] == ["alice"]


def test_the_absolute_rules_are_those_of_the_catalogue() -> None:
    from provisioner.policy.table import RULES

    assert {rule.id for rule in RULES if rule.absolute} == ABSOLUTE


def test_a_late_no_of_a_replaced_owner_stops_nothing_and_governance_s_does() -> None:
    made = attacks.replaced("sam", "tom")
    verified = judged(made).verified
    assert verified is not None and state_of(made).state is State.WAIVED

    def late(owner: str, person: str) -> list[str]:
        need = s.requirement(made.planfile, owner)
        no = s.say(made.planfile, need, 77, decision=Decision.REJECT, reason="no")
        more = (*made.signoffs, LedgerSignoff(40, s.envelope(no, person)))
        return [item.code for item in recheck(verified, made.evidence(signoffs=more))]

    assert late("iam", "alice") == []
    assert late("security", "sam") == ["E-REJECTED"]


def owner(**iam: Any) -> Any:
    return replace(BASE, owners={**BASE.owners, "iam": replace(BASE.owners["iam"], **iam)})


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (BASE, owner(signers=("alice",)), {}),
        (BASE, owner(threshold=2), {}),
        (BASE, owner(title="other", contact="x"), {}),
        (BASE, owner(signers=("alice", "bob", "sam")), {"iam": ("sam comes to sign for it",)}),
        (owner(threshold=2), BASE, {"iam": ("its quorum falls from 2 to 1",)}),
        (BASE, owner(escalation=RootEscalation("api", 9)), {"iam": ("api may stand in for it",)}),
        (owner(escalation=RootEscalation("api", 9)), owner(escalation=RootEscalation("api", 8)),
         {"iam": ("api may stand in for it sooner",)}),
        (owner(escalation=RootEscalation("api", 9)), owner(escalation=RootEscalation("api", 10)), {}),
        (owner(escalation=RootEscalation("api", 9)), BASE, {}),
        (BASE, owner(default_for=()), {"iam": ("identity passes to nobody",)}),
    ],
)  # fmt: skip
def test_who_is_asked_before_others_sign_for_it(before: Any, after: Any, reasons: Any) -> None:
    assert takeovers(before, after) == reasons


def test_a_key_is_taken_away_without_asking_and_given_with() -> None:
    alice = BASE.people["alice"]
    without = replace(BASE, people={**BASE.people, "bob": RootPerson(("b@x",), BASE.people["bob"].keys[:1])})
    assert takeovers(BASE, without) == {}
    more = replace(BASE, people={**BASE.people, "alice": replace(alice, keys=(*alice.keys, s.key_line("new")))})
    assert takeovers(BASE, more) == {"iam": ("alice gets a new key",)}
    assert takeovers(replace(BASE, approval=Approval(solo=True)), more) == {}


def test_a_new_owner_is_nobody_s_loss() -> None:
    new = RootOwner("n", "n@x", ("tool_access",), (), ("erin",), 1, None)
    assert takeovers(BASE, replace(BASE, owners={**BASE.owners, "finance": new})) == {}


def test_exceptions_and_baselines_hold_until_their_day_begins() -> None:
    data = replace(
        BASE,
        exceptions={"exception.a": attacks.excepting("2026-12-01")},
        baselines={"baseline.a": RootBaseline(("PRV-1",), ("triage",), "2026-12-01")},
    )
    last = end_of("2026-12-01") - timedelta(seconds=1)
    assert set(exceptions_in_force(data, last)) == {"exception.a"} and set(baselines_in_force(data, last))
    assert exceptions_in_force(data, end_of("2026-12-01")) == {} == baselines_in_force(data, end_of("2026-12-01"))


def test_ninety_days_and_not_one_more() -> None:
    def wrong(end: str) -> list[str]:
        wanted = replace(BASE, exceptions={"exception.a": attacks.excepting(end)})
        return list(too_long(BASE, wanted, end_of("2026-11-23"), s.NOW))

    assert wrong("2027-02-21") == []
    assert wrong("2027-02-22") == [
        "exception.a would last until 2027-02-22, more than 90 days: 2027-02-21 at the latest"
    ]


def test_what_is_a_renewal() -> None:
    old = attacks.excepting("2026-12-15")
    assert renews(attacks.excepting("2027-01-15"), [old])
    assert not renews(attacks.excepting("2026-12-15"), [old]) and not renews(attacks.excepting("2026-12-01"), [old])
    assert not renews(attacks.excepting("2027-01-15", rule="PRV-1"), [old])
    assert not renews(attacks.excepting("2027-01-15", subjects=("agent.other",)), [old])
    assert renews(attacks.excepting("2027-01-15", subjects=("agent.other", "agent.triage")), [old])


def test_a_baseline_shrinks_only() -> None:
    start = {"baseline.a": RootBaseline(("PRV-1", "PRV-2"), ("x", "y"), "2027-01-01")}
    assert list(growth(start, {"baseline.a": RootBaseline(("PRV-1",), ("x",), "2026-12-01")})) == []
    assert list(growth(start, {})) == []
    assert list(growth({}, start)) == []
    assert list(growth(start, {"baseline.a": RootBaseline(("PRV-1",), ("x", "z"), "2027-01-01")})) == [
        "baseline.a would cover z too"
    ]
    assert list(growth(start, {"baseline.b": RootBaseline(("PRV-9",), ("x",), "2028-01-01")})) == []


def test_a_renewal_is_known_roots_later() -> None:
    """Root 2 holds an exception, root 3 none: bringing it back in root 4 is a renewal all the same."""
    first = make_root(BASE)
    second = make_root(replace(BASE, exceptions={"exception.a": attacks.excepting("2026-12-15")}), 2)
    third = make_root(BASE, 3)
    records = [chain.RootRecord(first.body())]
    for before, after, people in ((first, second, ("sam", "tom", "carol")), (second, third, ("sam", "tom"))):
        file = attacks.root_file(before, after.data)
        owners = ("security", "security", "api")
        made = tuple(
            LedgerSignoff(6 + at, s.envelope(s.say(file, s.requirement(file, owners[at]), at), name))
            for at, name in enumerate(people)
        )
        told = s.PublishedPlan(file.digest, 5, s.PUBLISHED)
        authorization = chain.Authorization(file, made, told, 0, s.ENTRIES, s.NOW)
        records.append(chain.RootRecord(after.body(file.digest), authorization))
    root = chain.follow(records, pin(first), s.WORKSPACE, s.LEDGER)
    assert root.root == third and root.earlier == (attacks.excepting("2026-12-15"),)


def test_fields_that_say_nothing_new_leave_a_root_as_it_was() -> None:
    value = root_value(BASE)
    assert not {"exceptions", "baselines"} & set(value) and "notice_seconds" not in value["approval"]
    root = make_root(BASE)
    spelt = {**root.body(), "data": {**value, "exceptions": {}}}
    with pytest.raises(RootError, match="leaves out known ones"):
        parse_root(spelt)
    longer = make_root(replace(BASE, approval=Approval(notice_seconds=96 * 3600)))
    assert parse_root(longer.body()) == longer and longer.digest != root.digest


def test_root_changes_and_unsound_roots_are_worded() -> None:
    wanted = replace(
        BASE,
        exceptions={"exception.a": attacks.excepting()},
        baselines={"baseline.a": RootBaseline(("PRV-1",), ("triage",), "2027-01-15")},
    )
    assert compare(BASE, wanted) == [
        "+ exception.a: FED-3 for agent.triage until 2027-01-15, accepted by api (SEC-77)",
        "+ baseline.a: PRV-1 for triage until 2027-01-15",
    ]
    assert compare(wanted, BASE)[0].startswith("- exception.a: FED-3")
    later = replace(wanted, exceptions={"exception.a": attacks.excepting("2027-02-01")})
    assert compare(wanted, later) == ["~ exception.a: expires: 2027-01-15 → 2027-02-01"]
    codes = {
        item.code
        for item in problems(
            replace(
                BASE,
                approval=Approval(notice_seconds=3600),
                exceptions={"exception.a": attacks.excepting("soon", accepted_by="nobody")},
            )
        )
    }
    assert codes == {"E-NOTICE", "E-EXCEPTION"}


def test_why_a_sign_off_no_longer_covers_a_part() -> None:
    root = make_root(BASE)
    both, one = s.draft(root), s.draft(root, changes=(s.ROLE,), findings=())
    other = s.draft(root, changes=(s.ROLE, attacks.LESS))
    api = next(item for item in both.requirements if item.owner == "api")
    assert changed(both, other, api) == "change 2 is new in it"
    assert changed(one, both, api) == "change 2 is new in it"
    gone = replace(api, changes=())
    assert changed(both, one, gone) == "a change that it covered is gone"
    assert changed(both, replace(both, findings=()), api) == "calls, findings or the trust root in it are other ones"


def test_a_role_is_said_in_the_statement() -> None:
    made = attacks.glass("sam", "tom")
    state = state_of(made)
    assert {item.role for item in state.signed} == {Role.BREAK_GLASS}
