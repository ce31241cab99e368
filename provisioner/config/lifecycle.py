"""`lifecycle { prevent_destroy }`: which blocks take it, and what it protects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ..lang import ast
from ..sdk.schema import AttributeSchema, BlockSchema

PROTECTED_KINDS: Final = ("agent", "boundary", "federation", "grant")
"""Blocks that are something of their own in a cloud, which a plan could delete."""

LIFECYCLE: Final = BlockSchema(
    "How changes to it are made.",
    {"prevent_destroy": AttributeSchema("bool", "Refuse every plan that would delete it.", default=False)},
    max=1,
)
_INSTANCE_KEY: Final = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')


def without_keys(address: str) -> str:
    """An address with the instance keys of the block and of its modules left out."""
    return _INSTANCE_KEY.sub("", address)


def is_protected_as_written(block: ast.Block) -> bool:
    """Whether a block says `prevent_destroy = true` in so many words: then also when it has no instance."""
    for inner in block.body.blocks:
        attribute = inner.body.attributes.get("prevent_destroy") if inner.type == "lifecycle" else None
        if attribute is not None and isinstance(attribute.expr, ast.Literal):
            return attribute.expr.value is True
    return False


@dataclass(eq=False)
class Protection:
    """Collects what every block that could be protected says."""

    _protected: set[str] = field(default_factory=set)
    _open: set[str] = field(default_factory=set)

    def note(self, address: str, prevent_destroy: bool) -> None:
        """One instance, or a block without instances by its address without a key."""
        if prevent_destroy:
            self._protected |= {address, without_keys(address)}
        else:
            self._open |= {address, without_keys(address)}

    def addresses(self) -> Iterable[str]:
        """As `Configuration.kept` has them."""
        return sorted(self._protected - self._open)
