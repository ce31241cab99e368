"""The shorter reports as text: apply, test and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..applying.result import ApplyResult, OperationResult
from ..model.changes import Change, Status
from ..planfile import PlanFile
from .conditions import Condition, exit_line
from .escape import escape
from .human import solo, spent
from .signoff import SignOffs, obligation_lines, sign_step, signoff_table
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


def apply_text(file: PlanFile, result: ApplyResult, *, width: int = 100, color: bool = False) -> str:
    """The report of `apply`: the verdict, each operation with what became of it, what stopped the run, what next."""
    paint = Paint(color)
    plan = file.plan
    head = ["provisioner apply", f"workspace {escape(plan.workspace)}", f"plan {file.short}", *solo(plan)]
    lines = [*title(head, width, paint), ""]
    if result.complete:
        verdict = f"Applied: {count(len(result.operations), 'operation')}, and every agent in it is as signed."
        lines.append("  " + paint.style("good", verdict))
    else:
        tally = Counter(_words(one) for one in result.operations)
        text = "NOT COMPLETE: " + (", ".join(f"{n} {words}" for words, n in tally.items()) or "no operation done")
        lines += [paint.style("bad", line) for line in wrap(text, width, "  ")]
    changes = {change.number: change for change in plan.changes}
    if result.operations:
        lines.append("")
    for one in result.operations:
        lines += _operation(one, changes.get(one.operation.change), width, paint)
    lines += _trouble(result, width, paint)
    for note in result.notes:
        lines += section("NOTE", escape(note), width)
    took = spent(result.calls, result.milliseconds)
    lines += ["", *section("TOOK", ", ".join(took), width)] if took else []
    if not result.complete:
        lines += ["", f"Next   provisioner apply {file.short}   resumes; what is done is not done again"]
    return "\n".join(lines) + "\n"


def _words(one: OperationResult) -> str:
    return _STATUS_WORDS[Status.ALREADY if one.earlier and one.status is Status.DONE else one.status]


def _operation(one: OperationResult, change: Change | None, width: int, paint: Paint) -> list[str]:
    words = _words(one)
    about = escape(change.label) if change else ""
    agent = f"agent.{escape(change.agent)}  " if change and change.agent else ""
    head = f"  {escape(one.operation.id):<6} "
    lines = wrap(f"{escape(one.operation.verb)}  {agent}{about}", width, f"{head}{words:<11} ")
    rest = lines[0][len(head) + len(words) :]
    lines[0] = head + paint.style(_STATUS_STYLE[one.status], words) + rest
    if one.detail and one.status not in (Status.DONE, Status.ALREADY):
        lines += wrap(escape(one.detail), width, " " * (len(head) + 12))
    return lines


def _trouble(result: ApplyResult, width: int, paint: Paint) -> list[str]:
    """Agents whose live authority is not what was signed, and why the run ended early."""
    lines: list[str] = []
    for problem in result.problems:
        state = "is not as signed" if problem.readable else "could not be read, so nothing is known of it"
        when_ = "after the last operation" if problem.final else "before the first operation"
        lines += ["", *wrap(f"{escape(problem.subject)} {state} ({when_})", width, "  ", "    ")]
        lines[1] = paint.style("bad", lines[1])
        for line in problem.lines:
            lines += wrap(escape(line), width, "    ", "      ")
    if result.stopped is not None:
        lines += ["", *section("STOPPED", escape(result.stopped.summary), width)]
        for paragraph in result.stopped.detail.split("\n"):
            lines += section("", escape(paragraph), width)
    return lines


def status_text(
    file: PlanFile,
    signoffs: SignOffs,
    *,
    conditions: Iterable[Condition],
    width: int = 100,
    color: bool = False,
    command: str = "status",
) -> str:
    """The report of `status`, and of an `apply` that was refused: who has signed, who is missing, until when."""
    paint = Paint(color)
    plan = file.plan
    head = [f"provisioner {command}", f"workspace {escape(plan.workspace)}", f"plan {file.short}", *solo(plan)]
    lines = [*title(head, width, paint), ""]
    for refusal in (*signoffs.blocked, *signoffs.refusals):
        lines += [paint.style("bad", line) for line in wrap(f"REFUSED: {escape(refusal)}", width, "  ")]
    rejected = sum(bool(row.rejected) for row in signoffs.missing)
    missing = len(signoffs.missing) - rejected
    reasons = [f"{rejected} rejected"] * bool(rejected) + [f"{count(missing, 'sign-off')} missing"] * bool(missing)
    if signoffs.complete:
        lines.append("  " + paint.style("good", "READY: nothing is missing"))
    elif reasons:
        lines.append("  " + paint.style("bad", f"NOT READY: {', '.join(reasons)}"))
    if command in ("apply", "stop"):
        lines.append("  Nothing was done.")
    lines += ["", *(signoff_table(signoffs, width, paint) or ["No sign-off is needed."]), ""]
    if signoffs.published is None:
        lines += section("PUBLISHED", "not yet; signing publishes it", width)
    else:
        until = f", can be applied until {when(signoffs.expires)}" if signoffs.expires else ""
        lines += section("PUBLISHED", when(signoffs.published) + until, width)
    lines += obligation_lines(signoffs.obligations, width, paint)
    if signoffs.missing and not signoffs.refusals and not signoffs.blocked:
        command_, why = sign_step(signoffs, file.short)
        lines += ["", *wrap(f"{command_}   {why}", width, "Next   ")]
    elif signoffs.complete:
        lines += ["", f"Next   provisioner apply {file.short}"]
    return "\n".join([*lines, "", *ending(exit_line(conditions), width, paint)]) + "\n"
