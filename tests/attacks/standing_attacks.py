"""Attacks on who may act in an owner's place, on sign-offs of earlier plans, on notices and on exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import scenario as s
from make import Made, attack, worded
from scenario import GRANT, ROLE, Situation, root_with

from provisioner.approval.chain import Authorization, RootRecord
from provisioner.approval.root import RootBaseline, RootEscalation, RootException, TrustRoot, make_root, root_value
from provisioner.approval.statement import Decision, Role
from provisioner.approval.verdict import Carried, LedgerSignoff, PublishedPlan
from provisioner.model.changes import Change, Effect
from provisioner.model.findings import Finding, Level, TestResult, TestSummary
from provisioner.model.plan import Exclusion, NewPath, RootChange
from provisioner.planfile import PlanFile

HOUR = timedelta(hours=1)
SOON = {"issued": "2026-11-23T11:30:00Z", "expires": "2026-11-23T12:30:00Z"}


def acting(file: PlanFile, owner: str, role: Role, *people: str, **over: Any) -> list[Mapping[str, Any]]:
    """Sign-offs by people in a role, in one owner's place."""
    values = (SOON | {"reason": "production is down"} if role is Role.BREAK_GLASS else {}) | over
    need = s.requirement(file, owner)
    return [s.envelope(s.say(file, need, at, role=role, **values), name) for at, name in enumerate(people, start=50)]


def without(owner: str, file: PlanFile, **signers: str) -> list[Mapping[str, Any]]:
    who = s.SIGNERS | signers
    return [s.envelope(s.say(file, item), who[item.owner]) for item in file.plan.requirements if item.owner != owner]


# Escalation.


def escalated(*people: str, root: TrustRoot | None = None, hours: int = 25, **over: Any) -> Situation:
    """Nobody of iam is there; people stand in, so many hours after publication by the store's clock."""
    root = root or root_with(iam={"escalation": RootEscalation("security", 24 * 3600)})
    file = s.file_of(s.draft(root, **over.pop("plan", {})))
    at = s.NOW - hours * HOUR
    values: dict[str, Any] = {"store_now": s.NOW, "published": PublishedPlan(file.digest, 5, at, at)} | over
    envelopes = [*acting(file, "iam", Role.ESCALATION, *people), *without("iam", file)]
    return Situation(root=root, planfile=file, envelopes=envelopes, **values)


@attack("verified")
def control_escalation_after_its_delay() -> Made:
    """A day after publication, security stands in for iam."""
    return escalated("sam", "tom")


@attack("E-MISSING")
def escalation_too_early() -> Made:
    """Security stands in an hour after publication, and a day must pass."""
    return escalated("sam", "tom", hours=1)


@attack("E-MISSING")
def escalation_by_this_machine_s_clock() -> Made:
    """The ledger is a local folder: whoever applies could set its clock forward."""
    return escalated("sam", "tom", store_now=None)


@attack("E-MISSING")
def escalation_by_a_publication_dated_back() -> Made:
    """The writer of the publication claims an earlier time than the store's."""
    made = escalated("sam", "tom")
    told = PublishedPlan(made.planfile.digest, 5, s.NOW - 25 * HOUR, s.NOW - HOUR)
    return replace(made, published=told)


@attack("E-MISSING")
def escalation_by_half_of_the_other_owner() -> Made:
    """Security needs two people, and one of them stands in alone."""
    return escalated("sam")


@attack("E-MISSING")
def escalation_by_somebody_else() -> Made:
    """The platform and the API team stand in for iam; iam's block names security."""
    return escalated("erin", "carol")


@attack("verified")
def control_escalation_with_a_second_owner() -> Made:
    """At once, on a local ledger: security stands in, and the platform team opens it."""
    return escalated("sam", "tom", "erin", hours=1, store_now=None)


@attack("E-MISSING")
def escalation_opened_by_its_own_people() -> Made:
    """Sam is the platform team too; one person does not stand in and open it as another owner."""
    root = root_with(iam={"escalation": RootEscalation("security", 24 * 3600)}, platform={"signers": ("sam",)})
    file = s.file_of(s.draft(root))
    at = s.NOW - HOUR
    envelopes = [*acting(file, "iam", Role.ESCALATION, "sam", "tom"), *without("iam", file, platform="sam")]
    return Situation(
        root=root, planfile=file, envelopes=envelopes, store_now=s.NOW, published=PublishedPlan(file.digest, 5, at, at)
    )


@attack("E-EXCLUDED")
def escalation_by_an_author() -> Made:
    """Who stands in wrote the change."""
    return escalated("sam", "tom", plan={"authors": (Exclusion("sam", "author"),)})


@attack("verified")
def control_no_of_one_who_may_only_stand_in() -> Made:
    """Only the owner's own people block its part."""
    made = escalated("sam", "tom")
    no = s.say(
        made.planfile,
        s.requirement(made.planfile, "iam"),
        9,
        role=Role.ESCALATION,
        decision=Decision.REJECT,
        reason="no",
    )
    return replace(made, envelopes=[*made.envelopes, s.envelope(no, "erin")])


# Break-glass.


