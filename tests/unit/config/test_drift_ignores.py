"""The file of what a drift run sets aside: what it may hold, what it never covers, what is said about a wrong one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from provisioner.config.ignores import fits, load_ignores
from provisioner.model.drift import Difference, DriftKind, DriftReport
from provisioner.model.resources import Address, Coverage
from provisioner.planning.ignoring import set_aside

ADDRESS = Address("aws", "111122223333", "iam_role_policy", "acme-triage/hotfix")
FOUND = Difference("D-1", DriftKind.OUT_OF_BAND, ("+ policy hotfix",), agent="triage", address=ADDRESS)
GOOD = """
ignore {
  address = "aws:111122223333:iam_role_policy:*/hotfix"
  reason  = "INC-7: until the vendor has mended it"
  expires = "2027-02-01"
}
ignore {
  agent   = "tri*"
  kind    = "pending"
  reason  = "waits for the new quarter"
  expires = "2026-12-01"
}
"""


def load(folder: Path, text: str):
    path = folder / "known.hcl"
    path.write_text(text, encoding="utf-8")
    return load_ignores(folder, path)


def report(*differences: Difference) -> DriftReport:
    return DriftReport("w", 1, None, differences, 1, 0, 1, 0, Coverage())


def test_a_good_file(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert found.diagnostics == ()
    first, second = found.blocks
    assert (str(first.range), first.expires, first.kind) == ("known.hcl:2", date(2027, 2, 1), None)
    assert (second.agent, second.kind) == ("tri*", DriftKind.PENDING)


def test_what_is_covered(tmp_path: Path) -> None:
    first, second = load(tmp_path, GOOD).blocks
    assert first.covers(FOUND) and not second.covers(FOUND)
    assert second.covers(replace(FOUND, kind=DriftKind.PENDING))
    assert not first.covers(replace(FOUND, address=replace(ADDRESS, target="999999999999")))
    assert not first.covers(replace(FOUND, address=None))


def test_what_was_not_read_is_never_covered(tmp_path: Path) -> None:
    first, _ = load(tmp_path, GOOD).blocks
    unread = replace(FOUND, kind=DriftKind.INCOMPLETE)
    assert not first.covers(unread)
    assert set_aside(report(unread), (first,), date(2026, 11, 24)).differences == (unread,)


def test_set_aside_keeps_everything_in_the_report(tmp_path: Path) -> None:
    blocks = load(tmp_path, GOOD).blocks
    other = replace(FOUND, id="D-2", agent="other", address=None)
    after = set_aside(report(FOUND, other), blocks, date(2026, 11, 24))
    assert after.differences == (other,)
    assert [(i.place, i.expired, i.differences) for i in after.ignored] == [
        ("known.hcl:2", False, (FOUND,)),
        ("known.hcl:7", False, ()),
    ]
    assert (after.set_aside, after.differ) == (1, 1)


@pytest.mark.parametrize(("today", "counts"), [(date(2027, 1, 31), True), (date(2027, 2, 1), False)])
def test_it_ends_on_its_day(tmp_path: Path, today: date, counts: bool) -> None:
    after = set_aside(report(FOUND), load(tmp_path, GOOD).blocks, today)
    assert (after.set_aside == 1) is counts
    assert after.ignored[0].expired is not counts
    assert after.ignored[0].place == "known.hcl:2"


def ignore(**values: str) -> str:
    given = {"agent": '"a"', "reason": '"known"', "expires": '"2027-02-01"', **values}
    return "ignore {\n" + "".join(f"  {name} = {value}\n" for name, value in given.items() if value) + "}\n"


@pytest.mark.parametrize(
    ("text", "code", "says", "line"),
    [
        (ignore(reason=""), "E-REQUIRED", '"reason" is required', 1),
        (ignore(expires=""), "E-REQUIRED", '"expires" is required', 1),
        (ignore(expires='"soon"'), "E-TIME", '"soon" is not a date', 4),
        (ignore(expires='"2027-02-30"'), "E-TIME", "is not a date", 4),
        (ignore(reason='"  "'), "E-IGNORE", "it is empty", 3),
        (ignore(reason='"a\\u202eb"'), "E-TEXT", "U+202E", 3),
        (ignore(agent=""), "E-IGNORE", "Name an address or an agent", 1),
        (ignore(agent="", kind='"pending"'), "E-IGNORE", "kind alone does not do", 1),
        (ignore(agent='"*"'), "E-IGNORE", "fits everything", 2),
        (ignore(agent="", address='"*:*:*:*"'), "E-IGNORE", "fits everything", 4),
        (ignore(agent='""'), "E-IGNORE", "fits everything", 2),
        (ignore(kind='"incomplete"'), "E-CHOICE", "not one of out_of_band", 5),
        (ignore(agnet='"b"'), "E-ARGUMENT", 'Did you mean "agent"?', 5),
        (ignore(agent="[1]"), "E-TYPE", "Inappropriate value", 2),
        (ignore(agent="var.name"), "E-REFERENCE", "may not be used here", 2),
        ("ignroe {\n}\n", "E-BLOCK", 'Did you mean "ignore"?', 1),
        ("agent = 1\n", "E-ARGUMENT", "ignore { … } blocks only", 1),
        ('ignore "x" {\n  agent = "a"\n  reason = "r"\n  expires = "2027-02-01"\n}\n', "E-LABEL", "no labels", 1),
        ("ignore {\n", "E-SYNTAX", "", 1),
    ],
)
def test_wrong_files_are_told_with_their_place(tmp_path: Path, text: str, code: str, says: str, line: int) -> None:
    found = load(tmp_path, text)
    first = found.diagnostics[0]
    assert first.code.startswith(code) and says in first.detail, first
    assert first.subject is not None and (first.subject.filename, first.subject.start.line) == ("known.hcl", line)
    assert found.blocks == ()


@pytest.mark.parametrize("made", ["absent", "directory", "utf-16", "not utf-8"])
def test_what_is_no_file_of_text(tmp_path: Path, made: str) -> None:
    path = tmp_path / "known.hcl"
    if made == "directory":
        path.mkdir()
    elif made != "absent":
        path.write_bytes(b"\xff\xfeI" if made == "utf-16" else b"ignore \xc3(")
    (found,) = load_ignores(tmp_path, path).diagnostics
    assert found.code == "E-FILE" and "known.hcl" in found.detail


@pytest.mark.parametrize(
    ("pattern", "text", "same"),
    [
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("*b*", "abc", True),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "acb", False),
        ("a[b]?", "ab", False),
        ("a[b]?", "a[b]?", True),
        ("ab*ba", "aba", False),
    ],
)
def test_patterns(pattern: str, text: str, same: bool) -> None:
    assert fits(pattern, text) is same
