from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import scenario
from scenario import GRANT, ROLE, Situation, draft, envelope, file_of, requirement, say

from provisioner.approval.requirements import Demands, deadlocks, demands, early_deadlocks, of_plan, unsignable
from provisioner.approval.root import RootEscalation, make_root
from provisioner.approval.statement import Accepted, Decision
from provisioner.approval.verdict import LedgerSignoff, State
from provisioner.approval.verifier import Verdict, VerifiedPlan, recheck, verify
from provisioner.model.changes import Effect
from provisioner.model.findings import Finding, Level
from provisioner.model.plan import Exclusion, Requirement
from provisioner.planfile import decode, encode

ROOM = Path(__file__).parents[3] / "provisioner"


def judged(situation: Situation, **over: Any) -> Verdict:
    return verify(situation.planfile, situation.evidence(**over))


def verified(situation: Situation) -> VerifiedPlan:
    found = judged(situation).verified
    assert found is not None
    return found


def test_a_verdict_says_who_signed_and_who_still_may() -> None:
    made = Situation()
    made.envelopes = made.envelopes[:1]
    found = judged(made)
    states = {state.requirement.owner: state for state in found.states}
    assert [signed.person for signed in states["iam"].signed] == ["alice"]
    assert states["iam"].state is State.SIGNED and states["iam"].missing == 0
    assert states["api"].state is State.WAITING and states["api"].missing == 1
    assert states["api"].may_sign == ("carol", "dana")
    assert found.verified is None
    assert [item.code for item in found.refusals] == ["E-MISSING", "E-MISSING"]
    assert found.refusals[0].reason == "tool_access: 1 sign-off of api missing"
    assert found.refusals[0].fix.endswith("-owner api -surface tool_access, by carol or dana")


def test_an_author_is_named_with_the_reason() -> None:
    root = make_root(scenario.root_data())
    plan = draft(root, authors=(Exclusion("erin", "author"),))
    made = Situation(root=root, planfile=file_of(plan))
    found = judged(made)
    state = next(state for state in found.states if state.requirement.owner == "platform")
    assert [(bar.person, bar.reason) for bar in state.may_not] == [("erin", "author")]
    refusal = next(item for item in found.refusals if item.code == "E-MISSING")
    assert "erin may not sign it: author" in refusal.reason
    assert refusal.fix.startswith("Too few may sign it; excluded: erin (author).")


def test_a_sponsor_is_out_for_what_widens_the_own_agent_only() -> None:
    root = make_root(scenario.root_data())
    made = Situation(root=root)
    assert all(state.may_not == () for state in judged(made).states if state.requirement.owner == "api")
    wide = file_of(draft(root, changes=(ROLE, replace(GRANT, effect=Effect.UNKNOWN))))
    states = judged(Situation(root=root, planfile=wide)).states
    api = next(state for state in states if state.requirement.owner == "api")
    assert [(bar.person, bar.reason) for bar in api.may_not] == [("dana", "sponsor of triage")]


def test_unknown_authors_need_two_people_for_what_widens() -> None:
    root = make_root(scenario.root_data())
    plan = draft(root, unknown_authors=("commits without a signature",), findings=())
    assert {item.owner: item.threshold for item in plan.requirements} == {"iam": 2, "api": 1, "platform": 2}
    accepting = draft(root, unknown_authors=("commits without a signature",))
    assert requirement(file_of(accepting), "api").threshold == 2


def test_a_narrowing_plan_by_unknown_authors_needs_one_each() -> None:
    root = make_root(scenario.root_data())
    plan = draft(root, changes=(GRANT,), findings=(), unknown_authors=("x",))
    made = Situation(root=root, planfile=file_of(plan))
    assert verified(made).states[0].requirement.threshold == 1


def test_findings_go_to_the_owner_of_their_changes_else_of_their_agent() -> None:
    data = scenario.root_data(agents={"triage": {"tool_access": "second"}}, tools={"tool.inbox": "api"})
    data = replace(data, owners=dict(data.owners) | {"second": replace(data.owners["api"], default_for=())})
    root = make_root(data)
    of_change = replace(scenario.TRIFECTA, changes=(2,))
    of_agent = Finding("ATT-1", Level.ACCEPT, "tool_access", "agent.triage", "m", "f", "triage")
    warning = replace(of_agent, rule="PRV-5", level=Level.WARN)
    plan = draft(root, findings=(of_change, of_agent, warning))
    assert {item.owner: item.accept for item in plan.requirements if item.surface == "tool_access"} == {
        "api": ("TRI-1 agent.triage",),
        "second": ("ATT-1 agent.triage",),
    }
    second = requirement(file_of(plan), "second")
    assert second.changes == ()