def glass(*people: str, plan: dict[str, Any] | None = None, **over: Any) -> Situation:
    """Nobody of iam is there, and people of governance break the glass."""
    root = make_root(s.root_data())
    file = s.file_of(s.draft(root, **(plan or {})))
    envelopes = [*acting(file, "iam", Role.BREAK_GLASS, *people, **over), *without("iam", file)]
    return Situation(root=root, planfile=file, envelopes=envelopes)


def blocked(rule: str, surface: str = "identity", absolute: bool = False) -> dict[str, Any]:
    found = Finding(rule, Level.BLOCK, surface, "agent.triage", "m", "f", "triage", (1,), absolute)
    return {"findings": (s.TRIFECTA, found)}


@attack("verified")
def control_glass_broken_by_two() -> Made:
    """Two people of governance, a reason, an hour."""
    return glass("sam", "tom")


@attack("verified")
def control_glass_broken_over_a_rule() -> Made:
    """A rule that is not absolute does not hold on a surface whose glass was broken."""
    return glass("sam", "tom", plan=blocked("PRV-1"))


@attack("E-MISSING")
def glass_broken_by_one() -> Made:
    """One person of governance breaks the glass alone, twice."""
    return glass("sam", "sam")


@attack("E-MISSING")
def glass_broken_by_one_where_governance_is_one() -> Made:
    """Governance needs one person for its own surface; for breaking glass it takes two all the same."""
    root = root_with(security={"threshold": 1})
    file = s.file_of(s.draft(root))
    envelopes = [*acting(file, "iam", Role.BREAK_GLASS, "sam"), *without("iam", file)]
    return Situation(root=root, planfile=file, envelopes=envelopes)


@attack("E-NOT-SIGNER")
def glass_broken_by_others() -> Made:
    """Two people who are not governance break the glass."""
    return glass("erin", "carol")


@attack("E-STATEMENT")
def glass_broken_without_a_reason() -> Made:
    """Two people break the glass and say nothing."""
    return glass("sam", "tom", reason="")


@attack("E-BREAK-GLASS")
def glass_broken_for_a_day() -> Made:
    """The broken glass is to stay broken for a day."""
    return glass("sam", "tom", expires="2026-11-24T11:30:00Z")


@attack("E-SIGNOFF-EXPIRED")
def glass_broken_hours_ago() -> Made:
    """The hour is over."""
    return glass("sam", "tom", issued="2026-11-23T10:30:00Z", expires="2026-11-23T11:30:00Z")


@attack("E-ROLE")
def glass_broken_for_the_trust_root() -> Made:
    """Two people would make a new trust root by breaking glass, and leave its quorum of three alone."""
    root = root_with(security={"signers": ("sam", "tom", "erin"), "threshold": 3})
    file = root_file(root, replace(root.data, protect=("arn:x",)))
    return Situation(
        root=root, planfile=file, envelopes=acting(file, "security", Role.BREAK_GLASS, "sam", "tom", "erin")
    )


@attack("E-BLOCKED")
def glass_broken_over_an_absolute_rule() -> Made:
    """KEY-1 is absolute."""
    return glass("sam", "tom", plan=blocked("KEY-1", absolute=True))


@attack("E-BLOCKED")
def glass_broken_over_a_rule_that_is_played_down() -> Made:
    """The plan says that KEY-1 is not absolute."""
    return glass("sam", "tom", plan=blocked("KEY-1"))


@attack("E-BLOCKED")
def glass_broken_on_another_surface() -> Made:
    """The glass of identity is broken, and a rule about tool access blocks."""
    return glass("sam", "tom", plan=blocked("PRV-1", "tool_access"))


# What broken glass lifts.

PAY = replace(
    GRANT,
    number=3,
    address=s.address("role_policy", "acme-agents-triage/pays"),
    label="grant.pays",
    block="grant.pays",
    owners={"tool_access": "finance"},
    before={"document": {"allow": ["pay", "refund"]}},
    after={"document": {"allow": ["pay"]}},
    tools=("tool.pay",),
)


def two_owners() -> TrustRoot:
    """The company's root with an owner of its own for what pays."""
    data = s.root_data(tools={"tool.pay": "finance"})
    finance = replace(data.owners["api"], default_for=(), signers=("erin", "carol"))
    return make_root(replace(data, owners=data.owners | {"finance": finance}))


def api_glass(changes: tuple[Change, ...] = (ROLE, GRANT, PAY), **over: Any) -> Situation:
    """Nobody of the API team is there, and governance breaks the glass in its place; finance has signed."""
    root = two_owners()
    file = s.file_of(s.draft(root, changes=changes, **over))
    envelopes = [*acting(file, "api", Role.BREAK_GLASS, "sam", "tom"), *without("api", file, finance="erin")]
    return Situation(root=root, planfile=file, envelopes=envelopes)


def blocks(*changes: int, agent: str | None = "triage") -> Finding:
    return Finding("PRV-1", Level.BLOCK, "tool_access", "agent.triage", "m", "f", agent, changes)


@attack("verified")
def control_glass_broken_over_its_own_part() -> Made:
    """The rule is about the change that governance signed in the API team's place."""
    return api_glass(findings=(blocks(2),))


