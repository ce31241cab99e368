"""A drift run as OpenTelemetry metrics, pushed once over OTLP/HTTP to where the standard OTEL_* variables say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ..model.diagnostics import Diagnostic, DiagnosticError, Severity
from ..model.drift import DriftKind, DriftReport
from .notifying import within

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricsData

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DEADLINE_SECONDS: Final = 10.0


def demand(environ: Mapping[str, str]) -> None:
    """Raise DiagnosticError where metrics could not be sent at all."""
    if find_spec("opentelemetry.exporter") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        raise DiagnosticError.of(
            "E-METRICS",
            "-metrics needs OpenTelemetry, which is not installed",
            "Install it: pip install 'agent-provisioner[otel]'.",
        )
    if not any(environ.get(name) for name in ENDPOINTS):
        raise DiagnosticError.of(
            "E-METRICS",
            f"-metrics is given, and {ENDPOINTS[1]} is not set",
            f"Set it to the collector's address: {ENDPOINTS[1]}=http://localhost:4318",
        )


def push(report: DriftReport) -> tuple[Diagnostic, ...]:
    """Send one reading of every gauge; a warning where nobody took it, since the report stands without it."""
    import logging

    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.resources import Resource

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    reader = InMemoryMetricReader()  # one reading, pushed here: a periodic one never says whether it was taken
    provider = MeterProvider([reader], Resource.create({"service.name": "provisioner"}), shutdown_on_exit=False)
    _set(provider, report)
    data = reader.get_metrics_data()
    provider.shutdown()
    # The exporter's own deadline is one a read: a collector that drips would hold the run for ever.
    if data is not None and within(DEADLINE_SECONDS, lambda: _taken(data), False):
        return ()
    return (
        Diagnostic(
            "W-METRICS",
            "The metrics of this run were not taken",
            f"The report is complete without them. See to what {ENDPOINTS[1]} names, and run drift again.",
            Severity.WARNING,
        ),
    )


def _taken(data: MetricsData) -> bool:
    """Whether the collector took them; False also for settings in OTEL_* that the library cannot use."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import MetricExportResult

    try:
        exporter = OTLPMetricExporter(timeout=DEADLINE_SECONDS)
        taken = exporter.export(data) is MetricExportResult.SUCCESS
        exporter.shutdown()
    except (OSError, ValueError):  # a certificate file that is not there, an address that is none
        return False
    return taken


def _set(provider: MeterProvider, report: DriftReport) -> None:
    """Every gauge, also at zero: an alert must be able to end."""
    meter, workspace = provider.get_meter("provisioner"), {"workspace": report.workspace}
    tally = Counter((one.kind, str(one.effect or "none")) for one in report.differences)
    differences = meter.create_gauge(
        "provisioner.drift.differences", "{difference}", "What differs, by kind and effect"
    )
    for kind in DriftKind:
        effects = {effect for one, effect in tally if one is kind} or {"none"}
        for effect in sorted(effects):
            differences.set(tally[kind, effect], {**workspace, "kind": str(kind), "effect": effect})
    agents = meter.create_gauge(
        "provisioner.drift.agents", "{agent}", "Agents by how they compare with what was signed"
    )
    states = {"as_signed": report.as_signed, "differ": report.differ, "not_fully_seen": report.not_fully_seen}
    for state, number in states.items():
        agents.set(number, {**workspace, "state": state})
    unread = meter.create_gauge("provisioner.drift.unread", "{place}", "Places that could not be read")
    unread.set(len(report.coverage.gaps), workspace)
    meter.create_gauge("provisioner.drift.duration", "s", "How long the run took").set(
        report.milliseconds / 1000, workspace
    )
    calls = meter.create_gauge("provisioner.cloud.calls", "{request}", "Requests to clouds, by account or project")
    for target, number in report.coverage.calls.items():
        calls.set(number, {**workspace, "target": target})
