"""Rules of an organisation's own: a condition over `self`, evaluated for every block of one kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ..lang import ast
from ..lang.evaluate import evaluate
from ..lang.explain import values_in_scope
from ..lang.scope import Scope
from ..lang.types import STRING
from ..lang.values import Value, deep_marked, from_python, is_null, unmark
from ..model.configuration import Agent, Configuration, CustomRule, Expiry, Grant, Tool
from ..model.diagnostics import Diagnostic, DiagnosticError
from .blocks import Blocks, Decoded
from .nodes import converted
from .plugins import Check, PluginError, check
from .schema import RULE_EXPRESSIONS, RULE_KINDS

Pending = list[tuple[Decoded, CustomRule, Check | None]]


def rules(blocks: Blocks) -> Pending:
    """The rules, not evaluated yet: that needs the whole configuration."""
    built: Pending = []
    found = blocks.of("rule", skip=RULE_EXPRESSIONS)
    for item in found:
        attributes = item.instance.declaration.block.body.attributes
        function = _check(item)
        for name in RULE_EXPRESSIONS:
            if name not in attributes and "check" not in attributes:
                detail = f'The argument "{name}" is required, but no definition was found. Add it to the block.'
                item.error("E-REQUIRED", "Missing required argument", detail)
        rule = CustomRule(
            item.instance.address,
            blocks.name(item),
            item.get("each", ""),
            item.get("severity", "block"),
            item.get("surface", ""),
            item.get("fix", ""),
            tuple(item.get("references", ())),
            (),
            0,
            item.instance.range,
            function.text
            if function
            else _text(blocks, attributes["condition"].expr)
            if "condition" in attributes
            else "",
        )
        built.append((item, rule, function))
    blocks.unique(found, "rule")
    blocks.finish(found)
    return built


def judged(pending: Pending, configuration: Configuration) -> dict[str, CustomRule]:
    """Each rule with what breaks it. What a condition cannot judge is an error: a rule that errs must not pass."""
    subjects: dict[str, list[tuple[str, Value]]] = {}
    built: dict[str, CustomRule] = {}
    every = {kind: [data for _, data in _of(kind, configuration)] for kind in RULE_KINDS} if pending else {}
    for item, rule, function in pending:
        if rule.each not in subjects:
            subjects[rule.each] = [(data["address"], from_python(data)) for data in every[rule.each]]
        breaches = []
        own = deepcopy(every) if function is not None else every  # what a check does to it is its own affair
        for (address, value), data in zip(subjects[rule.each], own[rule.each], strict=True):
            message = _told(item, function, data, own) if function is not None else _breach(item, address, value)
            if item.failed:
                break
            if message is not None:
                breaches.append((address, message))
        built[rule.address] = CustomRule(
            rule.address,
            rule.name,
            rule.each,
            rule.severity,
            rule.surface,
            rule.fix,
            rule.references,
            tuple(breaches),
            len(subjects[rule.each]),
            rule.range,
            rule.condition,
        )
    return built


def _check(item: Decoded) -> Check | None:
    """The Python check that a rule names; None, reported, where it cannot be used."""
    name, attributes = item.get("check"), item.instance.declaration.block.body.attributes
    if not isinstance(name, str):
        return None
    beside = [one for one in RULE_EXPRESSIONS if one in attributes]
    if beside:
        detail = f'A rule has a check, or condition and message. Take {" and ".join(beside)} out, or "check".'
        item.error("E-RULE", "Rule that is judged twice", detail, item.settings.range_of("check"))
        return None
    try:
        return check(name)
    except PluginError as error:
        detail = f'The check "{name}" cannot be used: {error}. Nothing is judged until it can.'
        item.error("E-RULE", "Rule that cannot be judged", detail, item.settings.range_of("check"))
        return None


def _told(
    item: Decoded, function: Check, data: dict[str, Any], every: Mapping[str, Sequence[Mapping[str, Any]]]
) -> str | None:
    """What a check says of a block; None, reported, where it fails."""
    address = data["address"]
    try:
        return function.message(data, every)
    except PluginError as error:
        detail = f"{function.text} failed on {address}: {error}. A rule that errs must not pass: mend it."
        item.error("E-RULE", "Rule that cannot be judged", detail, item.settings.range_of("check"))
        return None


def _text(blocks: Blocks, expr: ast.Expr) -> str:
    """An expression as it is written, for people to read and the trust root to hold."""
    source = blocks.run.files.sources[expr.range.filename]
    written = source.text.encode("utf-8")[expr.range.start.byte : expr.range.end.byte].decode("utf-8")
    return " ".join(written.split())


def _breach(item: Decoded, address: str, value: Value) -> str | None:
    """The message when a block breaks the rule; None when it does not or, reported, cannot be judged."""
    attributes = item.instance.declaration.block.body.attributes
    condition, message = attributes["condition"].expr, attributes["message"].expr
    scope = item.instance.scope.child({"self": value})
    try:
        result = unmark(evaluate(condition, scope))
        if result is True:
            return None
        if result is not False:
            detail = f"The condition must be true or false for {address}. Use ==, contains(…), can(…) or another test."
            _report(item, "E-RULE", "Rule that cannot be judged", detail, condition, scope)
            return None
        said = converted(evaluate(message, scope), STRING, message)
    except DiagnosticError as error:
        item.decoder.failed = True
        for found in error.diagnostics:
            detail = f"{found.detail} This was found while {address} was judged as self."
            item.decoder.report.add(Diagnostic("E-RULE", found.summary, detail, subject=found.subject))
        return None
    if deep_marked(said) or is_null(said) or not str(unmark(said)).strip():
        detail = f"The message for {address} is empty or comes from a sensitive value. Write a sentence."
        _report(item, "E-RULE", "Rule without a message", detail, message, scope)
        return None
    return str(unmark(said))


def _report(item: Decoded, code: str, summary: str, detail: str, expr: ast.Expr, scope: Scope) -> None:
    item.decoder.failed = True
    values = values_in_scope(expr, scope)
    item.decoder.report.add(Diagnostic(code, summary, detail, subject=expr.range, values=values))


def _of(kind: str, configuration: Configuration) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a rule sees of each block of a kind, as docs/reference/language.md lists it."""
    if kind == "agent":
        for agent in configuration.agents.values():
            yield agent.address, _agent(agent, configuration)
    elif kind == "tool":
        for tool in configuration.tools.values():
            yield tool.address, _tool(tool)
    elif kind == "grant":
        for grant in configuration.grants.values():
            yield grant.address, _grant(grant, configuration)
    elif kind == "boundary":
        for boundary in configuration.boundaries.values():
            yield (
                boundary.address,
                {
                    "address": boundary.address,
                    "name": boundary.name,
                    "max_session": boundary.max_session_seconds,
                    "clouds": list(boundary.clouds),
                },
            )
    elif kind == "delegation":
        for one in configuration.delegations.values():
            sources = [_agent(configuration.agents[name], configuration) for name in one.sources]
            yield (
                one.address,
                {
                    "address": one.address,
                    "name": one.name,
                    "from": sources,
                    "to": _agent(configuration.agents[one.target], configuration),
                    "via": one.via,
                    "expires": _expires(one.expires),
                    "reason": one.reason,
                },
            )
    else:
        for federation in configuration.federations.values():
            yield (
                federation.address,
                {"address": federation.address, "name": federation.name, "provider": federation.provider},
            )


