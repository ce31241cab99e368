"""From logs to an edit, in process: what is written, what is refused, and rules about use."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

import usage_logs as logs

from provisioner.ledger.entries import History
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.resources import LastUse
from provisioner.model.rightsizing import Rightsizing
from provisioner.model.usage import Usage
from provisioner.render.rightsizing import rightsizing_text
from provisioner.usage.judge import NO_LOGS, unused_agents, unused_permissions
from provisioner.workflow.compiling import compile_all, providers_of
from provisioner.workflow.project import Inputs, Project, open_project
from provisioner.workflow.rightsizing import rightsize
from provisioner.workflow.using import _principals, judged_use, parts_of, read_usage

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    where = tmp_path / "repo"
    shutil.copytree(ROOT / "examples" / "quickstart", where, ignore=shutil.ignore_patterns(".provisioner"))
    return where


def project(checkout: Path) -> Project:
    return open_project(Inputs(checkout, {"HOME": str(checkout.parent), "XDG_CONFIG_HOME": str(checkout.parent)}))


def usual(checkout: Path, *more: dict, days: float = 95) -> Path:
    """Logs of ninety days: objects are read, items written; nothing is listed, nothing queried."""
    used = [
        logs.get_object("inbox/2026/1.pdf"),
        logs.get_object("inbox/2026/2.pdf", days=days),
        logs.table("triage", "GetItem"),
        logs.table("triage", "PutItem"),
        logs.record("s3", "ListBuckets", userIdentity=logs.session("Somebody")),
    ]
    return logs.write(checkout.parent / "logs" / "1.json", [*used, *more])


def run(checkout: Path, *more: dict, agents: tuple[str, ...] = ("invoice_triage",), days: float = 95) -> Rightsizing:
    return rightsize(project(checkout), agents, [usual(checkout, *more, days=days).parent]).found


def edit(checkout: Path, old: str, new: str) -> None:
    path = checkout / "agents.hcl"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_edit_narrows_and_nothing_else_of_the_file_changes(checkout):
    found = run(checkout)
    assert [(note.tool, note.unused, note.edited) for note in found.tools] == [
        ("tool.invoice_inbox", ("s3:ListBucket",), True),
        ("tool.triage_log", ("dynamodb:Query",), True),
    ]
    assert {one.effect for one in found.compared} == {"narrower"}
    (changed,) = found.edits
    assert changed.name == "agents.hcl" and changed.before == (checkout / "agents.hcl").read_text()
    gone = [line for line in changed.diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert any('statement "list"' in line for line in gone)
    assert '+      actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]' in changed.diff
    assert "${provider.aws.account_id}:table/triage" in changed.after and "\n\n  }" not in changed.after
    text = rightsizing_text(found, written=False, command="provisioner rightsize x", width=100)
    assert "NARROWER" in text and "Nothing is written yet" in text and "not used: s3:ListBucket" in text


def test_after_the_edit_there_is_nothing_left_to_narrow(checkout):
    found = run(checkout)
    (checkout / "agents.hcl").write_text(found.edits[0].after)
    again = run(checkout)
    assert again.edits == () and all(not note.unused for note in again.tools)


def test_denied_calls_are_no_use_and_are_listed(checkout):
    denied = logs.table("triage", "Query", errorCode="AccessDeniedException")
    found = run(checkout, denied, denied)
    assert "dynamodb:Query" in found.tools[1].unused
    (one,) = found.denied
    assert (one.agent, one.name, one.count) == ("invoice_triage", "dynamodb.amazonaws.com Query", 2)
    assert one.permissions == ("dynamodb:Query",)


def test_events_of_no_known_action_are_told_and_keep_their_service(checkout):
    found = run(checkout, logs.data("dynamodb", "ExecuteStatement"))
    assert found.unmapped == (("dynamodb.amazonaws.com ExecuteStatement", 1),)
    assert found.tools[1].unused == () and "ExecuteStatement" in found.tools[1].kept[0]
    assert "UNKNOWN" in rightsizing_text(found, written=False, command="x")


def test_a_tool_that_others_hold_too_is_left_until_all_are_named(checkout):
    text = (checkout / "agents.hcl").read_text()
    agent = text[text.index('agent "invoice_triage"') : text.index('grant "triage"')]
    other = agent.replace("invoice_triage", "second").replace('"invoice-triage"', '"second"')
    (checkout / "agents.hcl").write_text(
        text.replace("agents = [agent.invoice_triage]", "agents = [agent.invoice_triage, agent.second]") + other
    )
    alone = run(checkout)
    assert alone.edits == ()
    assert "held by agent.second too: `provisioner rightsize invoice_triage second -usage …`" in alone.tools[0].refused
    listing = logs.data(
        "s3", "ListObjects", "arn:aws:s3:::acme-invoices", userIdentity=logs.session("acme-sandbox-second")
    )
    both = run(checkout, listing, agents=("invoice_triage", "second"))
    assert both.tools[0].unused == () and both.tools[1].unused == ("dynamodb:Query",)


def test_a_boundary_test_that_would_fail_refuses_the_edit(checkout):
    logs.write(
        checkout.parent / "logs" / "1.json", [logs.table("triage", "GetItem"), logs.get_object("inbox/finance/1.pdf")]
    )
    with pytest.raises(DiagnosticError) as error:
        edit(checkout, '"arn:aws:s3:::acme-invoices/inbox/*"', '"arn:aws:s3:::acme-invoices/in*"')
        rightsize(project(checkout), ["invoice_triage"], [checkout.parent / "logs"])
    assert "test.triage_reads_the_inbox inbox" in error.value.diagnostics[0].detail


def test_what_is_made_by_dynamic_blocks_or_instances_is_left_with_the_way_out(checkout):
    edit(checkout, 'tool "triage_log" {\n', 'tool "triage_log" {\n  for_each = toset(["a"])\n')
    edit(checkout, "tool.triage_log]", 'tool.triage_log["a"]]')
    found = run(checkout)
    assert "narrow it by hand" in found.tools[1].refused and not found.tools[1].edited
    assert found.tools[0].edited


def test_logs_of_another_account_say_nothing_of_this_one(checkout):
    other = {**logs.get_object("inbox/1.pdf"), "recipientAccountId": "999988887777"}
    logs.write(checkout.parent / "logs" / "1.json", [other])
    found = rightsize(project(checkout), ["invoice_triage"], [checkout.parent / "logs"]).found
    assert found.edits == () and all("hold nothing of aws 123456789012" in note.refused for note in found.tools)


def test_an_agent_that_nobody_declares_is_an_error(checkout):
    with pytest.raises(DiagnosticError) as error:
        run(checkout, agents=("triage",))
    assert "invoice_triage" in error.value.diagnostics[0].detail


def test_short_and_damaged_logs_are_warned_of(checkout):
    (checkout.parent / "logs").mkdir()
    (checkout.parent / "logs" / "2.json").write_text('{"Records": [{"eventVersion": ')
    warnings = rightsize(project(checkout), ["invoice_triage"], [usual(checkout, days=3).parent]).warnings
    codes = [one.code for one in warnings]
    assert "W-USAGE-SHORT" in codes and "W-USAGE-LOGS" in codes


class TestRules:
    """PRV-5 and OFF-2: judged where the logs tell, not judged where they do not."""

    def used(self, checkout: Path, *records: dict):
        opened = project(checkout)
        providers = providers_of(opened.configuration, opened.registry)
        compiled = compile_all(opened.configuration, providers, lambda a, t: "o", {}, NOW)
        path = logs.write(checkout.parent / "logs" / "1.json", records)
        return opened.configuration, compiled, read_usage([path], compiled)

    def permissions(self, checkout: Path, *records: dict):
        _, compiled, used = self.used(checkout, *records)
        live = {item.resource.address for item in compiled.desired}
        return unused_permissions(parts_of(compiled), compiled.desired, used.usage, used.principals, used.fitters, live)

    def agents(self, checkout: Path, *records: dict, age: int = 400):
        configuration, compiled, used = self.used(checkout, *records)
        born = {"invoice_triage": NOW - timedelta(days=age)} if age else {}
        return unused_agents(configuration, compiled.desired, used.usage, used.principals, NOW, born)

    def test_prv_5_says_what_is_not_used_and_which_window_the_logs_cover(self, checkout):
        listed = json.loads(usual(checkout).read_text())["Records"]
        found = self.permissions(checkout, *listed)
        messages = [hazard.message for hazard in found.hazards]
        assert len(messages) == 2 and found.unjudged == ()
        assert messages[0].startswith(
            "agent.invoice_triage: of tool.invoice_inbox s3:ListBucket not used in the logs given"
        )
        assert f"({logs.ago(95)[:10]} to {logs.ago(1)[:10]}, 94 days)" in messages[0]

    def test_prv_5_is_silent_where_all_is_used(self, checkout):
        listed = json.loads(usual(checkout).read_text())["Records"]
        listed += [logs.data("s3", "ListObjects", "arn:aws:s3:::acme-invoices"), logs.table("triage", "Query")]
        assert self.permissions(checkout, *listed).hazards == ()

    def test_prv_5_is_not_judged_without_logs_of_data_events(self, checkout):
        found = self.permissions(checkout, logs.record("s3", "ListBuckets"), logs.record("iam", "CreateUser"))
        assert found.hazards == ()
        why = "the logs hold no data events that read acme-invoices of account 123456789012"
        assert f"PRV-5: tool.invoice_inbox: s3:GetObject: {why}" in found.unjudged

    def test_nothing_that_is_not_live_yet_is_called_unused(self, checkout):
        _, compiled, used = self.used(checkout, logs.record("s3", "ListBuckets"))
        found = unused_permissions(
            parts_of(compiled), compiled.desired, used.usage, used.principals, used.fitters, set()
        )
        assert found.hazards == () and found.unjudged == ()

    def test_off_2_finds_an_agent_that_made_no_call_for_90_days(self, checkout):
        somebody = logs.session("Somebody")
        others = [logs.record("s3", "ListBuckets", days=days, userIdentity=somebody) for days in (0.5, 120)]
        found = self.agents(checkout, *others)
        (hazard,) = found.hazards
        assert hazard.rule == "OFF-2" and "made no call for 90 days" in hazard.message and found.unjudged == ()
        old = self.agents(checkout, *others, logs.get_object("inbox/1.pdf", days=100))
        assert f"the last one was on {logs.ago(100)[:10]}" in old.hazards[0].message

    @pytest.mark.parametrize(
        "record",
        [
            logs.get_object("inbox/1.pdf", days=30),
            logs.get_object("inbox/1.pdf", days=30, errorCode="AccessDenied"),
            logs.record(
                "sts",
                "AssumeRole",
                days=30,
                userIdentity={"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
                requestParameters={"roleArn": f"arn:aws:iam::{logs.ACCOUNT}:role/agents/{logs.ROLE}"},
            ),
        ],
    )
    def test_any_sign_of_life_passes_off_2(self, checkout, record):
        others = [
            logs.record("s3", "ListBuckets", days=days, userIdentity=logs.session("Somebody")) for days in (0.5, 120)
        ]
        found = self.agents(checkout, *others, record)
        assert found.hazards == () and found.unjudged == ()

    def test_off_2_is_not_judged_where_the_logs_are_too_short_or_too_old(self, checkout):
        for days in ((0.5, 60), (30, 200)):
            records = [
                logs.record("s3", "ListBuckets", days=one, userIdentity=logs.session("Somebody")) for one in days
            ]
            found = self.agents(checkout, *records)
            assert found.hazards == () and "not over 90 days" in found.unjudged[0]

    def test_off_2_leaves_young_agents_and_those_that_are_not_there_yet(self, checkout):
        records = [
            logs.record("s3", "ListBuckets", days=days, userIdentity=logs.session("Somebody")) for days in (0.5, 120)
        ]
        for age in (0, 5):
            found = self.agents(checkout, *records, age=age)
            assert found.hazards == () and found.unjudged == ()

    @pytest.mark.parametrize(
        ("last", "made", "said"),
        [
            (None, 0, "no audit logs were given (-usage PATH), and aws does not say it"),
            ("", 400, "by what aws says of its last use"),
            (100, 400, f"by what aws says of its last use; the last one was on {logs.ago(100)[:10]}"),
            (30, 400, None),
            ("", 10, None),  # a role made anew has not had the time
        ],
    )
    def test_without_logs_the_cloud_may_say_when_an_agent_was_last_used(self, checkout, last, made, said):
        configuration, compiled, _ = self.used(checkout)
        (role,) = [i.resource.address for i in compiled.desired if i.resource.address.kind == "iam_role"]
        use = LastUse(logs.ago(last) if last else "", logs.ago(made))
        born = {"invoice_triage": NOW - timedelta(days=400)}
        principals = _principals(compiled, compiled.providers)
        uses = {} if last is None else {role: use}
        found = unused_agents(configuration, compiled.desired, Usage(), principals, NOW, born, uses)
        messages = [hazard.message for hazard in found.hazards] + list(found.unjudged)
        assert len(messages) == (said is not None) and (said is None or messages[0].endswith(said))

    def test_logs_and_what_the_cloud_says_count_together(self, checkout):
        configuration, compiled, used = self.used(checkout, logs.get_object("inbox/1.pdf", days=30))
        (role,) = [i.resource.address for i in compiled.desired if i.resource.address.kind == "iam_role"]
        born = {"invoice_triage": NOW - timedelta(days=400)}
        arguments = (configuration, compiled.desired, used.usage, used.principals, NOW, born)
        assert unused_agents(*arguments, {role: LastUse("")}).hazards == (), "the logs say otherwise"

    def test_without_logs_what_is_granted_is_not_judged(self, checkout):
        configuration, compiled, _ = self.used(checkout)
        found = judged_use(None, configuration, compiled, History(), lambda _: True, NOW, (), {})
        assert found.hazards == () and found.unjudged == (NO_LOGS,), "an agent that is not there yet is not unused"
