"""Every limit of AWS exceeded by one, quotas raised and not, and what a boundary takes away from a grant."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aws_runtimes import agentcore
from aws_workspace import agent, authority, block, boundary, condition, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.boundary import boundary_document
from provisioner_aws.compile import agent_place
from provisioner_aws.forms import document, trust
from provisioner_aws.policy.canonical import size
from provisioner_aws.quotas import COUNTED, QUOTAS
from provisioner_aws.trust import trust_policy

from provisioner.model.configuration import Expiry, Federation
from provisioner.model.diagnostics import Severity
from provisioner.model.resources import Coverage, Inventory, Snapshot


def found(of):
    return list(provider.validate(of))


def planned(of, live=(), **inventory):
    """What validation and the look at an account say: an empty one, or one that holds more than what is `live`."""
    inventories = (Inventory("123456789012", **inventory),) if inventory else ()
    snapshot = Snapshot(tuple(live), Coverage(("aws:123456789012",)), inventories)
    return [*found(of), *provider.check(of, tuple(provider.compile(of)), snapshot)]


def with_quotas(of, **quotas):
    ((key, config),) = of.configs.items()
    settings = replace(config.settings, blocks=(block("quotas", **quotas),))
    return replace(of, configs={key: replace(config, settings=settings)})


ADOPTED = block("runtime", "adopted", trust='{"Version":"2012-10-17","Statement":[]}')


def everything():
    """Two agents on EC2 in boundaries of their own, and two OIDC providers."""
    agents = [agent(f"a{n}", block("runtime", "ec2"), boundary=f"boundary.b{n}") for n in range(2)]
    of = authority(agents, boundaries=[boundary(f"b{n}") for n in range(2)])
    made = {}
    for n in range(2):
        oidc = block("oidc", issuer=f"https://git{n}.acme.example", audiences=("x",), thumbprints=())
        name = f"federation.git{n}"
        made[name] = Federation(name, f"git{n}", "aws", block("federation", blocks=[oidc]))
    return replace(of, configuration=replace(of.configuration, federations=made))


def codes(problems):
    return [problem.code for problem in problems]


def exact(wanted: int, make, measure):
    """`make(text)` for the padding with which `measure` of it is just `wanted`."""
    short = measure(make("a"))
    made = make("a" * (1 + wanted - short))
    assert measure(made) == wanted
    return made


class TestByOne:
    @pytest.mark.parametrize(("length", "expected"), [(10240, []), (10241, ["E-AWS-SIZE"])])
    def test_inline_policies(self, length, expected):
        def make(pad):
            names = [f"arn:aws:s3:::bucket-{i:03}-{'x' * 30}/*" for i in range(150)]
            wide = tool("t", statement(["s3:GetObject"], [*names, f"arn:aws:s3:::{pad}/*"]))
            return authority([agent("a")], [wide], [grant("g", ["a"], ["t"])])

        def inline(of):
            (part,) = [i.resource for i in provider.compile(of) if "/" in i.resource.address.name]
            return size(part.attributes["document"])

        assert codes(found(exact(length, make, inline))) == expected

    @pytest.mark.parametrize(("length", "expected"), [(6144, []), (6145, ["E-AWS-SIZE"])])
    def test_a_boundary(self, length, expected):
        def make(pad):
            return authority([agent("a")], boundaries=[boundary(deny=("iam:*", *(f"s3:{'*' * len(pad)}",)))])

        def measure(of):
            (made,) = of.configuration.boundaries.values()
            return size(document(boundary_document(made.clouds["aws"])))

        assert codes(found(exact(length, make, measure))) == expected

    @pytest.mark.parametrize(
        ("length", "quotas", "expected"),
        [
            (2048, {}, []),
            (2049, {}, ["E-AWS-SIZE"]),
            (2049, {"trust_policy": 2049}, []),
            (2050, {"trust_policy": 2049}, ["E-AWS-SIZE"]),
        ],
    )
    def test_a_trust_policy(self, length, quotas, expected):
        def measure(of):
            (one,) = of.configuration.agents.values()
            return size(trust(trust_policy(one, agent_place(of, one))))

        made = None
        for filler in range(40):

            def narrower(pad, filler=filler):
                functions = (*(f"function-{i:02}" for i in range(filler)), pad)
                return authority([agent("a", block("runtime", "lambda", functions=functions, source_condition=True))])

            missing = length - measure(narrower("a"))
            if 0 <= missing < 60:
                made = narrower("a" * (1 + missing))
        assert made is not None and measure(made) == length
        assert codes(found(with_quotas(made, **quotas))) == expected

    @pytest.mark.parametrize(("length", "expected"), [(512, []), (513, ["E-AWS-PATH"])])
    def test_a_path(self, length, expected):
        assert codes(found(authority([agent("a", identity={"path": f"/{'p' * (length - 2)}/"})]))) == expected

    @pytest.mark.parametrize(("length", "expected"), [(256, 0), (257, 1)])
    def test_a_tag_value(self, length, expected):
        name = "a" * (length - len("agent."))
        assert codes(found(authority([agent(name)]))).count("E-AWS-SIZE") == expected

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ({f"k{n}": "v" for n in range(47)}, []),
            ({f"k{n}": "v" for n in range(48)}, ["E-AWS-SIZE"]),
            ({"k" * 128: "v" * 256}, []),
            ({"k" * 129: "v"}, ["E-AWS-SIZE"]),
            ({"k": "v" * 257}, ["E-AWS-SIZE"]),
            ({"Größe": "10 µm"}, []),
            ({"k": "a,b"}, ["E-AWS-TAG"]),
            ({"k#": "v"}, ["E-AWS-TAG"]),
            ({"": "v"}, ["E-AWS-TAG"]),
        ],
    )
    def test_tags_of_a_role(self, tags, expected):
        """IAM takes 50, of which the mark has three."""
        assert codes(found(authority([agent("a", identity={"tags": tags})]))) == expected

    @pytest.mark.parametrize(
        ("audiences", "length", "expected"),
        [(100, 30, []), (101, 30, ["E-AWS-SIZE"]), (1, 255, []), (1, 256, ["E-AWS-SIZE"])],
    )
    def test_an_oidc_provider(self, audiences, length, expected):
        issuer = f"https://git.acme.example/{'x' * (length - 25)}"
        assert len(issuer) == length
        oidc = block("oidc", issuer=issuer, audiences=tuple(f"a{n}" for n in range(audiences)), thumbprints=())
        made = Federation("federation.git", "git", "aws", block("federation", blocks=[oidc]))
        of = authority([agent("a")])
        of = replace(of, configuration=replace(of.configuration, federations={made.address: made}))
        assert codes(found(of)) == expected

    @pytest.mark.parametrize(("length", "expected"), [(1000, []), (1001, ["W-AWS-DESCRIPTION"])])
    def test_a_description(self, length, expected):
        assert codes(found(authority([agent("a", purpose="p" * length)]))) == expected

    @pytest.mark.parametrize(("length", "expected"), [(128, []), (129, ["E-AWS-NAME"])])
    def test_the_name_of_a_policy_with_a_relative_expiry(self, length, expected):
        made = grant("g" * length, ["a"], ["t"], expires=Expiry(None, 3600))
        assert codes(found(authority([agent("a")], [tool("t")], [made]))) == expected

    @pytest.mark.parametrize("name", ["roles", "managed_policies"])
    def test_what_an_account_holds(self, name):
        agents = [agent(f"a{n}", boundary=f"boundary.b{n}") for n in range(3)]
        boundaries = [boundary(f"b{n}") for n in range(3)]
        of = authority(agents, boundaries=boundaries)
        assert codes(planned(with_quotas(of, **{name: 3}))) == []
        (problem,) = planned(with_quotas(of, **{name: 2}))
        assert problem.code == "E-AWS-QUOTA"
        assert "would hold 3" in problem.summary and "quota is 2" in problem.summary
        assert f"{name} = 3" in problem.detail

    @pytest.mark.parametrize("name", ["roles", "managed_policies", "instance_profiles", "oidc_providers"])
    def test_what_others_hold_counts_too(self, name):
        """What is there already is not made again; what is to be made comes on top of everybody's."""
        of = everything()
        desired = [item.resource for item in provider.compile(of)]
        mine = [item for item in desired if item.address.kind in COUNTED[name]]
        there, limit = mine[1:], QUOTAS[name].default
        assert codes(planned(of, there, counts={name: limit - 1})) == []
        (problem,) = planned(of, there, counts={name: limit})
        assert problem.code == "E-AWS-QUOTA"
        assert f"would hold {limit + 1} {QUOTAS[name].unit}, {limit} as it is; the account's quota is {limit}" in (
            problem.summary
        )
        assert problem.subject is not None
        assert codes(planned(with_quotas(of, **{name: limit + 1}), there, counts={name: limit})) == []
        assert codes(planned(of, desired, counts={name: limit + 7})) == [], "nothing is made"

    def test_the_accounts_own_quota_counts_where_the_block_says_none(self):
        of = everything()
        assert codes(planned(of, counts={"roles": 1000}, quotas={"roles": 5000})) == []
        (problem,) = planned(of, counts={"roles": 40}, quotas={"roles": 40})
        assert "quota is 40" in problem.summary
        assert codes(planned(with_quotas(of, roles=50), counts={"roles": 40}, quotas={"roles": 40})) == []

    def test_what_an_adopted_role_keeps_counts_with_its_grants(self):
        arns = tuple(f"arn:aws:iam::123456789012:policy/p{n:02}" for n in range(11))
        of = authority([agent("a", ADOPTED, identity={"attach": arns})])
        said = [problem.summary for problem in planned(of) if problem.code == "E-AWS-QUOTA"]
        assert said == ["Role ws-a needs 11 managed policies; the account's quota is 10"]

    def test_what_a_role_holds(self):
        tools = [
            tool(f"t{n:02}", statement(["s3:GetObject"], [f"arn:aws:s3:::bucket-{n:02}-{i:03}/*" for i in range(50)]))
            for n in range(20)
        ]
        of = authority([agent("a")], tools, [grant(f"g{n:02}", ["a"], [f"t{n:02}"]) for n in range(20)])
        packs = sum(i.resource.address.kind == "iam_role_pack" for i in provider.compile(of))
        assert 1 < packs <= 10
        assert codes(planned(with_quotas(of, attached_policies=packs))) == []
        (problem,) = planned(with_quotas(of, attached_policies=packs - 1))
        assert problem.code == "E-AWS-QUOTA"
        assert f"Role ws-a needs {packs} managed policies" in problem.summary

    def test_the_default_quotas_are_awss(self):
        assert {name: quota.default for name, quota in QUOTAS.items()} == {
            "attached_policies": 10,
            "trust_policy": 2048,
            "roles": 1000,
            "managed_policies": 1500,
            "instance_profiles": 1000,
            "oidc_providers": 100,
        }


