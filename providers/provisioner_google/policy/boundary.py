"""Which permissions a principal access boundary blocks, by the version that it is enforced at. Partial.

Source: «Permissions that principal access boundary policies block» (read 2026-11). Google lists them in four versions,
service by service, with exceptions; here are the rows that could be read whole. Of every other permission it is not
known here whether it is blocked, and nothing is concluded from that.
"""

from __future__ import annotations

_ROWS = {
    2: (
        "accesscontextmanager.", "beyondcorp.", "bigquery.datasets.", "bigquery.jobs.", "bigquery.models.",
        "bigquery.routines.", "bigquery.rowAccessPolicies.", "bigquery.tables.", "bigquerydatapolicy.",
        "bigquerydatatransfer.transfers.", "containeranalysis.",
    ),
    3: (
        "essentialcontacts.contacts.", "iam.serviceAccounts.", "iam.serviceAccountKeys.", "iam.roles.",
        "iam.denypolicies.",
    ),
}  # fmt: skip

_NEVER = (
    "iam.serviceAccounts.createTagBinding",
    "iam.serviceAccounts.deleteTagBinding",
    "iam.serviceAccounts.listTagBindings",
    "iam.serviceAccounts.listEffectiveTags",
    "iam.serviceAccounts.getCertificateAs",
)
"""What the page excepts from a row: it has the row's name, and is not blocked."""


def blocks(permission: str, version: str) -> bool:
    """Whether a boundary of this enforcement version is known to block the permission. Each version blocks what those
    before it block; `latest` is at least the version 3."""
    if permission in _NEVER:
        return False
    at = int(version) if version.isdigit() else 3 if version == "latest" else 0
    return any(since <= at and permission.startswith(rows) for since, rows in _ROWS.items())
