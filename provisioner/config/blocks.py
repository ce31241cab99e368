"""Walks the instances of domain blocks and decodes them; the ground on which the typed objects are built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ..lang.values import BlockValue
from ..model.configuration import ProviderConfig, Settings
from ..model.source import SourceRange
from ..sdk.schema import BlockSchema, ProviderSchema
from . import times
from .decode import Decoder
from .instances import BlockInstance, ModuleInstance, Run
from .lifecycle import LIFECYCLE, PROTECTED_KINDS, Protection, is_protected_as_written
from .module import Declaration
from .origin import origin
from .schema import META_ARGUMENTS, provider_block, with_clouds

NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
MAX_NAME: Final = 64
_NAME_RULE: Final = (
    "A name starts with a lower-case letter and holds lower-case letters, digits, and single underscores or hyphens "
    f"between them, {MAX_NAME} characters at most, because the clouds' own names are made from it."
)


_FOLLOWS_AGENTS: Final = (
    "does not belong to one provider: it reaches the account or project of each agent that uses it. Set provider in "
    "the agent, its identity blocks, or agent_defaults."
)
_IN_A_PROVIDER: Final = ("agent", "agent_defaults", "federation")
_WITHOUT_PROVIDER: Final = {
    "boundary": _FOLLOWS_AGENTS,
    "grant": _FOLLOWS_AGENTS,
    "tool": _FOLLOWS_AGENTS,
    "test": "is about agents, each where its identity is. Remove the line; an attempt's label names the cloud.",
}


@dataclass(eq=False)
class Decoded:
    """One block instance as plain values. `failed` tells that it has errors, which were reported."""

    instance: BlockInstance
    decoder: Decoder
    settings: Settings
    prevent_destroy: bool = False

    @property
    def failed(self) -> bool:
        return self.decoder.failed

    def get(self, name: str, default: Any = None) -> Any:
        """A value of the block itself."""
        return self.settings.get(name, default)

    def error(self, code: str, summary: str, detail: str, subject: SourceRange | None = None) -> None:
        """Report an error about this block; `subject` is its header unless given."""
        self.decoder.error(code, summary, detail, subject or self.instance.range, self._origin(subject))

    def _origin(self, subject: SourceRange | None) -> SourceRange | None:
        """The line of a data file behind the attribute whose range is meant."""
        for name, attribute in self.instance.declaration.block.body.attributes.items():
            if subject is not None and self.settings.ranges.get(name) is subject:
                return self.decoder.origin(attribute.expr)
        return None

    def duration(self, settings: Settings, name: str) -> int | None:
        """Seconds of a duration attribute; None when it is absent or, reported, not one."""
        text = settings.get(name)
        if not isinstance(text, str):
            return None
        found = times.seconds(text)
        if found is None:
            detail = f'"{text}" is not a duration. Write days, hours, minutes or seconds: "90d", "72h", "1h30m".'
            self.error("E-TIME", f"Invalid {name}", detail, settings.range_of(name))
        return found


Shape = Callable[[BlockInstance, Decoder], BlockSchema | None]
"""The schema of one block; None, reported, when the block does not say enough to tell."""


def _identity_labels(declaration: Declaration) -> frozenset[str]:
    """The clouds that an agent block says it is in; empty where that takes evaluating."""
    blocks = declaration.block.body.blocks
    if any(inner.type == "dynamic" and inner.labels and inner.labels[0].value == "identity" for inner in blocks):
        return frozenset()
    return frozenset(inner.labels[0].value for inner in blocks if inner.type == "identity" and inner.labels)


def without_blocks(settings: Settings) -> Settings:
    """What a provider gets: blocks that are referred to stand by address, agents by name."""
    if not _refers(settings):
        return settings
    values = {name: _named(value) for name, value in settings.values.items()}
    inner = tuple(without_blocks(block) for block in settings.blocks)
    return Settings(settings.type, settings.labels, values, inner, settings.range, settings.ranges)


def _refers(settings: Settings) -> bool:
    return any(_holds(value) for value in settings.values.values()) or any(_refers(one) for one in settings.blocks)


def _holds(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_holds(item) for item in value)
    if isinstance(value, dict):
        return any(_holds(item) for item in value.values())
    return isinstance(value, BlockValue)


def _named(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_named(item) for item in value)
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, BlockValue):
        return str(value.attributes["name"]) if value.kind == "agent" else value.address
    return value


def referred(value: Any) -> BlockInstance:
    """The block that a decoded reference names."""
    assert isinstance(value, BlockValue)
    assert isinstance(value.payload, BlockInstance)
    return value.payload


class Blocks:
    """Decodes the blocks of a workspace, kind by kind. `modules` are all module instances, the root first."""

    def __init__(self, run: Run, modules: Sequence[ModuleInstance], schemas: Mapping[str, ProviderSchema]) -> None:
        self.run = run
        self.report = run.report
        self.root = modules[0]
        self.modules = modules
        self.schemas = schemas
        self.complete = True
        self.protection = Protection()
        self._ranges: dict[int, Mapping[str, SourceRange]] = {}

    def of(self, kind: str, shape: Shape | None = None, skip: tuple[str, ...] = ()) -> list[Decoded]:
        """Every block of a kind. `complete` falls when one could not be had.

        `shape` gives the schema of one block where not all have the same; `skip` names arguments that somebody else
        evaluates.
        """
        choose = self._shape(kind) if shape is None else shape
        found: list[Decoded] = []
        for module in self.modules:
            for declaration in module.module.blocks.get(kind, {}).values():
                expansion = module.blocks[kind][declaration.label]
                graph = self.run.graph
                if not graph.settle(expansion) or not graph.settle(module.body(declaration)):
                    self.complete = False
                    continue
                found.extend(self._decoded(instance, choose, skip) for instance in expansion.value.values())
                if not expansion.value and is_protected_as_written(declaration.block):
                    self.protection.note(f"{module.prefix}{kind}.{declaration.label}", True)
        return found

    def finish(self, items: Sequence[Decoded]) -> None:
        """Note whether everything decoded so far is whole: checks across blocks need that."""
        self.complete = self.complete and not any(item.failed for item in items)

    def providers(self) -> dict[str, ProviderConfig]:
        """The root module's provider blocks by key."""
        found: dict[str, ProviderConfig] = {}
        for key, declaration in self.root.module.providers.items():
            schema = self.schemas.get(declaration.label)
            if schema is None or not self.run.graph.settle(self.root.body(declaration)):
                self.complete = False
                continue
            decoder = self._decoder(self.root)
            shape = provider_block(schema)
            settings = decoder.settings(declaration.block, shape, META_ARGUMENTS)
            if decoder.failed:
                self.complete = False
                continue
            found[key] = ProviderConfig(
                key,
                declaration.label,
                settings.get("alias"),
                settings.get("environment"),
                _without(settings, ("alias", "environment")),
                declaration.range,
            )
        return found

    def name(self, item: Decoded, written: str | None = None) -> str:
        """The name of a block, checked."""
        name = item.instance.name if written is None else written
        if len(name) > MAX_NAME or NAME.fullmatch(name) is None:
            if written is None:
                own = ", or set name" if item.instance.declaration.kind == "agent" else ""
                fix = f" Give the block another label or key{own}."
                detail = f'The name of {item.instance.address} would be "{name}". {_NAME_RULE}{fix}'
                item.error("E-NAME", f"Invalid {item.instance.declaration.kind} name", detail)
            else:
                detail = f'"{name}" cannot be used. {_NAME_RULE} Choose another name.'
                subject = item.settings.range_of("name")
                item.error("E-NAME", f"Invalid {item.instance.declaration.kind} name", detail, subject)
        return name

    def unique(self, found: Sequence[Decoded], kind: str) -> None:
        """Names of one kind, as the clouds see them, must differ."""
        seen: dict[str, BlockInstance] = {}
        for item in found:
            known = seen.setdefault(item.instance.name.replace("_", "-"), item.instance)
            if known is not item.instance and not self.run.moves.wrong:
                detail = (
                    f"{known.address} ({known.range}) and {item.instance.address} ({item.instance.range}) would have "
                    f'the name "{item.instance.name}" in the clouds. Give one of them another label.'
                )
                item.error("E-NAME-TAKEN", f"Two {kind} blocks of one name", detail)

    def _decoder(self, module: ModuleInstance) -> Decoder:
        return Decoder(self.report, module.scope, self._ranges)

    def _shape(self, kind: str) -> Shape:
        if kind != "agent":
            schema = with_clouds(kind, self.schemas)
            return lambda instance, decoder: schema
        known: dict[frozenset[str], BlockSchema] = {}

        def of_agent(instance: BlockInstance, decoder: Decoder) -> BlockSchema:
            clouds = _identity_labels(instance.declaration)
            if clouds not in known:
                known[clouds] = with_clouds("agent", self.schemas, clouds)
            return known[clouds]

        return of_agent

    def _decoded(self, instance: BlockInstance, shape: Shape, skip: tuple[str, ...]) -> Decoded:
        decoder = Decoder(self.report, instance.scope, self._ranges, partial(origin, instance=instance))
        block = instance.declaration.block
        schema = shape(instance, decoder)
        if schema is None:
            return Decoded(instance, decoder, Settings(block.type, range=block.header))
        settings = decoder.settings(block, schema, (*META_ARGUMENTS, "lifecycle", *skip))
        item = Decoded(instance, decoder, settings)
        if any(inner.type == "lifecycle" for inner in block.body.blocks):
            self._lifecycle(item)
        if instance.declaration.kind in PROTECTED_KINDS:
            self.protection.note(instance.address, item.prevent_destroy)
        if "provider" in block.body.attributes and instance.declaration.kind not in _IN_A_PROVIDER:
            why = _WITHOUT_PROVIDER.get(instance.declaration.kind, "is in no cloud. Remove the line.")
            detail = f"A {instance.declaration.kind} block {why}"
            item.error("E-ARGUMENT", "Unsupported argument", detail, block.body.attributes["provider"].range)
        return item

    def _lifecycle(self, item: Decoded) -> None:
        kind, block = item.instance.declaration.kind, item.instance.declaration.block
        inner = [one for one in block.body.blocks if one.type == "lifecycle"]
        if kind not in PROTECTED_KINDS:
            takes = ", ".join(PROTECTED_KINDS[:-1])
            detail = (
                f"A {kind} is nothing of its own in a cloud, so no plan deletes it. Remove lifecycle, or protect the "
                f"{takes} or {PROTECTED_KINDS[-1]} that is meant."
            )
            item.error("E-BLOCK", "Unsupported block type", detail, inner[0].header)
            return
        if len(inner) > 1:
            detail = 'No more than 1 "lifecycle" block is allowed here. Remove one.'
            item.error("E-BLOCK", "Too many lifecycle blocks", detail, inner[1].header)
        settings = item.decoder.settings(inner[0], LIFECYCLE)
        item.prevent_destroy = settings.get("prevent_destroy") is True


def _without(settings: Settings, names: tuple[str, ...]) -> Settings:
    values = {name: value for name, value in settings.values.items() if name not in names}
    return Settings(settings.type, settings.labels, values, settings.blocks, settings.range, settings.ranges)