class TestPrincipals:
    """A trust that names somebody who is not there: IAM refuses it."""

    OTHER = "arn:aws:iam::123456789012:role/ops/hub"

    def trusting(self, *principals):
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}],
        }
        return authority([agent("a", block("runtime", "adopted", trust=json.dumps(trust), line=7)), agent("b")])

    def said(self, of, *principals, live=()):
        problems = planned(of, live, counts={"roles": 1}, principals=frozenset(principals))
        return [problem for problem in problems if problem.code in ("E-AWS-PRINCIPAL", "W-AWS-STAGE")]

    @pytest.mark.parametrize("arn", [OTHER, "arn:aws:iam::123456789012:user/dana"])
    def test_one_that_is_not_there_stops_the_plan(self, arn):
        (problem,) = self.said(self.trusting(arn))
        assert problem.is_error and arn in problem.summary
        assert problem.subject.start.line == 7

    def test_one_that_is_there_does_not(self):
        assert self.said(self.trusting(self.OTHER), self.OTHER) == []

    def test_another_path_is_another_principal(self):
        assert self.said(self.trusting(self.OTHER), "arn:aws:iam::123456789012:role/hub") != []

    def test_one_that_the_plan_makes_does_not(self):
        assert self.said(self.trusting("arn:aws:iam::123456789012:role/agents/ws-b")) == []

    def test_one_of_another_account_is_a_stage_to_see_to(self):
        (problem,) = self.said(self.trusting("arn:aws:iam::999999999999:role/hub"))
        assert problem.code == "W-AWS-STAGE" and not problem.is_error
        assert "999999999999" in problem.summary

    def test_a_trust_that_stays_is_not_judged(self):
        """Somebody else's principal that is gone is not this plan's business: IAM keeps the trust."""
        of = self.trusting("arn:aws:iam::999999999999:role/hub")
        live = [item.resource for item in provider.compile(of)]
        assert self.said(of, live=live) == []

    @pytest.mark.parametrize("one", ["*", "123456789012", "arn:aws:iam::123456789012:root", "AROAEXAMPLEEXAMPLE123"])
    def test_what_is_no_role_and_no_user_is_not_looked_for(self, one):
        assert self.said(self.trusting(one)) == []

    def test_an_account_that_was_not_read_says_nothing(self):
        assert codes(planned(self.trusting(self.OTHER))) == []


