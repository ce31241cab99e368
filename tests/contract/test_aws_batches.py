"""Many agents at once on AWS: which reads serve many operations, and what is done where such a read is in doubt."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from aws_workspace import agent, authority, grant, tool
from provisioner_aws import batch, client, execution, provider, view
from provisioner_aws.faulty import denied, hanging, lost, paged, refused, throttled, twice
from provisioner_aws.limiter import Limiter
from provisioner_aws.reader import AWSReader
from provisioner_aws.writer import AWSWriter

from provisioner.model.changes import Action, Change, Effect, Status
from provisioner.sdk import Scope
from provisioner.sdk.errors import CloudError, ProceedError
from provisioner.sdk.provider import Batching

AGENTS = [f"a{n:02}" for n in range(20)]
DOCUMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
EMPTY = '{"Version":"2012-10-17","Statement":[]}'
BULK = "GetAccountAuthorizationDetails"


@pytest.fixture
def writer(faulty, connect):
    made = AWSWriter([connect(faulty.port)], sleep=lambda _: None, read_seconds=10.0)
    for account in made._accounts.values():
        account.limiter = Limiter(sleep=lambda _: None)
    assert isinstance(made, Batching)
    return made


def creations():
    """The operations that make the boundary, twenty roles, and a policy on each, in this order."""
    desired = provider.compile(authority([agent(n) for n in AGENTS], [tool("log")], [grant("logs", AGENTS, ["log"])]))
    found: dict[str, list] = {}
    for number, item in enumerate(desired, start=1):
        one = item.resource
        change = Change(
            number, Action.CREATE, one.address, "it", one.agent, None, (), {}, Effect.WIDER, (), (), "", None,
            one.attributes,
        )  # fmt: skip
        for operation in provider.operations(change):
            found.setdefault(operation.verb, []).append(operation)
    return found["iam:CreatePolicy"], found["iam:CreateRole"], found["iam:PutRolePolicy"]


def together(writer, operations, proceed=lambda: None):
    """As the core does: side by side, then the read-back; outcomes by operation."""
    made = writer.batch(operations)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda operation: made.execute(operation, proceed), operations))
    outcomes = {operation.id: answer for operation, answer in zip(operations, answers, strict=True)}
    outcomes.update((outcome.operation, outcome) for outcome in made.read_back())
    return outcomes


def statuses(outcomes):
    return Counter(outcome.status for outcome in outcomes.values())


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on only where a test says so, for all that judges how old a read is."""
    made = SimpleNamespace(now=1000.0)

    def monotonic():
        made.now += 0.001
        return made.now

    for module in (batch, client, view):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=monotonic))
    return made


@pytest.fixture
def roles(writer, faulty):
    """The boundary and the roles are there; their policies are still to be put."""
    boundary, made, policies = creations()
    assert writer.execute(boundary[0], lambda: None).status is Status.DONE
    assert statuses(together(writer, made)) == {Status.DONE: 20}
    faulty.calls.clear()
    return policies


class TestReads:
    def test_one_read_stands_for_all_looks_and_one_for_all_read_backs(self, writer, faulty):
        boundary, roles, policies = creations()
        writer.execute(boundary[0], lambda: None)
        faulty.calls.clear()
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        assert Counter(faulty.calls) == {"CreateRole": 20, BULK: 2, "ListRoles": 2}
        faulty.calls.clear()
        assert statuses(together(writer, policies)) == {Status.DONE: 20}
        assert Counter(faulty.calls) == {"PutRolePolicy": 20, BULK: 1, "ListRoles": 1}, (
            "what the roles were read back by is young, and nothing was written since"
        )

    def test_what_was_read_before_a_write_of_ours_is_not_used(self, writer, faulty, roles):
        writer._accounts["123456789012"].write("tag_role", RoleName="ws-a00", Tags=[{"Key": "x", "Value": "y"}])
        together(writer, roles)
        assert faulty.calls.count(BULK) == 2

    def test_an_old_read_is_made_again(self, writer, faulty, clock, roles):
        """Ten seconds go by after the third write: the others are not made on what was read before it."""
        at = iter(range(20))

        def proceed():
            clock.now += 11 if next(at) == 2 else 0

        made = writer.batch(roles)
        answers = [made.execute(operation, proceed) for operation in roles]
        assert answers == [None] * 20
        assert [call for call in faulty.calls if call in (BULK, "PutRolePolicy")] == [
            *["PutRolePolicy"] * 3,
            BULK,
            *["PutRolePolicy"] * 17,
        ]
        assert "GetRole" not in faulty.calls

    def test_a_read_that_is_old_when_it_ends_stands_for_nothing(self, writer, faulty, clock, roles):
        writer._latest.clear()

        def slow(parameters, cloud):
            clock.now += 11
            return cloud()

        faulty.on(BULK, slow)
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        assert faulty.calls.count(BULK) == 1, "the next would be as slow"
        assert faulty.calls.count("GetRole") == 20, "each is looked at by itself"

    def test_for_a_few_each_is_read_by_itself(self, writer, faulty, roles):
        assert statuses(together(writer, roles[:3])) == {Status.DONE: 3}
        assert BULK not in faulty.calls and faulty.calls.count("GetRolePolicy") == 3, "the look before is young still"

    def test_without_the_bulk_read_each_is_read_by_itself(self, writer, faulty):
        boundary, roles, _ = creations()
        writer.execute(boundary[0], lambda: None)
        faulty.on(BULK, denied())
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        assert faulty.calls.count("GetRole") == 40 and faulty.calls.count(BULK) == 1

    def test_a_role_is_looked_at_right_before_it_is_deleted(self, writer, faulty, roles):
        _, made, _ = creations()
        deletions = []
        for number, created in enumerate(made, start=1):
            found = writer._latest["123456789012"].found(created)
            change = Change(
                number, Action.DELETE, created.address, "it", created.agent, None, (), {}, Effect.NARROWER, (), (), "",
                found.attributes, None,
            )  # fmt: skip
            deletions += provider.operations(change)
        assert statuses(together(writer, deletions)) == {Status.DONE: 20}
        assert [call for call in faulty.calls if call in ("GetRole", "DeleteRole")].count("GetRole") == 40