def test_part_digests_ignore_numbers_and_see_everything_else() -> None:
    root = make_root(scenario.root_data())

    def part(*changes: Any) -> str:
        return requirement(file_of(draft(root, changes=changes, findings=())), "api").part

    assert part(GRANT) == part(ROLE, GRANT) == part(replace(GRANT, number=7))
    others = [
        replace(GRANT, after={"document": {"allow": []}}),
        replace(GRANT, effect=Effect.WIDER),
        replace(GRANT, label="x"),
        replace(GRANT, address=scenario.address("role_policy", "x")),
        replace(GRANT, can=("x",)),
    ]
    assert len({part(GRANT), *(part(change) for change in others)}) == len(others) + 1


def test_a_part_digest_covers_its_calls() -> None:
    root = make_root(scenario.root_data())
    plan = draft(root)
    operations = tuple(
        replace(item, params={"x": 1}) if item.change == GRANT.number else item for item in plan.operations
    )
    made = demands(root.data, plan.changes, operations, plan.findings, plan.agents, (), (), None)
    old = {item.owner: item.part for item in plan.requirements}
    new = {item.owner: item.part for item in made.requirements}
    assert new["api"] != old["api"] and new["iam"] == old["iam"]


def test_deadlocks_are_said_early() -> None:
    root = scenario.root_data()
    found = early_deadlocks(root, (Exclusion("erin", "author"),), ())
    assert [item.summary for item in found] == [
        "runtime cannot be signed: its only signer is an excluded person, erin (author)"
    ]
    assert "Let somebody else write the change" in found[0].detail
    both = early_deadlocks(root, (), ("commits without a signature",))
    assert [item.summary for item in both] == [
        "runtime cannot be signed: platform needs 2 people, and 1 of its signers may sign"
    ]
    assert "sign the commits with SSH keys" in both[0].detail
    assert early_deadlocks(root, (), ()) == ()
    plan = draft(make_root(root), authors=(Exclusion("alice", "author"), Exclusion("bob", "author")))
    found = deadlocks(root, plan.requirements, plan.changes, plan.exclusions)
    assert [item.code for item in found] == ["E-DEADLOCK"]
    assert found[0].summary.startswith("identity cannot be signed")


def test_a_plan_that_nobody_can_sign_says_so_beside_it() -> None:
    """With the ways that remain: an owner that stands in. Who is asked to yield holds nothing up for ever."""
    data = scenario.root_data()
    way = replace(data.owners["iam"], escalation=RootEscalation("security", 3600))
    root = make_root(replace(data, owners=data.owners | {"iam": way}))
    plan = draft(root, authors=(Exclusion("alice", "author"), Exclusion("bob", "author")))
    (found,) = unsignable(root.data, plan, of_plan(root.data, plan))
    assert (found.code, found.is_error) == ("W-DEADLOCK", False)
    assert found.summary == "identity cannot be signed: iam needs 1 people, and 0 of its signers may sign"
    assert found.detail.endswith("Or control_owner.security stands in for it.")
    asked = replace(plan.requirements[0], surface="governance")
    yielding = Demands((asked,), plan.exclusions, (), {"iam": ("~ control_owner.iam: signers",)})
    assert unsignable(root.data, replace(plan, requirements=(asked,)), yielding) == ()


def test_one_person_alone_needs_no_second() -> None:
    data = scenario.root_data()
    owners = {name: replace(item, signers=("alice",), threshold=1) for name, item in data.owners.items()}
    data = replace(data, owners=owners, approval=replace(data.approval, solo=True))
    root = make_root(data)
    assert early_deadlocks(data, (Exclusion("alice", "author"),), ("x",)) == ()
    plan = draft(root, authors=(Exclusion("alice", "author"),), unknown_authors=("x",))
    assert plan.exclusions == () and all(item.threshold == 1 for item in plan.requirements)


def test_an_unowned_surface_is_reported() -> None:
    root = scenario.root_data()
    change = replace(GRANT, tools=("tool.a", "tool.b"))
    data = replace(root, tools={"tool.a": "api", "tool.b": "other"})
    made = demands(data, (change,), (), (), (), (), (), None)
    assert made.unowned == ((2, "tool_access"),) and made.requirements == ()