@pytest.mark.parametrize("values", [{"roles": 0}, {"roles": -1}, {"attached_policies": 26}, {"roles": 2.5}])
def test_quotas_that_aws_does_not_give(values):
    (problem,) = found(with_quotas(authority([agent("a")]), **values))
    assert problem.code == "E-AWS-QUOTA"
    assert "is no quota that AWS gives" in problem.summary


class TestBoundaryAgainstGrants:
    def one(self, action, resource="*", **settings):
        made = tool("t", statement([action], [resource]))
        of = authority([agent("a")], [made], [grant("g", ["a"], ["t"])], [boundary(**settings)])
        return [problem for problem in found(of) if problem.code == "W-AWS-BOUNDARY"]

    def test_what_it_does_not_allow(self):
        (problem,) = self.one("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:q")
        assert problem.severity is Severity.WARNING
        assert "excludes sqs:SendMessage" in problem.summary
        assert "grant.g gives it to agent.a" in problem.detail and "does not allow it" in problem.detail

    def test_what_it_denies(self):
        (problem,) = self.one("s3:DeleteObject", "arn:aws:s3:::b/*", deny=("s3:Delete*",))
        assert "denies it" in problem.detail

    def test_another_region(self):
        arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
        (problem,) = self.one("dynamodb:GetItem", arn, regions=("eu-west-1",))
        assert "keeps requests to eu-west-1" in problem.detail
        assert self.one("dynamodb:GetItem", arn, regions=("us-east-1",)) == []
        assert self.one("dynamodb:GetItem", arn, regions=("eu-west-1",), global_services=("dynamodb",)) == []

    def test_a_pattern_that_is_partly_let_through_is_none(self):
        assert self.one("s3:Get*", "arn:aws:s3:::b/*", allow=("s3:GetObject",)) == []
        assert self.one("s3:Get*", "arn:aws:s3:::b/*", allow=("s3:PutObject",)) != []

    def test_case_does_not_matter(self):
        assert self.one("s3:getobject", "arn:aws:s3:::b/*", allow=("S3:GetObject",)) == []


