"""What each answer of AWS means for the call that got it."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from provisioner_aws.faults import ANSWERS, CutShortError, Fault, StillInUseError, StrangeAnswerError, classify, message


def answer(code: str, text: str = "no", status: int = 400) -> boto.ClientError:
    body = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(body, "X")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (answer("AccessDenied", status=403), Fault.DENIED),
        (answer("Throttling"), Fault.THROTTLED),
        (answer("RequestLimitExceeded", status=503), Fault.THROTTLED),
        (answer("NoSuchEntity", status=404), Fault.ABSENT),
        (answer("EntityAlreadyExists", status=409), Fault.EXISTS),
        (answer("EntityTemporarilyUnmodifiable", status=409), Fault.TRANSIENT),
        (answer("ConcurrentModification", status=409), Fault.TRANSIENT),
        (answer("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"x"'), Fault.TRANSIENT),
        (answer("MalformedPolicyDocument", "Syntax errors in policy."), Fault.REFUSED),
        (answer("LimitExceeded", status=409), Fault.REFUSED),
        (answer("DeleteConflict", status=409), Fault.TRANSIENT),
        (StillInUseError(attached=1, bounded=0), Fault.TRANSIENT),
        (answer("ExpiredToken", status=403), Fault.CREDENTIALS),
        (answer("ServiceFailure", status=500), Fault.UNCLEAR),
        (answer("ServiceUnavailable", status=503), Fault.UNCLEAR),
        (answer("", status=502), Fault.UNCLEAR),
        (boto.ReadTimeoutError(endpoint_url="x"), Fault.UNCLEAR),
        (boto.ConnectionClosedError(endpoint_url="x"), Fault.UNCLEAR),
        (StrangeAnswerError(problem="html"), Fault.UNCLEAR),
        (boto.EndpointConnectionError(endpoint_url="x"), Fault.UNREACHABLE),
        (boto.ConnectTimeoutError(endpoint_url="x"), Fault.UNREACHABLE),
        (boto.NoCredentialsError(), Fault.CREDENTIALS),
        (boto.ProfileNotFound(profile="x"), Fault.CREDENTIALS),
        (boto.ParamValidationError(report="x"), Fault.REFUSED),
        (CutShortError(), Fault.REFUSED),
    ],
    ids=lambda value: getattr(value, "name", None) or str(value)[:60],
)
def test_each_answer_has_one_meaning(error, fault):
    assert classify(error) is fault
    assert isinstance(error, ANSWERS)


def test_a_message_is_one_line_without_control_characters():
    assert message(answer("X", "a\nb\x1b[31m\u202ec")) == "X: a b [31m c"
