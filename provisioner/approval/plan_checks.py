"""What a plan must be before anybody's sign-off matters. Pure: a plan, the evidence, refusals.

Each check stands alone in PLAN_CHECKS; a test takes each away and expects an attack to get through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from ..canonical import dumps
from ..model.changes import Action, Change, Operation
from ..planfile import plan_bytes, plan_digest, to_builtins
from ..sdk.provider import Sweeping
from .adoption import alone, misnamed
from .belonging import agents_are_the_principals
from .case import CLOCK_SKEW, REPLAN, Case, PlanCheck, time_to_live
from .finding_checks import FINDING_CHECKS
from .limits import deletes_too_much, deletions, protecting
from .next_root_checks import NEXT_ROOT_CHECKS
from .ownership import change_owner
from .past import left_tools, removal_tools
from .sweeping import sweeps_of
from .verdict import Refusal


def bytes_match(case: Case) -> Iterator[Refusal]:
    file = case.planfile
    if plan_bytes(file.plan) != file.plan_bytes or plan_digest(file.plan_bytes) != file.digest:
        yield Refusal("E-PLAN-DIGEST", "the plan does not match its digest: it was changed", REPLAN)


def pinned(case: Case) -> Iterator[Refusal]:
    if not case.evidence.root.pinned:
        yield Refusal(
            "E-PIN-MISSING",
            "this runner has no pin of the workspace's trust root, so it cannot tell the true root from a false one",
            "Compare the fingerprints that `provisioner init` shows with people who know them; it then writes root_pin"
            " into the runner's own file.",
        )


def judged_by_this_root(case: Case) -> Iterator[Refusal]:
    root, named = case.evidence.root.root, case.planfile.plan.root
    if (named.version, named.digest) != (root.version, root.digest):
        yield Refusal(
            "E-ROOT",
            f"the plan was made under trust root v{named.version}, and another one (v{root.version}) is in force",
            REPLAN,
        )


def of_this_workspace(case: Case) -> Iterator[Refusal]:
    there, here = case.planfile.plan.workspace, case.evidence.root.root.data.workspace
    if there != here:
        yield Refusal(
            "E-WORKSPACE",
            f"the plan is for workspace {there}, and this ledger is that of {here}",
            "Use the ledger of the plan's own workspace.",
        )


def solo_is_said(case: Case) -> Iterator[Refusal]:
    if case.planfile.plan.solo != case.evidence.root.root.data.approval.solo:
        yield Refusal("E-SOLO", "the plan does not say truly whether one person decides alone", REPLAN)


def not_overtaken(case: Case) -> Iterator[Refusal]:
    base, now = case.planfile.plan.base, case.evidence.base
    if base != now:
        yield Refusal(
            "E-BASE",
            f"the plan builds on ledger entry {base}, and entry {now} is the last applied plan: this one was applied"
            " already, or another came before it",
            REPLAN,
        )


def published(case: Case) -> Iterator[Refusal]:
    found = case.evidence.published
    if found is None or found.digest != case.planfile.digest:
        yield Refusal(
            "E-NOT-PUBLISHED",
            "the plan is not in the ledger, so its time to live has not started",
            f"provisioner publish {case.planfile.short}",
        )


def in_time(case: Case) -> Iterator[Refusal]:
    found, now = case.evidence.published, case.evidence.now
    if found is None:
        return
    ttl = time_to_live(case.evidence.root.root.data, case.demands)
    if now - case.evidence.grace >= found.since + ttl:
        yield Refusal(
            "E-EXPIRED",
            f"the plan was published at {found.since:%Y-%m-%d %H:%MZ} and was good for {_span(ttl)}",
            f"{REPLAN} Publishing the same plan again does not make it younger.",
        )


def clock_runs_forward(case: Case) -> Iterator[Refusal]:
    found, now = case.evidence.published, case.evidence.now
    if found is not None and found.since > now + CLOCK_SKEW:
        yield Refusal(
            "E-CLOCK",
            f"the ledger's store says that the plan was published at {found.since:%Y-%m-%d %H:%MZ}, which is yet to"
            f" come: it is {now:%Y-%m-%d %H:%MZ} here",
            "Set this machine's clock right.",
        )


def operations_belong(case: Case) -> Iterator[Refusal]:
    """Nothing may run that no change shows to a signer, nor outside the targets and worlds that the plan names."""
    plan = case.planfile.plan
    changes = {change.number: change for change in plan.changes}
    places = {(target.provider, target.id) for target in plan.targets}
    wrong = []
    if len(changes) != len(plan.changes):
        wrong.append("two changes have one number")
    if len({item.id for item in plan.operations}) != len(plan.operations):
        wrong.append("two operations have one id")
    if any((change.address.provider, change.address.target) not in places for change in plan.changes):
        wrong.append("a change is in no account or project of the plan")
    if any(not change.surfaces for change in plan.changes):
        wrong.append("a change touches no surface, so nobody would sign for it")
    seen: set[str] = set()
    for operation in plan.operations:
        change = changes.get(operation.change)
        if change is None or change.address != operation.address or change.agent != operation.agent:
            wrong.append(f"operation {operation.id} belongs to no change")
        if not seen.issuperset(operation.depends):
            wrong.append(f"operation {operation.id} comes before what it depends on")
        seen.add(operation.id)
    touched = {change.agent for change in plan.changes if change.agent is not None}
    if touched - {world.agent for world in plan.worlds}:
        wrong.append("an agent is changed whose authority before and after is not in the plan")
    if touched != {note.agent for note in plan.agents} or len(plan.agents) != len(touched):
        wrong.append("the agents that the plan speaks of are not those that it changes")
    for reason in wrong[:3]:
        yield Refusal("E-PLAN-SHAPE", f"the plan does not fit together: {reason}", REPLAN)


def surfaces_are_the_providers(case: Case) -> Iterator[Refusal]:
    """A plan cannot call a change of trust a matter of tool access: its provider is asked again."""
    if case.evidence.providers is None:
        return
    for change in case.planfile.plan.changes:
        provider = case.evidence.providers.get(change.address.provider)
        kind = provider.schema().kinds.get(change.address.kind) if provider is not None else None
        if kind is None or kind.observed:
            reason = f"change {change.number} is of a kind that cannot be changed here: {change.address.kind}"
            yield Refusal("E-SURFACES", reason, REPLAN)
            continue
        if provider is not None and (why := misnamed(change, kind, provider, case.planfile.plan.workspace)):
            yield Refusal("E-SURFACES", f"change {change.number} is not what it says: it {why}", REPLAN)
        if change.action.marks_only:
            continue
        fields = _differing(change, tuple(kind.fields))
        if fields is None or fields != change.fields or kind.surfaces(fields or None) != change.surfaces:
            reason = f"change {change.number} is not what it says: it touches other fields or surfaces"
            yield Refusal("E-SURFACES", reason, REPLAN)


def claims_hang_together(case: Case) -> Iterator[Refusal]:
    """What bears no mark is claimed or released with the principal that it hangs on, and not by itself."""
    for change in alone(case.planfile.plan.changes):
        reason = f"change {change.number} claims or releases a part of what the plan does not claim or release"
        yield Refusal("E-SURFACES", reason, REPLAN)


def calls_are_the_providers(case: Case) -> Iterator[Refusal]:
    """What runs is what the changes need, and nothing else: the provider is asked again for the calls."""
    if case.evidence.providers is None:
        return
    plan = case.planfile.plan
    planned: dict[int, list[Operation]] = {}
    for operation in plan.operations:
        planned.setdefault(operation.change, []).append(operation)
    for change in plan.changes:
        provider = case.evidence.providers.get(change.address.provider)
        kind = provider.schema().kinds.get(change.address.kind) if provider is not None else None
        if provider is None or kind is None or kind.observed:
            continue  # surfaces_are_the_providers refuses it
        wanted = {item.id: item for item in provider.operations(change)}
        found = {item.id: item for item in planned.get(change.number, ())}
        if set(wanted) != set(found) or not all(_same_call(wanted[name], found[name]) for name in wanted):
            reason = f"the calls planned for change {change.number} are not those that it needs"
            yield Refusal("E-OPERATIONS", reason, f"It was changed, or made by another version. {REPLAN}")


def sweeps_are_the_changes(case: Case) -> Iterator[Refusal]:
    """What is signed to run later, by itself, removes what this plan makes, once that has ended, and does no more."""
    plan, providers = case.planfile.plan, case.evidence.providers
    if providers is not None and plan.sweeps and plan.sweeps != sweeps_of(plan.changes, providers):
        yield Refusal("E-SWEEPS", "what the plan would have swept later is not what it makes and what ends", REPLAN)
    for reason in _false_ends(case):
        yield Refusal("E-SWEEPS", reason, REPLAN)


def _false_ends(case: Case) -> Iterator[str]:
    """An end that only a removal brings stands where that removal takes authority away, and nowhere else; and a change
    that moves nothing but an end is of such a thing. The removal is signed along, or the end would be a mere word."""
    carried = {(sweep.change, sweep.ends) for sweep in case.planfile.plan.sweeps}
    for change in case.planfile.plan.changes:
        provider = (case.evidence.providers or {}).get(change.address.provider)
        same = change.action is Action.UPDATE and change.before == change.after
        if provider is None or (change.ends is None and not same):
            continue
        known = isinstance(provider, Sweeping) and change.after is not None
        if not (known and provider.swept(change.address.kind, change.after)):  # type: ignore[attr-defined]
            yield f"change {change.number} is said to end by its removal, which is nothing that sweep may take away"
        elif change.ends is not None and (change.number, change.ends) not in carried:
            yield f"change {change.number} is said to end by its removal, and the plan does not carry that"


def owners_are_the_roots(case: Case) -> Iterator[Refusal]:
    plan, root = case.planfile.plan, case.evidence.root.root.data
    for number, surface in case.demands.unowned:
        yield Refusal(
            "E-OWNER",
            f"change {number} touches {surface}, which has not exactly one control owner",
            "Give the surface one owner by a governance change (OWN-1).",
        )
    for change in plan.changes:
        wanted = {surface.value: change_owner(root, change, surface) for surface in change.surfaces}
        if {name: owner for name, owner in wanted.items() if owner is not None} != dict(change.owners):
            yield Refusal(
                "E-OWNER", f"the owners that the plan names for change {change.number} are not the root's", REPLAN
            )


def requirements_are_the_roots(case: Case) -> Iterator[Refusal]:
    if case.planfile.plan.requirements != case.demands.requirements:
        yield Refusal(
            "E-REQUIREMENTS",
            "the sign-offs that the plan asks for are not those that the trust root demands for its changes",
            REPLAN,
        )


def exclusions_are_complete(case: Case) -> Iterator[Refusal]:
    if case.planfile.plan.exclusions != case.demands.exclusions:
        yield Refusal("E-EXCLUSIONS", "the plan leaves out somebody who may not sign, such as a sponsor", REPLAN)


def authors_are_complete(case: Case) -> Iterator[Refusal]:
    """What the applying runner itself knows of the authors must stand in the plan."""
    found, plan = case.evidence.authorship, case.planfile.plan
    if found is None or case.evidence.root.root.data.approval.solo:
        return
    named = {exclusion.person for exclusion in plan.exclusions if exclusion.agent is None}
    missing = sorted({exclusion.person for exclusion in found.people} - named)
    if missing:
        reason = f"the plan does not exclude {', '.join(missing)}, who wrote what it was made from"
        yield Refusal("E-AUTHORS", reason, REPLAN)
    if found.unknown and not plan.unknown_authors:
        yield Refusal("E-AUTHORS", f"the plan hides an unknown author: {found.unknown[0]}", REPLAN)


def within_limits(case: Case) -> Iterator[Refusal]:
    count, most = len(case.planfile.plan.changes), case.evidence.root.root.data.limits.max_changes
    if count > most:
        reason = f"the plan has {count} changes, and the trust root allows {most} at once"
        yield Refusal("E-LIMITS", reason, "Plan in parts with -target.")
    plan, limits = case.planfile.plan, case.evidence.root.root.data.limits
    gone = deletions(plan.changes)
    if plan.declared is not None and deletes_too_much(gone, plan.declared.live_total, limits):
        reason = (
            f"the plan deletes {gone} of {plan.declared.live_total} resources, and the trust root allows"
            f" {limits.max_delete_percent} %"
        )
        yield Refusal("E-LIMITS", reason, "Plan in parts with -target.")


def leaves_alone_what_is_protected(case: Case) -> Iterator[Refusal]:
    """No plan touches what the root protects: each change's name in its cloud is made again from the change."""
    patterns = case.evidence.root.root.data.protect
    if case.evidence.providers is None or not patterns:
        return
    for change in case.planfile.plan.changes:
        provider = case.evidence.providers.get(change.address.provider)
        if provider is None or change.address.kind not in provider.schema().kinds:
            continue  # surfaces_are_the_providers refuses it
        name = provider.full_name(change)
        if (pattern := protecting(name, patterns)) is not None:
            reason = f"change {change.number} touches {name}, which the trust root protects ({pattern})"
            yield Refusal("E-PROTECTED", reason, "Leave it alone, or have governance sign a narrower protect list.")