class TestDoubts:
    def test_what_the_read_shows_to_be_otherwise_is_settled_by_a_read_of_its_own(self, writer, faulty, roles, iam):
        iam.put_role_policy(RoleName="ws-a03", PolicyName="logs", PolicyDocument=DOCUMENT)
        iam.untag_role(RoleName="ws-a05", TagKeys=["provisioner:workspace"])
        iam.tag_role(RoleName="ws-a06", Tags=[{"Key": "provisioner:agent", "Value": "mallory"}])
        iam.delete_role(RoleName="ws-a07")
        writer._latest.clear()
        outcomes = together(writer, roles)
        told = {o.address.name.partition("/")[0]: outcomes[o.id] for o in roles}
        assert statuses(outcomes) == {Status.DONE: 16, Status.CONFLICT: 4}
        assert "exists already" in told["ws-a03"].detail
        assert "does not carry our mark" in told["ws-a05"].detail
        assert "mallory" in told["ws-a06"].detail
        assert "does not exist" in told["ws-a07"].detail
        assert faulty.calls.count("PutRolePolicy") == 16

    def test_what_exists_since_the_read_is_refused_by_aws_and_is_a_conflict(self, writer, faulty, iam):
        boundary, roles, _ = creations()
        writer.execute(boundary[0], lambda: None)
        trust = '{"Version":"2012-10-17","Statement":[]}'

        def meddle(parameters, cloud):
            iam.create_role(RoleName="ws-a09", Path="/", AssumeRolePolicyDocument=trust)
            return cloud()

        faulty.on("CreateRole", meddle, times=1)
        outcomes = together(writer, roles)
        assert statuses(outcomes) == {Status.DONE: 19, Status.CONFLICT: 1}
        assert "exists already" in outcomes[next(o.id for o in roles if o.address.name == "ws-a09")].detail

    def test_what_the_read_back_does_not_show_yet_is_waited_for(self, writer, faulty, roles):
        before = writer._latest["123456789012"]
        stale = bulk_answer(writer)
        faulty.on(BULK, lambda parameters, cloud: stale)
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        assert before.began < writer._latest["123456789012"].began
        assert faulty.calls.count("GetRolePolicy") == 20, "each by itself"

    def test_what_somebody_changes_right_after_the_write_is_told(self, writer, faulty, roles, iam):
        def meddle(parameters, cloud):
            answer = cloud()
            name = parameters["RoleName"]
            iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=DOCUMENT)
            return answer

        faulty.on("PutRolePolicy", meddle, times=1)
        assert statuses(together(writer, roles)) == {Status.DONE: 19, Status.CONFLICT: 1}

    @pytest.mark.parametrize("again", ["without a mark", "as another's"])
    def test_a_role_that_somebody_deletes_and_makes_anew_under_the_call_is_told(
        self, writer, faulty, roles, iam, again
    ):
        """Between the look and the call, which nothing in IAM can close: it is seen then, and not called ours."""
        tags = [] if again == "without a mark" else [{"Key": "provisioner:workspace", "Value": "theirs"}]

        def meddle(parameters, cloud):
            iam.delete_role(RoleName=parameters["RoleName"])
            iam.create_role(RoleName=parameters["RoleName"], AssumeRolePolicyDocument=EMPTY, Tags=tags)
            return cloud()

        faulty.on("PutRolePolicy", meddle, times=1)
        outcomes = together(writer, roles)
        assert statuses(outcomes) == {Status.DONE: 19, Status.CONFLICT: 1}
        (told,) = [one for one in outcomes.values() if one.status is Status.CONFLICT]
        assert "AWS took the call, but meanwhile" in told.detail and "and the call is on it" in told.detail

    def test_a_change_between_two_pages_of_the_read_is_no_reason_to_write(self, writer, faulty, roles, iam):
        """Pages shift while they are read: what is missing in the read, or in it twice, is read by itself."""
        writer._latest.clear()
        meddled = []

        def shifting(parameters, cloud):
            if "Marker" in parameters and not meddled:
                meddled.append(iam.delete_role(RoleName="ws-a00"))
                iam.put_role_policy(RoleName="ws-a15", PolicyName="logs", PolicyDocument=DOCUMENT)
            return paged(7)(parameters, cloud)

        faulty.on(BULK, shifting)
        outcomes = together(writer, roles)
        told = {o.address.name.partition("/")[0]: outcomes[o.id] for o in roles}
        assert statuses(outcomes) == {Status.DONE: 18, Status.CONFLICT: 2}
        assert "does not exist" in told["ws-a00"].detail or "NoSuchEntity" in told["ws-a00"].detail
        assert "exists already" in told["ws-a15"].detail

    def test_a_read_of_which_a_page_is_throttled_is_none(self, writer, faulty, roles, monkeypatch):
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        writer._latest.clear()

        def reply(parameters, cloud):
            fails = parameters.get("Marker") == "14"
            return throttled()(parameters, cloud) if fails else paged(7)(parameters, cloud)

        faulty.on(BULK, reply)
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        assert faulty.calls.count("GetRole") == 20, "each is looked at by itself"

    @pytest.mark.parametrize(
        "body", [b"<html>a proxy</html>", b"<X xmlns='https://iam.amazonaws.com/doc/2010-05-08/'/>"]
    )
    @pytest.mark.parametrize("action", [BULK, "ListRoles"])
    def test_an_answer_that_is_not_a_listing_is_no_empty_account(self, writer, faulty, roles, body, action):
        writer._latest.clear()
        faulty.on(action, lambda parameters, cloud: (200, body))
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        assert faulty.calls.count("GetRole") == 20


