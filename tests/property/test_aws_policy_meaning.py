"""Meaning: canonical forms keep it, comparison is sound for it, evaluation agrees with an independent reading."""

from __future__ import annotations

import fnmatch
import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws.policy.canonical import canonical_policy
from provisioner_aws.policy.compare import compare_policies
from provisioner_aws.policy.context import Context, context_values
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.evaluate import Layer, Policies, PolicyRequest, evaluate

from provisioner.model.changes import Effect
from provisioner.model.requests import Answer

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "iam:CreateUser"]
RESOURCES = ["arn:aws:s3:::a/x", "arn:aws:s3:::a/y", "arn:aws:s3:::b/x", "arn:aws:s3:::b"]
VALUES: dict[str, list[Any]] = {
    "s3:prefix": [None, "a", "ab", "b"],
    "aws:TagKeys": [None, ["a"], ["a", "b"]],
    "s3:max-keys": [None, "5", "10", "11"],
    "aws:SourceArn": [None, "arn:aws:ecs:r:1:x", "arn:aws:ecs:r:2:x"],
    "aws:PrincipalTag/t": [None, "a", "b"],
}

action_patterns = st.sampled_from([*ACTIONS, "*", "s3:*", "S3:get*", "s3:?utObject", "iam:*"])
resource_patterns = st.sampled_from(
    [*RESOURCES, "*", "arn:aws:s3:::a/*", "arn:aws:s3:::*/x", "arn:aws:s3:::${aws:PrincipalTag/t}/x", "arn:*:b"]
)
strings = st.lists(st.sampled_from(["a", "ab", "b", "a*", "*", "${aws:PrincipalTag/t}"]), min_size=1, max_size=2)
suffix = st.sampled_from(["", "IfExists"])
conditions = st.one_of(
    st.tuples(
        st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"]),
        suffix,
        st.just("s3:prefix"),
        strings,
    ),
    st.tuples(
        st.sampled_from(
            [f"{q}:{o}" for q in ("ForAllValues", "ForAnyValue") for o in ("StringEquals", "StringNotLike")]
        ),
        suffix,
        st.just("aws:TagKeys"),
        strings,
    ),
    st.tuples(
        st.sampled_from([f"Numeric{o}" for o in ("LessThan", "LessThanEquals", "GreaterThan", "Equals", "NotEquals")]),
        suffix,
        st.just("s3:max-keys"),
        st.lists(st.sampled_from([5, "10", "11.0"]), min_size=1, max_size=2),
    ),
    st.tuples(
        st.sampled_from(["ArnLike", "ArnNotEquals", "StringLike"]),
        suffix,
        st.just("aws:SourceArn"),
        st.lists(
            st.sampled_from(["arn:aws:ecs:r:1:x", "arn:aws:ecs:*:1:*", "arn:aws:*:*:*:*", "*"]), min_size=1, max_size=2
        ),
    ),
    st.tuples(
        st.just("Null"), st.just(""), st.sampled_from(list(VALUES)), st.lists(st.booleans(), min_size=1, max_size=1)
    ),
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    out: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    element = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    out[element] = draw(st.lists(action_patterns, min_size=1, max_size=3))
    element = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
    out[element] = draw(st.lists(resource_patterns, min_size=1, max_size=3))
    block: dict[str, dict[str, Any]] = {}
    for operator, tail, key, values in draw(st.lists(conditions, max_size=2)):
        block.setdefault(operator + tail, {})[key] = values
    if block:
        out["Condition"] = block
    return out


documents = st.lists(statements(), max_size=4).map(lambda items: {"Version": "2012-10-17", "Statement": items})
contexts = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in VALUES.items()})
requests = st.tuples(st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), contexts)


def ask(document: dict[str, Any], request: tuple[str, str, dict[str, Any]]) -> Answer:
    action, resource, context = request
    policies = Policies(Layer("it", (parse_policy(document, "it"),)))
    return evaluate(PolicyRequest(action, resource, Context(context_values(context), closed=True)), policies).answer


@settings(max_examples=200, deadline=None)
@given(documents, requests, st.randoms(use_true_random=False))
def test_the_canonical_form_is_idempotent_and_keeps_the_meaning(
    document: dict[str, Any], request: tuple[str, str, dict[str, Any]], random: Any
) -> None:
    canonical = canonical_policy(document)
    assert canonical_policy(canonical) == canonical
    assert canonical_policy(json.dumps(document)) == canonical
    assert ask(canonical, request) is ask(document, request)
    shuffled = json.loads(json.dumps(document))
    random.shuffle(shuffled["Statement"])
    for item in shuffled["Statement"]:
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            if name in item:
                random.shuffle(item[name])
    assert canonical_policy(shuffled) == canonical


