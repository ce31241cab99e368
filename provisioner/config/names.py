"""Instance keys, and the names that are made from labels and keys."""

from __future__ import annotations

import json
from typing import Final

Key = str | int | None
"""Of an instance: a key of for_each, an index of count, None where a block is not repeated."""

_DROPPED: Final = "this"


def key_text(key: Key) -> str:
    """An instance key as an address writes it: `["a"]`, `[0]`, or nothing."""
    return "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"


def joined_name(parts: tuple[Key, ...]) -> str:
    """A name from module keys, label and instance key; `this` says nothing and is dropped."""
    kept = [str(part) for part in parts if part not in (None, "", _DROPPED)]
    return "_".join(kept) or _DROPPED


def module_name(label: str, key: Key) -> Key:
    """What a module call adds to the names of its blocks: its key, else its label."""
    return label if key is None else key if isinstance(key, str) else f"{label}_{key}"
