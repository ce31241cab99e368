"""Which permissions a principal access boundary blocks, by the version that it is enforced at. Partial.

Source: «Permissions that principal access boundary policies block» (read 2026-11). Google lists them in four versions,
service by service; here are the rows that agents' data and identities hang on. Of every other permission it is not
known here whether it is blocked, and nothing is concluded from that.
"""

from __future__ import annotations

_ROWS = {
    2: (
        "bigquery.datasets.", "bigquery.jobs.", "bigquery.models.", "bigquery.routines.", "bigquery.rowAccessPolicies.",
        "bigquery.tables.",
    ),
    3: ("iam.serviceAccounts.", "iam.serviceAccountKeys.", "iam.roles.", "iam.denypolicies."),
}  # fmt: skip


def blocks(permission: str, version: str) -> bool:
    """Whether a boundary of this enforcement version is known to block the permission. Each version blocks what those
    before it block; `latest` is at least the version 3."""
    at = int(version) if version.isdigit() else 3 if version == "latest" else 0
    return any(since <= at and permission.startswith(rows) for since, rows in _ROWS.items())
