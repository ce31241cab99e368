"""What a provider says about itself: the HCL it adds, the kinds of resource it handles. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.changes import Surface


@dataclass(frozen=True, slots=True)
class AttributeSchema:
    """An attribute of a provider's block. `type` is a type constraint as written in HCL (`list(string)`).

    `choices`, when given, are the only values. The default stands for an attribute that is absent or null. `json`: the
    string is a JSON text, of which only the content counts; it is decoded to the compact form.
    """

    type: str
    doc: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    json: bool = False


@dataclass(frozen=True, slots=True)
class BlockSchema:
    """The shape of a block. `labels` names its labels; `blocks` its nested blocks by type.

    `min` and `max` bound how often it stands in its parent; `max` None is any number.
    """

    doc: str = ""
    attributes: Mapping[str, AttributeSchema] = field(default_factory=dict)
    blocks: Mapping[str, BlockSchema] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    min: int = 0
    max: int | None = None


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """An attribute of a resource kind: the surfaces that a change of it touches."""

    surfaces: tuple[Surface, ...]


@dataclass(frozen=True, slots=True)
class KindSchema:
    """A kind of resource.

    `noun` is what a person calls it. `principal`: deleting one needs the ledger's record that we made or claimed it.
    `shared`: one for many agents; deleting it needs that record too. `observed`: never written, only judged
    (an access key); it makes no change, it makes findings. `credential`: a long-lived secret stands behind it.
    `mark`: the attribute that says whose it is, of kinds that can be claimed and released by themselves.
    """

    noun: str
    fields: Mapping[str, FieldSchema]
    principal: bool = False
    shared: bool = False
    observed: bool = False
    credential: bool = False
    mark: str = ""

    def adoption(self) -> tuple[Surface, ...]:
        """The surfaces that a claim or a release touches: whose the thing is, and governance, which lets it in or go.

        What stands or hangs on a principal is a matter of identity; something shared, of the surface of its mark.
        """
        own = self.surfaces((self.mark,)) if self.shared and self.mark else (Surface.IDENTITY,)
        return tuple(surface for surface in Surface if surface in (*own, Surface.GOVERNANCE))

    def surfaces(self, names: tuple[str, ...] | None = None) -> tuple[Surface, ...]:
        """The surfaces that the named fields touch; of every field when None. Ordered as Surface is."""
        chosen = self.fields if names is None else names
        touched = {surface for name in chosen for surface in self.fields[name].surfaces}
        return tuple(surface for surface in Surface if surface in touched)


@dataclass(frozen=True, slots=True)
class ProviderSchema:
    """`tool` may stand several times in a tool block where it carries labels. `runtimes` are by label.

    `federation` is what the body of a `federation` block holds where its provider is this cloud; None where the cloud
    has none. An attribute of type `federation` is decoded to the address of the block that it names. `delegations` are
    the ways of delegation (`via`) that this cloud carries out.
    """

    name: str
    provider: BlockSchema
    identity: BlockSchema
    tool: BlockSchema
    boundary: BlockSchema
    attempt: BlockSchema
    runtimes: Mapping[str, BlockSchema]
    requires: Mapping[str, BlockSchema]
    kinds: Mapping[str, KindSchema]
    federation: BlockSchema | None = None
    delegations: tuple[str, ...] = ()