class TestCounterparts:
    """A change that lets one agent reach another: both agents' owners sign."""

    def root(self, **other: Any) -> Any:
        data = scenario.root_data()
        second = replace(data.owners["api"], surfaces=("tool_access",), default_for=(), signers=("tom",))
        owned = {"other": {"tool_access": "second"}, **other}
        return replace(data, owners=dict(data.owners) | {"second": second}, agents=owned)

    def test_the_owner_of_the_other_agent_is_asked_too(self) -> None:
        root = make_root(self.root())
        plan = draft(root, changes=(replace(GRANT, counterparts=("other",)),), findings=())
        assert [(item.owner, item.changes) for item in plan.requirements] == [("api", (2,)), ("second", (2,))]
        assert [item.owner for item in draft(root, changes=(GRANT,), findings=()).requirements] == ["api"]

    def test_one_owner_of_both_is_asked_once(self) -> None:
        root = make_root(self.root(other={}))
        plan = draft(root, changes=(replace(GRANT, counterparts=("other",)),), findings=())
        assert [item.owner for item in plan.requirements] == ["api"]

    def test_another_agent_without_an_owner_is_reported(self) -> None:
        data = self.root(triage={"tool_access": "api"}, other={})
        data = replace(data, owners={name: replace(item, default_for=()) for name, item in data.owners.items()})
        made = demands(data, (replace(GRANT, counterparts=("other",)),), (), (), (), (), (), None)
        assert made.unowned == ((2, "tool_access"),)
        assert [item.owner for item in made.requirements] == ["api"]

    def test_a_plan_that_hides_it_has_another_digest_and_none_that_has_it_not_changes(self) -> None:
        root = make_root(self.root())
        with_it = file_of(draft(root, changes=(replace(GRANT, counterparts=("other",)),), findings=()))
        without = file_of(draft(root, changes=(GRANT,), findings=()))
        assert b"counterparts" in with_it.plan_bytes and b"counterparts" not in without.plan_bytes
        assert requirement(with_it, "api").part != requirement(without, "api").part
        assert decode(encode(with_it.plan, with_it.notes)).digest == with_it.digest


def test_an_empty_plan_needs_nobody() -> None:
    root = make_root(scenario.root_data())
    made = Situation(root=root, planfile=file_of(draft(root, changes=(), findings=())), envelopes=[])
    assert verified(made).plan.operations == ()


def test_only_the_verifier_makes_a_verified_plan() -> None:
    made = verified(Situation())
    values = (made.planfile, made.root, made.states, made.published, made.valid_until, made.newest_signoff)
    with pytest.raises(TypeError, match=r"only provisioner\.approval\.verifier"):
        VerifiedPlan(*values, seal=object())
    with pytest.raises((TypeError, ValueError)):
        replace(made, planfile=Situation().planfile)
    with pytest.raises(TypeError):
        pickle.dumps(made)
    with pytest.raises(TypeError):
        copy.copy(made)
    with pytest.raises(AttributeError):
        made.planfile = made.planfile  # type: ignore[misc]


def test_the_seals_are_used_nowhere_else() -> None:
    def users(name: str) -> set[str]:
        return {
            str(path.relative_to(ROOM))
            for path in ROOM.rglob("*.py")
            if re.search(rf"\b{name}\b", path.read_text(encoding="utf-8"))
        }

    assert users("_SEAL") == {"approval/verifier.py"}
    assert users("ROOT_SEAL") == {"approval/root.py", "approval/chain.py"}


def test_a_plan_is_valid_as_long_as_its_quorum() -> None:
    made = Situation()
    found = verified(made)
    assert found.valid_until == scenario.NOW + timedelta(minutes=30)
    short = envelope(say(made.planfile, requirement(made.planfile, "iam"), 1, expires="2026-11-23T12:10:00Z"), "bob")
    assert verified(replace(made, envelopes=[*made.envelopes, short])).valid_until == found.valid_until


def test_a_plan_s_own_time_ends_it_too() -> None:
    data = scenario.root_data()
    data = replace(data, approval=replace(data.approval, plan_ttl_seconds=3600 + 60))
    made = Situation(root=make_root(data))
    assert verified(made).valid_until == scenario.PUBLISHED + timedelta(seconds=3660)


def after(made: Situation, **over: Any) -> list[str]:
    return [refusal.code for refusal in recheck(verified(made), made.evidence(**over))]


def test_recheck_finds_nothing_new() -> None:
    assert after(Situation()) == []


def test_recheck_finds_expiry() -> None:
    assert after(Situation(), now=scenario.NOW + timedelta(minutes=30)) == ["E-EXPIRED"]


def test_recheck_finds_another_plan() -> None:
    assert after(Situation(), base=9) == ["E-BASE"]


def test_recheck_finds_a_revoked_key() -> None:
    made = Situation()
    key = verified(made).states[0].signed[0].fingerprint
    assert after(made, revoked=frozenset({key})) == ["E-KEY-REVOKED"]
    more = [*made.envelopes, envelope(say(made.planfile, requirement(made.planfile, "iam"), 1), "bob")]
    assert after(replace(made, envelopes=more), revoked=frozenset({key})) == []