@attack("E-BLOCKED")
def glass_broken_over_a_rule_about_another_owner_s_change() -> Made:
    """The API team's glass is broken, and the rule is about finance's change on the same surface."""
    return api_glass(findings=(blocks(3),))


@attack("E-BLOCKED")
def glass_broken_over_a_rule_about_both_owners_changes() -> Made:
    """The rule is about the changes of both, and only the API team's glass was broken."""
    return api_glass(findings=(blocks(2, 3),))


@attack("E-BLOCKED")
def glass_broken_over_a_rule_about_the_whole_agent() -> Made:
    """The rule names no change: both owners' parts are about the agent, and one was not broken."""
    return api_glass(findings=(blocks(),))


@attack("E-BLOCKED")
def glass_broken_over_a_rule_about_another_agent() -> Made:
    """The rule is about an agent that the broken part does not touch."""
    return api_glass((ROLE, GRANT), findings=(blocks(agent="other"),))


@attack("E-BLOCKED")
def glass_broken_over_a_rule_about_nobody() -> Made:
    """The rule names neither a change nor an agent, so no part is about it."""
    return api_glass((ROLE, GRANT), findings=(blocks(agent=None),))


@attack("E-BLOCKED")
def glass_broken_over_a_change_that_is_none() -> Made:
    """The rule names a change that nobody has signed, since it is not in the plan."""
    return api_glass(findings=(blocks(2, 9),))


@attack("verified")
def control_glass_broken_over_what_an_agent_holds() -> Made:
    """The rule names no change, and every part of the surface that is about the agent was broken."""
    return api_glass((ROLE, GRANT), findings=(blocks(),))


def failing(surface: str, agent: str = "triage", failed: int = 1, level: Level = Level.BLOCK) -> dict[str, Any]:
    """A failing boundary test and what TST-1 says of it."""
    result = TestResult("test.edge", "put", agent, surface, "denied", "allowed", False)
    found = Finding("TST-1", level, "governance", "test.edge put", "m", "f", agent)
    return {"tests": TestSummary(passed=2, failed=failed, failures=(result,)), "findings": (found,)}


@attack("verified")
def control_glass_broken_over_a_failing_test() -> Made:
    """The test is about the surface and the agent of the part that was broken."""
    return api_glass((ROLE, GRANT), **failing("tool_access"))


@attack("E-TESTS")
def glass_broken_over_a_test_of_another_surface() -> Made:
    """The API team's glass is broken, and what fails is a test of who may become the agent."""
    return api_glass((ROLE, GRANT), **failing("identity"))


@attack("E-TESTS")
def glass_broken_over_a_test_of_another_agent() -> Made:
    """The test is about an agent that the broken part does not touch."""
    return api_glass((ROLE, GRANT), **failing("tool_access", "other"))


@attack("E-TESTS")
def glass_broken_over_a_test_that_is_not_shown() -> Made:
    """Two tests fail, and the plan shows one of them."""
    return api_glass((ROLE, GRANT), **failing("tool_access", failed=2))


@attack("E-TESTS")
def glass_broken_over_a_test_of_two_owners_tools() -> Made:
    """The test is about what both owners' tools may do, and only one part was broken."""
    return api_glass(**failing("tool_access"))


@attack("E-BLOCKED")
def glass_broken_over_an_agent_without_tests() -> Made:
    """TST-1 blocks because an agent has no denied-test: that is governance's, and no test that could be lifted."""
    found = Finding("TST-1", Level.BLOCK, "governance", "agent.triage", "m", "f", "triage")
    return api_glass((ROLE, GRANT), findings=(found,))


@attack("E-EXCLUDED")
def glass_broken_by_an_author() -> Made:
    """Who breaks the glass wrote the change."""
    return glass("sam", "tom", plan={"authors": (Exclusion("tom", "author"),)})


@attack("E-REJECTED")
def glass_broken_over_a_rejection() -> Made:
    """Bob said no; two people of governance go around him."""
    made = glass("sam", "tom")
    no = s.say(made.planfile, s.requirement(made.planfile, "iam"), 9, decision=Decision.REJECT, reason="no")
    return replace(made, envelopes=[*made.envelopes, s.envelope(no, "bob")])


@attack("E-NOT-SIGNER")
def review_taken_for_an_approval() -> Made:
    """A review of what was applied is brought as a sign-off for it."""
    root = make_root(s.root_data())
    file = s.file_of(s.draft(root))
    envelopes = [*acting(file, "iam", Role.REVIEW, "alice", reason="looked at"), *without("iam", file)]
    return Situation(root=root, planfile=file, envelopes=envelopes)


# Sign-offs of earlier plans.

CARRY = {"carry": "unchanged"}
LESS = replace(GRANT, after={"document": {"allow": []}}, cannot=("s3:GetObject on anything",))