@settings(max_examples=120, deadline=None)
@given(documents, documents, st.lists(requests, min_size=12, max_size=12))
def test_no_request_is_newly_allowed_where_the_comparison_says_so(
    old: dict[str, Any], new: dict[str, Any], asked: list[tuple[str, str, dict[str, Any]]]
) -> None:
    check_soundness(old, new, asked)


@settings(max_examples=120, deadline=None)
@given(documents, statements(), st.sampled_from(["add", "drop", "condition", "narrow"]), st.data())
def test_the_comparison_is_sound_for_small_edits(
    old: dict[str, Any], extra: dict[str, Any], edit: str, data: st.DataObject
) -> None:
    new = json.loads(json.dumps(old))
    if edit == "add" or not new["Statement"]:
        new["Statement"].append(extra)
    elif edit == "drop":
        new["Statement"].pop()
    elif edit == "condition":
        new["Statement"][0]["Condition"] = extra.get("Condition", {})
    else:
        new["Statement"][0].pop("NotResource", None)
        new["Statement"][0]["Resource"] = [data.draw(resource_patterns)]
    check_soundness(old, new, data.draw(st.lists(requests, min_size=12, max_size=12)))


def check_soundness(old: dict[str, Any], new: dict[str, Any], asked: list[tuple[str, str, dict[str, Any]]]) -> None:
    found = compare_policies([parse_policy(old)], [parse_policy(new)])
    if found.gain is not None:
        policies = [Policies(Layer("it", (parse_policy(item),))) for item in (old, new)]
        answers = [evaluate(found.gain, item).answer for item in policies]
        assert answers == [Answer.DENIED, Answer.ALLOWED if found.alone else Answer.DENIED]
        assert found.effect is Effect.WIDER
    for request in asked:
        before, after = ask(old, request), ask(new, request)
        if found.effect in (Effect.NARROWER, Effect.EQUAL):
            assert not (after is Answer.ALLOWED and before is Answer.DENIED), request
        if found.effect is Effect.EQUAL:
            assert not (before is Answer.ALLOWED and after is Answer.DENIED), request


@settings(max_examples=100, deadline=None)
@given(documents)
def test_a_policy_is_equal_to_itself_and_nothing_is_narrower(document: dict[str, Any]) -> None:
    policy = parse_policy(document)
    assert compare_policies([policy], [policy]).effect is Effect.EQUAL
    denies = any(not item.allow for item in policy.statements)
    if not denies:
        nothing = compare_policies([policy], [])
        assert nothing.effect in (Effect.NARROWER, Effect.EQUAL)


def plain_glob(pattern: str, text: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


simple = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.lists(st.sampled_from([*ACTIONS, "s3:*", "*"]), min_size=1, max_size=2),
        "Resource": st.lists(
            st.sampled_from([*RESOURCES, "*", "arn:aws:s3:::a/*", "arn:aws:s3:::?/x"]), min_size=1, max_size=2
        ),
    },
    optional={
        "Condition": st.fixed_dictionaries({"StringLike": st.fixed_dictionaries({"s3:prefix": st.just(["a*"])})})
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(simple, max_size=4), st.lists(simple, max_size=2) | st.none())
def test_evaluation_agrees_with_brute_force_on_small_worlds(
    identity: list[dict[str, Any]], boundary: list[dict[str, Any]] | None
) -> None:
    """The reading of «Policy evaluation logic» as set arithmetic over every request there is."""
    universe = list(itertools.product(ACTIONS, RESOURCES, [None, "a", "b"]))

    def speaks(item: dict[str, Any]) -> set[tuple[str, str, str | None]]:
        return {
            (action, resource, prefix)
            for action, resource, prefix in universe
            if any(plain_glob(pattern, action) for pattern in item["Action"])
            and any(plain_glob(pattern, resource) for pattern in item["Resource"])
            and ("Condition" not in item or (prefix is not None and prefix.startswith("a")))
        }

    def union(items: list[dict[str, Any]], effect: str) -> set[tuple[str, str, str | None]]:
        return {request for item in items if item["Effect"] == effect for request in speaks(item)}

    expected = union(identity, "Allow") - union(identity, "Deny")
    if boundary is not None:
        expected = (expected & union(boundary, "Allow")) - union(boundary, "Deny")
    limit = None if boundary is None else Layer("limit", (parse_policy({"Statement": boundary}),))
    policies = Policies(Layer("it", (parse_policy({"Statement": identity}),)), limit)
    for action, resource, prefix in universe:
        context = Context(context_values({"s3:prefix": prefix}))
        answer = evaluate(PolicyRequest(action, resource, context), policies).answer
        assert (answer is Answer.ALLOWED) == ((action, resource, prefix) in expected)
        assert answer is not Answer.DEPENDS
