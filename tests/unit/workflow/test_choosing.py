"""`apply -signed`: which of the published plans that may run is meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.model.diagnostics import DiagnosticError
from provisioner.workflow.choosing import Ready, choose

MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


def ready(digit: str, *people: str, hours: int = 0, begun: bool = False) -> Ready:
    return Ready(f"sha256:{digit * 64}", 2, MORNING + timedelta(hours=hours), people, begun)


def test_none_and_one() -> None:
    assert choose([]) is None
    assert choose([ready("a", "alice")]) == "sha256:" + "a" * 64


def test_what_people_signed_goes_before_what_nobody_had_to_sign() -> None:
    """Else whoever publishes a plan that only narrows would hold up the one that everybody has signed."""
    found = choose([ready("a", "alice"), ready("b", hours=1), ready("c", hours=2, begun=True)])
    assert found == "sha256:" + "a" * 64


def test_of_those_that_ask_nobody_the_newest() -> None:
    assert choose([ready("b", hours=2), ready("a", hours=1, begun=True)]) == "sha256:" + "b" * 64


def test_between_plans_that_people_signed_people_decide() -> None:
    """What stands in an unsigned entry of the ledger, that one was begun, chooses nothing."""
    with pytest.raises(DiagnosticError) as caught:
        choose([ready("b", "bob", hours=2), ready("a", "alice", "carol", begun=True), ready("c")])
    (told,) = caught.value.diagnostics
    assert told.code == "E-AMBIGUOUS"
    assert told.summary == "2 plans are signed: aaaaaaaa, bbbbbbbb"
    assert "aaaaaaaa of 2026-11-23 09:00Z (2 changes, signed by alice, carol, begun)" in told.detail
    assert "provisioner apply bbbbbbbb" in told.detail
    assert "provisioner sign aaaaaaaa -reject -reason TEXT" in told.detail
