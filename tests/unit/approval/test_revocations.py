"""Revocations, judged in the order of the ledger and by the root of their moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import scenario as s
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner import canonical
from provisioner.approval import revocation, statement
from provisioner.approval.dsse import EnvelopeError
from provisioner.approval.revocation import Recorded, Revocations
from provisioner.approval.root import TrustRoot, make_root, pin
from provisioner.approval.statement import StatementError, Witness

ROOT = make_root(s.root_data())


def judged(*recorded: Recorded, roots: tuple[tuple[int, TrustRoot], ...] = ((1, ROOT),)) -> Revocations:
    return revocation.judge(recorded, roots, pin(roots[0][1]))


def fingerprint(name: str) -> str:
    return s.keys.from_blob(s.key_blob(name)).fingerprint


def test_the_holder_alone_revokes_a_key_of_their_own() -> None:
    found = judged(s.revocation_of(ROOT, "bob-sk", 7, key="bob"))
    assert found.before() == {fingerprint("bob")}
    assert found.before(7) == frozenset() and found.before(8) == {fingerprint("bob")}
    assert (found.revoked[0].person, found.revoked[0].by, found.pending, found.ignored) == ("bob", ("bob",), (), ())


def test_a_person_is_all_their_keys_also_those_of_earlier_roots() -> None:
    data = s.root_data()
    first = make_root(
        replace(data, people=data.people | {"bob": replace(data.people["bob"], keys=(s.key_line("old"),))})
    )
    second = make_root(data, 2)
    found = judged(s.revocation_of(first, "bob", 9, person="bob", ledger=s.LEDGER), roots=((1, first), (5, second)))
    assert found.before() == {fingerprint(name) for name in ("bob", "bob-sk", "old")}


def test_a_key_given_later_counts() -> None:
    """Who was revoked gets a new key by a governance change: that is no key of the day of the revocation."""
    data = s.root_data()
    people = data.people | {"bob": replace(data.people["bob"], keys=(s.key_line("bob-new"),))}
    second = make_root(replace(data, people=people), 2)
    found = judged(s.revocation_of(ROOT, "bob", 3, person="bob"), roots=((1, ROOT), (5, second)))
    assert fingerprint("bob-new") not in found.before()
    assert fingerprint("bob") in found.before()


def test_governance_counts_when_the_quorum_is_reached_and_not_before() -> None:
    first, second = (s.revocation_of(ROOT, name, at, person="alice") for name, at in (("sam", 10), ("tom", 14)))
    waiting = judged(first)
    assert waiting.before() == frozenset()
    assert [(item.by, item.missing, item.may_sign) for item in waiting.pending] == [(("sam",), 1, ("tom",))]
    found = judged(second, first)
    assert found.before(14) == frozenset() and found.before(15) == {fingerprint("alice")}
    assert found.revoked[0].by == ("sam", "tom") and found.pending == ()


def test_a_signer_who_left_governance_is_no_part_of_its_quorum() -> None:
    data = s.root_data()
    owners = data.owners | {"security": replace(data.owners["security"], signers=("tom", "erin"))}
    second = make_root(replace(data, owners=owners), 2)
    early = s.revocation_of(ROOT, "sam", 3, person="alice")
    late = s.revocation_of(ROOT, "tom", 9, person="alice")
    found = judged(early, late, roots=((1, ROOT), (5, second)))
    assert found.before() == frozenset()
    assert found.pending[0].by == ("tom",) and found.pending[0].may_sign == ("erin",)


def test_before_the_first_root_nobody_revokes() -> None:
    found = judged(s.revocation_of(ROOT, "alice", 1, key="alice"))
    assert found.revoked == () and found.ignored[0].why == "no trust root was in force"


@pytest.mark.parametrize(
    ("over", "why"),
    [
        ({"workspace": "acme-test"}, "another ledger"),
        ({"pin": "0" * 64}, "another ledger"),
        ({"ledger": "file:///elsewhere"}, "another ledger"),
        ({"reason": " "}, "needs a reason"),
        ({"reason": "a\u202eb"}, "cannot see"),
        ({"issued": "today"}, "is not a time"),
        ({"nonce": "1"}, "malformed"),
        ({"fingerprint": "SHA256:short"}, "malformed"),
        ({"fingerprint": None}, "one key or of one person"),
        ({"witness": Witness(3, "")}, "names no ledger entry"),
    ],
)
def test_what_does_not_count_and_why(over: dict[str, Any], why: str) -> None:
    found = judged(s.revocation_of(ROOT, "alice", key="alice", **over))
    assert found.revoked == ()
    assert why in found.ignored[0].why


def test_nobody_can_be_revoked_who_is_not_in_the_root() -> None:
    assert "no person" in judged(s.revocation_of(ROOT, "sam", person="nobody")).ignored[0].why


def test_texts_that_cannot_be_signed_are_refused_before() -> None:
    with pytest.raises(StatementError, match="reason"):
        revocation.make(ROOT, pin(ROOT), None, "alice", "", now=s.NOW, witness=Witness(0, ""))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    made = s.revocation_of(ROOT, "alice", key="alice")
    payload = revocation.encode(revocation.open_revocation(made.envelope)[0])
    at = data.draw(st.integers(0, len(payload) * 8 - 1))
    flipped = bytearray(payload)
    flipped[at // 8] ^= 1 << at % 8
    with pytest.raises(EnvelopeError):
        envelope = {**made.envelope, "payload": s.b64encode(bytes(flipped)).decode()}
        revocation.open_revocation(envelope)
    try:
        again = revocation.decode(bytes(flipped))
    except StatementError:
        return
    assert revocation.encode(again) == bytes(flipped) and again != revocation.decode(payload)


def test_a_sign_off_is_no_revocation_and_the_other_way_round() -> None:
    made = s.Situation()
    with pytest.raises(EnvelopeError, match="not a revocation"):
        revocation.open_revocation(made.envelopes[0])
    payload = revocation.encode(revocation.open_revocation(s.revocation_of(ROOT, "alice", key="alice").envelope)[0])
    with pytest.raises(StatementError, match="not a sign-off"):
        statement.decode(payload)
    value = canonical.loads(payload)
    value["subject"][0]["name"] = "plan"
    with pytest.raises(StatementError, match="another one"):
        revocation.decode(canonical.dumps(value))
