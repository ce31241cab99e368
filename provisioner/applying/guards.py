"""What an apply refuses by itself, whoever signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from .. import planfile
from ..ledger import views
from ..ledger.entries import History
from ..model.changes import ABSENT, Operation
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.plan import Plan
from ..model.resources import Address, Resource
from .worlds import ROOT_KIND, ROOT_VERB, Kinds, is_root


def well_formed(plan: Plan, digest: str, kinds: Kinds, providers: Iterable[str]) -> None:
    """Refuse a plan that cannot be carried out as it stands, before anything is written. Raises DiagnosticError."""
    problems = [*_digest(plan, digest), *_operations(plan, kinds), *_worlds(plan), *_root(plan)]
    known = set(providers)
    for provider in sorted({op.address.provider for op in plan.operations if not is_root(op)}):
        if provider not in known or provider not in kinds:
            problems.append(f"it needs the provider {provider!r}, which is not at hand")
    if problems:
        raise DiagnosticError(
            Diagnostic(
                "E-APPLY-PLAN",
                f"The plan cannot be carried out: {problem}",
                "Nothing was changed. Plan again with this version of the program, and have the new plan signed.",
            )
            for problem in problems
        )


def current(plan: Plan, digest: str, history: History) -> None:
    """Refuse a plan that the ledger has moved past. Raises DiagnosticError (E-APPLIED, E-STALE, E-UNPUBLISHED)."""
    short = digest.removeprefix("sha256:")[:8]
    ended = views.consumed(history, digest)
    if ended is not None:
        raise DiagnosticError.of(
            "E-APPLIED",
            f"Plan {short} has been applied",
            f"Entry {ended.index} of the ledger says so, and a plan is applied once. To change something, plan again.",
        )
    if views.publication(history, digest) is None:
        raise DiagnosticError.of(
            "E-UNPUBLISHED",
            f"Plan {short} is not in the ledger",
            "Only a published plan can be applied: `provisioner publish FILE`, then sign it.",
        )
    now = views.base(history)
    if now != plan.base:
        raise DiagnosticError.of(
            "E-STALE",
            f"Plan {short} was made before another plan was applied",
            f"It is built on entry {plan.base} of the ledger; the last applied plan is entry {now}. Plan again and"
            " have the new plan signed.",
        )
    root = views.judging_root(history, digest)
    if root is None or (root.version, root.digest) != (plan.root.version, plan.root.digest):
        in_force = f"version {root.version} is in force" if root else "there is none in the ledger"
        raise DiagnosticError.of(
            "E-ROOT",
            f"Plan {short} is judged by another trust root than the one in force",
            f"It names version {plan.root.version}; {in_force}. Plan again and have the new plan signed.",
        )


def unrecorded(plan: Plan, kinds: Kinds, settled: Set[str], made: Set[Address]) -> None:
    """Refuse to delete a principal or a shared resource that the ledger does not know as ours.

    Tags can be put on by others; a record of ours cannot. `settled` operations of this plan are past that question.
    Raises DiagnosticError (E-NOT-OURS).
    """
    problems = []
    for operation in plan.operations:
        if operation.id in settled or not removes_whole(operation, kinds) or operation.address in made:
            continue
        noun = kinds[operation.address.provider][operation.address.kind].noun
        problems.append(
            Diagnostic(
                "E-NOT-OURS",
                f"The plan deletes the {noun} {operation.address.name}, and no record says that we made it",
                "It carries this workspace's mark, but anybody who may tag can put that on. Nothing was changed. If it"
                " is ours, delete it by hand; if not, have the mark taken off. Then plan again.",
            )
        )
    if problems:
        raise DiagnosticError(problems)


def removes_whole(operation: Operation, kinds: Kinds) -> bool:
    """Whether this deletes a principal, or something that several agents share."""
    if is_root(operation) or operation.after != ABSENT or operation.before == ABSENT:
        return False
    kind = kinds[operation.address.provider][operation.address.kind]
    return kind.principal or kind.shared


def unmarked(operation: Operation, live: Mapping[Address, Resource], workspace: str, kinds: Kinds) -> str | None:
    """Why a deletion must not go on: what is live does not carry our mark. None when it may."""
    if not removes_whole(operation, kinds):
        return None
    resource = live.get(operation.address)
    if resource is None or (resource.mark is not None and resource.mark.workspace == workspace):
        return None
    owner = f"that of workspace {resource.mark.workspace!r}" if resource.mark else "none"
    return f"not deleted: it should carry this workspace's mark, and carries {owner}"


def _digest(plan: Plan, digest: str) -> list[str]:
    if planfile.plan_digest(planfile.plan_bytes(plan)) == digest:
        return []
    return ["it is not the plan that its digest names"]


def _operations(plan: Plan, kinds: Kinds) -> list[str]:
    problems = []
    changes = {change.number: change for change in plan.changes}
    targets = {(target.provider, target.id) for target in plan.targets}
    roots = {operation.id for operation in plan.operations if is_root(operation)}
    owner: dict[Address, int] = {}
    seen: set[str] = set()
    for operation in plan.operations:
        if roots & set(operation.depends):
            problems.append(f"operation {operation.id} waits for the trust root, which comes last")
        if operation.id in seen:
            problems.append(f"operation {operation.id} stands in it twice")
        if not set(operation.depends) <= seen:
            problems.append(f"operation {operation.id} comes before one that it depends on")
        seen.add(operation.id)
        if is_root(operation):
            continue
        change, address = changes.get(operation.change), operation.address
        if change is None or change.address != address:
            problems.append(f"operation {operation.id} carries out no change of it")
        if (address.provider, address.target) not in targets:
            problems.append(f"operation {operation.id} touches {address.target}, which is none of its targets")
        if address.provider in kinds and address.kind not in kinds[address.provider]:
            problems.append(f"operation {operation.id} is on a {address.kind}, which {address.provider} does not have")
        if owner.setdefault(address, operation.change) != operation.change:
            problems.append(f"two of its changes are about {address}")
    return problems


def _worlds(plan: Plan) -> list[str]:
    return [
        f"{state.address!r} in the world of {world.agent} is no address"
        for world in plan.worlds
        for state in world.resources
        if state.address.count(":") < 3
    ]


def _root(plan: Plan) -> list[str]:
    operations = [operation for operation in plan.operations if is_root(operation)]
    if any((operation.address.kind, operation.verb) != (ROOT_KIND, ROOT_VERB) for operation in operations):
        return ["the core has no such operation"]
    if len(operations) > (plan.next_root is not None):
        return ["its operations record a trust root that it does not hold"]
    if plan.next_root is not None and plan.next_root.version != plan.root.version + 1:
        return [f"version {plan.next_root.version} of the trust root cannot follow version {plan.root.version}"]
    return []
