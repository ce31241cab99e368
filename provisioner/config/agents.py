"""Builds agents: what they are, where they run, who owns their surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..lang.values import BlockValue
from ..model.configuration import (
    AGENT_SURFACES,
    Agent,
    Identity,
    ProviderConfig,
    Session,
    Settings,
)
from ..model.diagnostics import DiagnosticError
from . import times
from .blocks import Blocks, Decoded, referred, without_blocks
from .decode import Decoder
from .instances import BlockInstance

_MIN_SESSION: Final = 900


def session_length(item: Decoded, settings: Settings, name: str) -> int | None:
    """Seconds of a session length that the clouds can issue; None when it is absent or, reported, impossible."""
    seconds = item.duration(settings, name)
    if seconds is not None and not _MIN_SESSION <= seconds <= 43_200:
        detail = 'No cloud issues sessions shorter than 15 minutes or longer than 12 hours. Write, for example, "1h".'
        item.error("E-TIME", f"Invalid {name}", detail, settings.range_of(name))
    return seconds


@dataclass(frozen=True, slots=True)
class _Defaults:
    """The agent_defaults block, decoded. `provider` is the key that its own `provider` argument names."""

    item: Decoded | None
    provider: str | None = None

    def get(self, name: str) -> Any:
        return None if self.item is None else self.item.get(name)

    @property
    def review_by(self) -> str | None:
        """The date, where it is one."""
        written = self.get("review_by")
        return times.day(written) if isinstance(written, str) else None

    def block(self, kind: str) -> Settings | None:
        found = () if self.item is None else self.item.settings.of(kind)
        return found[0] if found else None


def agents(blocks: Blocks, providers: Mapping[str, ProviderConfig]) -> tuple[dict[str, Agent], dict[str, str]]:
    """The agents by name, and the name of each agent block by address."""
    agents: dict[str, Agent] = {}
    names_of: dict[str, str] = {}
    defaults_found = blocks.of("agent_defaults")
    defaults = _Defaults(None)
    if defaults_found:
        defaults = _Defaults(defaults_found[0], own_provider(defaults_found[0].instance, defaults_found[0].decoder))
    if defaults.item is not None:
        _review_by(defaults.item)
        _session(defaults.item, defaults)
    found = blocks.of("agent")
    names: dict[str, tuple[str, Decoded]] = {}
    for item in found:
        agent = _agent(blocks, item, defaults, providers)
        names_of[item.instance.address] = agent.name
        folded = agent.name.replace("_", "-")
        known = names.get(folded)
        if known is not None:
            if not blocks.run.moves.wrong:
                _name_collision(item, agent.name, *known)
            continue
        names[folded] = (agent.name, item)
        agents[agent.name] = agent
    blocks.finish([*defaults_found, *found])
    return agents, names_of


def _name_collision(item: Decoded, name: str, other: str, known: Decoded) -> None:
    same = f'the name "{name}"' if name == other else f'the names "{name}" and "{other}", which are one in the clouds'
    detail = (
        f"{known.instance.address} ({known.instance.range}) and {item.instance.address} ({item.instance.range}) have "
        f"{same}: both would be the same principal. Set name in one of them."
    )
    subject = item.settings.range_of("name")
    item.error("E-NAME-TAKEN", "Two agents of one name", detail, subject)


def _agent(blocks: Blocks, item: Decoded, defaults: _Defaults, providers: Mapping[str, ProviderConfig]) -> Agent:
    sponsor = item.get("sponsor", defaults.get("sponsor"))
    boundary = item.get("boundary", defaults.get("boundary"))
    return Agent(
        address=item.instance.address,
        name=blocks.name(item, item.get("name")),
        purpose=item.get("purpose"),
        sponsor=None if sponsor is None else referred(sponsor).name,
        inputs=item.get("inputs", defaults.get("inputs") or "untrusted"),
        environment=item.get("environment", defaults.get("environment")),
        review_by=_review_by(item) or defaults.review_by,
        boundary=None if boundary is None else referred(boundary).address,
        owners=_owners(item, defaults),
        session=_session(item, defaults),
        runtime=without_blocks(_runtime(blocks, item)),
        identities=_identities(blocks, item, defaults, providers),
        prevent_destroy=item.prevent_destroy,
        range=item.instance.range,
        manage=tuple(s for s in AGENT_SURFACES if item.get("manage") is None or s in item.get("manage", ())),
    )


def _review_by(item: Decoded) -> str | None:
    written = item.get("review_by")
    if written is None:
        return None
    day = times.day(written)
    if day is None:
        detail = f'"{written}" is not a date. Write year, month and day: "2027-02-01".'
        item.error("E-TIME", "Invalid review_by", detail, item.settings.range_of("review_by"))
    return day


def _owners(item: Decoded, defaults: _Defaults) -> dict[str, str]:
    owners: dict[str, str] = {}
    for settings in (defaults.block("owners"), *item.settings.of("owners")):
        if settings is not None:
            owners.update({s: referred(value).name for s, value in settings.values.items() if value is not None})
    return owners


def _session(item: Decoded, defaults: _Defaults) -> Session:
    base = defaults.block("session")
    own = item.settings.of("session")
    settings = own[0] if own else base
    if settings is None:
        return Session()
    attribution = settings.get("attribution")
    seconds = session_length(item, settings, "max_duration") if own or item is defaults.item else None
    if base is not None and own:
        attribution = attribution or base.get("attribution")
    if base is not None and seconds is None:
        text = base.get("max_duration")
        seconds = times.seconds(text) if isinstance(text, str) else None
    return Session(attribution, seconds, settings.range)


def _runtime(blocks: Blocks, item: Decoded) -> Settings:
    runtimes = item.settings.of("runtime")
    if not runtimes:
        written = any(block.type in ("runtime", "dynamic") for block in item.instance.declaration.block.body.blocks)
        if not (written and item.failed):
            known = sorted({name for schema in blocks.schemas.values() for name in schema.runtimes})
            detail = (
                f"{item.instance.address} says nowhere where it runs, so nobody could become it. Add exactly one "
                f'block runtime "…" ({", ".join(known) or "none is known without a provider"}).'
            )
            item.error("E-RUNTIME", "Agent without a runtime", detail)
        return Settings("runtime")
    if len(runtimes) > 1:
        detail = (
            "An agent is one principal with one runtime: two would share its authority, and a trust in one would be "
            "a way into the other. Split the agent, or remove one."
        )
        item.error("E-RUNTIME", "Agent with two runtimes", detail, runtimes[1].range)
    return runtimes[0]


def _identities(
    blocks: Blocks, item: Decoded, defaults: _Defaults, providers: Mapping[str, ProviderConfig]
) -> dict[str, Identity]:
    found: dict[str, Identity] = {}
    own = own_provider(item.instance, item.decoder)
    for settings in item.settings.of("identity"):
        cloud = settings.labels[0]
        if cloud in found:
            detail = f'An agent has one identity in each cloud. Remove one of the identity "{cloud}" blocks.'
            item.error("E-IDENTITY", "Two identities in one cloud", detail, settings.range)
            continue
        key = _provider_key(item, settings, cloud, own, defaults.provider)
        if key is None:
            continue
        if key not in providers:
            blocks.complete = False
        values = {name: value for name, value in settings.values.items() if name != "provider"}
        rest = Settings("identity", settings.labels, values, settings.blocks, settings.range, settings.ranges)
        found[cloud] = Identity(cloud, key, without_blocks(rest))
    cloud = "" if own is None else own.partition(".")[0]
    if cloud and cloud not in found and not item.failed:
        attribute = item.instance.declaration.block.body.attributes["provider"]
        detail = (
            f"{item.instance.address} names a provider of {cloud}, and is nothing there: the line has no effect. Add "
            f'identity "{cloud}" {{}}, or remove it.'
        )
        item.error("E-IDENTITY", f"Agent without an identity in {cloud}", detail, attribute.range)
    if not found and not item.failed:
        known = sorted(blocks.schemas)
        example = f'Add identity "{known[0]}" {{}}.' if known else "Declare a provider, then add an identity block."
        detail = f"{item.instance.address} is nothing in any cloud, so it can hold no authority. {example}"
        item.error("E-IDENTITY", "Agent without an identity", detail)
    return found


def own_provider(instance: BlockInstance, decoder: Decoder) -> str | None:
    """The key that a block's own `provider` argument names: the default of the agent's, or all agents', identities."""
    attribute = instance.declaration.block.body.attributes.get("provider")
    if attribute is None:
        return None
    try:
        value = decoder.value(attribute.expr)
    except DiagnosticError as error:
        decoder.failed = True
        decoder.report.extend(error.diagnostics)
        return None
    if not isinstance(value, BlockValue) or value.kind != "provider":
        detail = "provider names a provider block: provider.aws, or provider.aws.prod for one with an alias."
        decoder.error("E-TYPE", "Incorrect attribute value type", detail, attribute.expr.range)
        return None
    return str(value.payload)


