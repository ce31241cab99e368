"""What GitLab shows in a merge request: counts of changes (terraform report), and findings (Code Quality).

Source: GitLab, «Terraform integration in merge requests» (`artifacts:reports:terraform`: create, update, delete) and
«Code Quality» (a JSON array with description, check_name, fingerprint, severity, location).
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256

from ..model.changes import Action
from ..model.findings import Level
from ..planfile import PlanFile
from .escape import escape

_SEVERITY = {Level.BLOCK: "blocker", Level.ACCEPT: "major", Level.WARN: "minor", Level.EXCEPTED: "info"}


def terraform_report(file: PlanFile) -> str:
    """`{"create": 1, "update": 2, "delete": 0}`, ending with a newline. GitLab knows no other: what is only marked or
    let go of is an update there."""
    tally = Counter(change.action for change in file.plan.changes)
    updated = tally[Action.UPDATE] + tally[Action.CLAIM] + tally[Action.RELEASE]
    counts = {"create": tally[Action.CREATE], "update": updated, "delete": tally[Action.DELETE]}
    return json.dumps(counts) + "\n"


def code_quality(file: PlanFile, root: str = "", fallback: str = "main.hcl") -> str:
    """The array, ending with a newline. GitLab wants a file for each: what has none stands at line 1 of `fallback`."""
    where = {located.subject: located.range for located in file.notes.sources}
    found = []
    for finding in file.plan.findings:
        place = where.get(finding.subject)
        name = place.filename if place is not None else fallback
        path = f"{root.strip('/')}/{name}" if root.strip("/.") else name
        identity = "\0".join((finding.rule, finding.subject, finding.message))
        found.append(
            {
                "description": f"{escape(finding.message)}. {escape(finding.fix)}.",
                "check_name": escape(finding.rule),
                "fingerprint": sha256(identity.encode("utf-8", "surrogatepass")).hexdigest(),
                "severity": _SEVERITY[finding.level],
                "location": {"path": escape(path), "lines": {"begin": place.start.line if place is not None else 1}},
            }
        )
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