def test_recheck_finds_another_root() -> None:
    made = Situation()
    other = Situation(root=make_root(scenario.root_data(protect=("x",)))).in_force()
    assert after(made, root=other) == ["E-ROOT"]
    unpinned = replace(made, pin=None).in_force()
    assert after(made, root=unpinned) == ["E-ROOT"]


def test_recheck_hears_a_late_rejection() -> None:
    made = Situation()
    iam = requirement(made.planfile, "iam")
    no = envelope(say(made.planfile, iam, 5, decision=Decision.REJECT, reason="stop"), "bob")
    late = (*made.signoffs, LedgerSignoff(40, no))
    found = recheck(verified(made), made.evidence(signoffs=late))
    assert [item.code for item in found] == ["E-REJECTED"]
    assert found[0].reason == "bob rejected identity for iam: stop"
    stranger = envelope(say(made.planfile, iam, 5, decision=Decision.REJECT, reason="stop"), "erin")
    assert after(made, signoffs=(*made.signoffs, LedgerSignoff(40, stranger))) == []


def test_recheck_finds_a_rewritten_ledger() -> None:
    made = Situation()
    more = LedgerSignoff(40, envelope(say(made.planfile, requirement(made.planfile, "iam"), 5), "bob"))
    entries = dict(scenario.ENTRIES) | {4: "sha256:" + "9" * 64}
    assert after(made, signoffs=(*made.signoffs, more), entries=entries) == ["E-ROLLBACK"]


def test_rejection_and_change_of_mind() -> None:
    made = Situation()
    iam = requirement(made.planfile, "iam")
    others = made.envelopes[1:]
    early = envelope(
        say(made.planfile, iam, 1, decision=Decision.REJECT, reason="no", issued="2026-11-23T11:00:00Z"), "bob"
    )
    late = envelope(
        say(made.planfile, iam, 1, decision=Decision.REJECT, reason="no", issued="2026-11-23T11:59:00Z"), "bob"
    )
    yes = envelope(say(made.planfile, iam, 2), "bob")
    alice = envelope(say(made.planfile, iam), "alice")

    def state(*envelopes: Any) -> State:
        return judged(replace(made, envelopes=[*envelopes, *others])).states[0].state

    assert state(alice, early) is State.REJECTED
    assert state(alice, early, yes) is State.SIGNED
    assert state(alice, yes, early) is State.SIGNED
    assert state(alice, yes, late) is State.REJECTED
    assert state(early) is State.REJECTED


def test_a_rejection_of_one_part_leaves_the_others_signed() -> None:
    made = Situation()
    api = requirement(made.planfile, "api")
    no = envelope(say(made.planfile, api, 1, decision=Decision.REJECT, reason="no", accepted=()), "dana")
    states = {state.requirement.owner: state for state in judged(replace(made, envelopes=[*made.envelopes, no])).states}
    assert states["iam"].state is State.SIGNED
    assert states["api"].state is State.REJECTED
    assert [signed.person for signed in states["api"].rejected] == ["dana"]


def test_junk_in_the_ledger_blocks_nobody() -> None:
    made = Situation()
    junk: list[Any] = [{}, {"payload": 1, "payloadType": None, "signatures": "x"}, {"signatures": [[]]}]
    found = judged(replace(made, envelopes=[*junk, *made.envelopes]))
    assert found.verified is not None
    assert [item.refusal.code for item in found.refused] == ["E-ENVELOPE"] * 3


def test_every_refusal_has_a_reason_and_a_next_step() -> None:
    made = Situation(base=9, pin=None)
    made.envelopes = []
    for refusal in judged(made).refusals:
        assert refusal.code.startswith("E-") and refusal.reason and refusal.fix


def test_accepting_needs_the_words() -> None:
    made = Situation()
    api = requirement(made.planfile, "api")
    good = envelope(say(made.planfile, api, accepted=(Accepted("TRI-1 agent.triage", "limited"),)), "carol")
    assert judged(replace(made, envelopes=[made.envelopes[0], good, *made.envelopes[2:]])).verified is not None


def test_the_verifier_reads_nothing_but_its_arguments() -> None:
    """Pure: it imports no way to a file, a process, a socket or a clock."""
    program = (
        "import sys, builtins; import provisioner.approval.verifier, provisioner.approval.chain;"
        "print([name for name in ('subprocess', 'boto3', 'cryptography', 'msgspec', 'provisioner.approval.signing',"
        " 'provisioner.approval.git', 'provisioner.config', 'provisioner.lang', 'provisioner.ledger')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_requirements_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Requirement("a", "b", 1, (), (), "c").threshold = 0  # type: ignore[misc]
