"""What the comparison decides: conditions together, variables, principals, hostile policies; and on real changes."""

import json
import subprocess
import sys
from typing import Any

import pytest
from provisioner_aws.policy.compare import Comparison, compare_policies
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.globs import TooHardError, metered, parse_glob
from provisioner_aws.policy.words import Reading, Shape, find_word

from benchmarks.policy_corpus import pairs
from provisioner.model.changes import Effect

WIDER, NARROWER, EQUAL, UNKNOWN = Effect.WIDER, Effect.NARROWER, Effect.EQUAL, Effect.UNKNOWN
PLACE = "arn:aws:s3:::b/*"
BOOLEAN = "kms:GrantIsForAWSResource"
OTHERS_TAG = ("StringNotEquals", "aws:ResourceTag/owner", "${aws:PrincipalTag/owner}")


def allow(
    *tests: tuple[str, str, Any], action: Any = "s3:GetObject", resource: Any = PLACE, **more: Any
) -> dict[str, Any]:
    out = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    for operator, key, value in tests:
        out.setdefault("Condition", {}).setdefault(operator, {})[key] = value
    return out


def deny(*tests: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
    return {**allow(*tests, **more), "Effect": "Deny"}


def compared(old: list[dict[str, Any]], new: list[dict[str, Any]], **more: Any) -> Comparison:
    sides = [[parse_policy({"Version": "2012-10-17", "Statement": items})] for items in (old, new)]
    return compare_policies(*sides, **more)


TOGETHER = [
    (
        "a condition and its contrary",
        [allow(("StringEquals", "k:a", "x")), allow(("StringNotEquals", "k:a", "x"))],
        [allow()],
        EQUAL,
    ),
    (
        "… but for values between",
        [allow(("StringEquals", "k:a", "x")), allow(("StringNotLike", "k:a", "x*"))],
        [allow()],
        WIDER,
    ),
    (
        "numbers below and from a bound on, or none",
        [allow(("NumericLessThan", "k:n", "5")), allow(("NumericGreaterThanEqualsIfExists", "k:n", "5"))],
        [allow()],
        EQUAL,
    ),
    (
        "numbers but for the bound",
        [allow(("NumericLessThanIfExists", "k:n", "5")), allow(("NumericGreaterThan", "k:n", "5"))],
        [allow()],
        WIDER,
    ),
    (
        "two halves of a network",
        [allow(("IpAddress", "aws:SourceIp", "10.0.0.0/9")), allow(("IpAddress", "aws:SourceIp", "10.128.0.0/9"))],
        [allow(("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        EQUAL,
    ),
    (
        "a network but for one address",
        [allow(("NotIpAddress", "aws:SourceIp", "2001:db8::1/128"))],
        [allow()],
        WIDER,
    ),
    (
        "a network beside its deny",
        [allow(("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        [allow(), deny(("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        NARROWER,  # what is denied now, no other policy can allow
    ),
    (
        "a boolean has two values",
        [allow(("Bool", BOOLEAN, "true")), allow(("Bool", BOOLEAN, "false")), allow(("Null", BOOLEAN, "true"))],
        [allow()],
        EQUAL,
    ),
    (
        "every value, or some other",
        [
            allow(("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"])),
            allow(("ForAnyValue:StringNotEquals", "aws:TagKeys", ["a", "b"])),
        ],
        [allow()],
        EQUAL,
    ),
    (
        "every value is not some value",
        [
            allow(("ForAllValues:StringEquals", "aws:TagKeys", ["a"])),
            allow(("ForAllValues:StringEquals", "aws:TagKeys", ["b"])),
        ],
        [allow(("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"]))],
        WIDER,
    ),
    (
        "case does not matter on one side only",
        [allow(("StringEqualsIgnoreCase", "k:a", "Prod"))],
        [allow(("StringEquals", "k:a", ["prod", "PROD"]))],
        NARROWER,
    ),
    (
        "case matters",
        [allow(("StringEquals", "k:a", ["prod", "PROD"]))],
        [allow(("StringEqualsIgnoreCase", "k:a", "Prod"))],
        WIDER,
    ),
    (
        "an ARN's parts",
        [allow(("ArnLike", "aws:SourceArn", "arn:aws:*:*:1:*"))],
        [allow(("StringLike", "aws:SourceArn", "arn:aws:*:*:1:*"))],
        WIDER,
    ),
    (
        "actions by halves",
        [allow(action="s3:Get*"), allow(action="s3:Put*")],
        [allow(action=["s3:*Object"]), deny(action=["s3:D*", "s3:?est*"])],
        WIDER,
    ),
    (
        "everything but, as a deny",
        [allow(action=["s3:GetObject", "s3:PutObject"])],
        [allow(action="s3:*"), {"Effect": "Deny", "NotAction": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}],
        NARROWER,
    ),
    (
        "a variable under a wider pattern",
        [allow(resource="arn:aws:s3:::home/*")],
        [allow(resource="arn:aws:s3:::home/${aws:username}/*")],
        NARROWER,
    ),
    (
        "a variable under the same variable",
        [allow(resource="arn:aws:s3:::home/${aws:username}*")],
        [allow(resource="arn:aws:s3:::home/${aws:username}/docs/*")],
        NARROWER,
    ),
    (
        "a variable grows",
        [allow(resource="arn:aws:s3:::home/${aws:username}/docs/*")],
        [allow(resource="arn:aws:s3:::home/${aws:username}/*")],
        WIDER,
    ),
    (
        "another variable",
        [allow(resource="arn:aws:s3:::${aws:username}")],
        [allow(resource="arn:aws:s3:::${aws:userid}")],
        WIDER,
    ),
    ("a deny by variable goes", [allow(), deny(OTHERS_TAG)], [allow()], WIDER),
    (
        "a deny by variable that speaks without the tag, too",
        [allow(), deny(OTHERS_TAG)],
        [allow(("Null", "aws:ResourceTag/owner", "false")), deny(OTHERS_TAG)],
        EQUAL,
    ),
    (
        "what a deny leaves of an allow that is new",
        [allow(action="s3:Get*"), deny(action="s3:Put*", resource="*")],
        [allow(action=["s3:Get*", "s3:PutObject"]), deny(action="s3:Put*", resource="*")],
        EQUAL,
    ),
    (
        "a deny in two",
        [allow(), deny(action="s3:*", resource="*")],
        [
            allow(),
            deny(("Bool", BOOLEAN, "true"), action="s3:*", resource="*"),
            deny(("BoolIfExists", BOOLEAN, "false"), action="s3:*", resource="*"),
        ],
        EQUAL,
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "effect"), TOGETHER, ids=[row[0] for row in TOGETHER])
def test_conditions_together(name: str, old: list[dict[str, Any]], new: list[dict[str, Any]], effect: Effect) -> None:
    found = compared(old, new)
    assert found.effect is effect
    assert (found.gain is not None) is (effect is WIDER)


def test_the_kelvin_sign_is_a_k_without_regard_to_case() -> None:
    sign = "\u212a"
    old = [allow(("StringEquals", "k:a", ["k", "K"]))]
    found = compared(old, [allow(("StringEqualsIgnoreCase", "k:a", "k"))])
    assert found.gain is not None
    assert found.gain.context.values["k:a"] == (sign,)
    assert compared(old, [allow(("StringEqualsIgnoreCase", "k:a", "\u00e5"))]).effect in (WIDER, UNKNOWN)


@pytest.mark.parametrize("bound", ["1E999999999", "1" + "0" * 40, "0." + "0" * 40 + "1", "-1E-999999"])
def test_numbers_beyond_measure_are_not_decided(bound: str) -> None:
    old = [allow(("NumericLessThan", "k:n", bound)), allow(("Null", "k:n", "true"))]
    assert compared(old, [allow()]).effect in (UNKNOWN, WIDER)
    more = [*old, allow(("NumericGreaterThan", "k:n", bound))]
    assert compared(more, [allow()]).effect in (UNKNOWN, WIDER)


ME, WE = "arn:aws:iam::111122223333:user/me", "arn:aws:iam::111122223333:root"


def by(principal: Any, *tests: tuple[str, str, Any]) -> dict[str, Any]:
    return allow(*tests, Principal=principal)


PRINCIPALS = [
    ("one more", [by({"AWS": ME})], [by({"AWS": [ME, "arn:aws:iam::444455556666:root"]})], WIDER),
    ("one less", [by({"AWS": [ME, "arn:aws:iam::444455556666:root"]})], [by({"AWS": ME})], NARROWER),
    ("everybody for one", [by({"AWS": ME})], [by("*")], WIDER),
    (
        "a deny of the account covers who is in it",
        [by({"AWS": ME})],
        [by({"AWS": ME}), {**by({"AWS": WE}), "Effect": "Deny"}],
        NARROWER,
    ),
    (
        "and what is new for him",
        [{**by({"AWS": WE}), "Effect": "Deny"}],
        [by({"AWS": ME}), {**by({"AWS": WE}), "Effect": "Deny"}],
        EQUAL,
    ),
    # An account leaves it to its policies, a name does not.
    ("a name beside its account", [by({"AWS": WE})], [by({"AWS": [WE, ME]})], UNKNOWN),
]


@pytest.mark.parametrize(("name", "old", "new", "effect"), PRINCIPALS, ids=[row[0] for row in PRINCIPALS])
def test_principals(name: str, old: list[dict[str, Any]], new: list[dict[str, Any]], effect: Effect) -> None:
    assert compared(old, new).effect is effect


def test_a_deny_alone_counts_only_where_another_policy_can_allow() -> None:
    old, new = [allow(), deny(action="iam:*", resource="*")], [allow()]
    found = compared(old, new)
    assert (found.effect, found.alone) == (WIDER, False)
    assert compared(old, new, outright=False).effect is EQUAL


def test_real_changes_are_decided() -> None:
    found = [compare_policies([parse_policy(p.old)], [parse_policy(p.new)]).effect for p in pairs(160, seed=3)]
    assert found.count(UNKNOWN) * 50 <= len(found)
    assert min(found.count(effect) for effect in (WIDER, NARROWER, EQUAL)) > 10


MANY = [allow(action=f"s3:Act{n}", resource=f"arn:aws:s3:::b{n}/*") for n in range(10_000)]
KEYS = [(f"k:k{n}", "ab"[n % 2]) for n in range(60)]
HOSTILE = {
    "wildcards": ([allow(resource="*a*a*a*a*b")], [allow(resource="*a*a*a*a*a*b*")]),
    "many wildcards": (
        [
            allow(
                action=[f"s3:{'*a' * 20}{n}*" for n in range(40)], resource=[f"arn:{'*?a' * 40}{n}*" for n in range(40)]
            )
        ],
        [
            allow(
                action=[f"s3:{'*b' * 20}{n}*" for n in range(40)], resource=[f"arn:{'*?b' * 40}{n}*" for n in range(40)]
            )
        ],
    ),
    "10,000 statements, one less": (MANY, MANY[1:]),
    "10,000 statements, one more": (MANY[1:], MANY),
    "10,000 other statements": (MANY, [{**item, "Action": f"{item['Action']}x"} for item in MANY]),
    "many conditions": (
        [allow(("StringLike", key, f"*{value}*")) for key, value in KEYS],
        [allow(*(("StringNotLike", key, f"*{value}") for key, value in KEYS))],
    ),
    "many denies of many conditions": (
        [allow(), *(deny(*(("StringEquals", key, value) for key, value in KEYS[n : n + 12])) for n in range(40))],
        [allow(), *(deny(*(("StringLike", key, f"{value}*") for key, value in KEYS[n : n + 11])) for n in range(40))],
    ),
    "pigeons": (
        [
            deny(("StringEquals", f"k:p{a}", str(h)), ("StringEquals", f"k:p{b}", str(h)), resource="*")
            for h in range(5)
            for a in range(6)
            for b in range(a)
        ],
        [allow(*((("StringEquals", f"k:p{n}", [str(h) for h in range(5)])) for n in range(6)))],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_policies_are_answered_within_the_caps(name: str) -> None:
    """The caps are steps, not time, so an answer at all shows that they hold; the benchmark has the seconds."""
    old, new = HOSTILE[name]
    for one, two in ((old, new), (new, old)):
        assert compared(one, two).effect in Effect
    if name == "10,000 statements, one less":
        assert (compared(old, new).effect, compared(new, old).effect) == (NARROWER, WIDER)


def test_words_are_metered() -> None:
    bans = tuple(Shape(parse_glob("*" + "?" * n + "a" + "?" * n + "*")) for n in range(3, 16))
    need = ((Shape(parse_glob("*a*b*a*b*a*")),), (Shape(parse_glob("*b?b*"), Reading.PLAIN),))
    with metered(10), pytest.raises(TooHardError):
        find_word(need, bans)


READ = [
    (Reading.PLAIN, "a*b", ("a:b", True), ("ab", True), ("aB", False)),
    (Reading.FOLDED, "a*b", ("A:B", True), ("abc", False), ("aB", True)),
    (Reading.ARN, "arn:*:s3:::b*", ("arn:aws:s3:::bx:y", True), ("arn:a:b:s3:::b", False), ("arn:aws:s3", False)),
]


@pytest.mark.parametrize("row", READ)
def test_readings_of_a_pattern(row: Any) -> None:
    reading, pattern, *texts = row
    shape = Shape(parse_glob(pattern), reading)
    for text, taken in texts:
        assert shape.matches(text) is taken
        assert (find_word(((Shape(parse_glob(text)),), (shape,)), ()) == text) is taken


def test_the_solver_is_loaded_only_when_it_is_needed() -> None:
    script = (
        "import sys, json\n"
        "from provisioner_aws.policy.compare import compare_policies\n"
        "from provisioner_aws.policy.document import parse_policy\n"
        "import provisioner_aws.policy.assess, provisioner_aws.policy.comparisons\n"
        f"sides = [[parse_policy(item)] for item in json.loads({json.dumps(json.dumps([MANY[0], MANY[1]]))!s})]\n"
        "assert 'z3' not in sys.modules\n"
    ).replace("parse_policy(item)", "parse_policy({'Statement': item})")
    script += "assert compare_policies(*sides).effect.value == 'wider'\nassert 'z3' not in sys.modules\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
