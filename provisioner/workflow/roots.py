"""The trust root of a workspace: the one in force, and the one that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from weakref import WeakKeyDictionary

from ..approval.authorship import Applied
from ..approval.chain import Authorization, RootRecord, TrustError, follow
from ..approval.root import RootInForce, TrustRoot, make_root, pin, root_data, root_value
from ..approval.root_changes import changed_rules, compare, weakened_tests
from ..approval.verdict import LedgerSignoff, PublishedPlan
from ..ledger import views
from ..ledger.entries import History, Kind
from ..ledger.log import Ledger
from ..ledger.places import is_remote
from ..model.diagnostics import DiagnosticError
from ..model.plan import RootChange
from ..planfile import PlanFile
from ..runner import Runner
from . import circumstances
from .project import LOCAL, SINGLE_HOST, Project, ledger_location
from .revoking import revocations

PIN_PREFIX = "sha256:"


def pin_text(root: TrustRoot) -> str:
    """The pin of root 1 as the runner's own file holds it."""
    return PIN_PREFIX + pin(root)


def location_of(ledger: Ledger) -> str:
    """The ledger's location as its root 1 would name it; whether one host may do is the root's own word."""
    if is_remote(ledger.store.location):
        return ledger.store.location
    location = LOCAL + ledger.store.location
    first = next(iter(ledger.history.of(Kind.ROOT)), None)
    named = first.body["data"].get("ledger") if first else None
    return location + SINGLE_HOST if named == location + SINGLE_HOST else location


_Followed = dict[tuple[int, str | None, str], RootInForce]
_FOLLOWED: WeakKeyDictionary[History, _Followed] = WeakKeyDictionary()
"""What was followed already: a history only grows, so the first n roots in it lead to the same one for ever."""


def root_in_force(ledger: Ledger, runner: Runner, plan: str | None = None, before: int | None = None) -> RootInForce:
    """The root that judges, followed from the pin. Raises DiagnosticError for a chain that does not hold.

    With `plan` (a digest), the root that judges that plan: its own successor does not, when an apply was interrupted
    after recording it. With `before`, the root that was in force just before that entry. Without a pin in the
    runner's own file the root shows plans and lets none be applied.
    """
    history = ledger.history
    records = list(views.roots(history))
    if before is not None:
        records = [record for record in records if record.entry.index < before]
    if plan is not None and records and records[-1].plan == plan:
        records.pop()
    remembered = runner.workspace(ledger.workspace).root_pin
    known = _FOLLOWED.setdefault(history, {})
    key = (len(records), remembered, location_of(ledger))
    if key not in known:
        known[key] = _follow(ledger, records, remembered)
    return known[key]


def _follow(ledger: Ledger, records: list[views.RootRecord], remembered: str | None) -> RootInForce:
    try:
        return follow(
            [RootRecord(record.entry.body, _authorization(ledger, record)) for record in records],
            remembered.removeprefix(PIN_PREFIX) if remembered is not None else None,
            ledger.workspace,
            location_of(ledger),
        )
    except TrustError as error:
        refusal = error.refusal
        summary = refusal.reason[:1].upper() + refusal.reason[1:]
        raise DiagnosticError.of(refusal.code, summary, f"Nothing was done. {refusal.fix}") from error


def demand_pin(root: RootInForce, runner: Runner, workspace: str) -> None:
    """Raise DiagnosticError unless the runner's own file pins the root."""
    if not root.pinned:
        raise DiagnosticError.of(
            "E-NO-PIN",
            f"The runner's own file pins no trust root for workspace {workspace!r}",
            "Compare the fingerprints that `provisioner init` shows with people who know them; it then writes root_pin"
            f' under [workspace."{workspace}"] in {runner.path}. It is never taken from the checkout.',
        )


def next_root(project: Project, in_force: TrustRoot, weaker: Sequence[str] = ()) -> RootChange | None:
    """What applying this configuration would make the trust root; None where the root stays.

    `weaker` are lines of tests that signed plans held and this one weakens: governance signs for that too.
    """
    configuration = project.configuration
    wanted = root_data(configuration, _same_place(project, in_force.data.ledger))
    agents = [agent.name for agent in configuration.agents.values()]
    if not compare(in_force.data, wanted, agents, list(configuration.tools)) and not weaker:
        return None
    root = make_root(wanted, in_force.version + 1)
    lines = compare(in_force.data, wanted)
    lines += [line for line in weaker if line not in lines]
    return RootChange(root.version, root_value(root.data), root.digest, tuple(lines))


