"""Plans and reports built by hand, for the renderers' golden files."""

from __future__ import annotations

from dataclasses import replace

from provisioner import planfile
from provisioner.applying.result import ApplyResult, OperationResult, WorldProblem
from provisioner.model.changes import Action, Change, Effect, Operation, Status, Surface
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.drift import Difference, DriftKind, DriftReport, Hint, Ignored, Known, LastApplied
from provisioner.model.findings import Finding, Level, Located, TestResult, TestSummary
from provisioner.model.plan import (
    AgentNote,
    Exclusion,
    Plan,
    PlanNotes,
    PlanTarget,
    Requirement,
    RootChange,
    RootReference,
)
from provisioner.model.resources import Address, Coverage, Gap
from provisioner.model.source import Position, SourceRange
from provisioner.model.usage import Attribution
from provisioner.render.signoff import SignOffRow, SignOffs

ACCOUNT = "111122223333"
IDENTITY, TOOLS, RUNTIME, GOVERNANCE = Surface
HOSTILE = "x\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\nexit 0: nothing to do\r\x00\u200b"


def address(kind: str, name: str, provider: str = "aws") -> Address:
    return Address(provider, ACCOUNT if provider == "aws" else "acme-fin-prod", kind, name)


def document(*actions: str, resource: str = "arn:aws:s3:::acme-invoices-prod/inbox/*") -> dict:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "objects", "Effect": "Allow", "Action": list(actions), "Resource": [resource]}],
    }


def change(number: int, action: Action, agent: str | None, label: str, effect: Effect, **more) -> Change:
    return replace(
        Change(
            number=number,
            action=action,
            address=address("iam_role_policy", f"acme-agents-prod-{(agent or 'shared').replace('_', '-')}/reads"),
            label=label,
            agent=agent,
            block="grant.reads",
            surfaces=(TOOLS,),
            owners={"tool_access": "api"},
            effect=effect,
            can=(),
            cannot=(),
            reason="",
            before=None,
            after=None,
        ),
        **more,
    )


