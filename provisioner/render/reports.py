"""The shorter reports as text: apply, test and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..model.changes import Change, Outcome, Status
from ..model.findings import TestResult
from ..planfile import PlanFile
from .conditions import Condition, exit_line
from .escape import escape
from .human import failure_lines
from .signoff import SignOffs, signoff_table
from .text import Paint, count, ending, section, title, when, wrap

_STATUS_STYLE = {
    Status.DONE: "good",
    Status.ALREADY: "good",
    Status.CONFLICT: "bad",
    Status.FAILED: "bad",
    Status.UNKNOWN: "warn",
    Status.SKIPPED: "faint",
}
_STATUS_WORDS = {
    Status.DONE: "done",
    Status.ALREADY: "done before",
    Status.CONFLICT: "conflict",
    Status.FAILED: "failed",
    Status.UNKNOWN: "not known",
    Status.SKIPPED: "not done",
}


def apply_text(
    file: PlanFile,
    outcomes: Sequence[Outcome],
    *,
    problems: Sequence[str] = (),
    complete: bool,
    width: int = 100,
    color: bool = False,
) -> str:
    """The report of `apply`: each operation with what became of it. `problems` are what stopped the run."""
    paint = Paint(color)
    plan = file.plan
    head = ["provisioner apply", f"workspace {escape(plan.workspace)}", f"plan {file.short}"]
    lines = [*title(head, width, paint), ""]
    tally = Counter(outcome.status for outcome in outcomes)
    if complete:
        verdict = f"Applied: {count(len(plan.operations), 'operation')}, every agent is as signed."
        lines.append("  " + paint.style("good", verdict))
    else:
        counts = ", ".join(f"{tally[status]} {_STATUS_WORDS[status]}" for status in Status if tally[status])
        not_started = len(plan.operations) - len({outcome.operation for outcome in outcomes})
        text = f"NOT COMPLETE: {counts or 'nothing done'}" + (f", {not_started} not started" if not_started else "")
        lines += [paint.style("bad", line) for line in wrap(text, width, "  ")]
    lines.append("")
    changes = {change.number: change for change in plan.changes}
    by_operation = {outcome.operation: outcome for outcome in outcomes}
    for operation in plan.operations:
        outcome = by_operation.get(operation.id) or Outcome(operation.id, Status.SKIPPED)
        lines += _outcome(operation.verb, changes.get(operation.change), outcome, width, paint)
    for problem in problems:
        lines += section("STOPPED", escape(problem), width)
    if not complete:
        lines += ["", f"Next   provisioner apply {file.short}   resumes; what is done is not done again"]
    return "\n".join(lines) + "\n"


def _outcome(verb: str, change: Change | None, outcome: Outcome, width: int, paint: Paint) -> list[str]:
    words = _STATUS_WORDS[outcome.status]
    about = escape(change.label) if change else ""
    agent = f"agent.{escape(change.agent)}  " if change and change.agent else ""
    head = f"  {escape(outcome.operation):<6} {words:<11} "
    lines = wrap(f"{escape(verb)}  {agent}{about}", width, head)
    mark = f"{words:<11}"
    lines[0] = lines[0].replace(mark, paint.style(_STATUS_STYLE[outcome.status], mark), 1)
    if outcome.detail and outcome.status not in (Status.DONE, Status.ALREADY):
        lines += wrap(escape(outcome.detail), width, " " * len(head))
    return lines


def test_text(
    results: Sequence[TestResult],
    *,
    conditions: Iterable[Condition] = (),
    verbose: bool = False,
    width: int = 100,
    color: bool = False,
) -> str:
    """The report of `test`: counts, every failure, and with `verbose` every pass."""
    paint = Paint(color)
    failed = [result for result in results if not result.passed]
    passed = len(results) - len(failed)
    generated = sum(result.generated for result in results)
    expected = Counter(result.expect for result in results)
    style = "bad" if failed else "good"
    verdict = f"{passed} of {len(results)} pass" + (f", {len(failed)} FAIL" if failed else "")
    lines = [paint.style("strong", "provisioner test"), "", "  " + paint.style(style, verdict)]
    lines += wrap(
        f"{expected['denied']} expect a denial, {expected['allowed']} an allowance;"
        f" {generated} of them are the tool's own negatives",
        width,
        "  ",
    )
    if failed:
        lines.append("")
    for result in failed:
        lines += failure_lines(result, width, paint)
    if verbose:
        lines.append("")
        for result in results:
            if result.passed:
                case = f" {escape(result.case)}" if result.case else ""
                text = f"{escape(result.test)}{case}, agent.{escape(result.agent)}: {result.got}"
                lines += wrap(text, width, "  pass ")
    return "\n".join([*lines, "", *ending(exit_line(conditions), width, paint)]) + "\n"


test_text.__test__ = False  # type: ignore[attr-defined]


def status_text(
    file: PlanFile,
    signoffs: SignOffs,
    *,
    conditions: Iterable[Condition],
    width: int = 100,
    color: bool = False,
) -> str:
    """The report of `status`: who has signed, who is missing, how long it can still be applied."""
    paint = Paint(color)
    plan = file.plan
    head = ["provisioner status", f"workspace {escape(plan.workspace)}", f"plan {file.short}"]
    lines = [*title(head, width, paint), ""]
    for refusal in signoffs.refusals:
        lines += [paint.style("bad", line) for line in wrap(f"REFUSED: {escape(refusal)}", width, "  ")]
    missing = len(signoffs.missing)
    if signoffs.complete:
        lines.append("  " + paint.style("good", "READY: nothing is missing"))
    elif missing:
        lines.append("  " + paint.style("bad", f"NOT READY: {count(missing, 'sign-off')} missing"))
    lines += ["", *(signoff_table(signoffs, width, paint) or ["No sign-off is needed."]), ""]
    if signoffs.published is None:
        lines += section("PUBLISHED", "not yet; signing publishes it", width)
    else:
        until = f", can be applied until {when(signoffs.expires)}" if signoffs.expires else ""
        lines += section("PUBLISHED", when(signoffs.published) + until, width)
    return "\n".join([*lines, "", *ending(exit_line(conditions), width, paint)]) + "\n"


def facts(rows: Mapping[str, str], width: int) -> list[str]:
    """Name and value pairs, one below another; values are escaped here."""
    room = max(map(len, rows), default=0) + 3
    return [line for name, value in rows.items() for line in wrap(escape(value), width, f"{name:<{room}}")]
