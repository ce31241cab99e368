"""Sources: IAM User Guide, «Grammar of the IAM JSON policy language», «Access Analyzer policy check reference»."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from provisioner_aws.policy.canonical import canonical_policy, size, spell_operator
from provisioner_aws.policy.errors import PolicyError
from provisioner_aws.policy.spelling import known_actions, spell_action, spell_key

ACCOUNT = "111122223333"


def document(**changes: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **changes}
    return {
        "Version": "2012-10-17",
        "Statement": [{name: value for name, value in statement.items() if value is not None}],
    }


SAME = [
    ("scalar or list", document(), document(Action=["s3:GetObject"], Resource=["arn:aws:s3:::b/*"])),
    ("one statement without a list", document(), {**document(), "Statement": document()["Statement"][0]}),
    ("action case", document(), document(Action="S3:GETOBJECT")),
    ("effect case", document(), document(Effect="allow")),
    ("element case", document(), {"version": "2012-10-17", "statement": [{**document()["Statement"][0]}]}),
    ("a sid has no authority", document(), document(Sid="Read")),
    ("an id has no authority", document(), {**document(), "Id": "x"}),
    ("duplicates", document(), document(Action=["s3:GetObject", "s3:getobject"])),
    ("list order", document(Action=["s3:a", "s3:b"]), document(Action=["s3:b", "s3:a"])),
    ("version without variables", document(), {**document(), "Version": "2008-10-17"}),
    ("no version, no variables", document(), {"Statement": document()["Statement"]}),
    ("empty condition", document(), document(Condition={})),
    ("empty operator", document(), document(Condition={"StringEquals": {}})),
    (
        "operator and key case",
        document(Condition={"StringEquals": {"aws:SourceVpc": "v"}}),
        document(Condition={"stringequals": {"AWS:sourcevpc": ["v"]}}),
    ),
    (
        "bare boolean",
        document(Condition={"Bool": {"aws:SecureTransport": True}}),
        document(Condition={"Bool": {"aws:SecureTransport": "True"}}),
    ),
    (
        "bare number",
        document(Condition={"NumericLessThan": {"s3:max-keys": 10}}),
        document(Condition={"NumericLessThan": {"s3:max-keys": "10"}}),
    ),
    (
        "one operator in two spellings",
        document(Condition={"StringEquals": {"s3:prefix": "a", "s3:delimiter": "/"}}),
        document(Condition={"StringEquals": {"s3:prefix": "a"}, "stringEquals": {"s3:delimiter": "/"}}),
    ),
    (
        "account id or root",
        document(Resource=None, Principal={"AWS": ACCOUNT}),
        document(Resource=None, Principal={"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}),
    ),
    (
        "an empty kind of principal",
        document(Resource=None, Principal={"AWS": ACCOUNT}),
        document(Resource=None, Principal={"AWS": ACCOUNT, "Service": []}),
    ),
    ("statement without actions", {"Statement": []}, document(Action=[])),
    ("statement without resources", {"Statement": []}, document(Resource=[])),
    ("statement without principals", {"Statement": []}, document(Resource=None, Principal={})),
]


@pytest.mark.parametrize(("name", "one", "other"), SAME, ids=[case[0] for case in SAME])
def test_one_meaning_has_one_form(name: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical_policy(one) == canonical_policy(other)
    assert canonical_policy(json.dumps(other)) == canonical_policy(other)
    assert canonical_policy(quote(json.dumps(other))) == canonical_policy(other)
    assert canonical_policy(canonical_policy(other)) == canonical_policy(other)


DIFFERENT = [
    ("principals that are not equal", {"Principal": "*"}, {"Principal": {"AWS": "*"}}),
    ("an object tag's case", {"Condition": {"Null": {"s3:ExistingObjectTag/A": True}}}, None),
    ("resource case", {"Resource": "arn:aws:s3:::B/*"}, None),
    ("not action", {"Action": None, "NotAction": "s3:GetObject"}, None),
    ("no values is not no condition", {"Condition": {"StringEquals": {"s3:prefix": []}}}, {}),
]


@pytest.mark.parametrize(("name", "one", "other"), DIFFERENT, ids=[case[0] for case in DIFFERENT])
def test_two_meanings_have_two_forms(name: str, one: dict[str, Any], other: dict[str, Any] | None) -> None:
    fallback = {"Condition": {"Null": {"s3:ExistingObjectTag/a": True}}} if "object tag" in name else {}
    assert canonical_policy(document(**one)) != canonical_policy(document(**(fallback if other is None else other)))


def test_the_old_version_stays_where_it_changes_the_meaning() -> None:
    old = {**document(Resource="arn:aws:s3:::${aws:username}"), "Version": "2008-10-17"}
    assert canonical_policy(old)["Version"] == "2008-10-17"
    assert canonical_policy({"Statement": old["Statement"]})["Version"] == "2008-10-17"
    assert canonical_policy({**old, "Version": "2012-10-17"})["Version"] == "2012-10-17"


BAD = [
    ("", "not JSON"),
    ("nonsense", "not JSON"),
    ("%7", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("9" * 5_000, "not JSON"),
    ("[]", "not a JSON object"),
    ("null", "not a JSON object"),
    ("{}", "no Statement"),
    ('{"Statement": NaN}', "NaN"),
    ('{"Statement": [3]}', "statement 1"),
    ('{"Version": "2011-01-01", "Statement": []}', "Version"),
    ('{"Statement": [], "statement": []}', "twice"),
    ('{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*"}]}', "twice"),
    (document(Effect="Maybe"), "Effect"),
    (document(Effect=None), "Effect"),
    (document(Action=None), "neither Action nor NotAction"),
    (document(NotAction="s3:x"), "both Action and NotAction"),
    (document(Action=3), "string"),
    (document(Action=[["s3:x"]]), "string"),
    (document(Resource={"a": 1}), "string"),
    (document(Surprise=1), "unknown element"),
    (document(Principal="arn:aws:iam::1:root"), "principal"),
    (document(Principal=["*"]), "object"),
    (document(Principal={"Martian": "x"}), "unknown element"),
    (document(Condition=[]), "Condition"),
    (document(Condition={"StringEquals": "x"}), "StringEquals"),
    (document(Condition={"StringEquals": {"aws:SourceIp": {"a": 1}}}), "string"),
    (document(Condition={"StringEquals": {"aws:SourceIp": "a", "AWS:sourceip": "b"}}), "twice"),
    (document(Condition={3: {}}), "operator"),
    (document(Resource="\ud800"), "Unicode"),
    ({3: 4}, "unknown element"),
]


@pytest.mark.parametrize(("given", "says"), BAD, ids=range(len(BAD)))
def test_bad_documents_are_refused_with_a_sentence(given: Any, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as raised:
        canonical_policy(given)
    assert len(str(raised.value)) < 300


def test_an_operator_we_do_not_know_is_kept() -> None:
    canonical = canonical_policy(document(Condition={"StringResembles": {"aws:username": "x"}}))
    assert canonical["Statement"][0]["Condition"] == {"StringResembles": {"aws:username": ["x"]}}


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("s3:getobject", "s3:GetObject"),
        ("S3:get*", "s3:Get*"),
        ("s3:*acl", "s3:*Acl"),
        ("s3:zzz*", "s3:zzz*"),
        ("S3:*", "s3:*"),
        ("*", "*"),
        ("nosuch:Thing", "nosuch:thing"),
        ("../etc:Thing", "../etc:thing"),
        ("s3:*a*b*c*d*e", "s3:*a*b*c*d*e"),
        ("", ""),
    ],
)
def test_actions_are_spelled_as_aws_does(written: str, spelled: str) -> None:
    assert spell_action(written) == spelled
    assert spell_action(spelled) == spelled


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("AWS:sourcearn", "aws:SourceArn"),
        ("aws:principaltag/Team", "aws:PrincipalTag/team"),
        ("aws:NewThing", "aws:newthing"),
        ("S3:PREFIX", "s3:prefix"),
        ("s3:existingobjecttag/Team", "s3:ExistingObjectTag/Team"),
        ("Token.Actions.githubusercontent.com:SUB", "token.actions.githubusercontent.com:sub"),
        ("oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub", "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub"),
        ("no colon", "no colon"),
    ],
)
def test_keys_are_spelled_as_aws_does(written: str, spelled: str) -> None:
    assert spell_key(written) == spelled
    assert spell_key(spelled) == spelled


def test_operators_keep_quantifier_and_suffix() -> None:
    assert spell_operator("forallvalues:stringlikeifexists") == "ForAllValues:StringLikeIfExists"
    assert spell_operator("ForSome:StringLike") == "ForSome:StringLike"


def test_known_actions_are_sorted_and_empty_for_strangers() -> None:
    assert "s3:GetObject" in known_actions("S3")
    assert known_actions("nosuch") == ()


def test_size_does_not_count_white_space() -> None:
    assert size('{ "Statement" : [ ] }') == len('{"Statement":[]}')
    assert size({"Statement": []}) == len('{"Statement":[]}')
