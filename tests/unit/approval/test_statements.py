from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import scenario
from scenario import Situation, say

from provisioner import canonical
from provisioner.approval import dsse, review, signing, sshsig, statement
from provisioner.approval.dsse import EnvelopeError
from provisioner.approval.statement import StatementError

MADE = Situation()
SAID = say(MADE.planfile, MADE.planfile.plan.requirements[0])


def test_the_payload_is_an_in_toto_statement() -> None:
    value = json.loads(statement.encode(SAID))
    assert value["_type"] == "https://in-toto.io/Statement/v1"
    assert value["predicateType"] == statement.PREDICATE_TYPE
    hexadecimal = MADE.planfile.digest.removeprefix("sha256:")
    assert value["subject"] == [{"name": "plan", "digest": {"provisionerPlanV1": hexadecimal}}]
    assert value["predicate"]["owner"] == "iam"
    assert statement.decode(statement.encode(SAID)) == SAID


def test_the_pre_authentication_encoding_is_that_of_the_specification() -> None:
    """The example of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md."""
    encoded = dsse.pae(b"hello world", "http://example.com/HelloWorld")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_opens_to_what_was_put_in(tmp_path: Path) -> None:
    import subprocess

    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", key], check=True)
    made = dsse.envelope(SAID, signing.sign(dsse.message(SAID), key))
    opened = dsse.open_envelope(made)
    assert opened.statement == SAID
    assert opened.key == signing.public_key(key)
    data = canonical.dumps(made)
    assert dsse.parse_file(data) == dsse.parse_file(data + b"\n") == made
    assert b64decode(made["payload"]) == statement.encode(SAID)


def test_an_envelope_is_not_made_from_a_signature_over_something_else() -> None:
    other = sshsig.armor(scenario.signature("alice", b"something else"))
    with pytest.raises(EnvelopeError, match="does not fit"):
        dsse.envelope(SAID, other)
    with pytest.raises(EnvelopeError, match=r"malformed|not an armored"):
        dsse.envelope(SAID, "no armor")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"a":1.5}', b'{ "a": 1}', b"\xff", b"1" * (1 << 21)])
def test_files_that_are_no_envelope(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        dsse.parse_file(data)


@pytest.mark.parametrize(
    "over",
    [
        {"plan": "sha256:xyz"},
        {"part": ""},
        {"review": "md5:" + "0" * 32},
        {"nonce": "A" * 32},
        {"issued": "2026-02-30T00:00:00Z"},
        {"issued": "2026-11-23 11:30:00Z"},
        {"issued": "2026-11-23T11:30:00+00:00"},
        {"issued": "2026-11-23T11:30:00.5Z"},
        {"issued": "２026-11-23T11:30:00Z"},
        {"expires": SAID.issued},
        {"witness": statement.Witness(-1, "x")},
        {"witness": statement.Witness(3, "")},
        {"decision": statement.Decision.REJECT},
        {"workspace": "acme\x1b[31m"},
        {"owner": "iam\u200b"},
        {"accepted": (statement.Accepted("A b", "fine\u2028print"),)},
        {"accepted": (statement.Accepted("A b", "x"), statement.Accepted("A b", "y"))},
    ],
    ids=str,
)
def test_statements_that_are_none(over: dict[str, object]) -> None:
    bad = replace(SAID, **over)  # type: ignore[arg-type]
    with pytest.raises(StatementError):
        statement.decode(statement.encode(bad))


def test_nothing_hidden_is_ever_signed() -> None:
    with pytest.raises(StatementError, match=r"U\+202E"):
        statement.make(
            MADE.planfile,
            MADE.planfile.plan.requirements[0],
            review=SAID.review,
            now=scenario.NOW,
            lifetime_seconds=60,
            witness=SAID.witness,
            reason="a\u202eb",
        )


def test_times_are_utc_with_whole_seconds() -> None:
    zone = timezone(timedelta(hours=2))
    assert statement.timestamp(datetime(2026, 1, 1, 1, 0, 0, 999, tzinfo=zone)) == "2025-12-31T23:00:00Z"
    assert statement.parse_time("2025-12-31T23:00:00Z") == datetime(2025, 12, 31, 23, tzinfo=UTC)
    with pytest.raises(ValueError, match="without a zone"):
        statement.timestamp(datetime(2026, 1, 1))  # noqa: DTZ001


def test_two_statements_are_never_one() -> None:
    def nonce() -> str:
        return statement.make(
            MADE.planfile,
            MADE.planfile.plan.requirements[0],
            review=SAID.review,
            now=scenario.NOW,
            lifetime_seconds=60,
            witness=SAID.witness,
        ).nonce

    assert nonce() != nonce()


def test_the_review_shows_what_is_signed_and_nothing_of_others() -> None:
    text = review.review_text(MADE.planfile, "tool_access", "api")
    assert text == review.review_text(MADE.planfile, "tool_access", "api")
    for line in (
        MADE.planfile.digest,
        "~ NARROWER  agent.triage  grant.reads",
        "can no longer: s3:GetObject on acme-archive",
        '- document: {"allow":["inbox","archive"]}',
        '+ document: {"allow":["inbox"]}',
        "runs cloud:Update",
        "YOU ACCEPT",
        "ACCEPT TRI-1 agent.triage: three things in one",
        "quorum       1 person",
    ):
        assert line in text
    assert "grant.reads" not in review.review_text(MADE.planfile, "identity", "iam")
    with pytest.raises(KeyError):
        review.review_text(MADE.planfile, "runtime", "iam")


def test_what_a_cloud_or_a_pull_request_chose_cannot_pretend() -> None:
    nasty = "x\x1b[2J\n  quorum       0 people\u202e\u2066\u200b\U000e0041"
    change = replace(
        scenario.GRANT, label=nasty, can=(nasty,), cannot=(nasty,), reason=nasty, block=nasty, after={nasty: nasty}
    )
    finding = replace(scenario.TRIFECTA, message=nasty, subject=nasty, fix=nasty)
    plan = scenario.draft(MADE.root, changes=(change,), findings=(finding,), unknown_authors=(nasty,), scope=(nasty,))
    text = review.review_text(scenario.file_of(plan), "tool_access", "api")
    assert "\\u001b[2J\\n" in text and "\\u202e\\u2066\\u200b\\U000e0041" in text
    assert all(statement.hidden_character(line) is None for line in text.split("\n"))
    assert sum(line.startswith("  quorum ") for line in text.split("\n")) == 1


def test_the_review_of_a_root_shows_every_word() -> None:
    from provisioner.approval.root import make_root
    from provisioner.model.plan import RootChange
    from provisioner.planfile import to_builtins

    second = make_root(replace(MADE.root.data, protect=("arn:aws:iam::*:role/Break",)), 2)
    change = RootChange(2, to_builtins(second.data), second.digest)
    plan = scenario.draft(MADE.root, changes=(), findings=(), next_root=change)
    text = review.review_text(scenario.file_of(plan), "governance", "security")
    assert f"TRUST ROOT v2   {second.digest}" in text
    for line in ('protect: ["arn:aws:iam::*:role/Break"]', "people.alice", "owners.iam", "approval.solo: false"):
        assert line in text
    assert "quorum       2 people" in text


def test_the_digest_of_a_review_is_that_of_its_text() -> None:
    assert review.review_digest("a") != review.review_digest("b")
    assert review.review_digest("a").startswith("sha256:")