def replanned(
    *owners: str, root: TrustRoot | None = None, before: dict[str, Any] | None = None, **over: Any
) -> Situation:
    """A plan was signed by everybody and made anew with another grant; sign-offs of `owners` are of the first."""
    root = root or root_with(approval=CARRY)
    old = s.file_of(s.draft(root, **(before or {})))
    new = s.file_of(s.draft(root, **({"changes": (ROLE, LESS)} | over.pop("plan", {}))))
    first = over.pop("first", PublishedPlan(old.digest, 2, s.PUBLISHED - HOUR, s.PUBLISHED - HOUR))
    said = over.pop("said", {})
    carried = [
        Carried(
            LedgerSignoff(20 + at, s.envelope(s.say(old, s.requirement(old, owner), **said), s.SIGNERS[owner])),
            old,
            first,
        )
        for at, owner in enumerate(owners)
    ]
    fresh = [
        s.envelope(s.say(new, item), s.SIGNERS[item.owner])
        for item in new.plan.requirements
        if item.owner not in owners
    ]
    return Situation(root=root, planfile=new, envelopes=fresh, carried=tuple(carried), **over)


@attack("verified")
def control_carried() -> Made:
    """Identity and runtime are the same as in the plan before, and its sign-offs are kept."""
    return replanned("iam", "platform")


@attack("E-CARRY")
def carried_where_the_root_says_no() -> Made:
    """The root in force demands every plan to be signed anew."""
    return replanned("iam", "platform", root=root_with())


@attack("E-PART")
def carried_for_other_changes() -> Made:
    """Carol signed the grant as it was before."""
    return replanned("api")


@attack("E-BASE")
def carried_across_an_applied_plan() -> Made:
    """Between the two plans another one was applied."""
    return replanned("iam", plan={"base": 9}, base=9)


@attack("E-ROOT")
def carried_across_a_trust_root() -> Made:
    """The plan before was made under an older root."""
    root = root_with(approval=CARRY)
    older = root_with(approval=CARRY, protect=("arn:x",))
    made = replanned("iam", root=root)
    old = replanned("iam", root=older)
    return replace(made, carried=old.carried)


@attack("E-CARRY")
def carried_beyond_its_plan_s_own_time() -> Made:
    """The plan before was published more than 72 hours ago; a re-plan renews nothing."""
    root = root_with(approval=CARRY)
    old = s.file_of(s.draft(root))
    at = s.NOW - 73 * HOUR
    return replanned("iam", root=root, first=PublishedPlan(old.digest, 2, at, at))


@attack("E-EXCLUDED")
def carried_from_who_is_an_author_now() -> Made:
    """Alice signed the plan before, and wrote what is new in this one."""
    return replanned("iam", plan={"authors": (Exclusion("alice", "author"),)})


@attack("E-CARRY")
def carried_acceptance_of_a_risk_that_grew() -> Made:
    """Carol accepted TRI-1 as it was; under the same name it is more now."""
    worse = replace(s.TRIFECTA, message="three things in one, and restricted data")
    return replanned("api", plan={"changes": (ROLE, GRANT), "findings": (worse,)})


@attack("E-CARRY")
def carried_glass() -> Made:
    """Glass that was broken for one plan stays broken for the next."""
    made = replanned("iam")
    old = made.carried[0].planfile
    broken = acting(old, "iam", Role.BREAK_GLASS, "sam", "tom")
    carried = [replace(made.carried[0], signoff=LedgerSignoff(20 + at, item)) for at, item in enumerate(broken)]
    return replace(made, carried=tuple(carried))


@attack("E-OTHER-PLAN")
def carried_under_another_plan_s_name() -> Made:
    """The sign-off is of a third plan; it is brought with one that was published later."""
    made = replanned("iam")
    third = s.file_of(s.draft(made.root, tests=replace(made.planfile.plan.tests, passed=9)))
    said = s.envelope(s.say(third, s.requirement(third, "iam")), "alice")
    return replace(made, carried=(replace(made.carried[0], signoff=LedgerSignoff(20, said)),))


@attack("E-REJECTED")
def rejection_evaded_by_planning_again() -> Made:
    """Bob rejected the identity part; a re-plan in which it is the same does not silence him."""
    made = replanned("iam")
    old = made.carried[0]
    no = s.say(old.planfile, s.requirement(old.planfile, "iam"), 8, decision=Decision.REJECT, reason="no")
    return replace(made, carried=(*made.carried, replace(old, signoff=LedgerSignoff(30, s.envelope(no, "bob")))))


@attack("verified")
def control_rejection_of_what_was_mended() -> Made:
    """Dana rejected the grant as it was; now it is another."""
    made = replanned("iam")
    old = made.carried[0]
    no = s.say(old.planfile, s.requirement(old.planfile, "api"), 8, decision=Decision.REJECT, reason="no", accepted=())
    return replace(made, carried=(*made.carried, replace(old, signoff=LedgerSignoff(30, s.envelope(no, "dana")))))


@attack("E-CARRY")
def carried_where_two_had_to_sign() -> Made:
    """The plan before had an unknown author, so two people of identity; who writes to the ledger leaves that out."""
    return replanned("iam", before={"unknown_authors": ("agents.hcl: unsigned commit",)})


@attack("E-CARRY")
def carried_from_who_was_an_author_then() -> Made:
    """Alice signed the plan before in vain, being an author of it. A re-plan leaves her out of the authors."""
    return replanned("iam", before={"authors": (Exclusion("alice", "author"),)})


