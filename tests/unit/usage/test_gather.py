"""Adding up: bounded whatever the logs hold, foreign records counted, nothing attributed to nobody."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import provisioner_aws
import provisioner_google
import usage_logs as logs

from provisioner.model.usage import OTHERS
from provisioner.usage import gather as gathering
from provisioner.usage.gather import MANY, add_up

READERS = {"aws": provisioner_aws.provider, "google": provisioner_google.provider}
OURS = {"aws": {f"{logs.ACCOUNT}:role/{logs.ROLE}": ("triage", logs.ACCOUNT)}}


def test_many_resources_are_kept_by_folder_and_no_higher_than_needed():
    found = add_up((logs.get_object(f"inbox/{n}.pdf") for n in range(3 * MANY)), READERS, OURS)
    assert found.of("aws", "triage").uses["s3:GetObject"] == {"arn:aws:s3:::acme-invoices/inbox/*"}
    spread = add_up((logs.get_object(f"{n}/x.pdf") for n in range(2 * MANY)), READERS, OURS)
    assert len(spread.of("aws", "triage").uses["s3:GetObject"]) <= MANY


def test_windows_places_and_foreign_records_are_counted_by_account():
    other = {**logs.record("s3", "ListBuckets", days=9), "recipientAccountId": "999988887777", "awsRegion": "us-east-1"}
    found = add_up([logs.record("s3", "ListBuckets"), other, {"x": 1}, logs.entry("pubsub", "Publish")], READERS, OURS)
    assert found.foreign == 1
    assert set(found.windows) == {("aws", logs.ACCOUNT), ("aws", "999988887777"), ("google", "acme-fin-prod")}
    assert found.windows["aws", "999988887777"].places == ("us-east-1",)
    assert found.windows["aws", logs.ACCOUNT].first == found.windows["aws", logs.ACCOUNT].last == logs.ago(1)


def test_somebody_elses_calls_are_nobodys_use_and_still_bear_witness():
    found = add_up([logs.get_object("x", userIdentity=logs.session("Somebody"))], READERS, OURS)
    assert found.agents == {}
    assert f"{logs.ACCOUNT} arn:aws:s3:::acme-invoices read" in found.witnesses["aws"]


def test_names_of_unknown_events_are_bounded(monkeypatch):
    monkeypatch.setattr(gathering, "_KINDS", 3)
    found = add_up((logs.data("s3", f"New{n}") for n in range(9)), READERS, OURS)
    unmapped = found.of("aws", "triage").unmapped
    assert sum(unmapped.values()) == 9 and unmapped[OTHERS] == 6
