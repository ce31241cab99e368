"""What an error of Google means: told by its status and reasons, never by its words."""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_google.faults import LONGEST, Fault, of_answer, one_line


def answer(status: str = "", message: str = "", reason: str = "") -> dict[str, Any]:
    errors = {"errors": [{"reason": reason}]} if reason else {}
    return {"error": {"status": status, "message": message, **errors}}


@pytest.mark.parametrize(
    ("code", "body", "fault"),
    [
        (409, answer("ABORTED", "There were concurrent policy changes"), Fault.ABORTED),
        (409, answer("ALREADY_EXISTS", "Requested entity already exists"), Fault.EXISTS),
        (409, answer("ALREADY_EXISTS", "There were concurrent policy changes"), Fault.EXISTS),
        (409, answer("ABORTED", "already exists"), Fault.ABORTED),
        (412, answer(reason="conditionNotMet"), Fault.ABORTED),
        (412, answer(), Fault.ABORTED),
        (409, answer(reason="duplicate"), Fault.EXISTS),
        (403, answer("PERMISSION_DENIED"), Fault.DENIED),
        (403, answer(reason="rateLimitExceeded"), Fault.THROTTLED),
        (429, answer("RESOURCE_EXHAUSTED"), Fault.THROTTLED),
        (404, answer("NOT_FOUND"), Fault.ABSENT),
        (401, answer("UNAUTHENTICATED"), Fault.CREDENTIALS),
        (503, answer("UNAVAILABLE"), Fault.UNCLEAR),
        (500, {}, Fault.UNCLEAR),
        (502, "no json object", Fault.UNCLEAR),
        (400, answer("INVALID_ARGUMENT", "Service account x@p.iam does not exist."), Fault.TRANSIENT),
        (400, answer("INVALID_ARGUMENT", "Invalid role"), Fault.REFUSED),
        (400, answer("FAILED_PRECONDITION"), Fault.REFUSED),
    ],
)
def test_status_and_reason_decide(code: int, body: Any, fault: Fault) -> None:
    assert of_answer(code, body).fault is fault


@pytest.mark.parametrize("body", [None, [], {"error": "text"}, {"error": {"errors": ["odd", 3]}}])
def test_an_answer_of_no_shape_is_no_traceback(body: Any) -> None:
    assert of_answer(400, body).fault is Fault.REFUSED


def test_a_clouds_words_are_one_line_of_bounded_length() -> None:
    said = of_answer(400, answer("INVALID_ARGUMENT", "a\n\x1b[31mb\u202e" + "c" * 1000)).said
    assert len(said) <= LONGEST and said.isprintable() and said == one_line(said)
