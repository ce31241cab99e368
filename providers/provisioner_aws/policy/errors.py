"""What policy text or a question to the evaluator can be wrong about."""

from __future__ import annotations


class PolicyError(ValueError):
    """A document that is not an IAM policy. The message is one sentence that says what is wrong and where."""


class ClaimError(ValueError):
    """Claims or settings of a boundary test that no question can be made from; the message ends with the way out."""
