"""Answers about agents' authority, as text and as JSON. Pure; the verdict comes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..model.questions import Circumstance, Holding, Holdings, Hop, Route, Verdict, Who, Within
from ..model.requests import Answer, Deciding
from .escape import escape
from .text import listing, wrap

_LIMITED = {
    Within.PART: "only in part",
    Within.NONE: "NOT: outside of its boundary",
    Within.UNKNOWN: "not known how far",
}
_NAMES_SHOWN = 6


def verdict_document(found: Verdict, circumstance: Circumstance) -> dict[str, Any]:
    """`agent`, `action`, `resource`, `answer`, `routes`, and on which world."""
    return {**_verdict(found), **_circumstance(circumstance)}


def who_document(found: Who, circumstance: Circumstance) -> dict[str, Any]:
    """`resource`, `verdicts` that are not denied, `asked`, `unlisted`, and on which world."""
    return {
        "resource": found.resource,
        "verdicts": [_verdict(one) for one in found.verdicts],
        "asked": list(found.asked),
        "unlisted": list(found.unlisted),
        "unread": list(found.unread),
        **_circumstance(circumstance),
    }


def holdings_document(found: Holdings, circumstance: Circumstance) -> dict[str, Any]:
    """`agent`, `holdings`, `reaches` (chains of hops), `unread`, `unlisted`, and on which world."""
    return {
        "agent": found.agent,
        "holdings": [_holding(one) for one in found.holdings],
        "reaches": [[_hop(hop) for hop in hops] for hops in found.reached],
        "unread": list(found.unread),
        "unlisted": list(found.unlisted),
        **_circumstance(circumstance),
    }


def verdict_text(found: Verdict, circumstance: Circumstance, width: int) -> str:
    """The answer, then the route that gives it with the statements that decide."""
    lines = wrap(_head(found, circumstance), width, "", "  ")
    deciding = [route for route in found.routes if route.decision.answer is found.answer]
    if found.answer is Answer.DENIED:
        deciding = [route for route in deciding if not route.hops]
    for route in deciding:
        lines += _route_lines(route, width, named=bool(route.hops) or len(deciding) > 1)
    if found.answer is Answer.DENIED and len(found.routes) > len(deciding):
        others = listing([f"agent.{r.agent}" for r in found.routes if r.hops])
        lines += wrap(escape(f"nor as {others}, which it may become or call"), width, "  ", "    ")
    return "\n".join([*lines, *_beside(circumstance, width)]) + "\n"


def why_text(found: Verdict, circumstance: Circumstance, width: int) -> str:
    """Every route, with the statements that decide and what is missing."""
    lines = wrap(_head(found, circumstance), width, "", "  ")
    for route in found.routes:
        lines += ["", *_route_lines(route, width, named=True)]
        for item in route.decision.deciding:
            place = f" ({item.resource})" if item.resource else ""
            text = f"{item.effect}: statement {item.statement} of {item.policy}{place}"
            lines += wrap(escape(text), width, "    ", "      ")
    for key, values in circumstance.context:
        lines += ["", *wrap(escape(f"given: {key} = {', '.join(values)}"), width, "  ", "    ")]
    return "\n".join([*lines, *_beside(circumstance, width)]) + "\n"


def who_text(found: Who, circumstance: Circumstance, width: int) -> str:
    """One paragraph an agent and route: what it may do, and what depends on what."""
    agents = list(dict.fromkeys(one.agent for one in found.verdicts))
    lines = wrap(escape(f"{found.resource}   {circumstance.world} at {circumstance.now}"), width, "", "  ")
    if not agents:
        lines.append(f"  nobody: none of {len(found.asked)} agents may do anything that was asked about")
    for agent in agents:
        lines += ["", f"agent.{escape(agent)}"]
        for phrase, actions in _grouped(one for one in found.verdicts if one.agent == agent).items():
            lines += wrap(escape(f"{phrase}{', '.join(actions)}"), width, "  ", "    ")
    for text in found.unread:
        lines += ["", *wrap(escape(f"NOT READ   {text}"), width, "", "  ")]
    if found.unlisted:
        text = f"not asked about: {listing(found.unlisted)}, whose permissions nobody lists; ask with -action"
        lines += ["", *wrap(escape(text), width, "  ", "    ")]
    return "\n".join([*lines, *_beside(circumstance, width)]) + "\n"


def holdings_text(found: Holdings, circumstance: Circumstance, width: int) -> str:
    """By cloud and policy: actions, resources, conditions, and what the boundary leaves."""
    lines = [escape(f"agent.{found.agent}   {circumstance.world} at {circumstance.now}")]
    heading = ""
    for one in found.holdings:
        here = f"{one.cloud}   {one.principal}   {one.policy}"
        if here != heading:
            heading = here
            lines += ["", escape(here)]
        lines += _holding_lines(one, width)
    if not found.holdings and not found.unlisted:
        lines += ["", "  no permissions were found"]
    for hops in found.reached:
        doubt = "" if not any(hop.open for hop in hops) else f"; depends on {listing([h.open for h in hops if h.open])}"
        text = f"may also act as or through agent.{hops[-1].target}: {_chain(hops)}{doubt}"
        lines += ["", *wrap(escape(text), width, "", "  ")]
    for text in found.unread:
        lines += ["", *wrap(escape(f"NOT READ   {text}"), width, "", "  ")]
    if found.unlisted:
        lines += ["", *wrap(escape(f"NOT LISTED {listing(found.unlisted)}: nobody lists its permissions"), width)]
    return "\n".join([*lines, *_beside(circumstance, width)]) + "\n"


def _head(found: Verdict, circumstance: Circumstance) -> str:
    words = {Answer.ALLOWED: "ALLOWED", Answer.DENIED: "DENIED", Answer.DEPENDS: "DEPENDS"}[found.answer]
    where = f"{circumstance.world} at {circumstance.now}"
    return escape(f"{words}   agent.{found.agent}: {found.action} on {found.resource}   ({where})")


def _route_lines(route: Route, width: int, *, named: bool) -> list[str]:
    lines = []
    if named:
        how = _chain(route.hops) if route.hops else "by itself"
        lines += wrap(escape(f"{how}, in {route.cloud}: {route.decision.answer.value}"), width, "  ", "    ")
    for text in route.decision.because:
        lines += wrap(escape(text), width, "    " if named else "  ", "      ")
    for text in route.decision.missing:
        lines += wrap(escape(f"missing: {text}"), width, "    " if named else "  ", "      ")
    return lines


def _chain(hops: Sequence[Hop]) -> str:
    """`agent.a → agent.b (assume_role, declared) → agent.c (trust, undeclared)`, in plain characters."""
    parts = [f"agent.{hops[0].source}"] if hops else []
    parts += [f"agent.{hop.target} ({hop.via}, {'declared' if hop.declared else 'UNDECLARED'})" for hop in hops]
    return " -> ".join(parts)


def _grouped(verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    """Actions by what is said of them: the answer, the way there and what is missing."""
    out: dict[str, list[str]] = {}
    for one in verdicts:
        for route in one.routes:
            answer = route.decision.answer
            if answer is Answer.DENIED:
                continue
            how = f"as {_chain(route.hops)} " if route.hops else ""
            may = "may" if answer is Answer.ALLOWED else f"may, depending on {listing(route.decision.missing)},"
            out.setdefault(f"{how}{may} ", []).append(one.action)
    return out


def _holding_lines(one: Holding, width: int) -> Iterator[str]:
    actions = f"{'anything but ' if one.but_actions else ''}{_some(one.actions)}"
    resources = f" on {'anything but ' if one.but_resources else ''}{_some(one.resources)}" if one.resources else ""
    ends = "".join(f", {text}" for text in one.conditions)
    verb = "denies" if one.effect == "Deny" else "allows"
    yield from wrap(escape(f"{verb} {actions}{resources}{ends}"), width, "  ", "    ")
    if one.within is not Within.ALL:
        yield from wrap(escape(f"{_LIMITED[one.within]}: {'; '.join(one.limits)}"), width, "    ", "      ")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"


def _beside(circumstance: Circumstance, width: int) -> Iterator[str]:
    for text in circumstance.gaps:
        yield from wrap(escape(f"NOT SEEN   {text}"), width, "", " " * 11)
    if circumstance.unseen:
        yield ""
        yield from wrap(escape(f"NOT JUDGED {'; '.join(circumstance.unseen)}"), width, "", " " * 11)


def _verdict(found: Verdict) -> dict[str, Any]:
    return {
        "agent": found.agent,
        "action": found.action,
        "resource": found.resource,
        "answer": found.answer.value,
        "routes": [_route(route) for route in found.routes],
    }


def _route(route: Route) -> dict[str, Any]:
    decision = route.decision
    return {
        "agent": route.agent,
        "cloud": route.cloud,
        "hops": [_hop(hop) for hop in route.hops],
        "answer": decision.answer.value,
        "because": list(decision.because),
        "deciding": [deciding_value(item) for item in decision.deciding],
        "missing": list(decision.missing),
    }


def deciding_value(item: Deciding) -> dict[str, str]:
    """One statement that decides; `resource` only where somebody said on what the policy stands."""
    said = {"policy": item.policy, "statement": item.statement, "effect": item.effect}
    return {**said, "resource": item.resource} if item.resource else said


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "source": hop.source,
        "target": hop.target,
        "cloud": hop.cloud,
        "via": hop.via,
        "declared": hop.declared,
        "depends_on": hop.open,
    }


def _holding(one: Holding) -> dict[str, Any]:
    return {
        "cloud": one.cloud,
        "principal": one.principal,
        "policy": one.policy,
        "statement": one.statement,
        "effect": one.effect,
        "actions": list(one.actions),
        "actions_negated": one.but_actions,
        "resources": list(one.resources),
        "resources_negated": one.but_resources,
        "conditions": list(one.conditions),
        "within_boundary": one.within.value,
        "limits": list(one.limits),
    }


def _circumstance(found: Circumstance) -> dict[str, Any]:
    return {
        "world": found.world,
        "now": found.now,
        "context": {key: list(values) for key, values in found.context},
        "gaps": list(found.gaps),
        "not_judged": list(found.unseen),
    }