def six_changes() -> planfile.PlanFile:
    """The draft of 8-outputs.md, near enough."""
    changes = (
        change(
            1,
            Action.CREATE,
            "credit_check",
            "role /agents/acme-agents-prod-credit-check",
            Effect.WIDER,
            surfaces=(IDENTITY, RUNTIME),
            address=address("iam_role", "acme-agents-prod-credit-check"),
            block="agent.credit_check",
            owners={"identity": "iam", "runtime": "platform"},
            can=("ServiceAccount finance-agents/credit-check in EKS agents-prod becomes this agent",),
            after={"path": "/agents/", "trust": document("sts:AssumeRole"), "tags": {"provisioner:agent": "x"}},
        ),
        change(
            2,
            Action.CREATE,
            "credit_check",
            "grant.credit_reads: tool.supplier_history (finance_api)",
            Effect.WIDER,
            owners={"tool_access": "finance_api"},
            tools=("tool.supplier_history",),
            can=("dynamodb:Query on table/suppliers, eu-west-1, until 2027-02-01 (FIN-1301)",),
            after={"document": document("dynamodb:Query")},
        ),
        change(
            3,
            Action.UPDATE,
            "repo_fixer",
            "grant.fixer_reads: roles/bigquery.dataViewer on suppliers",
            Effect.UNKNOWN,
            address=address("binding", "suppliers/roles/bigquery.dataViewer", "google"),
            reason="extract() is not modelled; no newly allowed request was found",
            before={"condition": 'resource.name.endsWith("/tables/lint_results")'},
            after={"condition": 'resource.name.extract("/tables/{t}").startsWith("lint_")'},
            fields=("condition",),
        ),
        change(
            4,
            Action.UPDATE,
            "invoice_triage",
            "grant.triage_reads: tool.invoice_inbox",
            Effect.NARROWER,
            cannot=("s3:GetObject on acme-invoices-prod/archive/2019/0001.pdf",),
            before={"document": document("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket")},
            after={"document": document("s3:GetObject")},
            fields=("document",),
        ),
        change(
            5,
            Action.DELETE,
            "invoice_triage",
            'policy "hotfix" attached to role /agents/acme-agents-prod-invoice-triage',
            Effect.NARROWER,
            block=None,
            cannot=tuple(f"s3:PutObject on acme-payments-prod/run{n}.csv" for n in range(6)),
            before={"document": document("s3:PutObject")},
        ),
    )
    operations = tuple(
        Operation(
            f"{c.number}.1",
            c.number,
            c.address,
            "iam:PutRolePolicy" if c.action is not Action.CREATE else "iam:CreateRole",
            {},
            (),
            "absent",
            "absent",
            depends=("1.1",) if c.number == 2 else (),
        )
        for c in changes
    )
    plan = Plan(
        workspace="acme-agents-prod",
        base=3,
        root=RootReference(4, "sha256:" + "1" * 64),
        targets=(
            PlanTarget("aws", ACCOUNT, "aws.prod", "prod"),
            PlanTarget("google", "acme-fin-prod", "google", "prod"),
        ),
        scope=(),
        changes=changes,
        operations=operations,
        worlds=(),
        agents=(
            AgentNote("credit_check", True, "dana", "prod", "untrusted", "boundary.agents"),
            AgentNote("repo_fixer", False, "erin", "prod", "trusted", None),
        ),
        findings=(
            Finding(
                "PRV-5",
                Level.WARN,
                "tool_access",
                "agent.invoice_triage",
                "s3:ListBucket not used in the logs given (90 days)",
                "remove the action",
            ),
            Finding(
                "TRI-1",
                Level.ACCEPT,
                "tool_access",
                "agent.repo_fixer",
                "untrusted input + confidential read + external write",
                "split the agent, drop grant.fixer_reads, or api accepts it",
                changes=(3,),
            ),
        ),
        tests=TestSummary(52, 0, 48, 4),
        requirements=(
            Requirement("identity", "iam", 1, (1,), (), "p1"),
            Requirement("runtime", "platform", 1, (1,), (), "p2"),
            Requirement("tool_access", "api", 1, (3, 4, 5), ("TRI-1 agent.repo_fixer",), "p3"),
            Requirement("tool_access", "finance_api", 2, (2,), (), "p4"),
        ),
        exclusions=(Exclusion("alice", "author"), Exclusion("dana", "sponsor", "credit_check")),
        unknown_authors=("commit 4be1f02 is not signed",),
        gaps=(),
        not_looked_at=("bucket policy of acme-invoices-prod (account 444455556666 is outside provider scope)",),
        agent_total=12,
    )
    at = Position(41, 1, 0)
    notes = PlanNotes(
        calls={f"aws:{ACCOUNT}": 7, "google:acme-fin-prod": 20, "google:acme-agents-prod": 11},
        milliseconds=6210,
        sources=(Located("agent.repo_fixer", SourceRange("agents/fixer.hcl", at, at)),),
    )
    return planfile.seal(plan, notes)


def verified() -> SignOffs:
    """What a verifier might say of `six_changes`."""
    return SignOffs(
        (
            SignOffRow("identity", "iam", (1,), 1, 0, (), ("bob",), (("alice", "author"),)),
            SignOffRow("runtime", "platform", (1,), 1, 1, ("erin",), ("erin",)),
            SignOffRow("tool_access", "api", (3, 4, 5), 1, 0, (), ("carol", "olga"), (), ("TRI-1 agent.repo_fixer",)),
            SignOffRow(
                "tool_access",
                "finance_api",
                (2,),
                2,
                1,
                ("rita",),
                ("rita",),
                (("dana", "sponsor"),),
                (),
                ("hugo's sign-off is for another plan",),
            ),
        ),
        published="2026-11-23T09:41:00Z",
        expires="2026-11-26T09:41:00Z",
        verified=True,
    )


def no_changes() -> planfile.PlanFile:
    file = six_changes()
    plan = replace(
        file.plan, changes=(), operations=(), agents=(), findings=(), requirements=(), exclusions=(), unknown_authors=()
    )
    return planfile.seal(plan, file.notes)


def incomplete() -> planfile.PlanFile:
    gap = Gap("aws", ACCOUNT, "role policies", "AccessDenied", "iam:GetRolePolicy", ("invoice_triage", "repo_fixer"))
    file = no_changes()
    return planfile.seal(replace(file.plan, gaps=(gap,), not_looked_at=()), file.notes)