def demand_tests(project: Project, in_force: TrustRoot, weaker: Sequence[str] = ()) -> None:
    """Raise DiagnosticError where the configuration weakens a boundary test of the root, or changes its own rules.

    For a plan that leaves the root as it is: with -target nobody would be asked about tests that are judged no more.
    """
    configuration = project.configuration
    wanted = root_data(configuration, in_force.data.ledger)
    agents = [agent.name for agent in configuration.agents.values()]
    judged = [*weakened_tests(in_force.data, wanted, agents), *weaker, *changed_rules(in_force.data, wanted)]
    if lines := list(dict.fromkeys(judged)):
        raise DiagnosticError.of(
            "E-TARGET-TESTS",
            "The configuration changes what plans are judged by, and a plan with -target leaves the trust root",
            f"{'; '.join(lines)}. That is a governance change: plan without -target, or leave tests and rules as they"
            " were.",
        )


def _same_place(project: Project, in_force: str) -> str:
    """The ledger's location as the root in force has it. Raises DiagnosticError where the configuration names another.

    No plan moves a ledger: its entries stay where they are, and the pin binds the place. A local folder is named from
    the checkout, so that of another checkout is no other wish: the runner's own file says where the ledger is.
    """
    wanted = ledger_location(project)
    local = wanted.startswith(LOCAL) and in_force.startswith(LOCAL)
    if wanted == in_force or (local and wanted.endswith(SINGLE_HOST) == in_force.endswith(SINGLE_HOST)):
        return in_force
    raise DiagnosticError.of(
        "E-LEDGER-MOVED",
        "The configuration names another ledger than the trust root",
        f"It names {wanted}; the trust root is bound to {in_force}. No plan moves a ledger. Name the old one again; or"
        " start anew with another workspace name and `provisioner init`.",
    )


def signoffs_of(history: History, plan: str, before: int | None = None) -> tuple[LedgerSignoff, ...]:
    """The sign-offs that name a plan, as far as they were recorded before an index."""
    return tuple(
        LedgerSignoff(entry.index, entry.body["envelope"])
        for entry in views.signoffs(history, plan)
        if before is None or entry.index < before
    )


def published(history: History, plan: str, before: int | None = None) -> PublishedPlan | None:
    """The first publication of a plan, as it stood before an index."""
    found = views.publication(history, plan, before)
    return PublishedPlan(found.digest, found.entry.index, found.since, found.entry.stored_at) if found else None


def last_applied(ledger: Ledger, counts: Callable[[str], bool]) -> Applied | None:
    """What the last applied plan of the whole configuration was made from; None before the first.

    `counts` says which plans were signed for: nobody else's makes earlier authors forgotten. A plan with -target
    decided on a part of the files alone, so that authors of the rest still count after it.
    """
    found = last_whole(ledger, counts)
    if found is None or found.plan.declared is None:
        return None
    return Applied(found.plan.declared.sources, found.notes.commit)


def last_whole(ledger: Ledger, counts: Callable[[str], bool]) -> PlanFile | None:
    """The last applied plan of the whole configuration that was signed for; None before the first."""
    for entry in reversed(ledger.history.of(Kind.CONSUMED)):
        publication = views.publication(ledger.history, entry.body["plan"])
        if publication is not None and not publication.file().plan.scope and counts(entry.body["plan"]):
            return publication.file()
    return None


def latest(*times: datetime) -> datetime:
    """The later clock: neither a store's nor a machine's clock that was set back gives anything a longer life."""
    return max(times)


def _authorization(ledger: Ledger, record: views.RootRecord) -> Authorization | None:
    """What the ledger held of the plan that made a root, when the root was recorded."""
    history = ledger.history
    if record.plan is None:
        return None
    at = record.entry.index
    publication = views.publication(history, record.plan, at)
    if publication is None:
        return None
    carry = views.roots(history)[record.version - 2].data["approval"]["carry"]
    return Authorization(
        planfile=publication.file(),
        signoffs=signoffs_of(history, record.plan, at),
        published=published(history, record.plan, at),
        base=views.base(history, at),
        entries=history.digests(at),
        time=record.entry.stored_at,
        revoked=revocations(ledger).before(at),
        carried=circumstances.carried(ledger, carry, record.plan, at),
        store_time=circumstances.store_now(ledger, record.entry),
        announced=circumstances.announced(ledger, publication.file().plan, at),
    )