def _agent(agent: Agent, configuration: Configuration) -> dict[str, Any]:
    grants = [grant for grant in configuration.grants.values() if agent.name in grant.agents]
    tools = {address: configuration.tools[address] for grant in grants for address in grant.tools}
    return {
        "address": agent.address,
        "name": agent.name,
        "purpose": agent.purpose,
        "sponsor": agent.sponsor,
        "inputs": agent.inputs,
        "environment": agent.environment,
        "review_by": agent.review_by,
        "boundary": agent.boundary,
        "manage": list(agent.manage),
        "runtime": agent.runtime.labels[0] if agent.runtime.labels else "",
        "clouds": list(agent.identities),
        "owners": dict(agent.owners),
        "attribution": agent.session.attribution,
        "max_session": agent.session.max_seconds,
        "tools": [_tool(tool) for tool in tools.values()],
        "grants": [_brief(grant) for grant in grants],
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "address": tool.address,
        "name": tool.name,
        "purpose": tool.purpose,
        "owner": tool.owner,
        "sensitivity": tool.sensitivity,
        "effect": tool.effect,
        "clouds": list(tool.clouds),
    }


def _brief(grant: Grant) -> dict[str, Any]:
    return {
        "address": grant.address,
        "name": grant.name,
        "expires": _expires(grant.expires),
        "reason": grant.reason,
        "clouds": None if grant.clouds is None else list(grant.clouds),
        "when": {name: dict(value) for name, value in grant.when.items()},
    }


def _grant(grant: Grant, configuration: Configuration) -> dict[str, Any]:
    return {
        **_brief(grant),
        "agents": [_agent(configuration.agents[name], configuration) for name in grant.agents],
        "tools": [_tool(configuration.tools[address]) for address in grant.tools],
    }


def _expires(expiry: Expiry | None) -> str | None:
    """A time, or a duration in seconds as text: `7776000s`."""
    if expiry is None:
        return None
    return expiry.at if expiry.at is not None else f"{expiry.after_seconds}s"
