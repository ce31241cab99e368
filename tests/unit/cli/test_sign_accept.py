"""`sign -accept FINDING=REASON`: a finding is known by its whole name, whatever a cloud lets a name hold."""

from __future__ import annotations

import pytest

from provisioner.cli.sign import _accepted
from provisioner.model.diagnostics import DiagnosticError
from provisioner.workflow.refusing import check_texts

ASKED = ("TRI-1 aws:111122223333:iam_role:a", "TRI-1 aws:111122223333:iam_role:a=b", "ESC-1 agent.triage")


@pytest.mark.parametrize(
    ("pair", "name", "reason"),
    [
        ("ESC-1 agent.triage=known", ASKED[2], "known"),
        ("ESC-1 agent.triage= x=1 holds", ASKED[2], "x=1 holds"),
        (f"{ASKED[1]}=known", ASKED[1], "known"),
        (f"{ASKED[0]}=known", ASKED[0], "known"),
        ("NOT-1 asked=known", "NOT-1 asked", "known"),
    ],
)
def test_a_name_may_hold_an_equals_sign(pair: str, name: str, reason: str) -> None:
    assert _accepted((pair,), ASKED) == {name: reason}


@pytest.mark.parametrize("pair", ["", "=", "ESC-1 agent.triage", "ESC-1 agent.triage=", "ESC-1 agent.triage=  ", "=x"])
def test_without_a_name_or_a_reason_nothing_is_accepted(pair: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        _accepted((pair,), ASKED)
    assert caught.value.diagnostics[0].code == "E-USAGE"


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\u202eb", "two\nlines", "\udcff", "\u200b"])
def test_a_reason_that_cannot_be_seen_is_refused_before_anybody_signs(text: str) -> None:
    check_texts(("plain, with = and ü",))
    with pytest.raises(DiagnosticError) as caught:
        check_texts(("fine", text))
    assert caught.value.diagnostics[0].code == "E-TEXT"
