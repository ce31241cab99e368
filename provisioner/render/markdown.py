"""A plan as the comment on a pull request: sticky by its first line, bounded in size, every name escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..model.changes import Change, Effect
from ..model.findings import Finding, Level
from ..model.plan import Plan
from ..planfile import PlanFile
from .escape import escape
from .grouping import Row, groups
from .human import SIGNS, users
from .markup import code, fenced, md
from .plandiff import PlanDiff, Verdict
from .policytext import attribute_diffs
from .signoff import SignOffRow, SignOffs, unverified
from .text import count, listing, ranges, some_ranges

LIMIT = 65_536
"""Characters that GitHub takes in a comment; GitLab takes more."""
_ROWS = 200
_LETTERS = {Level.BLOCK: "block", Level.ACCEPT: "accept", Level.WARN: "warn", Level.EXCEPTED: "excepted"}


@dataclass(frozen=True, slots=True)
class Comment:
    """What a comment knows besides the plan. `root` is the root module's folder as the repository names it.

    `artifact` is where the whole report is, `review` the review page; empty where there is none. `since` compares with
    the plan of the comment before.
    """

    root: str = "."
    artifact: str = ""
    review: str = ""
    since: PlanDiff | None = None


def marker(workspace: str, root: str = ".") -> str:
    """The first line of every comment about one root module: the comment is found again by it."""
    safe = [escape(text).replace("--", "- -").replace(">", "&gt;") for text in (workspace, root)]
    return f"<!-- provisioner:comment workspace={safe[0]} root={safe[1]} -->"


def plan_markdown(
    file: PlanFile, signoffs: SignOffs | None = None, comment: Comment | None = None, limit: int = LIMIT
) -> str:
    """The comment, ending with a newline, at most `limit` characters.

    What does not fit is left out from the end, whole sections first, and the comment says where the rest is.
    """
    page = _Page(file, signoffs or unverified(file.plan), comment or Comment())
    head = [marker(file.plan.workspace, page.comment.root), *_verdict(page), *_changes(page)]
    sections: list[Callable[[_Page], list[str]]] = [_paths, _signs, _findings, _facts, _since, _texts]
    body = list(head)
    left: list[str] = []
    for section in sections:
        lines = section(page)
        if _length([*body, *lines]) + 400 <= limit:
            body += lines
        elif lines:
            left.append(_NAMES[section.__name__])
    if _length(body) + 400 > limit:
        body = _cut(body, limit - 400)
        left.insert(0, "changes")
    if left:
        where = f"[the job's artifact]({page.comment.artifact})" if page.comment.artifact else "the job's artifact"
        body += ["", f"Left out because of the size of a comment: {', '.join(left)}. All of it is in {where}."]
    return "\n".join(body).rstrip("\n") + "\n"


_SOLO = "one person holds every sign-off (solo)"
_NAMES = {
    "_paths": "new paths",
    "_signs": "who has to sign",
    "_findings": "findings",
    "_facts": "tests and reads",
    "_since": "what changed since the last comment",
    "_texts": "policy text",
}


@dataclass(frozen=True, slots=True)
class _Page:
    file: PlanFile
    signoffs: SignOffs
    comment: Comment

    @property
    def plan(self) -> Plan:
        return self.file.plan


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _cut(lines: Sequence[str], limit: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if _length(kept) + len(line) + 1 > limit:
            break
        kept.append(line)
    return kept


def _verdict(page: _Page) -> list[str]:
    plan, signoffs = page.plan, page.signoffs
    name = code(plan.workspace)
    agents = {change.agent for change in plan.changes if change.agent}
    agents |= {agent for change in plan.changes for agent in users(plan, change)}
    if not plan.changes and plan.next_root is None:
        alone = f", {_SOLO}" if plan.solo else ""
        return [f"### {name}: no changes", "", f"Plan {code(page.file.short)}, trust root v{plan.root.version}{alone}."]
    what = f"{count(len(plan.changes), 'change')} to {count(len(agents), 'agent')}" if plan.changes else "trust root"
    state = "**ready**" if signoffs.complete else f"**not ready: {_lacking(page)}**"
    tally = Counter(change.effect for change in plan.changes)
    counts = [f"**{tally[Effect.WIDER]} wider**"]
    if tally[Effect.UNKNOWN]:
        counts.append(f"**{tally[Effect.UNKNOWN]} unknown** (counts as wider)")
    counts += [f"{tally[Effect.NARROWER]} narrower", f"{tally[Effect.EQUAL]} equal"]
    facts = [f"Plan {code(page.file.short)}", f"trust root v{plan.root.version}"]
    if plan.next_root is not None:
        facts[1] += f" → v{plan.next_root.version}"
    if page.file.notes.commit:
        facts.append(f"commit {code(page.file.notes.commit[:7])}")
    if signoffs.expires:
        facts.append(f"to be signed until {md(signoffs.expires)}")
    if plan.solo:
        facts.append(_SOLO)
    return [f"### {name}: {what}, {state}", "", f"{' · '.join(counts)}. {', '.join(facts)}."]


def _lacking(page: _Page) -> str:
    plan = page.plan
    blocks = sum(finding.level is Level.BLOCK for finding in plan.findings)
    parts = [f"{count(blocks, 'finding')} block{'s' if blocks == 1 else ''}"] if blocks else []
    if plan.tests.failed:
        parts.append(f"{count(plan.tests.failed, 'boundary test')} fail{'s' if plan.tests.failed == 1 else ''}")
    parts += [md(refusal).rstrip(".") for refusal in page.signoffs.refusals]
    missing = len(page.signoffs.missing)
    if missing:
        parts.append(f"{count(missing, 'sign-off')} {'missing' if page.signoffs.looked else 'needed'}")
    return ", ".join(parts) or "something blocks"


def _changes(page: _Page) -> list[str]:
    plan = page.plan
    rows = [(group, row) for group in groups(plan) for row in group.rows]
    lines: list[str] = []
    if rows:
        lines += ["", "| # | | Agent | Surface | Change | What it means |", "|--:|---|---|---|---|---|"]
    notes = {note.agent: note for note in plan.agents}
    for _, row in rows[:_ROWS]:
        change = row.first
        number = ranges([c.number for c in row.changes]) if len(row.changes) < 4 else f"{len(row.changes)}×"
        who = [c.agent for c in row.changes if c.agent]
        agent = "shared" if not who else code(who[0], True) if len(who) == 1 else f"{len(who)} agents"
        if len(who) == 1 and (note := notes.get(who[0])) is not None and note.new:
            agent += " (new)"
        effect = f"**{change.effect}**" if change.effect.widens else str(change.effect)
        surfaces = ", ".join(change.surfaces)
        what = f"{SIGNS[change.action]} {md(row.label)}"
        lines.append(f"| {number} | {effect} | {agent} | {surfaces} | {what} | {_meaning(change)} |")
    if len(rows) > _ROWS:
        lines += ["", f"and {count(len(rows) - _ROWS, 'more change')} of the same kind, in the job's artifact."]
    if plan.next_root is not None:
        lines += ["", f"The trust root becomes v{plan.next_root.version}:", ""]
        lines += [f"- {md(line)}" for line in plan.next_root.lines[:_ROWS]]
    return lines


def _meaning(change: Change) -> str:
    said = [md(text) for text in change.can[:2]] + [f"no longer: {md(text)}" for text in change.cannot[:2]]
    more = max(len(change.can) - 2, 0) + max(len(change.cannot) - 2, 0)
    if more:
        said.append(f"and {more} more")
    if change.reason:
        said.append(md(change.reason))
    if not said and change.fields:
        said.append(f"differs in {md(', '.join(change.fields))}")
    return "; ".join(said)


def _paths(page: _Page) -> list[str]:
    """Ways to become more that the plan opens."""
    paths = page.plan.new_paths
    if not paths:
        return []
    lines = ["", f"#### {count(len(paths), 'new path')} to more authority", ""]
    for path in paths:
        doubt = "" if path.certain else ", if the context allows it"
        lines.append(f"- {code(path.agent)}, {code(path.technique)}: {md(path.text)}{doubt}")
    return lines


def _signs(page: _Page) -> list[str]:
    if not page.signoffs.rows:
        return ["", "No sign-off is needed."] if page.plan.changes else []
    lines = ["", "#### Who has to sign", "", "| Surface | Owner | Changes | Quorum | State |", "|---|---|---|--:|---|"]
    for row in page.signoffs.rows:
        quorum = f"{row.have or 0}/{row.need}"
        changes = some_ranges(list(row.changes)) or "root"
        lines.append(f"| {row.surface} | {md(row.owner)} | {changes} | {quorum} | {_state(row)} |")
    lines += [f"\n**Review owed:** {md(text)}" for text in page.signoffs.obligations]
    missing = [row for row in page.signoffs.missing if not row.unreachable and not row.rejected]
    if missing:
        command = f"provisioner sign {page.file.short} -owner {missing[0].owner}"
        how = f"To sign: {code(command)}"
        if page.comment.review:
            how += f", or open [the review page]({page.comment.review})"
        lines += ["", f"Approving this pull request is **not** a sign-off. {how}."]
    return lines


def _state(row: SignOffRow) -> str:
    if row.done:
        return md(row.state)
    if row.rejected:
        return f"**rejected** by {listing([md(text) for text in row.rejected])}"
    text = "**waiting**"
    if row.unreachable:
        text = "**cannot be reached**: too few may sign"
    elif row.may_sign:
        text += f" for {listing([md(person) for person in row.may_sign], 'or')}"
    if row.accept:
        text += f", who must accept {listing([md(name) for name in row.accept])}"
    if row.signed_by:
        text += f"; signed by {listing([md(person) for person in row.signed_by])}"
    text += "".join(f"; {md(said)}" for said in (row.instead, *row.refused) if said)
    if row.may_not:
        text += f" (may not sign: {listing([f'{md(person)}, {md(reason)}' for person, reason in row.may_not])})"
    return text


def _findings(page: _Page) -> list[str]:
    found = page.plan.findings
    if not found:
        return []
    tally = Counter(finding.level for finding in found)
    counts = f"{tally[Level.BLOCK]} block, {tally[Level.ACCEPT]} to accept, {count(tally[Level.WARN], 'warning')}"
    if tally[Level.EXCEPTED]:
        counts += f", {tally[Level.EXCEPTED]} excepted"
    lines = ["", f"#### Findings: {counts}", "", "| | Rule | Where | What | Way out |", "|---|---|---|---|---|"]
    where = {located.subject: located.range for located in page.file.notes.sources}
    for finding in found[:_ROWS]:
        place = where.get(finding.subject)
        at = code(f"{place.filename}:{place.start.line}", True) if place is not None else code(finding.subject, True)
        level = _LETTERS[finding.level]
        level = f"**{level}**" if finding.level is Level.BLOCK else level
        lines.append(f"| {level} | {md(finding.rule)} | {at} | {_what(finding)} | {_way_out(finding)} |")
    return lines


def _what(finding: Finding) -> str:
    changes = f" (change {ranges(finding.changes)})" if finding.changes else ""
    return md(finding.message) + changes


def _way_out(finding: Finding) -> str:
    if finding.level is Level.EXCEPTED:
        return f"{md(finding.exception)} lifts it until {md(finding.until)}"
    return md(finding.fix)


def _facts(page: _Page) -> list[str]:
    plan = page.plan
    tests, total = plan.tests, plan.tests.passed + plan.tests.failed
    said = [f"Boundary tests: **{tests.passed} of {total} pass**." if total else "No boundary test was judged."]
    said += [f"{md(f.test)} {md(f.case)} on {code(f.agent)}: expected {f.expect}, got {f.got}." for f in tests.failures]
    said += [f"Not read: {md(gap.what)} ({md(gap.reason)})." for gap in plan.gaps]
    if plan.not_looked_at:
        said.append(f"Not judged: {'; '.join(map(md, plan.not_looked_at))}.")
    if plan.unknown_authors:
        said.append(f"Not attributed to anybody: {'; '.join(map(md, plan.unknown_authors))}.")
    return ["", " ".join(said)]


def _since(page: _Page) -> list[str]:
    diff = page.comment.since
    if diff is None or diff.identical:
        return []
    lines = ["", f"<details><summary>Since the last comment (plan <code>{diff.first}</code>)</summary>", ""]
    by: dict[Verdict, list[int]] = {verdict: [] for verdict in Verdict}
    for pair in diff.changes:
        by[pair.verdict].append(pair.second or pair.first or 0)
    words = {
        Verdict.NEW: "new",
        Verdict.CHANGED: "changed",
        Verdict.SAME: "the same",
        Verdict.GONE: "gone (numbers of the last plan)",
    }
    for verdict, word in words.items():
        if by[verdict]:
            numbers = by[verdict]
            lines.append(f"- change{'s' if len(numbers) > 1 else ''} {some_ranges(sorted(numbers))}: {word}")
    for kept in diff.signoffs:
        what = "still counts" if kept.counts else "no longer counts"
        lines.append(
            f"- {md(kept.owner)} ({kept.surface}): {md(kept.person)}'s sign-off {what}, because {md(kept.why)}"
        )
    return [*lines, "</details>"]


def _texts(page: _Page) -> list[str]:
    shown = [change for change in page.plan.changes if change.effect is not Effect.NARROWER]
    if not shown:
        return []
    which = "the change that is" if len(shown) == 1 else f"the {len(shown)} changes that are"
    title = f"Policy text of {which} not narrower"
    lines = ["", f"<details><summary>{title}</summary>", ""]
    for change in shown:
        text = "\n".join(_text(change))
        lines += fenced(text, "diff")
    return [*lines, "", "</details>"]


def _text(change: Change) -> Iterator[str]:
    yield f"  # {change.number}  {escape(change.label)}"
    sign = SIGNS[change.action]
    yield f"  # {sign} {escape(str(change.address))}"
    for name, lines in attribute_diffs(change):
        yield f"  # {escape(name)}"
        yield from lines


__all__ = ["LIMIT", "Comment", "Row", "marker", "plan_markdown"]
