"""Framework references by rule: data, versioned, never constants in a rule's code."""

from __future__ import annotations

CATALOGUE_VERSION = "2026-11"

FRAMEWORKS = {
    "NHI": "OWASP Non-Human Identities Top 10 2025",
    "ASI": "OWASP Top 10 for Agentic Applications 2026",
    "NIST": "NIST AI RMF 1.0",
    "MAESTRO": "CSA MAESTRO v1",
}

REFERENCES: dict[str, tuple[str, ...]] = {
    "OWN-1": ("NIST AI RMF GOVERN 2.1", "MAESTRO L6"),
    "OWN-2": ("NIST AI RMF GOVERN 2.1",),
    "INV-1": ("NIST AI RMF GOVERN 1.6", "NHI1"),
    "KEY-1": ("NHI2", "NHI7"),
    "ENV-1": ("NHI8",),
    "TST-1": ("NIST AI RMF MEASURE 2.7",),
}