@attack("E-CARRY")
def carried_though_the_plan_was_blocked() -> Made:
    """Alice signed what a rule blocked, to be asked again; a re-plan is published that does not speak of the rule."""
    block = Finding("IDN-9", Level.BLOCK, "identity", "agent.triage", "trust is too wide", "narrow it", "triage", (1,))
    return replanned("iam", before={"findings": (s.TRIFECTA, block)})


@attack("E-CARRY")
def carried_though_its_tests_failed() -> Made:
    """A boundary test of identity failed on the plan before; a re-plan counts no failure."""
    failed = TestResult("test.cannot_pay", "1", "triage", "identity", "denied", "allowed", False)
    return replanned("iam", before={"tests": TestSummary(passed=2, failed=1, failures=(failed,))})


@attack("E-CARRY")
def carried_in_another_order() -> Made:
    """The grant waited for the boundary in the plan before. In the re-plan, all of whose parts are the same, not."""
    root = root_with(approval=CARRY)
    made = s.draft(root)
    role, grant = made.operations
    waiting = (role, replace(grant, depends=(role.id,)))
    return replanned("api", root=root, before={"operations": waiting}, plan={"changes": (ROLE, GRANT)})


@attack("E-CARRY")
def carried_where_less_is_read() -> Made:
    """The plan before watched a bucket beside its own account; the re-plan, which asks nobody of identity anew, does
    not, so that an apply would not see what appears there."""
    root = root_with(approval=CARRY)
    (target, *others) = s.draft(root).targets
    return replanned("iam", root=root, before={"targets": (replace(target, watch=("bucket:acme",)), *others)})


@attack("E-CARRY")
def carried_where_less_is_owned_up_to() -> Made:
    """The plan before said what it had not looked at; the re-plan is silent about it."""
    return replanned("iam", before={"not_looked_at": ("aws 1: resource policies",)})


@attack("E-CARRY")
def carried_where_a_new_way_opens() -> Made:
    """The re-plan tells of a way to more authority that nobody of identity has seen."""
    path = NewPath("triage", "pass-lambda", "iam:PassRole on role admin", True)
    return replanned("iam", plan={"changes": (ROLE, LESS), "new_paths": (path,)})


@attack("verified")
def control_carried_where_more_is_read() -> Made:
    """The re-plan watches more, and owns up to more, than the plan before."""
    root = root_with(approval=CARRY)
    (target, *others) = s.draft(root).targets
    more = {"targets": (replace(target, watch=("bucket:acme",)), *others), "not_looked_at": ("aws 1: x",)}
    return replanned("iam", "platform", root=root, plan={"changes": (ROLE, LESS), **more})


# Narrowing that is only notified.

NOTIFY = {"narrowing": "notify"}


def notified(change: Any = GRANT, root: TrustRoot | None = None, **over: Any) -> Situation:
    """A plan whose one part asks for nobody's signature, and has none."""
    root = root or root_with(approval=NOTIFY)
    plan = s.draft(root, **({"changes": (change,), "findings": ()} | over))
    asks_nobody = tuple(replace(item, threshold=0) for item in plan.requirements)
    return Situation(root=root, planfile=s.file_of(replace(plan, requirements=asks_nobody)), envelopes=[])


@attack("verified")
def control_narrowing_notified() -> Made:
    """What only takes authority away needs no signature, where the root says so."""
    return notified()


@attack("E-REQUIREMENTS")
def narrowing_where_the_root_wants_it_signed() -> Made:
    """The plan asks nobody, and the root in force lets nothing go unsigned."""
    return notified(root=root_with())


@attack("E-REQUIREMENTS")
def widening_called_narrower() -> Made:
    """The plan calls a widening narrower, so that nobody looks at it."""
    return notified(replace(GRANT, after={"document": {"allow": ["inbox", "archive", "payments"]}}))


@attack("E-REQUIREMENTS")
def unknown_effect_notified() -> Made:
    """Nobody could decide whether the change narrows."""
    return notified(replace(GRANT, effect=Effect.UNKNOWN))


@attack("E-REQUIREMENTS")
def risk_notified() -> Made:
    """The change narrows, and a finding about it must be accepted by somebody."""
    return notified(findings=(s.TRIFECTA,))


@attack("E-REJECTED")
def notified_and_rejected() -> Made:
    """An owner who was only told says no."""
    made = notified()
    no = s.say(made.planfile, made.planfile.plan.requirements[0], decision=Decision.REJECT, reason="it is in use")
    return replace(made, envelopes=[s.envelope(no, "carol")])


# Owners that are replaced.


def root_file(root: TrustRoot, data: Any, **over: Any) -> PlanFile:
    following = make_root(data, root.version + 1)
    change = RootChange(following.version, root_value(data), following.digest, worded(root, following))
    return s.file_of(s.draft(root, **({"changes": (), "findings": (), "next_root": change} | over)))


def taking_over(root: TrustRoot, **iam: Any) -> Any:
    owners = dict(root.data.owners)
    owners["iam"] = replace(owners["iam"], **({"signers": ("erin", "sam")} | iam))
    return replace(root.data, owners=owners)


