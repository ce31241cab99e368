"""Reading: pages, gaps, ownership, credentials of agent users, and the number of calls."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aws_timeouts import Timeouts
from aws_workspace import EXPIRES, sample
from provisioner_aws import provider
from provisioner_aws.faulty import denied, paged, refused, throttled
from provisioner_aws.live import last_use
from provisioner_aws.reader import AWSReader

from provisioner.model.resources import Address, LastUse
from provisioner.sdk import CloudError, Connection, Scope

ISSUER = "token.actions.githubusercontent.com"
OPEN = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}


DATES = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC))


def certificate() -> str:
    """A self-signed one, as a user uploads it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "bot")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, *DATES)
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


def document(*statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def desired():
    return list(provider.compile(sample()))


@pytest.fixture
def scope(desired):
    return Scope("ws", frozenset(item.resource.address for item in desired))


@pytest.fixture
def applied(connection, desired):
    """The sample, made by somebody else's hands quickly: each desired resource as its operations say."""
    writer = provider.writer([connection])
    from provisioner.model.changes import Action, Change, Effect

    for item in desired:
        resource = item.resource
        made = Change(
            1,
            Action.CREATE,
            resource.address,
            "it",
            resource.agent,
            None,
            (),
            {},
            Effect.UNKNOWN,
            (),
            (),
            "",
            None,
            resource.attributes,
        )
        for operation in provider.operations(made):
            assert writer.execute(operation, lambda: None).status == "done"
    return desired


def read(connection, scope, **more):
    snapshot = provider.reader([connection]).read(replace(scope, **more) if more else scope)
    return {str(r.address).split(":", 2)[2]: r for r in snapshot.resources}, snapshot.coverage


class TestBulk:
    def test_a_no_change_read_takes_few_calls_however_many_roles(self, applied, faulty, connect, scope):
        reader = provider.reader([connect(faulty.port)])
        reader.identify()
        snapshot = reader.read(scope)
        assert sorted(faulty.calls) == [
            "GetAccountAuthorizationDetails",
            "GetCallerIdentity",
            "ListOpenIDConnectProviders",
            "ListPolicyTags",
            "ListRoles",
        ]
        assert snapshot.coverage.calls == {"aws:123456789012": 5}
        assert snapshot.coverage.complete

    def test_pages_are_followed_to_the_end(self, applied, faulty, connect, scope):
        whole, _ = read(connect(faulty.port), scope)
        faulty.clear()
        faulty.on("GetAccountAuthorizationDetails", paged(1))
        faulty.on("ListRoles", paged(2))
        pages, coverage = read(connect(faulty.port), scope)
        assert pages == whole
        assert coverage.complete
        assert faulty.calls.count("GetAccountAuthorizationDetails") == 3
        assert faulty.calls.count("ListRoles") == 2

    def test_roles_that_are_not_ours_are_not_returned(self, applied, connection, iam, scope):
        iam.create_role(RoleName="somebody", Path="/agents/", AssumeRolePolicyDocument=document(OPEN))
        iam.create_role(
            RoleName="neighbour",
            AssumeRolePolicyDocument=document(OPEN),
            Tags=[{"Key": "provisioner:workspace", "Value": "other"}, {"Key": "provisioner:agent", "Value": "triage"}],
        )
        found, _ = read(connection, scope)
        assert not [name for name in found if "somebody" in name or "neighbour" in name]

    def test_what_is_ours_and_no_longer_declared_is_returned(self, applied, connection):
        found, _ = read(connection, Scope("ws", frozenset()))
        assert found["iam_role:ws-triage"].mark.block == "agent.triage"
        assert found["iam_role_policy:ws-triage/logs"].parent == found["iam_role:ws-triage"].address
        assert found["iam_policy:ws-boundary-agents"].mark.workspace == "ws"

    def test_tags_of_others_count_as_a_difference_and_those_of_aws_do_not(self, applied, connection, iam, scope):
        iam.tag_role(RoleName="ws-triage", Tags=[{"Key": "team", "Value": "x"}])
        found, _ = read(connection, scope)
        assert found["iam_role:ws-triage"].attributes["tags"]["team"] == "x"

    def test_a_foreign_boundary_on_our_role_is_read(self, applied, connection, iam, scope):
        policy = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
        arn = iam.create_policy(PolicyName="loose", PolicyDocument=policy)["Policy"]["Arn"]
        iam.put_role_permissions_boundary(RoleName="ws-triage", PermissionsBoundary=arn)
        found, _ = read(connection, scope)
        assert found["iam_role:ws-triage"].uses == (found["iam_policy:loose"].address,)
        assert found["iam_policy:loose"].mark is None
        alone, _ = read(connection, scope, agents=frozenset({"triage"}))
        assert alone["iam_policy:loose"] == found["iam_policy:loose"]

    def test_dead_principals_in_a_trust_make_no_difference(self, applied, connection, iam, scope):
        before, _ = read(connection, scope)
        trust = before["iam_role:ws-triage"].attributes["trust"]
        dead = {"Effect": "Allow", "Principal": {"AWS": "AIDACKCEVSQ6C2EXAMPLE"}, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(RoleName="ws-triage", PolicyDocument=document(*trust["Statement"], dead))
        after, _ = read(connection, scope)
        assert after["iam_role:ws-triage"] == before["iam_role:ws-triage"]

    def test_a_document_that_is_no_policy_is_kept_and_differs(self, applied, faulty, connect, scope):
        from provisioner_aws.forms import document as form

        assert form('{"Statement": 1}') == {"unreadable": '{"Statement": 1}'}
        assert form(form('{"Statement": 1}')) == form('{"Statement": 1}')

    def test_expiries_are_those_in_force(self, applied, connection, scope):
        snapshot = provider.reader([connection]).read(scope)
        assert provider.expiries(snapshot) == {(agent, "reads"): EXPIRES for agent in ("triage", "pay_out", "fixer")}


class TestAgentUsers:
    def test_a_user_that_a_trust_admits_is_read_with_its_keys_and_password(self, applied, connection, iam, scope):
        user = iam.create_user(UserName="backdoor")["User"]["Arn"]
        iam.create_access_key(UserName="backdoor")
        iam.create_login_profile(UserName="backdoor", Password="long-enough-1!")
        found, _ = read(connection, scope)
        trust = found["iam_role:ws-triage"].attributes["trust"]
        entry = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(RoleName="ws-triage", PolicyDocument=document(*trust["Statement"], entry))
        found, coverage = read(connection, scope)
        assert found["iam_user:backdoor"].agent == "triage"
        (key,) = [resource for name, resource in found.items() if name.startswith("iam_access_key:backdoor/")]
        assert key.attributes == {"status": "Active", "user": "backdoor"}
        assert key.agent == "triage"
        assert found["iam_login_profile:backdoor/console"].parent == found["iam_user:backdoor"].address
        assert coverage.complete

    def test_certificates_ssh_keys_and_service_credentials_are_found(self, applied, connection, iam, scope):
        iam.create_user(UserName="bot", Tags=[{"Key": "provisioner:agent", "Value": "triage"}])
        signing = iam.upload_signing_certificate(UserName="bot", CertificateBody=certificate())["Certificate"]
        key = iam.upload_ssh_public_key(UserName="bot", SSHPublicKeyBody="ssh-rsa AAAAB3Nza bot")["SSHPublicKey"]
        made = iam.create_service_specific_credential(UserName="bot", ServiceName="bedrock.amazonaws.com")
        credential = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
        found, coverage = read(connection, scope)
        assert coverage.complete
        assert found[f"iam_signing_certificate:bot/{signing['CertificateId']}"].agent == "triage"
        assert found[f"iam_ssh_public_key:bot/{key['SSHPublicKeyId']}"].attributes == {
            "status": "Active",
            "user": "bot",
        }
        service = found[f"iam_service_credential:bot/{credential}"]
        assert service.attributes == {"status": "Active", "user": "bot", "service": "bedrock.amazonaws.com"}
        assert service.parent == found["iam_user:bot"].address
        kinds = provider.schema().kinds
        assert all(kinds[resource.address.kind].credential for name, resource in found.items() if ":bot/" in name)

    def test_a_tagged_user_is_read_and_another_is_not(self, applied, connection, iam, scope):
        iam.create_user(UserName="bot", Tags=[{"Key": "provisioner:agent", "Value": "triage"}])
        iam.create_user(UserName="person")
        found, _ = read(connection, scope)
        assert found["iam_user:bot"].agent == "triage"
        assert "iam_user:person" not in found

    def test_keys_that_may_not_be_read_are_a_gap_of_that_agent(self, applied, faulty, connect, iam, scope):
        iam.create_user(UserName="bot", Tags=[{"Key": "provisioner:agent", "Value": "triage"}])
        faulty.on("ListAccessKeys", denied())
        _, coverage = read(connect(faulty.port), scope)
        (gap,) = coverage.gaps
        assert (gap.permission, gap.agents) == ("iam:ListAccessKeys", ("triage",))


class TestGaps:
    @pytest.mark.parametrize(
        ("action", "permission"),
        [
            ("GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails"),
            ("ListRoles", "iam:ListRoles"),
            ("ListPolicyTags", "iam:ListPolicyTags"),
            ("ListOpenIDConnectProviders", "iam:ListOpenIDConnectProviders"),
        ],
    )
    def test_a_denied_call_is_a_gap_that_names_it(self, applied, faulty, connect, scope, action, permission):
        faulty.on(action, denied())
        _, coverage = read(connect(faulty.port), scope)
        (gap,) = coverage.gaps
        assert gap.permission == permission
        assert "AccessDenied" in gap.reason

    def test_throttling_that_ends_leaves_no_gap(self, applied, faulty, connect, scope):
        faulty.on("ListRoles", throttled(), times=1)
        _, coverage = read(connect(faulty.port), scope)
        assert coverage.complete
        assert faulty.calls.count("ListRoles") == 2

    def test_throttling_that_does_not_end_is_a_gap_and_no_lack_of_permission(
        self, applied, faulty, connect, scope, monkeypatch
    ):
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        faulty.on("ListPolicyTags", throttled())
        _, coverage = read(connect(faulty.port), scope)
        (gap,) = coverage.gaps
        assert gap.permission is None
        assert "throttled" in gap.reason

    def test_one_agent_alone_has_gaps_of_its_own(self, applied, faulty, connect, scope):
        faulty.on("GetRolePolicy", denied())
        _, coverage = read(connect(faulty.port), scope, agents=frozenset({"triage"}))
        assert {(gap.permission, gap.agents) for gap in coverage.gaps} == {("iam:GetRolePolicy", ("triage",))}


class TestIdentity:
    def test_refused_credentials_are_named(self, faulty, connect):
        faulty.on("GetCallerIdentity", refused("InvalidClientTokenId", 403))
        with pytest.raises(CloudError, match="does not take the credentials"):
            provider.reader([connect(faulty.port)]).identify()

    def test_a_sandbox_that_is_down_says_how_to_start_it(self, connect):
        with pytest.raises(CloudError) as caught:
            provider.reader([connect(1)]).identify()
        assert "provisioner sandbox up" in caught.value.fix
        assert caught.value.code == "E-UNREACHABLE"

    def test_sandbox_credentials_never_leave_this_machine(self, connect):
        away = replace(connect(1), settings={"credentials": "sandbox", "endpoint": "https://iam.example"})
        with pytest.raises(CloudError, match="sandbox credentials are for a sandbox on this machine"):
            provider.reader([away]).identify()

    def test_a_role_of_the_runner_file_is_assumed(self, port, connect, iam):
        arn = iam.create_role(RoleName="planner", AssumeRolePolicyDocument=document(OPEN))["Role"]["Arn"]
        given = connect(port)
        reader = provider.reader([replace(given, settings={**given.settings, "plan_role": arn})])
        reader.identify()
        assert sum(reader.read(Scope("ws", frozenset())).coverage.calls.values()) >= 3

    def test_an_unknown_profile_is_an_error_with_a_way_out(self, port, connect):
        given = replace(connect(port), settings={"profile": "there-is-none", "endpoint": f"http://127.0.0.1:{port}"})
        with pytest.raises(CloudError) as caught:
            provider.reader([given]).identify()
        assert "there-is-none" in caught.value.detail
        assert caught.value.fix

    def test_no_credentials_at_all(self, port, connect, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        given = replace(connect(port), settings={"endpoint": f"http://127.0.0.1:{port}"})
        with pytest.raises(CloudError) as caught:
            provider.reader([given]).identify()
        assert caught.value.code == "E-AWS-CREDENTIALS"


class TestOpenIdConnect:
    def check(self, connection: Connection, desired, scope):
        snapshot = provider.reader([connection]).read(scope)
        return list(provider.check(sample(), desired, snapshot))

    def test_a_missing_provider_is_an_error_with_the_way_out(self, connection, desired, scope):
        (problem,) = self.check(connection, desired, scope)
        assert problem.code == "E-AWS-OIDC"
        assert f"aws iam create-open-id-connect-provider --url https://{ISSUER}" in problem.detail

    def test_a_provider_without_the_audience_is_an_error(self, connection, desired, scope, iam):
        iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["other"], ThumbprintList=["a" * 40])
        (problem,) = self.check(connection, desired, scope)
        assert "does not take the audience 'sts.amazonaws.com'" in problem.summary

    def test_a_provider_that_fits_is_none(self, connection, desired, scope, iam):
        audience = ["sts.amazonaws.com"]
        iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=audience, ThumbprintList=["a" * 40])
        assert self.check(connection, desired, scope) == []

    def test_what_could_not_be_listed_is_a_warning_and_stops_no_other_agent(self, faulty, connect, desired, scope):
        faulty.on("ListOpenIDConnectProviders", denied())
        snapshot = provider.reader([connect(faulty.port)]).read(scope)
        assert snapshot.coverage.complete
        (problem,) = provider.check(sample(), desired, snapshot)
        assert problem.severity == "warning"
        assert "iam:ListOpenIDConnectProviders" in problem.detail

    def test_a_role_in_another_path_cannot_be_moved(self, applied, connection, desired, scope):
        snapshot = provider.reader([connection]).read(scope)
        moved = [
            replace(resource, attributes={**resource.attributes, "path": "/old/"})
            if resource.address.name == "ws-triage"
            else resource
            for resource in snapshot.resources
        ]
        problems = provider.check(sample(), desired, replace(snapshot, resources=tuple(moved)))
        assert "E-AWS-REPLACE" in [problem.code for problem in problems]


def test_the_cheaper_way_is_chosen(port, connect):
    """One by one while the account's size is not known; afterwards by what a bulk read costs there."""
    reader = AWSReader([connect(port)])
    (account,) = reader._accounts.values()
    few = Scope("ws", frozenset(), frozenset({"a", "b"}))

    def calls(scope):
        before = account.calls
        coverage = reader.read(scope).coverage
        assert coverage.calls == {f"aws:{account.id}": account.calls}
        return account.calls - before

    one_by_one = calls(few)
    assert account.bulk_cost is None
    bulk = calls(Scope("ws", frozenset()))
    assert account.bulk_cost is not None
    assert calls(few) == bulk, "a small account is read whole"
    account.bulk_cost = 2 * 40 + 40_000 / 50
    assert calls(few) == one_by_one, "a very large one is not"


def test_both_ways_say_when_a_role_was_last_used_and_the_state_does_not(applied, connect, port, scope):
    reader = AWSReader([connect(port)])
    whole = reader.read(scope)
    agents = frozenset(resource.agent for resource in whole.resources if resource.agent)
    (account,) = reader._accounts.values()
    account.bulk_cost = 10_000
    single = reader.read(replace(scope, agents=agents))
    roles = {resource.address for resource in whole.resources if resource.address.kind == "iam_role"}
    assert set(whole.last_uses) == set(single.last_uses) == roles
    assert all(use.last == "" and use.made for use in whole.last_uses.values()), "moto: nobody used them"
    assert not any("LastUsed" in str(resource.attributes) for resource in whole.resources)
    used = {"RoleLastUsed": {"LastUsedDate": DATES[0], "Region": "eu-west-1"}, "CreateDate": DATES[0]}
    assert last_use(used) == LastUse("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    assert last_use({"CreateDate": DATES[0]}) is None, "an answer without the member says nothing"


class TestInventory:
    """What the whole account holds: from the pages that are read anyway, and one call where something is to be made."""

    def wanting(self, scope):
        return replace(scope, addresses=scope.addresses | {Address("aws", "123456789012", "iam_role", "ws-new")})

    def test_what_is_there_whoever_owns_it(self, applied, faulty, connect, iam, scope):
        iam.create_role(RoleName="somebody", AssumeRolePolicyDocument=document(OPEN))
        iam.create_user(UserName="dana", Path="/people/")
        (found,) = provider.reader([connect(faulty.port)]).read(scope).inventories
        assert "GetAccountSummary" not in faulty.calls
        assert found.counts == {"roles": 4, "managed_policies": 1, "oidc_providers": 0}
        assert {"arn:aws:iam::123456789012:role/somebody", "arn:aws:iam::123456789012:user/people/dana"} < (
            found.principals
        )

    def test_where_something_is_made_the_account_says_its_quotas(self, applied, faulty, connect, iam, scope):
        iam.create_instance_profile(InstanceProfileName="theirs")
        snapshot = provider.reader([connect(faulty.port)]).read(self.wanting(scope))
        assert faulty.calls.count("GetAccountSummary") == 1
        assert snapshot.coverage.calls == {"aws:123456789012": 5}, "four as without it, and this one"
        (found,) = snapshot.inventories
        assert found.counts["instance_profiles"] == 1
        assert found.quotas == {
            "roles": 1000,
            "managed_policies": 1500,
            "instance_profiles": 1000,
            "attached_policies": 10,
        }

    def test_quotas_that_may_not_be_read_are_said_and_stop_nothing(self, applied, faulty, connect, scope):
        faulty.on("GetAccountSummary", denied())
        snapshot = provider.reader([connect(faulty.port)]).read(self.wanting(scope))
        assert snapshot.coverage.complete
        assert any("iam:GetAccountSummary" in text for text in snapshot.coverage.not_looked_at)
        (found,) = snapshot.inventories
        assert found.quotas == {} and found.counts["roles"] == 3

    def test_quotas_that_get_no_answer_are_said_and_stop_nothing(self, applied, faulty, connect, scope, monkeypatch):
        monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 2)
        timeouts = Timeouts(monkeypatch)
        timeouts.on("GetAccountSummary", 1000)
        snapshot = provider.reader([connect(faulty.port)]).read(self.wanting(scope))
        assert snapshot.coverage.complete and timeouts.met["GetAccountSummary"] == 2
        assert any("iam:GetAccountSummary" in text for text in snapshot.coverage.not_looked_at)

    def test_an_account_that_could_not_be_read_has_none(self, applied, faulty, connect, scope):
        faulty.on("GetAccountAuthorizationDetails", denied())
        assert provider.reader([connect(faulty.port)]).read(scope).inventories == ()
