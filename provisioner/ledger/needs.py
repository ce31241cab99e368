"""What a runner needs of the ledger's own bucket, in the language of the cloud that it is in. Pure.

The ledger's credentials are the runner's own, whatever clouds the agents are in: an AWS workspace may keep its ledger
in Google Cloud Storage, and the other way round.
Sources: Service Authorization Reference, Amazon S3; «IAM permissions for Cloud Storage», «IAM Conditions» (a listing is
judged on the bucket, whose type is named).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.configuration import LedgerConfig

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def ledger_needs(ledger: LedgerConfig, purpose: str) -> tuple[str, dict[str, Any]] | None:
    """The ledger's place, and the least that `plan`, `drift` or `apply` takes there; None for one on a local disk.

    A plan reads. A drift run and an apply write entries too; nobody overwrites or deletes one.
    """
    bucket = str(ledger.settings.get("bucket") or "")
    if ledger.kind not in ("s3", "gcs") or not bucket:
        return None
    prefix = str(ledger.settings.get("prefix") or "").strip("/")
    writes = purpose != "plan"
    if ledger.kind == "s3":
        return f"s3://{bucket}", _s3(ledger.settings, bucket, prefix, writes)
    return f"gs://{bucket}", _gcs(bucket, prefix, writes)


def _s3(settings: Mapping[str, Any], bucket: str, prefix: str, writes: bool) -> dict[str, Any]:
    region = str(settings.get("region") or "")
    partition = next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
    whole = f"arn:{partition}:s3:::{bucket}"
    actions = ["s3:GetObject", *(["s3:PutObject"] if writes else [])]
    return {
        "Version": "2012-10-17",
        "Statement": [
            # Versions show what was overwritten; without ListBucket an entry that is not there yet is a denial.
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketVersions"], "Resource": [whole]},
            {"Effect": "Allow", "Action": actions, "Resource": [f"{whole}/{prefix}/*" if prefix else f"{whole}/*"]},
        ],
    }


def _gcs(bucket: str, prefix: str, writes: bool) -> dict[str, Any]:
    """A role as `roles.create` takes it, where it is granted, and the condition of that grant."""
    made = ["storage.objects.create"] if writes else []
    role: dict[str, Any] = {
        "title": "provisioner ledger" if writes else "provisioner ledger, reading",
        "stage": "GA",
        "includedPermissions": [*made, "storage.objects.get", "storage.objects.list"],
        "grantOn": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
    }
    if prefix:
        entries = f"projects/_/buckets/{bucket}/objects/{prefix}/"
        role["condition"] = f'resource.type == "storage.googleapis.com/Bucket" || resource.name.startsWith("{entries}")'
    return role
