"""RFC 6962 trees: the known answers, every proof that must hold, and none that must not."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.ledger.merkle import (
    consistency_proof,
    inclusion_proof,
    tree_head,
    verify_consistency,
    verify_inclusion,
)

# The inputs and roots of certificate-transparency's own test (merkle_tree_test.cc).
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def hashes(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + bytes([at])).digest() for at in range(count)]


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_known_answers(size: int, root: str) -> None:
    found = [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS[:size]]
    assert tree_head(found).hex() == root


@given(st.integers(1, 70), st.data())
@settings(max_examples=150, deadline=None)
def test_an_entry_is_shown_to_be_in_the_tree_and_no_other(size: int, data: st.DataObject) -> None:
    all_ = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(all_, index), tree_head(all_)
    assert verify_inclusion(all_[index], index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index)) if size > 1 else None
    if other is not None:
        assert not verify_inclusion(all_[other], index, size, proof, root)
        assert not verify_inclusion(all_[index], other, size, proof, root)
    assert not verify_inclusion(all_[index], index, size, [*proof, root], root)
    assert not verify_inclusion(all_[index], size, size, proof, root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bad = [*proof]
        bad[at] = hashlib.sha256(bad[at]).digest()
        assert not verify_inclusion(all_[index], index, size, bad, root)
        assert not verify_inclusion(all_[index], index, size, proof[:-1], root)


@given(st.integers(1, 70), st.data())
@settings(max_examples=150, deadline=None)
def test_a_longer_tree_continues_a_shorter_one_or_is_found_out(size: int, data: st.DataObject) -> None:
    all_ = hashes(size)
    first = data.draw(st.integers(1, size))
    old, new, proof = tree_head(all_[:first]), tree_head(all_), consistency_proof(all_, first)
    assert verify_consistency(first, size, proof, old, new)
    changed = [*all_]
    at = data.draw(st.integers(0, first - 1))
    changed[at] = hashlib.sha256(b"rewritten").digest()
    forged = tree_head(changed)
    assert not verify_consistency(first, size, proof, old, forged)
    assert not verify_consistency(first, size, consistency_proof(changed, first), old, forged)
    assert not verify_consistency(first, size, [*proof, old], old, new)
    assert not verify_consistency(size + 1, size, proof, old, new)


def test_what_is_not_there_has_no_proof() -> None:
    for call in (lambda: inclusion_proof(hashes(3), 3), lambda: consistency_proof(hashes(3), 4)):
        with pytest.raises(ValueError, match=r"no leaf|does not continue"):
            call()
    assert not verify_consistency(0, 3, [], tree_head([]), tree_head(hashes(3)))
    assert not verify_inclusion(b"", -1, 3, [], b"")