def blocked() -> planfile.PlanFile:
    """A solo workspace, a rule that blocks, tests that fail, a trust root that changes, only one target."""
    file = six_changes()
    failure = TestResult(
        "test.triage_cannot_write_payments",
        "put",
        "invoice_triage",
        "tool_access",
        "denied",
        "allowed",
        False,
        because=("statement hotfix of inline policy hotfix allows s3:PutObject",),
        missing=(),
    )
    unsure = replace(failure, case="", got="depends", because=(), missing=("aws:SourceVpc",))
    plan = replace(
        file.plan,
        changes=file.plan.changes[3:4],
        scope=("agent.invoice_triage",),
        agents=(),
        solo=True,
        findings=(
            Finding("KEY-1", Level.BLOCK, "identity", "user bot", "an agent has a key", "delete it", absolute=True),
        ),
        tests=TestSummary(50, 2, 48, 4, (failure, unsure)),
        requirements=(Requirement("governance", "security", 1, (), (), "p"),),
        exclusions=(),
        next_root=RootChange(5, {}, "sha256:" + "2" * 64, ("~ control_owner.iam: threshold 2 -> 1", f"+ {HOSTILE}")),
    )
    return planfile.seal(plan, file.notes)


def fleet() -> planfile.PlanFile:
    """Forty agents that get the very same, one of which gets more."""
    changes: list[Change] = []
    for n in range(40):
        name = f"worker_{n:02}"
        dashed = name.replace("_", "-")
        role = f"role /agents/acme-agents-prod-{dashed}"
        changes.append(
            change(
                len(changes) + 1,
                Action.CREATE,
                name,
                role,
                Effect.WIDER,
                surfaces=(IDENTITY, RUNTIME),
                can=("the ECS service finance becomes this agent",),
            )
        )
        changes.append(
            change(
                len(changes) + 1,
                Action.CREATE,
                name,
                "grant.reads: tool.inbox",
                Effect.WIDER,
                can=("s3:GetObject on acme-invoices-prod/inbox/*",),
            )
        )
    changes.append(change(81, Action.CREATE, "worker_07", "grant.pay: tool.pay", Effect.WIDER, can=("pays",)))
    changes.append(change(82, Action.UPDATE, None, "boundary policy agents", Effect.EQUAL, surfaces=(RUNTIME,)))
    notes = tuple(AgentNote(f"worker_{n:02}", True, "dana", "prod", "trusted", "boundary.agents") for n in range(40))
    file = six_changes()
    requirement = Requirement("tool_access", "api", 1, tuple(range(2, 82)), (), "p")
    plan = replace(
        file.plan,
        changes=tuple(changes),
        operations=(),
        agents=notes,
        findings=(),
        requirements=(requirement,),
        unknown_authors=(),
        agent_total=40,
    )
    return planfile.seal(plan, PlanNotes())


