"""Builds what connects agents and clouds: federations and delegations."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.configuration import Agent, Delegation, Expiry, Federation, ProviderConfig
from ..sdk.schema import BlockSchema
from . import times
from .agents import own_provider
from .blocks import Blocks, Decoded, referred, without_blocks
from .decode import Decoder
from .instances import BlockInstance
from .schema import BLOCKS


def federations(blocks: Blocks, providers: Mapping[str, ProviderConfig]) -> dict[str, Federation]:
    """The federations by address. The body of each has the shape that its provider's cloud gives it."""
    keys: dict[int, str] = {}

    def shape(instance: BlockInstance, decoder: Decoder) -> BlockSchema | None:
        key = _target(blocks, instance, decoder)
        if key is None:
            return None
        cloud = key.partition(".")[0]
        schema = blocks.schemas[cloud].federation
        if schema is None:
            detail = f"{cloud} has no federation that could be shared. Name a provider of another cloud."
            decoder.error("E-FEDERATION", f"No federation in {cloud}", detail, instance.range)
            return None
        keys[id(instance)] = key
        base = BLOCKS["federation"].schema
        return BlockSchema(base.doc, schema.attributes, schema.blocks, base.labels)

    built: dict[str, Federation] = {}
    found = blocks.of("federation", shape)
    for item in found:
        key = keys.get(id(item.instance), "")
        if key and key not in providers:
            blocks.complete = False
        built[item.instance.address] = Federation(
            item.instance.address,
            blocks.name(item),
            key,
            without_blocks(item.settings),
            item.instance.range,
            item.prevent_destroy,
        )
    blocks.unique(found, "federation")
    blocks.finish(found)
    return built


def _target(blocks: Blocks, instance: BlockInstance, decoder: Decoder) -> str | None:
    """The provider key of a federation; None, reported, when it is not clear."""
    own = own_provider(instance, decoder)
    if own is not None:
        return own
    if decoder.failed:
        return None
    visible = instance.module.providers
    if len(visible) == 1:
        key, value = next(iter(visible.items()))
        return str(getattr(value, "payload", key))
    if not visible:
        detail = "No provider is visible here, so the trust would be nowhere. Declare one, or pass it with providers."
    else:
        names = ", ".join(f"provider.{key}" for key in sorted(visible))
        detail = (
            f"Several providers are configured ({names}). Say where the trust is: provider = {names.split(', ')[0]}."
        )
    decoder.error("E-FEDERATION", "Which provider holds the federation is not known", detail, instance.range)
    return None


def delegations(blocks: Blocks, names: Mapping[str, str], agents: Mapping[str, Agent]) -> dict[str, Delegation]:
    """The delegations by address. `names` maps agent blocks to agents' names."""
    built: dict[str, Delegation] = {}
    found = blocks.of("delegation")
    for item in found:
        if item.failed:
            continue
        addresses = dict.fromkeys(referred(value).address for value in item.get("from", ()))
        sources = tuple(names[address] for address in addresses if address in names)
        target = names.get(referred(item.get("to")).address)
        if not addresses:
            detail = "A delegation from nobody gives nothing. Name the agents that it is from, or remove it."
            item.error("E-DELEGATION", "Delegation from nobody", detail, item.settings.range_of("from"))
        if target is None:
            continue
        if target in sources:
            detail = f"{agents[target].address} would be delegated to itself. Take it out of from."
            item.error("E-DELEGATION", "Delegation to itself", detail, item.settings.range_of("from"))
        via = item.get("via", "")
        if sources and not item.failed:
            _reachable(blocks, item, sources, target, via, agents)
        built[item.instance.address] = Delegation(
            item.instance.address,
            blocks.name(item),
            sources,
            target,
            via,
            expiry(item),
            item.get("reason"),
            item.instance.range,
        )
    blocks.unique(found, "delegation")
    blocks.finish(found)
    return built


def _reachable(
    blocks: Blocks, item: Decoded, sources: tuple[str, ...], target: str, via: str, agents: Mapping[str, Agent]
) -> None:
    """Some cloud of the target must be able to carry the delegation out, and each source must be known there."""
    able = [cloud for cloud in agents[target].identities if via in blocks.schemas[cloud].delegations]
    for source in sources:
        if source not in agents or any(cloud in agents[source].identities for cloud in able):
            continue
        where = ", ".join(agents[target].identities)
        detail = (
            f"{agents[source].address} cannot reach {agents[target].address} ({where}) via {via}: both need an "
            "identity in a cloud that has this way. Give them one, or choose another via."
        )
        item.error("E-DELEGATION", f"No way to delegate via {via}", detail, item.settings.range_of("via"))
        return


def expiry(item: Decoded) -> Expiry | None:
    """The `expires` argument of a grant or delegation; None when it is absent or, reported, malformed."""
    text = item.get("expires")
    if text is None:
        return None
    seconds = times.seconds(text)
    if seconds is not None:
        return Expiry(after_seconds=seconds)
    at = times.timestamp(text)
    if at is not None:
        return Expiry(at=at)
    day = times.day(text)
    if day is not None:
        return Expiry(at=f"{day}T00:00:00Z")
    detail = (
        f'"{text}" is neither a time nor a duration. Write an RFC 3339 time ("2027-02-01T00:00:00Z"), a date '
        '("2027-02-01", from its first moment in UTC), or a duration from when it is first planned ("90d").'
    )
    item.error("E-TIME", "Invalid expires", detail, item.settings.range_of("expires"))
    return None