class TestConditionKeys:
    @pytest.mark.parametrize(
        "key",
        [
            "s3:prefix",
            "S3:Prefix",
            "aws:SourceIp",
            "aws:ResourceTag/team",
            "s3:ExistingObjectTag/team",
            "accounts.google.com:sub",
            "aws:requesttag/x",
        ],
    )
    def test_keys_that_are_there(self, key):
        made = tool("t", statement(["s3:ListBucket"], ["arn:aws:s3:::b"], condition("StringEquals", key, "x")))
        assert found(authority([agent("a")], [made], [grant("g", ["a"], ["t"])])) == []

    @pytest.mark.parametrize(
        ("key", "hint"), [("s3:prefx", "s3:prefix"), ("aws:SourceIpp", "aws:SourceIp"), ("dynamdb:LeadingKeys", "")]
    )
    def test_keys_that_are_not(self, key, hint):
        made = tool("t", statement(["s3:ListBucket"], ["arn:aws:s3:::b"], condition("StringEquals", key, "x")))
        (problem,) = found(authority([agent("a")], [made], [grant("g", ["a"], ["t"])]))
        assert problem.code == "W-AWS-CONDITION"
        assert key in problem.summary
        assert hint in problem.detail


class TestTokensForAnyUser:
    """AgentCore gives tokens for whatever user id is written, unless the user's own JWT is asked for."""

    def said(self, action, **values):
        made = tool("t", statement([action], ["*"]))
        wide = boundary(allow=("bedrock-agentcore:*",))
        of = authority([agent("a", agentcore(**values))], [made], [grant("g", ["a"], ["t"])], [wide])
        return [(problem.code, problem.is_error) for problem in found(of) if "USER-TOKEN" in problem.code]

    @pytest.mark.parametrize("action", ["GetWorkloadAccessTokenForUserId", "getworkloadaccesstoken*", "*"])
    def test_where_a_jwt_is_to_be_had_it_is_refused(self, action):
        assert self.said(f"bedrock-agentcore:{action}", inbound_auth="jwt") == [("E-AWS-USER-TOKEN", True)]

    def test_where_nothing_is_said_it_is_a_warning(self):
        assert self.said("bedrock-agentcore:GetWorkloadAccessTokenForUserId") == [("W-AWS-USER-TOKEN", False)]

    def test_where_callers_have_no_jwt_it_is_taken(self):
        assert self.said("bedrock-agentcore:GetWorkloadAccessTokenForUserId", inbound_auth="iam") == []

    def test_the_users_own_jwt_is_taken(self):
        assert self.said("bedrock-agentcore:GetWorkloadAccessTokenForJWT", inbound_auth="jwt") == []