def replaced(*governance: str, hours: int = 73, root: TrustRoot | None = None, **over: Any) -> Situation:
    """Governance puts others in iam's place, announced so many hours ago by the store's clock."""
    root = root or make_root(s.root_data())
    file = root_file(root, taking_over(root))
    need = next(item for item in file.plan.requirements if item.owner == "security")
    made = [s.envelope(s.say(file, need, at), name) for at, name in enumerate(governance)]
    values: dict[str, Any] = {"store_now": s.NOW, "announced": s.NOW - hours * HOUR} | over
    return Situation(root=root, planfile=file, envelopes=[*made, *values.pop("more", [])], **values)


def of_iam(made: Situation, signer: str, number: int = 60, **over: Any) -> Situation:
    said = s.say(made.planfile, s.requirement(made.planfile, "iam"), number, **over)
    return replace(made, envelopes=[*made.envelopes, s.envelope(said, signer)])


@attack("verified")
def control_owner_replaced_after_notice() -> Made:
    """Two people of governance, three days after they announced it."""
    return replaced("sam", "tom")


@attack("verified")
def control_owner_lets_itself_be_replaced() -> Made:
    """At once, with alice's consent."""
    return of_iam(replaced("sam", "tom", hours=1), "alice")


@attack("verified")
def control_rogue_owner_says_no_after_notice() -> Made:
    """Alice, who is replaced, cannot stop it for ever."""
    return of_iam(replaced("sam", "tom"), "alice", decision=Decision.REJECT, reason="I stay")


@attack("E-REJECTED")
def owner_says_no_before_notice() -> Made:
    """Alice says no while the notice runs."""
    return of_iam(replaced("sam", "tom", hours=71), "alice", decision=Decision.REJECT, reason="I stay")


@attack("E-MISSING")
def owner_replaced_before_notice() -> Made:
    """Governance puts others in an owner's place overnight."""
    return replaced("sam", "tom", hours=71)


@attack("E-MISSING")
def owner_replaced_without_an_announcement() -> Made:
    """Nothing in the ledger announced it."""
    return replaced("sam", "tom", announced=None)


@attack("E-MISSING")
def owner_replaced_by_this_machine_s_clock() -> Made:
    """The ledger is a local folder, whose clock is whoever's applies."""
    return replaced("sam", "tom", store_now=None)


@attack("E-MISSING")
def owner_replaced_by_one_person() -> Made:
    """Governance needs one person for its own changes; to replace another owner it takes two."""
    return replaced("sam", root=root_with(security={"threshold": 1}))


@attack("E-REJECTED")
def owner_replaced_though_governance_says_no() -> Made:
    """One of three in governance says no to replacing iam, and two go on."""
    root = root_with(security={"signers": ("sam", "tom", "erin")})
    made = replaced("sam", "tom", root=root)
    need = s.requirement(made.planfile, "security")
    no = s.say(made.planfile, need, 70, decision=Decision.REJECT, reason="alice did nothing wrong")
    return replace(made, envelopes=[*made.envelopes, s.envelope(no, "erin")])


@attack("verified")
def control_owner_replaced_on_a_local_ledger() -> Made:
    """Without a clock to trust: governance, and every other owner."""
    made = replaced("sam", "tom", store_now=None)
    made = of_iam(made, "erin", 61, role=Role.ESCALATION)
    return of_iam(made, "carol", 62, role=Role.ESCALATION)


@attack("E-MISSING")
def owner_replaced_on_a_local_ledger_without_one_owner() -> Made:
    """Governance and the platform team agree; the API team was not asked."""
    return of_iam(replaced("sam", "tom", store_now=None), "erin", 61, role=Role.ESCALATION)


@attack("E-REQUIREMENTS")
def owner_not_asked() -> Made:
    """The plan leaves out that iam is to be asked."""
    root = make_root(s.root_data())
    plan = root_file(root, taking_over(root)).plan
    file = s.file_of(replace(plan, requirements=tuple(item for item in plan.requirements if item.owner != "iam")))
    envelopes = [s.envelope(s.say(file, file.plan.requirements[0], at), name) for at, name in enumerate(("sam", "tom"))]
    return Situation(root=root, planfile=file, envelopes=envelopes, store_now=s.NOW)


def quietly(data: Any, root: TrustRoot | None = None) -> Situation:
    """Governance alone signs a root that takes something from owners, and the plan asks nobody else."""
    root = root or make_root(s.root_data())
    plan = root_file(root, data).plan
    need = next(item for item in plan.requirements if item.owner == "security")
    file = s.file_of(replace(plan, requirements=(need,)))
    envelopes = [s.envelope(s.say(file, need, at), name) for at, name in enumerate(("sam", "tom"))]
    return Situation(root=root, planfile=file, envelopes=envelopes, store_now=s.NOW)


@attack("E-REQUIREMENTS")
def owner_given_another_signer() -> Made:
    """Erin comes to sign for iam, and iam is not asked."""
    root = make_root(s.root_data())
    return quietly(taking_over(root, signers=("alice", "bob", "erin")))


