"""What the sign-off table's last column says, in each state."""

from __future__ import annotations

import pytest

from provisioner.render.signoff import SignOffRow, SignOffs, obligation_lines, sign_step, signoff_table
from provisioner.render.text import Paint


def row(**over: object) -> SignOffRow:
    values = {"surface": "identity", "owner": "iam", "changes": (1, 2), "need": 1, "have": 1, "signed_by": ("erin",)}
    return SignOffRow(**(values | over))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "state", "done"),
    [
        (row(), "signed by erin", True),
        (row(kept_by=("erin",)), "signed by erin, kept: changes 1 2 are the same", True),
        (row(kept_by=("erin",), changes=(3,)), "signed by erin, kept: change 3 is the same", True),
        (row(kept_by=("erin",), changes=()), "signed by erin, kept: the root is the same", True),
        (
            row(signed_by=("al", "erin"), kept_by=("al",)),
            "signed by al, erin, kept (al): changes 1 2 are the same",
            True,
        ),
        (row(standing=("erin",)), "signed by erin in its place", True),
        (row(broken=True, signed_by=("sam", "tom")), "GLASS BROKEN by sam and tom", True),
        (row(notified=True, need=0, have=0, signed_by=()), "notified: it only takes authority away", True),
        (row(notified=True, need=0, have=0, signed_by=(), rejected=("carol: no",)), "rejected by carol: no", False),
        (row(waived="not needed: announced", have=0, signed_by=()), "not needed: announced", True),
        (row(have=0, signed_by=(), may_sign=("bob",), instead="api may stand in"), "waiting; api may stand in", False),
    ],
)
def test_state(given: SignOffRow, state: str, done: bool) -> None:
    assert (given.state, given.done) == (state, done)


def test_what_somebody_else_may_sign_is_not_out_of_reach() -> None:
    waiting = row(have=0, signed_by=())
    assert waiting.unreachable
    assert not row(have=0, signed_by=(), instead="security may stand in for iam").unreachable
    signoffs = SignOffs((row(have=0, signed_by=(), instead="x"),))
    assert sign_step(signoffs, "7f3a9c21")[0] == "provisioner sign 7f3a9c21 -owner iam"


def test_a_notice_has_no_quorum() -> None:
    table = signoff_table(SignOffs((row(notified=True, need=0, have=0, signed_by=()),)), 100, Paint(False))
    assert " none " in table[1] and "notified" in table[1]


def test_what_is_owed_is_escaped() -> None:
    lines = obligation_lines(["iam owes \x1b[2J"], 60, Paint(False))
    assert lines[0].startswith("REVIEW OWED") and "\x1b" not in "".join(lines)
    assert obligation_lines([], 60, Paint(False)) == []