def says_what_it_was_made_from(case: Case) -> Iterator[Refusal]:
    """Files, agents and tests stand in every plan since there is a place for them: what follows is measured with it."""
    said = case.planfile.plan.declared
    if case.evidence.past is not None and (said is None or set(said.addresses) != set(said.agents)):
        yield Refusal("E-DECLARED", "the plan does not say which files, agents and tests it was made from", REPLAN)


def removals_name_their_tools(case: Case) -> Iterator[Refusal]:
    """Who owns a tool signs when its policy goes, or serves it no more: the plan that made it says whose it was."""
    past, root = case.evidence.past, case.evidence.root.root.data
    if past is None:
        return
    for change in case.planfile.plan.changes:
        if change.left != (left := left_tools(root, past, change)):
            named = ", ".join(left) or "none"
            reason = f"change {change.number} takes other tools from an agent than it says ({named})"
            yield Refusal("E-TOOLS", reason, REPLAN)
        wanted = removal_tools(root, past, change)
        if change.action is Action.DELETE and change.tools != wanted:
            named = ", ".join(wanted) or "none"
            reason = f"change {change.number} takes away what served other tools than it says ({named})"
            yield Refusal("E-TOOLS", reason, REPLAN)


def agents_are_those_of_before(case: Case) -> Iterator[Refusal]:
    """What a signed plan gave to one agent is changed as that agent's, so that its owners are asked and no others."""
    past = case.evidence.past
    if past is None:
        return
    for change in case.planfile.plan.changes:
        before = past.agents.get(change.address)
        kept = change.action not in (Action.CREATE, Action.CLAIM)
        if kept and before is not None and change.agent is not None and before != change.agent:
            reason = (
                f"change {change.number} is called agent.{change.agent}'s, and a signed plan made it agent.{before}'s"
            )
            fix = f"What is to be another agent's is let go of first: provisioner release {before}. {REPLAN}"
            yield Refusal("E-AGENT", reason, fix)


