"""Merkle tree hashes and proofs by RFC 6962, section 2.1. A leaf's data are the 32 bytes of an entry's digest.

The tree over the first n entries never changes once they are written, so one signed hash binds them all; a proof of
a few hashes shows that an entry is in it, or that a longer ledger continues a shorter one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .entries import History

_LEAF, _NODE = b"\x00", b"\x01"
PREFIX = "sha256:"


def leaves(history: History, size: int | None = None) -> list[bytes]:
    """The leaf hashes of the first `size` entries, of all where None."""
    chosen = history if size is None else history[:size]
    return [leaf(entry.digest) for entry in chosen]


def leaf(digest: str) -> bytes:
    """The leaf hash of an entry by its digest (`sha256:` and 64 hex digits)."""
    return hashlib.sha256(_LEAF + bytes.fromhex(digest.removeprefix(PREFIX))).digest()


def tree_head(hashes: Sequence[bytes]) -> bytes:
    """MTH: the root hash over leaf hashes; of an empty tree the hash of nothing."""
    if not hashes:
        return hashlib.sha256().digest()
    level = list(hashes)
    while len(level) > 1:
        # Pairing level by level, with an odd last one carried up, gives the same tree as splitting at powers of two.
        paired = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def tree_text(history: History, size: int) -> str:
    """The root hash over the first `size` entries, as entries write digests."""
    return PREFIX + tree_head(leaves(history, size)).hex()


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """PATH: what it takes to get from the leaf at `index` (from 0) to the root. Raises ValueError for no such leaf."""
    if not 0 <= index < len(hashes):
        raise ValueError(f"there is no leaf {index} among {len(hashes)}")
    if len(hashes) == 1:
        return []
    split = _split(len(hashes))
    if index < split:
        return [*inclusion_proof(hashes[:split], index), tree_head(hashes[split:])]
    return [*inclusion_proof(hashes[split:], index - split), tree_head(hashes[:split])]


def verify_inclusion(found: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows the leaf hash `found` at `index` of a tree of `size` (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, hash_ = index, size - 1, found
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            hash_ = _node(step, hash_)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hash_ = _node(hash_, step)
        at, last = at >> 1, last >> 1
    return last == 0 and hash_ == root


def consistency_proof(hashes: Sequence[bytes], first: int) -> list[bytes]:
    """PROOF: that the tree over all hashes begins with the tree over the `first` of them. Raises ValueError."""
    if not 0 < first <= len(hashes):
        raise ValueError(f"a tree of {len(hashes)} does not continue one of {first}")
    return _subproof(hashes, first, True)


def verify_consistency(first: int, second: int, proof: Sequence[bytes], old: bytes, new: bytes) -> bool:
    """Whether `proof` shows that tree `new` of size `second` continues `old` of size `first` (RFC 9162, 2.1.4)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and old == new
    steps = list(proof)
    if first & (first - 1) == 0:
        steps.insert(0, old)
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = _node(step, before), _node(step, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = _node(after, step)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old and after == new


def _subproof(hashes: Sequence[bytes], first: int, whole: bool) -> list[bytes]:
    if first == len(hashes):
        return [] if whole else [tree_head(hashes)]
    split = _split(len(hashes))
    if first <= split:
        return [*_subproof(hashes[:split], first, whole), tree_head(hashes[split:])]
    return [*_subproof(hashes[split:], first - split, False), tree_head(hashes[:split])]


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