@attack("E-REQUIREMENTS")
def owner_s_key_exchanged() -> Made:
    """Alice, who signs for iam, is given a key that somebody in governance holds."""
    data = s.root_data()
    alice = replace(data.people["alice"], keys=(*data.people["alice"].keys, s.key_line("mallory")))
    return quietly(replace(data, people={**data.people, "alice": alice}))


@attack("E-REQUIREMENTS")
def owner_s_quorum_lowered() -> Made:
    """Of two people that iam needs, governance makes one."""
    root = root_with(iam={"threshold": 2})
    return quietly(replace(root.data, owners={**root.data.owners, "iam": s.root_data().owners["iam"]}), root)


@attack("E-REQUIREMENTS")
def owner_given_a_stand_in() -> Made:
    """Governance writes that it may stand in for iam, a second after publication."""
    data = s.root_data()
    iam = replace(data.owners["iam"], escalation=RootEscalation("security", 1))
    return quietly(replace(data, owners={**data.owners, "iam": iam}))


@attack("E-REQUIREMENTS")
def owner_s_stand_in_hastened() -> Made:
    """Security may stand in for iam after a day; governance makes that a second."""
    root = root_with(iam={"escalation": RootEscalation("security", 24 * 3600)})
    iam = replace(root.data.owners["iam"], escalation=RootEscalation("security", 1))
    return quietly(replace(root.data, owners={**root.data.owners, "iam": iam}), root)


@attack("E-REQUIREMENTS")
def surface_taken_from_its_owner() -> Made:
    """Governance makes itself the default owner of identity."""
    data = s.root_data()
    iam = replace(data.owners["iam"], default_for=())
    security = replace(
        data.owners["security"], surfaces=("governance", "identity"), default_for=("governance", "identity")
    )
    return quietly(replace(data, owners={**data.owners, "iam": iam, "security": security}))


@attack("E-REQUIREMENTS")
def tool_taken_from_its_owner() -> Made:
    """Governance gives a tool of api to the platform team."""
    data = s.root_data()
    platform = replace(data.owners["platform"], surfaces=("runtime", "tool_access"))
    owners = {**data.owners, "platform": platform}
    return quietly(replace(data, owners=owners, tools={"tool.inbox": "platform"}))


@attack("E-REQUIREMENTS")
def agent_taken_from_its_owner() -> Made:
    """Governance gives the identity of one agent to the platform team."""
    data = s.root_data()
    platform = replace(data.owners["platform"], surfaces=("runtime", "identity"))
    owners = {**data.owners, "platform": platform}
    return quietly(replace(data, owners=owners, agents={"triage": {"identity": "platform"}}))


def recorded(hours: int | None) -> Situation:
    """A second root that replaces iam stands in the ledger, announced so many hours before it was recorded."""
    made = replaced("sam", "tom")
    first, file = made.root, made.planfile
    second = make_root(taking_over(first), 2)
    authorization = Authorization(
        planfile=file,
        signoffs=made.signoffs,
        published=made.published,
        base=0,
        entries=s.ENTRIES,
        time=s.NOW,
        store_time=s.NOW,
        announced=None if hours is None else s.NOW - hours * HOUR,
    )
    record = RootRecord(second.body(file.digest), authorization)
    following = s.file_of(s.draft(second))
    envelopes = s.signed_by_all(following, {"iam": "sam"})
    return Situation(root=first, planfile=following, envelopes=envelopes, later_roots=(record,))


@attack("verified")
def control_root_that_replaced_an_owner() -> Made:
    """The root after a replacement with notice judges the next plan."""
    return recorded(73)


@attack("E-ROOT-CHAIN")
def root_that_replaced_an_owner_overnight() -> Made:
    """Governance wrote its root into the ledger itself, without waiting for the notice."""
    return recorded(2)


# Exceptions and baselines.


def excepting(end: str = "2027-01-15", **over: Any) -> RootException:
    values = {"subjects": ("agent.triage",), "accepted_by": "api", "rule": "FED-3"} | over
    return RootException(reason="r", compensating_control="c", ticket="SEC-77", expires=end, **values)


def exceptional(*of_api: str, end: str = "2027-01-15", name: str = "exception.a", **over: Any) -> Situation:
    """A plan that brings an exception that api accepts, signed by governance and by people of api."""
    root = over.pop("root", None) or make_root(s.root_data())
    file = root_file(root, replace(root.data, exceptions={name: excepting(end)}))
    needs = {item.owner: item for item in file.plan.requirements}
    made = [s.envelope(s.say(file, needs["security"], at), name) for at, name in enumerate(("sam", "tom"))]
    made += [s.envelope(s.say(file, needs["api"], at), name) for at, name in enumerate(of_api, start=4)]
    return Situation(root=root, planfile=file, envelopes=made, **over)


@attack("verified")
def control_exception() -> Made:
    """Governance and the accepting owner have signed."""
    return exceptional("carol")


@attack("E-MISSING")
def exception_that_nobody_accepted() -> Made:
    """Governance alone sets a rule aside."""
    return exceptional()


@attack("E-EXCEPTION")
def exception_for_a_year() -> Made:
    """An exception lasts 90 days at most."""
    return exceptional("carol", end="2027-11-01")


