"""Builds what sets rules aside, exceptions and baselines, and what takes over or lets go of what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..lang.suggest import suggestion
from ..lang.values import BlockValue
from ..model.configuration import Agent, Baseline, Import, Removed, RuleException
from . import times
from .blocks import Blocks, Decoded, referred
from .instances import ModuleInstance
from .moved import text
from .report import Report

_RULE_ID: Final = re.compile(r"[A-Z][A-Z0-9]*-[0-9]+")


def exceptions(blocks: Blocks, rules: Sequence[str]) -> dict[str, RuleException]:
    """The exceptions by address. `rules` are the names of the configuration's own rules."""
    built: dict[str, RuleException] = {}
    known = frozenset(_addresses(blocks))
    found = blocks.of("exception")
    for item in found:
        if item.failed:
            continue
        rule = item.get("rule", "")
        _rule_id(item, rule, rules, "rule")
        built[item.instance.address] = RuleException(
            item.instance.address,
            blocks.name(item),
            rule,
            _subjects(item, known),
            _said(item, "reason"),
            _said(item, "compensating_control"),
            _said(item, "ticket"),
            referred(item.get("accepted_by")).name,
            _day(item),
            item.instance.range,
        )
    blocks.unique(found, "exception")
    blocks.finish(found)
    return built


def baselines(blocks: Blocks, names: Mapping[str, str], rules: Sequence[str]) -> dict[str, Baseline]:
    """The baselines by address. `names` maps agent blocks to agents' names."""
    built: dict[str, Baseline] = {}
    found = blocks.of("baseline")
    for item in found:
        if item.failed:
            continue
        ids = tuple(dict.fromkeys(item.get("rules", ())))
        for rule in ids:
            _rule_id(item, rule, rules, "rules")
        addresses = dict.fromkeys(referred(value).address for value in item.get("agents", ()))
        agents = tuple(names[address] for address in addresses if address in names)
        for what, values in (("rules", ids), ("agents", addresses)):
            if not values:
                detail = f"The list of {what} is empty, so this baseline covers nothing. Fill it, or remove the block."
                item.error("E-BASELINE", "Baseline that covers nothing", detail, item.settings.range_of(what))
        built[item.instance.address] = Baseline(
            item.instance.address, blocks.name(item), ids, agents, _day(item), item.instance.range
        )
    blocks.unique(found, "baseline")
    blocks.finish(found)
    return built


def imports(blocks: Blocks, names: Mapping[str, str], agents: Mapping[str, Agent]) -> tuple[Import, ...]:
    """What exists and becomes an agent, in source order."""
    built: list[Import] = []
    seen: dict[tuple[str, str], Decoded] = {}
    found = blocks.of("import")
    for item in found:
        name = None if item.failed else names.get(referred(item.get("to")).address)
        if name is None or name not in agents:
            continue
        cloud = _cloud(blocks, item, agents[name])
        if cloud is None:
            continue
        known = seen.setdefault((name, cloud), item)
        if known is not item:
            detail = (
                f"{agents[name].address} takes over one principal in {cloud}, at {known.instance.range}. Remove one."
            )
            item.error("E-IMPORT", "Two imports into one agent", detail)
        built.append(Import(name, cloud, _said(item, "id"), item.instance.range))
    ids: dict[tuple[str, str], Import] = {}
    for one in built:
        other = ids.setdefault((one.cloud, one.id), one)
        if other is not one:
            detail = (
                f"{one.id} would become agent {other.agent} and agent {one.agent}. A principal is one agent: remove "
                "one of the import blocks."
            )
            blocks.report.error("E-IMPORT", "One principal imported twice", detail, one.range)
    blocks.finish(found)
    return tuple(built)


