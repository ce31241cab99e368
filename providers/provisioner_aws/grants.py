"""The inline policy of one grant part: its tools' statements, with the grant's expiry and request context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.authority import GrantPart
from provisioner.model.configuration import Settings, Tool
from provisioner.model.diagnostics import Diagnostic

from .trust import VERSION

CURRENT_TIME = "aws:CurrentTime"
BEFORE = "DateLessThan"
_EXACT = ("stringequals", "arnequals", "numericequals", "dateequals")
"""Operators whose values can be intersected, since each is met by one literal value."""

Conditions = dict[tuple[str, str], "Test"]


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: `operator` and `key` as first written, and the values of which one must match."""

    operator: str
    key: str
    values: tuple[str, ...]


class ContradictionError(ValueError):
    """Two conditions on one key that cannot both be kept. The message names them; `settings` is the later one."""

    def __init__(self, message: str, settings: Settings) -> None:
        super().__init__(message)
        self.settings = settings

    def diagnostic(self, part: GrantPart) -> Diagnostic:
        return Diagnostic(
            "E-AWS-CONDITION",
            f"{part.grant.address}: {self}",
            "Both must hold, and IAM cannot say that in one statement. Change the tool's condition or the grant's.",
            subject=self.settings.range,
            context=part.grant.range,
        )


def grant_document(part: GrantPart) -> dict[str, Any]:
    """The policy document. Raises ContradictionError where `validate` has found E-AWS-CONDITION."""
    return {
        "Version": VERSION,
        "Statement": [statement for tool in part.tools for statement in _tool_statements(tool, part)],
    }


def statements_of(tool: Tool) -> Iterable[Settings]:
    """The statement blocks of a tool's `aws` blocks."""
    for block in tool.clouds.get("aws", ()):
        yield from block.of("statement")


def _tool_statements(tool: Tool, part: GrantPart) -> Iterable[dict[str, Any]]:
    for settings in statements_of(tool):
        yield grant_statement(settings, part)


def grant_statement(settings: Settings, part: GrantPart) -> dict[str, Any]:
    """One statement of a tool as the grant gives it. Raises ContradictionError."""
    statement: dict[str, Any] = {"Effect": "Allow"}
    for name, element in (("actions", "Action"), ("not_actions", "NotAction")):
        if settings.get(name):
            statement[element] = list(settings.get(name))
    for name, element in (("resources", "Resource"), ("not_resources", "NotResource")):
        if settings.get(name):
            statement[element] = [variables(text) for text in settings.get(name)]
    tests = _conditions(settings, part)
    if tests:
        condition: dict[str, dict[str, list[str]]] = {}
        for test in tests.values():
            condition.setdefault(test.operator, {})[test.key] = list(test.values)
        statement["Condition"] = condition
    return statement


def variables(text: str) -> str:
    """`&{aws:PrincipalTag/x}` in HCL is the policy variable `${aws:PrincipalTag/x}`."""
    return text.replace("&{", "${")


def context_tests(when: Mapping[str, Any]) -> Iterable[Test]:
    """What a grant's `when` demands of every request, as conditions."""
    for kind, prefix in (("session_tags", "aws:PrincipalTag/"), ("resource", "aws:ResourceTag/")):
        for name, value in (when.get(kind) or {}).items():
            yield Test("StringEquals", f"{prefix}{name}", (str(value),))


def source_tests(runtime: Settings) -> Iterable[Test]:
    """What a runtime demands of every request that its grants allow: with `bind_grants`, that a function of the agent
    makes it. The account is the role's own. Source: Lambda Developer Guide, «Using source function ARN to control
    function access behavior»."""
    if not runtime.get("bind_grants"):
        return
    regions = runtime.get("regions") or ("*",)
    functions = sorted(runtime.get("functions") or ())
    arns = [f"arn:*:lambda:{region}:{_OWN_ACCOUNT}:function:{name}" for region in regions for name in functions]
    yield Test("ArnLike", "lambda:SourceFunctionArn", tuple(arns))


_OWN_ACCOUNT = "${aws:PrincipalAccount}"


def _conditions(settings: Settings, part: GrantPart) -> Conditions:
    tests: Conditions = {}
    for block in settings.of("condition"):
        values = tuple(variables(value) for value in block.get("values") or ())
        _add(tests, Test(str(block.get("operator")), str(block.get("key")), values), block)
    for test in context_tests(part.grant.when):
        _add(tests, test, settings)
    for test in source_tests(part.agent.runtime):
        _add(tests, test, settings)
    if part.expires is not None:
        _add(tests, Test(BEFORE, CURRENT_TIME, (part.expires,)), settings)
    return tests


def _add(tests: Conditions, test: Test, settings: Settings) -> None:
    """Join by AND. IAM would join two value lists of one operator and key by OR, so these are intersected here."""
    place = (test.operator.lower(), test.key.lower())
    present = tests.get(place)
    if present is None:
        tests[place] = test
        return
    if set(present.values) == set(test.values):
        return
    if place == (BEFORE.lower(), CURRENT_TIME.lower()):
        tests[place] = Test(present.operator, present.key, (min(*_times(present, settings), *_times(test, settings)),))
        return
    if place[0] not in _EXACT or any("${" in value for value in (*present.values, *test.values)):
        raise ContradictionError(f"two conditions {test.operator} on {test.key} cannot be joined into one", settings)
    both = tuple(value for value in present.values if value in test.values)
    if not both:
        raise ContradictionError(f"two conditions {test.operator} on {test.key} have no value in common", settings)
    tests[place] = Test(present.operator, present.key, both)


def _times(test: Test, settings: Settings) -> tuple[str, ...]:
    """Times that compare as text: RFC 3339 in UTC with whole seconds, as expiries are."""
    for value in test.values:
        if len(value) != len("2027-02-01T00:00:00Z") or not value.endswith("Z"):
            raise ContradictionError(
                f"the condition {test.operator} on {test.key} beside an expiry must be one time such as"
                f" 2027-02-01T00:00:00Z, not {value!r}",
                settings,
            )
    return (max(test.values),) if test.values else ()