def bulk_answer(writer):
    """The bulk answer as it is now, from the wire."""
    import urllib.request

    url = writer._accounts["123456789012"].endpoint
    body = f"Action={BULK}&Version=2010-05-08&Filter.member.1=Role".encode()
    request = urllib.request.Request(
        url,
        body,
        {"Authorization": "AWS4-HMAC-SHA256 Credential=SANDBOX123456789012/20261123/us-east-1/iam/aws4_request"},
    )
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.read()


class TestFaults:
    @pytest.mark.parametrize(
        "reply", [throttled(), lost, twice, refused("ServiceFailure", 500), refused("NoSuchEntity", 404)]
    )
    def test_the_end_is_as_signed_and_each_effect_happened_once(self, writer, faulty, roles, iam, reply):
        faulty.on("PutRolePolicy", reply, times=4)
        assert statuses(together(writer, roles)) == {Status.DONE: 20}
        for name in AGENTS:
            assert iam.list_role_policies(RoleName=f"ws-{name}")["PolicyNames"] == ["logs"]

    def test_a_denied_write_fails_alone(self, writer, faulty, roles):
        faulty.on("PutRolePolicy", denied(), times=1)
        outcomes = together(writer, roles)
        assert statuses(outcomes) == {Status.DONE: 19, Status.FAILED: 1}

    def test_a_stop_right_before_a_write_leaves_it_unwritten(self, writer, faulty, roles):
        def stop():
            raise ProceedError("rejected")

        made = writer.batch(roles)
        for operation in roles:
            with pytest.raises(ProceedError):
                made.execute(operation, stop)
        assert list(made.read_back()) == []
        assert "PutRolePolicy" not in faulty.calls

    def test_a_session_that_ends_after_the_write_leaves_no_claim_that_nothing_was_written(
        self, writer, faulty, monkeypatch
    ):
        operation = creations()[0][0]

        def gone(*_):
            raise CloudError("123456789012", "AWS does not take the credentials", "expired")

        monkeypatch.setattr(execution, "look_back", gone)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.UNKNOWN and "nothing was written" not in outcome.detail


class TestNoAnswer:
    """A call that never answers."""

    @pytest.fixture
    def impatient(self, faulty, connect, monkeypatch):
        """Half a second for an answer, no pause between tries."""
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        return lambda kind, **more: kind([connect(faulty.port)], read_seconds=0.5, **more)

    @pytest.mark.parametrize("action", [BULK, "ListRoles"])
    def test_a_read_is_incomplete_and_says_what_was_not_seen(self, impatient, faulty, roles, action, monkeypatch):
        monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 2)
        faulty.on(action, hanging)
        snapshot = impatient(AWSReader).read(Scope("ws", frozenset()))
        assert not snapshot.coverage.complete
        assert "Read timeout" in snapshot.coverage.gaps[0].reason
        assert faulty.calls.count(action) == 2

    def test_a_write_is_unknown_and_the_next_run_settles_it(self, impatient, faulty, monkeypatch):
        monkeypatch.setattr(execution, "WRITE_TRIES", 2)
        operation = creations()[0][0]
        faulty.on("CreatePolicy", hanging)
        outcome = impatient(AWSWriter, sleep=lambda _: None).execute(operation, lambda: None)
        assert outcome.status is Status.UNKNOWN and "gave up after 2 tries" in outcome.detail
        faulty.clear()
        assert impatient(AWSWriter, sleep=lambda _: None).execute(operation, lambda: None).status is Status.DONE
