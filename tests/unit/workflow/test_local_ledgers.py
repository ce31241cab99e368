"""A ledger on one machine's disk is refused for clouds that others reach too."""

from __future__ import annotations

import pytest

from provisioner.model.diagnostics import DiagnosticError
from provisioner.workflow.project import LOCAL, SINGLE_HOST, require_reachable_by_one

HERE, REAL = f"{LOCAL}/srv/ledger", None
BUCKET = "s3://ledgers/acme?region=eu-central-1"


@pytest.mark.parametrize(
    ("location", "endpoints", "ledger_endpoint"),
    [
        (HERE, {"aws": "http://127.0.0.1:5000", "google": "http://[::1]:8080"}, None),
        (HERE + SINGLE_HOST, {"aws": REAL}, None),
        (BUCKET, {"aws": REAL}, None),
        (BUCKET, {"aws": REAL}, "https://minio.acme.example"),
        (BUCKET, {"aws": "http://localhost:5000"}, "http://localhost:9000"),
        (HERE, {}, None),
    ],
)
def test_what_does(location: str, endpoints: dict[str, str | None], ledger_endpoint: str | None) -> None:
    require_reachable_by_one(location, endpoints, ledger_endpoint)


@pytest.mark.parametrize(
    ("location", "endpoints", "ledger_endpoint"),
    [
        (HERE, {"aws": REAL}, None),
        (HERE, {"aws": "http://127.0.0.1:5000", "google": REAL}, None),
        (HERE, {"aws": "https://iam.acme.example"}, None),
        (HERE, {"aws": "http://127.0.0.1.acme.example"}, None),
        (HERE, {"aws": "http://localhost@acme.example"}, None),
        (BUCKET, {"aws": REAL}, "http://127.0.0.1:9000"),
    ],
)
def test_what_is_refused(location: str, endpoints: dict[str, str | None], ledger_endpoint: str | None) -> None:
    with pytest.raises(DiagnosticError) as caught:
        require_reachable_by_one(location, endpoints, ledger_endpoint)
    assert caught.value.diagnostics[0].code == "E-LEDGER-LOCAL"
    assert "single_host" in caught.value.diagnostics[0].detail