PLAN_CHECKS: tuple[PlanCheck, ...] = (
    bytes_match,
    pinned,
    judged_by_this_root,
    of_this_workspace,
    solo_is_said,
    not_overtaken,
    published,
    in_time,
    clock_runs_forward,
    operations_belong,
    surfaces_are_the_providers,
    claims_hang_together,
    calls_are_the_providers,
    sweeps_are_the_changes,
    owners_are_the_roots,
    requirements_are_the_roots,
    exclusions_are_complete,
    authors_are_complete,
    *FINDING_CHECKS,
    within_limits,
    leaves_alone_what_is_protected,
    says_what_it_was_made_from,
    removals_name_their_tools,
    agents_are_those_of_before,
    agents_are_the_principals,
    *NEXT_ROOT_CHECKS,
)


def _span(ttl: timedelta) -> str:
    hours, seconds = divmod(int(ttl.total_seconds()), 3600)
    return f"{hours} h" if hours and not seconds else f"{int(ttl.total_seconds())} s"


def _differing(change: Change, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """The fields that an update changes; empty for a creation or deletion; None where action and sides disagree."""
    before, after = change.before, change.after
    if change.action is Action.UPDATE and before is not None and after is not None:
        found = tuple(name for name in names if before.get(name) != after.get(name))
        return found if found or (before == after and change.effect.widens) else None
    whole = (before is None, after is None)
    return () if whole == (change.action is Action.CREATE, change.action is Action.DELETE) and any(whole) else None


def _same_call(wanted: Operation, planned: Operation) -> bool:
    """Equal but for what the core adds: the agent, and the order between changes."""
    if not set(wanted.depends) <= set(planned.depends):
        return False
    sides = (to_builtins(replace(item, agent=None, depends=())) for item in (wanted, planned))
    return dumps(next(sides)) == dumps(next(sides))
