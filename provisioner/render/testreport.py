"""The report of `test` as text: the verdict, every failure, and how much of each agent is tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.findings import TestCoverage, TestResult
from .conditions import Condition, exit_line
from .escape import clip, escape
from .human import failure_lines, spent
from .text import Paint, count, ending, listing, section, wrap

MOST_ROWS = 12
"""Agents of which the coverage is shown; of more, only those with a surface that nothing tests."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What `test` judged. `simulated` are the clouds whose own simulators judged the attempts; None: nobody asked."""

    results: Sequence[TestResult]
    coverage: Sequence[TestCoverage] = ()
    world: str = "planned"
    simulated: Sequence[str] | None = None
    gaps: Sequence[str] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    milliseconds: int = 0


def test_text(
    judged: Judged,
    *,
    conditions: Iterable[Condition] = (),
    verbose: bool = False,
    width: int = 100,
    color: bool = False,
) -> str:
    """The report of `test`: counts, every failure, with `verbose` every pass, then the coverage."""
    paint, results = Paint(color), judged.results
    failed = [result for result in results if not result.passed]
    passed = len(results) - len(failed)
    generated = sum(result.generated for result in results)
    expected = Counter(result.expect for result in results)
    style = "bad" if failed else "good"
    verdict = f"{passed} of {len(results)} pass" + (f", {len(failed)} FAIL" if failed else "")
    lines = [paint.style("strong", "provisioner test"), "", "  " + paint.style(style, verdict)]
    lines += wrap(
        f"{expected['denied']} expect a denial, {expected['allowed']} an allowance;"
        f" {generated} come from the tool itself, the others are declared",
        width,
        "  ",
    )
    lines += _how(judged, width)
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
    lines += _coverage(judged.coverage, width)
    took = spent(judged.calls, judged.milliseconds)
    lines += ["", *section("TOOK", ", ".join(took), width)] if judged.calls else []
    return "\n".join([*lines, "", *ending(exit_line(conditions), width, paint)]) + "\n"


test_text.__test__ = False  # type: ignore[attr-defined]


def _how(judged: Judged, width: int) -> list[str]:
    """On what and by whom, where that is not the planned policies and our own evaluator."""
    lines = []
    if judged.world != "planned":
        lines += wrap("judged on what is live now", width, "  ")
    if judged.simulated is not None:
        whose = listing([escape(name) for name in judged.simulated]) or "no cloud"
        text = f"attempts were put to the simulator of {whose}; who may become an agent no simulator judges"
        lines += wrap(text, width, "  ")
    for gap in judged.gaps:
        lines += wrap(f"NOT READ   {escape(gap)}", width, "  ", "    ")
    return lines


def _coverage(coverage: Sequence[TestCoverage], width: int) -> list[str]:
    """One line an agent, with what is tested on each surface."""
    agents: dict[str, list[TestCoverage]] = {}
    for one in coverage:
        agents.setdefault(one.agent, []).append(one)
    if not agents:
        return []
    lacking = [name for name, surfaces in agents.items() if any(not one.total for one in surfaces)]
    text = f"{count(len(agents), 'agent')}: {len(agents) - len(lacking)} with a test on every surface"
    lines = ["", *section("COVERAGE", text, width)]
    shown = list(agents) if len(agents) <= MOST_ROWS else lacking[:MOST_ROWS]
    for name in shown:
        said = [f"{one.surface} {one.total or 'NONE'}{_own(one)}" for one in agents[name]]
        lines += wrap(", ".join(said), width, f"  {clip('agent.' + name, 30):<30} ", " " * 33)
    if len(lacking) > len(shown):
        lines.append(f"  and {len(lacking) - len(shown)} more agents with a surface that nothing tests")
    return lines


def _own(one: TestCoverage) -> str:
    return f" ({one.generated} generated)" if one.generated else ""
