"""For the review pages: a plan of many changes, and what a review server shows besides plans."""

from __future__ import annotations

from dataclasses import replace

import render_samples as samples

from provisioner import planfile
from provisioner.model.changes import Action, Change, Effect, Operation
from provisioner.model.findings import Finding, Level
from provisioner.model.plan import AgentNote, PlanNotes, Requirement
from provisioner.render.audit import AuditDecision, AuditPlan, AuditProblem, AuditReport, AuditRevocation
from provisioner.render.html import served as pages
from provisioner.render.owners import OwnerMatrix, OwnerRow

OWNERS = ("api", "finance_api", "data_platform", "search_api")


def many(number: int) -> planfile.PlanFile:
    """`number` changes of a third as many agents, no two alike: a role, a policy that changes, a binding that goes."""
    changes = [_change(n, f"agent_{(n - 1) // 3:04}") for n in range(1, number + 1)]
    agents = dict.fromkeys(str(change.agent) for change in changes)
    needs = [
        Requirement("tool_access", owner, 1, tuple(c.number for c in changes if owner in c.owners.values()), (), owner)
        for owner in OWNERS
    ]
    needs += [
        Requirement(surface, owner, 1, tuple(c.number for c in changes if owner in c.owners.values()), (), owner)
        for surface, owner in (("identity", "iam"), ("runtime", "platform"))
    ]
    operations = tuple(
        Operation(f"{c.number}.1", c.number, c.address, "iam:PutRolePolicy", {}, (), "absent", "absent")
        for c in changes
    )
    plan = replace(
        samples.six_changes().plan,
        changes=tuple(changes),
        operations=operations,
        agents=tuple(AgentNote(name, True, "dana", "prod", "untrusted", "boundary.agents") for name in agents),
        findings=tuple(_finding(change) for change in changes[::5]),
        requirements=tuple(need for need in needs if need.changes),
        unknown_authors=(),
        agent_total=len(agents),
    )
    return planfile.seal(plan, PlanNotes())


def _finding(change: Change) -> Finding:
    return Finding(
        "PRV-3",
        Level.WARN,
        "tool_access",
        f"agent.{change.agent}",
        f"s3:ListBucket on every bucket, by {change.label}",
        "name the bucket that the tool works on, or split the tool",
        agent=change.agent,
        changes=(change.number,),
        references=("NHI5", "ASI02", "ASI03"),
    )


def _change(number: int, agent: str) -> Change:
    owner, dashed = OWNERS[number % len(OWNERS)], agent.replace("_", "-")
    bucket = f"arn:aws:s3:::acme-{dashed}-prod"
    if number % 3 == 1:
        return samples.change(
            number,
            Action.CREATE,
            agent,
            f"role /agents/acme-agents-prod-{dashed}",
            Effect.WIDER,
            surfaces=(samples.IDENTITY, samples.RUNTIME),
            owners={"identity": "iam", "runtime": "platform"},
            block=f"agent.{agent}",
            can=(f"ServiceAccount finance-agents/{dashed} in EKS agents-prod becomes this agent",),
            after={
                "path": "/agents/",
                "trust": _trust(dashed),
                "tags": {f"provisioner:{key}": f"acme-{dashed}" for key in ("workspace", "agent", "address")},
                "max_session": 3600,
            },
        )
    if number % 3 == 2:
        actions = [f"s3:{verb}Object{what}" for verb in ("Get", "Put") for what in ("", "Acl", "Tagging", "Version")]
        resources = [f"{bucket}/{folder}/*" for folder in ("inbox", "archive", "reports", "drafts")]
        before = samples.document(*actions, resource=bucket)
        after = samples.document(*actions[2:], "s3:ListBucket", resource=resources[number % 4])
        return samples.change(
            number,
            Action.UPDATE,
            agent,
            f"grant.reads_{number}: tool.inbox_{number % 50}",
            Effect.UNKNOWN if number % 2 else Effect.WIDER,
            owners={"tool_access": owner},
            tools=(f"tool.inbox_{number % 50}",),
            can=(f"s3:ListBucket on {resources[0]}",),
            cannot=("s3:GetObject on archive/2019/0001.pdf",),
            before={"document": before},
            after={"document": after},
            fields=("document",),
        )
    return samples.change(
        number,
        Action.DELETE,
        agent,
        f"grant.old_{number}: roles/bigquery.dataViewer on suppliers_{number}",
        Effect.NARROWER,
        owners={"tool_access": owner},
        cannot=(f"roles/bigquery.dataViewer on dataset suppliers_{number}",),
        before={"role": "roles/bigquery.dataViewer", "member": f"principal://iam/{dashed}", "condition": None},
    )


def _trust(name: str) -> dict[str, object]:
    tags = {
        "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/agents-prod",
        "aws:RequestTag/kubernetes-namespace": "finance-agents",
        "aws:RequestTag/kubernetes-service-account": name,
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Principal": {"Service": ["pods.eks.amazonaws.com"]},
                "Condition": {"StringEquals": tags},
            }
        ],
    }


def served(text: str = "carol") -> dict[str, str]:
    """The other pages of a review server, with `text` wherever somebody else chose one."""
    digest = "sha256:" + "7f3a9c21" * 8
    decision = AuditDecision(
        *(9, text, "tool_access", text, text, "approve", "owner", text, ((text, text),)),
        *("2026-11-23T09:41:00.000Z", "2026-11-23T09:42:00.000Z", "p1", "r1", 8, False, text),
    )
    plan = AuditPlan(
        *(digest, "begun", 4, "2026-11-23T09:41:00.000Z", 7, None, None, (text, "repo_fixer"), (text,), (text,)),
        *((decision,), False, (text,)),
    )
    quiet = replace(plan, digest="sha256:" + "0" * 64, decisions=(), authorized=True, refusals=())
    report = AuditReport(
        *(
            text,
            text,
            text,
            41,
            digest,
            digest,
            4,
            True,
            3,
            9,
            1,
            40,
            41,
            (AuditProblem("E-AUDIT", 12, text),),
            (text,),
        ),
        *((AuditRevocation(text, text, text, (text,), 13, "2026-11-23T09:41:00.000Z"),), (text,)),
    )
    proved = replace(report, problems=(), notes=(), revoked=(), obligations=(), solo=False)
    rows = [
        OwnerRow("surface", text, "identity", text, text, text, (text, "bob"), 1, text, text),
        OwnerRow("agent", text, "runtime", None, "", "", (), 0, "", ""),
    ]
    plans = [
        pages.PlanRow(digest, state, "2026-11-23T09:41:00.000Z", 6, 3, 4, (text,))
        for state in ("waiting", "ready", "rejected", "refused", "begun", "applied", "outdated")
    ]
    runs = [pages.DriftRow(at, "2026-11-23T09:41:00.000Z", at - 1, 1, 3, digest) for at in (2, 1)]
    return {
        "served-plans": pages.plans_page(text, plans, 2, (text,)),
        "served-no-plans": pages.plans_page(text, (), 0, ()),
        "served-owners": pages.owners_page(OwnerMatrix(text, text, True, tuple(rows))),
        "served-drift": pages.drift_page(text, runs, 3),
        "served-no-drift": pages.drift_page(text, (), 0),
        "served-audit": pages.audit_page(report, (plan, quiet), 5),
        "served-proved": pages.audit_page(proved, (), 0),
        "served-problem": pages.problem_page(text, f"{text}\n{text}", "/"),
    }