def _provider_key(item: Decoded, settings: Settings, cloud: str, own: str | None, workspace: str | None) -> str | None:
    """Where an agent is in one cloud. What is said closest to it counts: in the identity, the agent, the module call
    that passes providers, agent_defaults; then the one provider that there is. None, reported, when that is unclear."""
    chosen = settings.get("provider")
    if isinstance(chosen, BlockValue):
        key = str(chosen.payload)
        if key.partition(".")[0] != cloud:
            detail = f'identity "{cloud}" needs a provider of {cloud}, and {chosen.address} is none. Name another.'
            item.error("E-IDENTITY", "Provider of another cloud", detail, settings.range_of("provider"))
            return None
        return key
    if "provider" in settings.ranges:  # written, and its error was reported
        return None
    if own is not None and own.partition(".")[0] == cloud:
        return own
    module = item.instance.module
    visible = module.providers
    if workspace is not None and workspace.partition(".")[0] == cloud and not module.passed_providers:
        return workspace
    if cloud in visible:
        return str(getattr(visible[cloud], "payload", cloud))
    aliased = sorted(key for key in visible if key.startswith(f"{cloud}."))
    if len(aliased) == 1:
        return str(getattr(visible[aliased[0]], "payload", aliased[0]))
    names = ", ".join(f"provider.{key}" for key in aliased)
    if aliased:
        detail = f"Several providers of {cloud} are configured ({names}). Say which: provider = provider.{aliased[0]}."
    else:
        detail = (
            f"No provider of {cloud} is visible in this module. Pass one with providers = {{}} in the module block."
        )
    item.error("E-IDENTITY", f"Which {cloud} provider is not known", detail, settings.range)
    return None