@attack("E-EXCEPTION")
def exception_that_ended() -> Made:
    """An exception for the past would cover what was done."""
    return exceptional("carol", end="2026-11-01")


def had(**over: Any) -> TrustRoot:
    return make_root(replace(s.root_data(), exceptions={"exception.a": excepting("2026-12-15", **over)}))


@attack("verified")
def control_exception_renewed_by_two() -> Made:
    """A renewal is signed by two people of the accepting owner."""
    return exceptional("carol", "dana", root=had())


@attack("E-MISSING")
def exception_renewed_by_one() -> Made:
    """One person prolongs what was to end."""
    return exceptional("carol", root=had())


@attack("E-MISSING")
def exception_renewed_under_another_name() -> Made:
    """The same exception under a new name is a renewal too."""
    return exceptional("carol", root=had(), name="exception.b")


def asking_for_one(made: Situation) -> Situation:
    """The same with a plan that asks the accepting owner for one person, who has signed; or for nobody."""
    plan = made.planfile.plan
    needs = tuple(replace(item, threshold=1) if item.owner == "api" else item for item in plan.requirements)
    if len(made.envelopes) == 2:
        needs = tuple(item for item in needs if item.owner != "api")
    file = s.file_of(replace(plan, requirements=needs))
    people = ("sam", "tom", "carol")
    owners = ("security", "security", "api")
    envelopes = [
        s.envelope(s.say(file, s.requirement(file, owner), at), name)
        for at, (name, owner) in enumerate(zip(people, owners, strict=True))
        if len(made.envelopes) > at
    ]
    return Situation(root=made.root, planfile=file, envelopes=envelopes)


@attack("E-REQUIREMENTS")
def exception_whose_owner_is_not_asked() -> Made:
    """The plan leaves out that the accepting owner must sign."""
    return asking_for_one(exceptional())


@attack("E-REQUIREMENTS")
def renewal_that_asks_for_one() -> Made:
    """The plan asks for one person where a renewal takes two."""
    return asking_for_one(exceptional("carol", root=had()))


@attack("E-REQUIREMENTS")
def renewal_under_another_name_that_asks_for_one() -> Made:
    """The plan takes an exception with a new name for a new one."""
    return asking_for_one(exceptional("carol", root=had(), name="exception.b"))


@attack("E-EXCEPTION")
def finding_lifted_by_no_exception() -> Made:
    """The plan says that an exception lifts a block; the root in force holds none."""
    lifted = Finding(
        "FED-2", Level.EXCEPTED, "identity", "agent.triage", "m", "f", "triage", (1,),
        exception="exception.a", until="2027-01-15",
    )  # fmt: skip
    root = make_root(s.root_data())
    file = s.file_of(s.draft(root, findings=(s.TRIFECTA, lifted)))
    return Situation(root=root, planfile=file)


@attack("E-SEVERITY")
def accepted_by_an_exception_of_another() -> Made:
    """A rule blocks, and the next root, which is about limits, keeps an exception that another agent has from it. The
    plan says that governance accepts the block together with that root."""
    held = RootException("TRI-1", ("agent.other",), "r", "c", "T-1", "api", "2027-01-15")
    data = replace(s.root_data(), severity={"TRI-1": "block"}, exceptions={"exception.a": held})
    root = make_root(data)
    following = make_root(replace(data, limits=replace(data.limits, max_changes=4)), 2)
    change = RootChange(2, root_value(following.data), following.digest, worded(root, following))
    taken = replace(s.TRIFECTA, surface="governance")
    file = s.file_of(s.draft(root, findings=(taken,), next_root=change))
    need = s.requirement(file, "security")
    rest = [s.envelope(s.say(file, item), s.SIGNERS[item.owner]) for item in file.plan.requirements if item != need]
    both = [s.envelope(s.say(file, need, at), name) for at, name in enumerate(("sam", "tom"))]
    return Situation(root=root, planfile=file, envelopes=[*rest, *both])


@attack("E-EXCEPTION")
def baseline_that_grows() -> Made:
    """What was found on the day of adoption covers one more rule."""
    start = RootBaseline(("PRV-1",), ("triage",), "2027-01-15")
    root = make_root(replace(s.root_data(), baselines={"baseline.start": start}))
    more = {"baseline.start": replace(start, rules=("PRV-1", "PRV-2"))}
    file = root_file(root, replace(root.data, baselines=more))
    need = s.requirement(file, "security")
    envelopes = [s.envelope(s.say(file, need, at), name) for at, name in enumerate(("sam", "tom"))]
    return Situation(root=root, planfile=file, envelopes=envelopes)


@attack("E-EXCEPTION")
def baseline_under_another_name() -> Made:
    """What was found on the day of adoption goes on under a new name."""
    start = RootBaseline(("PRV-1",), ("triage",), "2026-12-15")
    root = make_root(replace(s.root_data(), baselines={"baseline.start": start}))
    file = root_file(root, replace(root.data, baselines={"baseline.next": replace(start, expires="2027-01-15")}))
    need = s.requirement(file, "security")
    envelopes = [s.envelope(s.say(file, need, at), name) for at, name in enumerate(("sam", "tom"))]
    return Situation(root=root, planfile=file, envelopes=envelopes)
