"""A plan as one screen of text (8-outputs.md): verdict first, way out last, every name escaped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model.changes import Action, Change, Effect, Surface
from ..model.findings import Finding, Level, TestResult
from ..model.plan import AgentNote, NewPath, Plan
from ..model.resources import Gap
from ..planfile import PlanFile
from .conditions import Condition, exit_line, plan_conditions
from .escape import clip, escape
from .grouping import Group, Row, groups
from .signoff import SignOffs, obligation_lines, sign_step, signoff_table, unverified
from .text import Paint, count, ending, listing, ranges, section, some_ranges, title, when, wrap

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.CLAIM: "=", Action.RELEASE: "="}
EFFECT_STYLE = {Effect.WIDER: "bad", Effect.UNKNOWN: "warn", Effect.NARROWER: "good", Effect.EQUAL: ""}
INDENT = 15  # where a change's text starts
SENTENCES = 4  # shown per change; the rest is a command away
NAMES = 6  # agents named in a heading before they are counted


@dataclass(frozen=True, slots=True)
class _Page:
    file: PlanFile
    signoffs: SignOffs
    width: int
    paint: Paint

    @property
    def plan(self) -> Plan:
        return self.file.plan

    @property
    def empty(self) -> bool:
        return not self.plan.changes and self.plan.next_root is None


def plan_text(
    file: PlanFile,
    *,
    signoffs: SignOffs | None = None,
    conditions: Iterable[Condition] | None = None,
    width: int = 100,
    color: bool = False,
    command: str = "plan",
    ending_line: bool = True,
) -> str:
    """The report of a plan, ending with a newline. `signoffs` is what the verifier found; without it the plan's own
    requirements stand. `conditions` default to what the plan itself tells; `ending_line` False leaves out the exit
    code, for a command that only looks."""
    page = _Page(file, signoffs or unverified(file.plan), width, Paint(color))
    held = plan_conditions(file.plan, signed=page.signoffs.signed) if conditions is None else tuple(conditions)
    blocks = [
        _title(page, command),
        _verdict(page),
        _changes(page),
        signoff_table(page.signoffs, width, page.paint),
        [*_findings(page), *_tests(page), *_coverage(page), *_apply(page)],
        [*obligation_lines(page.signoffs.obligations, page.width, page.paint), *_published(page)],
        _next(page),
    ]
    lines = [line for block in blocks if block for line in (*block, "")]
    if _next(page):
        lines.pop()  # the exit line stands right under what to do next
    if not ending_line:
        return "\n".join(lines).rstrip("\n") + "\n"
    last = exit_line(held, "no changes" if page.empty else "nothing is missing")
    return "\n".join([*lines, *ending(last, width, page.paint)]) + "\n"


def _title(page: _Page, command: str) -> list[str]:
    plan = page.plan
    parts = [f"provisioner {command}", f"workspace {escape(plan.workspace)}", f"plan {page.file.short}"]
    parts.append(f"trust root v{plan.root.version}")
    return title([*parts, *solo(plan)], page.width, page.paint)


def solo(plan: Plan) -> list[str]:
    """What a title says of a one-person team; nothing of others."""
    return ["solo: one person holds every sign-off"] if plan.solo else []


def _verdict(page: _Page) -> list[str]:
    plan = page.plan
    where = _where(plan)
    if page.empty:
        agents = count(plan.agent_total, "agent")
        if plan.gaps:
            text = f"No changes in what was read. Not everything was: see READ. {agents} in {where}"
        else:
            text = f"No changes. What {agents} may do in {where} is what the configuration says."
        return wrap(text, page.width, "  ")
    agents_changed = {change.agent for change in plan.changes if change.agent}
    agents_changed |= {agent for change in plan.changes for agent in users(plan, change)}
    new = sum(note.new for note in plan.agents)
    what = count(len(plan.changes), "change")
    if agents_changed:
        what += f" to {count(len(agents_changed), 'agent')}" + (f" ({new} new)" if new else "")
    lines = wrap(f"{what} in {where}", page.width, "  ")
    if plan.next_root is not None:
        lines += wrap(f"the trust root becomes v{plan.next_root.version} once this is applied", page.width, "  ")
    if plan.scope:
        lines += wrap(f"only {listing([escape(s) for s in plan.scope])} (-target)", page.width, "  ")
    lines += _counts(page)
    return lines


def _counts(page: _Page) -> list[str]:
    """`3 WIDER   1 UNKNOWN (counts as wider)   …      NOT READY: …`, the second half on its own line if it must."""
    paint = page.paint
    tally = Counter(change.effect for change in page.plan.changes)
    plain, painted = [], []
    for effect in (Effect.WIDER, Effect.UNKNOWN, Effect.NARROWER, Effect.EQUAL):
        number = tally[effect]
        if effect is Effect.UNKNOWN and not number:
            continue
        text = f"{number} {effect.upper()}" + (" (counts as wider)" if effect is Effect.UNKNOWN else "")
        plain.append(text)
        painted.append(paint.style(EFFECT_STYLE[effect] if number else "faint", text))
    ready, style = _readiness(page)
    left = "  " + "   ".join(plain)
    shown = "  " + "   ".join(painted)
    if len(left) + 6 + len(ready) <= page.width:
        return [f"{shown}      {paint.style(style, ready)}"]
    return [shown, *(paint.style(style, line) for line in wrap(ready, page.width, "  "))]


def _readiness(page: _Page) -> tuple[str, str]:
    plan = page.plan
    reasons = []
    blocks = sum(finding.level is Level.BLOCK for finding in plan.findings)
    if blocks:
        reasons.append(f"{count(blocks, 'finding')} block{'s' if blocks == 1 else ''}")
    if plan.tests.failed:
        reasons.append(f"{count(plan.tests.failed, 'boundary test')} fail{'s' if plan.tests.failed == 1 else ''}")
    reasons += [escape(refusal).rstrip(".") for refusal in page.signoffs.refusals]
    rejected = sum(bool(row.rejected) for row in page.signoffs.missing)
    if rejected:
        reasons.append(f"{rejected} rejected")
    missing = len(page.signoffs.missing) - rejected
    if missing:
        reasons.append(f"{count(missing, 'sign-off')} {'missing' if page.signoffs.looked else 'needed'}")
    if reasons:
        return "NOT READY: " + ", ".join(reasons), "bad"
    if not page.signoffs.rows:
        return "READY: no sign-off is needed", "good"
    return "READY: signed", "good"


def _where(plan: Plan) -> str:
    by_provider: dict[str, list[str]] = defaultdict(list)
    for target in plan.targets:
        by_provider[target.provider].append(escape(target.id))
    return listing([f"{escape(name)} {', '.join(sorted(set(ids)))}" for name, ids in by_provider.items()]) or "no cloud"


def _changes(page: _Page) -> list[str]:
    lines: list[str] = []
    for group in groups(page.plan):
        lines += _heading(page, group)
        for path in page.plan.new_paths:
            if path.agent in group.agents:
                lines += _path_lines(path, page.width, page.paint, named=len(group.agents) > 1)
        for row in group.rows:
            lines += change_lines(row, page.width, page.paint, users(page.plan, row.first))
    changed = {agent for group in groups(page.plan) for agent in group.agents}
    for path in page.plan.new_paths:
        if path.agent not in changed:
            lines += _path_lines(path, page.width, page.paint, named=True)
    return lines + _root(page)


def _path_lines(path: NewPath, width: int, paint: Paint, *, named: bool) -> list[str]:
    """`NEW PATH  technique: text`: what the plan lets an agent become, beside that agent."""
    who = f"agent.{escape(path.agent)}, " if named else ""
    doubt = "" if path.certain else ", if the context allows it"
    head = "    NEW PATH   "
    lines = wrap(f"{who}{escape(path.technique)}: {escape(path.text)}{doubt}", width, head, " " * INDENT)
    lines[0] = head.replace("NEW PATH", paint.style("bad", "NEW PATH")) + lines[0][len(head) :]
    return lines


def _root(page: _Page) -> list[str]:
    """What the trust root gains and loses: the rules by which later plans are judged."""
    root = page.plan.next_root
    if root is None:
        return []
    lines = [page.paint.style("strong", f"trust root v{page.plan.root.version} becomes v{root.version}")]
    for line in root.lines:
        lines += wrap(escape(line), page.width, "    ", "      ")
    return lines


def _heading(page: _Page, group: Group) -> list[str]:
    if not group.agents:
        return [page.paint.style("strong", "shared by agents")]
    if len(group.agents) == 1:
        name = f"agent.{escape(group.agents[0])}"
    else:
        name = f"{len(group.agents)} agents alike: {names(group.agents)}"
    text = name + _about(group.note)
    head, *rest = wrap(text, page.width, "", "  ")
    return [page.paint.style("strong", head), *rest]


def _about(note: AgentNote | None) -> str:
    if note is None:
        return ""
    parts = []
    if note.sponsor:
        parts.append(f"sponsor {escape(note.sponsor)}")
    if note.environment:
        parts.append(escape(note.environment))
    if note.inputs:
        parts.append(f"{escape(note.inputs)} input")
    if note.boundary:
        parts.append(escape(note.boundary))
    return ("  NEW" if note.new else "") + (f"   {', '.join(parts)}" if parts else "")


def users(plan: Plan, change: Change) -> tuple[str, ...]:
    """The agents that stand on something shared; empty for what belongs to one agent."""
    if change.agent is not None:
        return ()
    address = str(change.address)
    return tuple(world.agent for world in plan.worlds if any(state.address == address for state in world.resources))


def names(agents: Sequence[str]) -> str:
    """Agents by name, the first few of many, escaped."""
    shown = [escape(agent) for agent in agents[:NAMES]]
    more = len(agents) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def change_lines(row: Row, width: int, paint: Paint, used_by: Sequence[str] = ()) -> list[str]:
    """One change: number, action, effect, surfaces, cloud, what; below it what it means, and for what is shared the
    agents that it concerns."""
    change = row.first
    several = len(row.changes) > 1
    number = f"{len(row.changes)}x" if several else str(change.number)
    surfaces = ",".join(change.surfaces)
    head = f"{number:>3} {SIGNS[change.action]} "
    effect = f"{change.effect.upper():<8}"
    place = f" {surfaces:<16} {clip(change.address.provider, 12):<7} "
    prefix = head + effect + place
    if len(prefix) > width // 2:
        lines = [prefix.rstrip(), *wrap(escape(row.label), width, " " * INDENT)]
    else:
        lines = wrap(escape(row.label), width, prefix, " " * INDENT)
    style = EFFECT_STYLE[change.effect]
    lines[0] = head + paint.style(style, effect) + lines[0][len(head) + len(effect) :]
    if several:
        lines += wrap(f"changes {some_ranges([c.number for c in row.changes])}", width, " " * INDENT)
    if change.block is None:
        lines += wrap("the configuration does not ask for it", width, " " * INDENT)
    if used_by:
        lines += wrap(f"concerns {names(used_by)}", width, " " * INDENT)
    said = sentences(change)
    if not said and change.fields:
        said = [f"differs in {', '.join(change.fields)}"]
    for sentence in said:
        lines += wrap(sentence, width, " " * INDENT)
    return lines


def sentences(change: Change, limit: int = SENTENCES) -> list[str]:
    """What a change means, escaped, at most `limit` sentences of each kind."""
    out = []
    for word, said in (("can", change.can), ("can no longer", change.cannot)):
        out += [f"{word}: {escape(text)}" for text in said[:limit]]
        if len(said) > limit:
            out.append(f"and {len(said) - limit} more: -change {change.number} shows them")
    if change.reason:
        reason = escape(change.reason).removeprefix("undecided: ")
        out.append(f"undecided: {reason}" if change.effect is Effect.UNKNOWN else reason)
    return out


_LETTER = {
    Level.BLOCK: ("B", "bad"),
    Level.ACCEPT: ("S", "warn"),
    Level.WARN: ("W", ""),
    Level.EXCEPTED: ("E", ""),
}


def _findings(page: _Page) -> list[str]:
    plan = page.plan
    tally = Counter(finding.level for finding in plan.findings)
    text = f"{tally[Level.BLOCK]} block, {tally[Level.ACCEPT]} to accept, {count(tally[Level.WARN], 'warning')}"
    if tally[Level.EXCEPTED]:
        text += f", {tally[Level.EXCEPTED]} excepted"
    lines = section("FINDINGS", text, page.width)
    where = {located.subject: str(located.range) for located in page.file.notes.sources}
    for level in Level:
        for finding in plan.findings:
            if finding.level is level:
                lines += finding_lines(finding, where.get(finding.subject), page.width, page.paint)
    return lines


def finding_lines(finding: Finding, where: str | None, width: int, paint: Paint) -> list[str]:
    """`S TRI-1   agent.x: message`, then where it stands and the way out."""
    letter, style = _LETTER[finding.level]
    head = f"  {letter} {clip(finding.rule, 12):<8} "
    message = escape(finding.message)
    if finding.subject not in finding.message:
        message = f"{escape(finding.subject)}: {message}"
    if finding.changes:
        message += f" (change {ranges(finding.changes)})"
    lines = wrap(message, width, head)
    lines[0] = paint.style(style, head.rstrip()) + lines[0][len(head.rstrip()) :]
    fix = finding.fix
    if finding.level is Level.EXCEPTED:
        fix = f"{finding.exception} lifts it until {finding.until}"
    out = f"{escape(where)}   {escape(fix)}" if where else escape(fix)
    if out:
        lines += wrap(out, width, " " * len(head))
    return lines


def _tests(page: _Page) -> list[str]:
    tests = page.plan.tests
    total = tests.passed + tests.failed
    if not total:
        return section("TESTS", "none", page.width)
    expected = f"{tests.expected_denied} denied, {tests.expected_allowed} allowed"
    verb = "pass" if not tests.failed else f"pass, {tests.failed} FAIL,"
    lines = section("TESTS", f"{tests.passed} of {total} {verb} on the planned policies: {expected}", page.width)
    for result in tests.failures:
        lines += failure_lines(result, page.width, page.paint)
    return lines


def failure_lines(result: TestResult, width: int, paint: Paint) -> list[str]:
    """A boundary test that did not pass: what was expected, what came, and which statements decided."""
    case = f" {escape(result.case)}" if result.case else ""
    text = f"{escape(result.test)}{case}, agent.{escape(result.agent)}: expected {result.expect}, got {result.got}"
    lines = wrap(text, width, "  FAIL ")
    lines[0] = "  " + paint.style("bad", "FAIL") + lines[0][6:]
    for label, said in (("because", result.because), ("not known", result.missing)):
        for item in said:
            lines += wrap(f"{label}: {escape(item)}", width, "       ")
    return lines


def _coverage(page: _Page) -> list[str]:
    notes = page.file.notes
    return coverage_lines(page.plan.gaps, page.plan.not_looked_at, notes.calls, notes.milliseconds, page.width)


def spent(calls: Mapping[str, int], milliseconds: int) -> list[str]:
    """`aws 7 calls`, `google 31 calls`, `6.2 s`."""
    by_provider: Counter[str] = Counter()
    for target, number in calls.items():
        by_provider[target.partition(":")[0]] += number
    seen = [f"{escape(name)} {count(number, 'call')}" for name, number in sorted(by_provider.items())]
    return [*seen, f"{milliseconds / 1000:.1f} s"] if milliseconds else seen


def coverage_lines(
    gaps: Sequence[Gap],
    not_looked_at: Sequence[str],
    calls: Mapping[str, int],
    milliseconds: int,
    width: int,
) -> list[str]:
    """READ and NOT JUDGED: what was seen, and what was not."""
    seen = spent(calls, milliseconds)
    state = "INCOMPLETE" if gaps else "complete"
    lines = section("READ", f"{state}: {', '.join(seen)}" if seen else state, width)
    for gap in gaps:
        text = f"not read: {escape(gap.what)} in {escape(gap.provider)} {escape(gap.target)}: {escape(gap.reason)}"
        if gap.permission:
            text += f" (reader lacks {escape(gap.permission)})"
        lines += wrap(text, width, "  ", "    ")
        if gap.agents:
            lines += wrap(f"not fully known: {listing([escape(agent) for agent in gap.agents])}", width, "    ")
    for at, what in enumerate(not_looked_at):
        lines += section("" if at else "NOT JUDGED", escape(what), width)
    return lines


_SETTLING = {"google": "google takes about 2 min to take effect, at times 7 or more"}
"""How long a cloud takes until what it accepted holds everywhere. Source: IAM, «Access change propagation»."""


def _apply(page: _Page) -> list[str]:
    plan = page.plan
    lines = []
    if plan.unknown_authors:
        who = "; ".join(escape(author) for author in plan.unknown_authors)
        text = f"not known: {who}. What gets wider then needs two people; commits signed with SSH keys of the trust"
        text += " root tell who wrote them."
        lines += section("AUTHORS", text, page.width)
    if not page.empty:
        clouds = sorted({operation.address.provider for operation in plan.operations} & set(_SETTLING))
        text = "; ".join([count(len(plan.operations), "operation"), *(_SETTLING[name] for name in clouds)])
        lines += section("APPLY", text, page.width)
    return lines


def _published(page: _Page) -> list[str]:
    signoffs = page.signoffs
    if page.empty or signoffs.published is None:
        return []
    text = when(signoffs.published)
    if signoffs.expires:
        text += f", can be applied until {when(signoffs.expires)}"
    return section("PUBLISHED", text, page.width)


def _next(page: _Page) -> list[str]:
    """The commands that lead on."""
    if page.empty:
        return []
    short = page.file.short
    steps: list[tuple[str, str]] = []
    if any(finding.level is Level.BLOCK for finding in page.plan.findings) or page.plan.tests.failed:
        steps.append(("provisioner plan", "again, once what blocks is mended"))
    elif page.signoffs.refusals:
        steps.append((f"provisioner status {short}", "what refuses it, and the way out"))
    elif page.signoffs.missing:
        steps.append(sign_step(page.signoffs, short))
    else:
        steps.append((f"provisioner apply {short}", "carries out exactly this"))
    if page.plan.changes:
        steps.append((f"provisioner show {short} -change {_telling(page.plan)}", "the policy text, before and after"))
    room = max(len(command) for command, _ in steps) + 3
    lines = []
    for at, (command, why) in enumerate(steps):
        lines += wrap(why, page.width, f"{'Next' if at == 0 else '':<7}{command:<{room}}")
    return lines


def _telling(plan: Plan) -> int:
    """The change that a reader most wants to look into."""
    order = (Effect.UNKNOWN, Effect.WIDER, Effect.NARROWER, Effect.EQUAL)
    tool = sorted(plan.changes, key=lambda c: (order.index(c.effect), Surface.TOOL_ACCESS not in c.surfaces, c.number))
    return tool[0].number
