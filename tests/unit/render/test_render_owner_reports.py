"""The owners' reports as text: everything that a configuration can choose is shown as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.render.exceptions import ExceptionRow, Exceptions, exceptions_text
from provisioner.render.inbox import Inbox, Notice, Waiting, inbox_text
from provisioner.render.owners import OwnerMatrix, OwnerRow, owners_csv, owners_markdown, owners_text, plain_cell
from provisioner.render.plandiff import ChangePair, Kept, PlanDiff, Verdict, plan_diff_text
from provisioner.render.whosigns import BlockSigners, Signers, WhoSigns, who_signs_text

HOSTILE = "x\x1b[2J\u202egnp.exe\n| forged |"
ROW = OwnerRow("agent", HOSTILE, "identity", HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), 1, HOSTILE, HOSTILE)
SIGNERS = Signers("identity", HOSTILE, (HOSTILE,), 1)
WAITING = Waiting(
    "7f3a9c21", "sha256:x", "identity", HOSTILE, HOSTILE, (1,), (HOSTILE,), 1, 1, (HOSTILE,), "", 3, False
)
SET_ASIDE = ExceptionRow(
    HOSTILE, "exception", (HOSTILE,), (HOSTILE,), HOSTILE, HOSTILE, HOSTILE, HOSTILE, "2027-01-15", 3
)
PAIR = ChangePair(Verdict.NEW, None, 1, HOSTILE, HOSTILE, HOSTILE, "wider", (HOSTILE,))
TEXTS = {
    "owners": owners_text(OwnerMatrix(HOSTILE, "trust root v1", True, (ROW,), (HOSTILE, HOSTILE))),
    "owners as Markdown": owners_markdown(OwnerMatrix(HOSTILE, "trust root v1", True, (ROW,))),
    "owners as CSV": owners_csv(OwnerMatrix(HOSTILE, "trust root v1", True, (ROW,))),
    "who-signs": who_signs_text(
        WhoSigns(HOSTILE, "trust root v1", HOSTILE, (BlockSigners(HOSTILE, 1, (SIGNERS,)),), (SIGNERS,))
    ),
    "inbox": inbox_text(
        Inbox(HOSTILE, HOSTILE, (WAITING,), (Notice("replaced", "7f3a9c21", HOSTILE, HOSTILE, HOSTILE),))
    ),
    "exceptions": exceptions_text(Exceptions(HOSTILE, 1, (SET_ASIDE,))),
    "diff": plan_diff_text(
        PlanDiff(HOSTILE, "a", "b", False, (PAIR,), True, (Kept("identity", HOSTILE, HOSTILE, True, "same"),))
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_no_name_moves_the_screen_or_forges_a_line(name: str) -> None:
    text = TEXTS[name]
    assert "\x1b" not in text and "\u202e" not in text
    assert not any(line.lstrip().startswith("| forged") for line in text.splitlines())
    assert text.endswith("\n")
    if name not in ("owners as Markdown", "owners as CSV"):
        assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "|calc"])
def test_a_formula_is_text(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["iam", "1 of 2", "a=b", ""])
def test_text_stays_text(text: str) -> None:
    assert plain_cell(text) == text


def test_nothing_to_say_is_said() -> None:
    assert "Nothing waits" in inbox_text(Inbox("acme", "ann", ()))
    told = inbox_text(Inbox("acme", "ann", (), (Notice("review", "7f3a9c21", "iam", "iam owes a review"),), solo=True))
    assert "Nothing waits" not in told and "REVIEW OWED" in told and "solo: one person holds every sign-off" in told
    assert "No rule is set aside" in exceptions_text(Exceptions("acme", 1, ()))
    unowned = owners_text(OwnerMatrix("acme", "x", False, (replace(ROW, owner=None),)))
    assert "1 without exactly one owner" in unowned and "NOBODY" in unowned


def test_what_has_ended_is_told_from_what_holds() -> None:
    ended = replace(SET_ASIDE, address="exception.old", days_left=None)
    text = exceptions_text(Exceptions("acme", 1, (SET_ASIDE, ended)))
    assert "1 exception in force, 1 ended" in text and "ended" in text.split("exception.old")[0].splitlines()[-1]
