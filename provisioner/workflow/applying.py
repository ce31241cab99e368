"""`apply`: bytes, sign-offs and trust root become a VerifiedPlan, and that is executed. Parses no configuration."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..applying.executor import PARALLEL, Terms
from ..applying.executor import apply as execute
from ..applying.result import ApplyResult, Report
from ..approval.authors import authors_again
from ..approval.authorship import Authorship
from ..approval.root import RootInForce
from ..approval.stopping import stopped_agent
from ..approval.verdict import Refusal
from ..approval.verifier import Verdict, VerifiedPlan, recheck
from ..ledger.log import Ledger
from ..model.authority import Target
from ..model.diagnostics import DiagnosticError
from ..model.plan import Plan, PlanTarget
from ..registry import Registry
from ..runner import Runner
from ..sdk.errors import ProceedError
from ..sdk.provider import Connection, Provider, Writer
from . import checkpointing
from .approving import evidence, verdict
from .authorized import attested, counted
from .project import require_reachable_by_one, watch
from .reviewing import record_obligation
from .roots import demand_pin, last_applied, location_of, root_in_force
from .signing import Opened

REVOKED = "E-KEY-REVOKED"
"""The one refusal that also holds up the end of a plan whose calls are all done."""


class NotSigned(DiagnosticError):
    """The plan may not run: who is missing, or what refuses it. `verdict` holds every detail."""

    def __init__(self, verdict: Verdict, error: DiagnosticError) -> None:
        super().__init__(error.diagnostics)
        self.verdict = verdict


def judge(
    opened: Opened, checkout: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[RootInForce, Verdict]:
    """The root that judges and its verdict. Raises DiagnosticError without a pin.

    Where `checkout`, a folder, holds what the plan was made from, its authors are found anew: the plan must exclude
    them all, whoever made it.
    """
    root = root_in_force(opened.ledger, opened.runner, opened.file.digest)
    demand_pin(root, opened.runner, opened.ledger.workspace)
    found = _authorship(opened, root, checkout, environ or {}) if checkout is not None else None
    return root, verdict(opened.file, opened.ledger, opened.runner, found)


def _authorship(opened: Opened, root: RootInForce, checkout: Path, environ: Mapping[str, str]) -> Authorship | None:
    declared = opened.file.plan.declared
    if declared is None:
        return None
    since = last_applied(opened.ledger, attested(opened.ledger, opened.runner))
    return authors_again(checkout, declared.sources, root.root.data, environ=environ, since=since)


def apply(
    opened: Opened, verified: VerifiedPlan, progress: Report | None = None, parallel: int = PARALLEL
) -> ApplyResult:
    """Execute a verified plan, or what an interrupted run of it left; at most `parallel` operations at once.

    Raises DiagnosticError, CloudError.
    """
    plan, runner = verified.plan, opened.runner
    providers = _providers(plan)
    endpoints = {t.key: runner.connection_settings(t.key).get("endpoint") for t in plan.targets}
    known = runner.workspace(opened.ledger.workspace)
    require_reachable_by_one(location_of(opened.ledger), endpoints, known.ledger_endpoint)
    writers: dict[str, Writer] = {
        name: provider.writer(_connections(plan, name, runner)) for name, provider in providers.items()
    }
    kinds = {name: provider.schema().kinds for name, provider in providers.items()}

    def come_up(ledger: Ledger) -> tuple[Refusal, ...]:
        root = root_in_force(ledger, runner, opened.file.digest)
        return recheck(verified, evidence(ledger, root, opened.file))

    def again(ledger: Ledger) -> None:
        _proceed(come_up(ledger))

    def at_the_end(ledger: Ledger) -> None:
        _proceed([refusal for refusal in come_up(ledger) if refusal.code == REVOKED])

    record_obligation(opened.ledger, verified)
    started = time.monotonic()
    result = execute(
        verified,
        writers,
        opened.ledger,
        kinds=kinds,
        recheck=again,
        conclude=at_the_end,
        assess=lambda change, before, after: providers[change.address.provider].assess(change, before, after),
        progress=progress,
        terms=Terms(
            holder=f"{_user()}@{socket.gethostname()}",
            parallel=parallel,
            take_over=stopped_agent(plan, providers) is not None,
        ),
        counts=counted(opened.ledger, runner),
    )
    calls = {place: made for writer in writers.values() for place, made in getattr(writer, "calls", {}).items()}
    elapsed = int((time.monotonic() - started) * 1000)
    return _concluded(opened, replace(result, calls=calls, milliseconds=elapsed))


def _proceed(refusals: Sequence[Refusal]) -> None:
    """Raises ProceedError where there is any."""
    if refusals:
        raise ProceedError("; ".join(f"{refusal.reason}. {refusal.fix}" for refusal in refusals))


def _concluded(opened: Opened, result: ApplyResult) -> ApplyResult:
    """After a whole apply, a checkpoint where a key is at hand. What is applied stays so if that fails: it is said."""
    known = opened.runner.workspace(opened.ledger.workspace)
    try:
        if result.complete:
            checkpointing.write(opened.ledger, opened.runner, root_in_force(opened.ledger, opened.runner).root)
        watch(opened.ledger, known)
    except DiagnosticError as error:
        first = error.diagnostics[0]
        return replace(result, notes=(*result.notes, f"{first.summary}. {first.detail}"))
    return result


def _providers(plan: Plan) -> Mapping[str, Provider]:
    registry = Registry()
    found = {}
    for name in sorted({target.provider for target in plan.targets}):
        provider = registry.provider(name)
        if provider is None:
            raise DiagnosticError.of(
                "E-PROVIDER", f"The plan needs the provider {name!r}", "Install the package that brings it."
            )
        found[name] = provider
    return found


def _connections(plan: Plan, provider: str, runner: Runner) -> tuple[Connection, ...]:
    return tuple(
        Connection(target_of(t), runner.connection_settings(t.key)) for t in plan.targets if t.provider == provider
    )


def target_of(planned: PlanTarget) -> Target:
    """What a plan names, as a provider's reader takes it: with what is to be read besides."""
    return Target(planned.provider, planned.key, planned.id, planned.environment, planned.watch)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