def removed(modules: Sequence[ModuleInstance], report: Report) -> tuple[Removed, ...]:
    """What is let go of: addresses that no block has any more."""
    built: dict[str, Removed] = {}
    for module in modules:
        for release in module.module.removed:
            address = f"{module.prefix}{text(release.address)}"
            kind, label, key = release.address[-1]
            inner = _module(module, release.address[:-1])
            expansion = None if inner is None else inner.blocks.get(kind, {}).get(label)
            declared = expansion is not None and module.run.graph.settle(expansion)
            if declared and expansion is not None and (key is None or key in expansion.value):
                detail = f"{address} is declared still. Remove the block, or this removed block."
                report.error("E-REMOVED", "Removed block still exists", detail, release.subject)
            built[address] = Removed(address, release.range, release.destroy)
    return tuple(built.values())


def _module(module: ModuleInstance, path: Sequence[tuple[str, str, Any]]) -> ModuleInstance | None:
    for _, label, key in path:
        node = module.calls.get(label)
        if node is None or not module.run.graph.settle(node) or key not in node.value:
            return None
        module = node.value[key]
    return module


def _addresses(blocks: Blocks) -> Iterator[str]:
    for module in blocks.modules:
        for kind in module.blocks:
            yield from (instance.address for instance in module.instances(kind))


def _subjects(item: Decoded, known: frozenset[str]) -> tuple[str, ...]:
    value = item.get("subjects")
    subject = item.settings.range_of("subjects")
    written = value if isinstance(value, tuple) else (value,)
    found: dict[str, None] = {}
    for one in written:
        if isinstance(one, BlockValue):
            found[one.address] = None
        elif isinstance(one, str) and one in known:
            found[one] = None
        elif isinstance(one, str):
            detail = f'There is no block "{one}" here.{suggestion(one, known)} Name blocks as plans name them: agent.x.'
            item.error("E-EXCEPTION", "Exception for an unknown block", detail, subject)
        else:
            detail = 'Subjects are blocks, agent.x, or their addresses in quotes, "grant.y". Correct the list.'
            item.error("E-TYPE", "Incorrect attribute value type", detail, subject)
            break
    if not found and not item.failed:
        detail = "The list of subjects is empty, so this exception lifts nothing. Name what it is about."
        item.error("E-EXCEPTION", "Exception without a subject", detail, subject)
    return tuple(found)


def _rule_id(item: Decoded, rule: str, rules: Sequence[str], attribute: str) -> None:
    if rule in rules or _RULE_ID.fullmatch(rule):
        return
    detail = f'"{rule}" is not the id of a rule, such as FED-3.{suggestion(rule, rules)} provisioner rules lists them.'
    item.error("E-CHOICE", "Invalid rule id", detail, item.settings.range_of(attribute))


def _said(item: Decoded, name: str) -> str:
    written = str(item.get(name, "")).strip()
    if not written and not item.failed:
        detail = f"{name} is empty, and people are asked to sign for it. Say it in a sentence."
        item.error("E-REQUIRED", f"Empty {name}", detail, item.settings.range_of(name))
    return written


def _day(item: Decoded) -> str:
    written = item.get("expires", "")
    found = times.day(written)
    if found is None:
        detail = f'"{written}" is not a date. Write year, month and day: "2027-02-01".'
        item.error("E-TIME", "Invalid expires", detail, item.settings.range_of("expires"))
        return ""
    return found


def _cloud(blocks: Blocks, item: Decoded, agent: Agent) -> str | None:
    cloud = item.get("cloud")
    clouds = sorted(agent.identities)
    if cloud is None and len(clouds) == 1:
        return clouds[0]
    if cloud in clouds:
        return str(cloud)
    where = ", ".join(clouds) or "no cloud"
    said = "Say which is meant" if cloud is None else f'"{cloud}" is none of them. Correct it'
    detail = f'{agent.address} has an identity in {where}. {said}: cloud = "{clouds[0] if clouds else "aws"}".'
    item.error("E-IMPORT", "Which identity is imported is not clear", detail, item.settings.range_of("cloud"))
    return None