def hostile() -> planfile.PlanFile:
    """Every text that a cloud or a pull request can choose, chosen to lie."""
    file = six_changes()
    evil = change(
        1,
        Action.UPDATE,
        HOSTILE,
        HOSTILE,
        Effect.WIDER,
        can=(HOSTILE,),
        cannot=(HOSTILE,),
        reason=HOSTILE,
        block=HOSTILE,
        tools=(HOSTILE,),
        owners={"tool_access": HOSTILE},
        address=Address(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        before={HOSTILE: {"a": HOSTILE}},
        after={HOSTILE: {HOSTILE: [HOSTILE, "b"]}},
        fields=(HOSTILE,),
    )
    plan = replace(
        file.plan,
        workspace=HOSTILE,
        targets=(PlanTarget(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        scope=(HOSTILE,),
        changes=(evil,),
        operations=(Operation(HOSTILE, 1, evil.address, HOSTILE, {}, (), "", "", (HOSTILE,)),),
        agents=(AgentNote(HOSTILE, True, HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        findings=(Finding(HOSTILE, Level.BLOCK, "identity", HOSTILE, HOSTILE + "!", HOSTILE),),
        tests=TestSummary(0, 1, 1, 0, (test_result(HOSTILE),)),
        requirements=(Requirement("tool_access", HOSTILE, 1, (1,), (HOSTILE,), "p"),),
        exclusions=(Exclusion(HOSTILE, HOSTILE),),
        unknown_authors=(HOSTILE,),
        gaps=(Gap(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),),
        not_looked_at=(HOSTILE,),
    )
    at = Position(1, 1, 0)
    notes = PlanNotes(calls={HOSTILE: 1}, sources=(Located(HOSTILE, SourceRange(HOSTILE, at, at)),))
    return planfile.seal(plan, notes)


def test_result(text: str) -> TestResult:
    return TestResult(text, text, text, "identity", "denied", "allowed", False, because=(text,), missing=(text,))


test_result.__test__ = False  # type: ignore[attr-defined]


def drift_report() -> DriftReport:
    role = address("iam_role_attachment", "acme-agents-prod-invoice-triage/arn:aws:iam::aws:policy/hotfix")
    return DriftReport(
        workspace="acme-agents-prod",
        root_version=4,
        last_applied=LastApplied("sha256:51d0e7b3" + "0" * 56, "2026-11-19T10:00:00Z"),
        differences=(
            Difference(
                "D-1",
                DriftKind.OUT_OF_BAND,
                ('+ policy "hotfix" attached to role /agents/acme-agents-prod-invoice-triage',),
                agent="invoice_triage",
                address=role,
                target=ACCOUNT,
                surfaces=(TOOLS,),
                effect=Effect.WIDER,
                can=tuple(f"s3:PutObject on acme-payments-prod/run{n}.csv" for n in range(6)),
                breaks=("test.triage_cannot_write_payments",),
                who=Attribution(
                    "assumed-role/Admin/hugo",
                    "2026-11-24T02:14:09Z",
                    "iam:AttachRolePolicy",
                    "6f1e0c1d-7f5c-4a51-9d2b-3c1f0a9b8e77",
                    "CloudTrail",
                ),
                tell=("api", "iam"),
                do=(Hint("provisioner plan -target agent.invoice_triage", "takes it away; api signs"),),
            ),
            Difference(
                "D-2",
                DriftKind.OUT_OF_BAND,
                ("- boundary policy of role /agents/acme-agents-prod-report-writer",),
                agent="report_writer",
                address=role,
                target=ACCOUNT,
                surfaces=(RUNTIME,),
                effect=Effect.UNKNOWN,
                reason="what the boundary held back is not known",
                who=Attribution(unknown="reader lacks cloudtrail:LookupEvents"),
                tell=("platform",),
            ),
            Difference(
                "D-3",
                DriftKind.UNCLAIMED,
                ("role bedrock-agent-poc trusts bedrock.amazonaws.com",),
                target=ACCOUNT,
                tell=("iam",),
            ),
            Difference(
                "D-4", DriftKind.EXPIRED, ("grant.sorter_backfill ended 2026-11-20",), agent="ticket_sorter", tell=()
            ),
            Difference(
                "D-5",
                DriftKind.PENDING,
                ("~ grant.credit_reads",),
                agent="credit_check",
                do=(Hint("provisioner plan", "shows it"),),
            ),
            Difference("D-6", DriftKind.INCOMPLETE, ("role policies: AccessDenied",), target=ACCOUNT),
        ),
        agents=12,
        as_signed=7,
        differ=4,
        not_fully_seen=1,
        coverage=Coverage(
            (f"aws:{ACCOUNT}",),
            (Gap("aws", ACCOUNT, "role policies", "AccessDenied", "iam:GetRolePolicy", ("hr_helper",)),),
            ("resource policies outside provider scope",),
            {f"aws:{ACCOUNT}": 7},
        ),
        milliseconds=6210,
        findings=(
            Finding(
                "OFF-2",
                Level.ACCEPT,
                "governance",
                "agent.report_writer",
                "agent.report_writer made no call for 90 days, by the logs given; the last one was on 2026-06-02",
                "remove the agent, or accept that it stays",
                agent="report_writer",
            ),
        ),
    )


def ignored_drift() -> DriftReport:
    """Drift of which the team knows: one block at work, one that has ended, one that fits nothing."""
    report = drift_report()
    known = report.differences[0]
    ignored = (
        Ignored(".provisioner.ignore.hcl:4", "INC-7: until the vendor has mended it", "2027-01-31", False, (known,)),
        Ignored(".provisioner.ignore.hcl:9", "old", "2026-11-15", True),
        Ignored(".provisioner.ignore.hcl:14", "gone", "2027-06-30"),
    )
    return replace(clean_drift(), differ=1, as_signed=11, ignored=ignored)


def later_drift() -> DriftReport:
    """A run with a recorded one before it: something new, something known, something gone, something not seen again."""
    report = drift_report()
    now, before = "2026-11-24T06:00:00Z", "2026-11-20T05:00:00Z"
    new, old, young, *_ = report.differences
    found = (replace(new, since=now), replace(old, since=before), replace(young, since="2026-11-24T01:30:00Z"))
    gone = Known(
        "sha256:" + "0" * 64, DriftKind.OUT_OF_BAND, "~ trust of role x", "repo_fixer", "", "wider", (), before
    )
    unseen = replace(gone, kind=DriftKind.PENDING, what="+ role y", effect="")
    return replace(report, differences=found, time=now, compared="2026-11-23T06:00:00Z", gone=(gone,), unseen=(unseen,))


def clean_drift() -> DriftReport:
    report = drift_report()
    coverage = replace(report.coverage, gaps=())
    return replace(
        report,
        differences=(),
        as_signed=12,
        differ=0,
        not_fully_seen=0,
        coverage=coverage,
        last_applied=None,
        findings=(),
    )


def hostile_drift() -> DriftReport:
    report = drift_report()
    evil = replace(
        report.differences[0],
        id=HOSTILE,
        what=(HOSTILE,),
        agent=HOSTILE,
        address=Address(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        target=HOSTILE,
        can=(HOSTILE,),
        cannot=(HOSTILE,),
        reason=HOSTILE,
        breaks=(HOSTILE,),
        who=Attribution(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        tell=(HOSTILE,),
        do=(Hint(HOSTILE, HOSTILE),),
    )
    finding = Finding("OFF-2", Level.ACCEPT, HOSTILE, HOSTILE, HOSTILE, HOSTILE, agent=HOSTILE)
    coverage = Coverage((HOSTILE,), (Gap(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),), (HOSTILE,), {HOSTILE: 1})
    return replace(
        report,
        workspace=HOSTILE,
        differences=(evil,),
        coverage=coverage,
        findings=(finding,),
        last_applied=LastApplied(HOSTILE, HOSTILE),
        compared=HOSTILE,
        gone=(Known(HOSTILE, DriftKind.PENDING, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE),),
        ignored=(Ignored(HOSTILE, HOSTILE, HOSTILE, False, (evil,)), Ignored(HOSTILE, HOSTILE, HOSTILE, True)),
    )


def stopped() -> ApplyResult:
    """An apply of `six_changes` that met a conflict, a time-out and somebody else's change."""
    statuses = (
        (Status.DONE, "", False),
        (Status.DONE, "", True),
        (Status.CONFLICT, "the live condition is neither what was signed before nor after", False),
        (Status.UNKNOWN, "the call timed out", False),
        (Status.SKIPPED, "", False),
    )
    file = six_changes()
    return ApplyResult(
        file.digest,
        tuple(
            OperationResult(operation, status, detail, earlier)
            for operation, (status, detail, earlier) in zip(file.plan.operations, statuses, strict=True)
        ),
        problems=(
            WorldProblem("repo_fixer", ("+ " + HOSTILE,)),
            WorldProblem(None, (), readable=False, final=True),
        ),
        stopped=Diagnostic("E-LEASE", "The lease was lost", f"{HOSTILE} holds it now.\nRun apply again."),
        notes=("the lease is given back in 2 minutes",),
    )


def applied() -> ApplyResult:
    file = six_changes()
    return ApplyResult(file.digest, tuple(OperationResult(o, Status.DONE) for o in file.plan.operations), complete=True)


def test_results() -> tuple[TestResult, ...]:
    good = TestResult("test.a", "put", "invoice_triage", "tool_access", "denied", "denied", True)
    own = TestResult("generated.sibling", "", "invoice_triage", "identity", "denied", "denied", True, generated=True)
    bad = replace(good, test="test.b", expect="allowed", passed=False, because=("no statement allows it",))
    return (good, own, bad)


test_results.__test__ = False  # type: ignore[attr-defined]
