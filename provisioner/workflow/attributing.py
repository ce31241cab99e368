"""Who made each difference that no signed plan explains: from the logs given, else from the clouds' own logs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..model.drift import DriftKind, DriftReport
from ..model.resources import Address
from ..model.usage import Attribution
from ..sdk.usage import Attributing, LogReading
from .compiling import Compiled
from .reading import connections

Settings = Callable[[str], Mapping[str, Any]]
NOT_IN_LOGS = "the logs given hold no such call, and this cloud's own log cannot be asked"


def to_attribute(report: DriftReport) -> frozenset[Address]:
    """The addresses of what nobody signed: only these are asked about."""
    return frozenset(
        one.address for one in report.differences if one.kind is DriftKind.OUT_OF_BAND and one.address is not None
    )


@dataclass(slots=True)
class Watch:
    """Looks on while logs are read, and keeps the newest deed for each address."""

    readers: Mapping[str, LogReading]
    wanted: Mapping[str, frozenset[Address]]
    found: dict[Address, Attribution] = field(default_factory=dict)

    def __call__(self, provider: str, record: Mapping[str, Any]) -> None:
        wanted = self.wanted.get(provider)
        deed = self.readers[provider].deed_of(record, wanted) if wanted else None
        if deed is None:
            return
        for address in deed.addresses:
            known = self.found.get(address)
            if known is None or known.time <= deed.attribution.time:
                self.found[address] = replace(
                    deed.attribution, source=f"{deed.attribution.source}, from the logs given"
                )


def watch(compiled: Compiled, addresses: Collection[Address]) -> Watch:
    readers = {name: one for name, one in compiled.providers.items() if isinstance(one, LogReading)}
    return Watch(readers, _by_provider(addresses))


def _by_provider(addresses: Iterable[Address]) -> dict[str, frozenset[Address]]:
    found: dict[str, set[Address]] = {}
    for address in addresses:
        found.setdefault(address.provider, set()).add(address)
    return {name: frozenset(own) for name, own in found.items()}


def attributed(
    report: DriftReport, compiled: Compiled, settings: Settings, known: Mapping[Address, Attribution]
) -> DriftReport:
    """The report with who made each out-of-band difference. What `known` does not say is asked of the clouds.

    Never raises for what a cloud answers: who cannot be told is said to be not known, with the reason.
    """
    who = dict(known)
    calls = dict(report.coverage.calls)
    for name, addresses in _by_provider(to_attribute(report) - set(who)).items():
        provider = compiled.providers[name]
        if not isinstance(provider, Attributing):
            who.update(dict.fromkeys(addresses, Attribution(unknown=NOT_IN_LOGS)))
            continue
        looked = provider.look_up(connections(compiled.authorities[name], settings), addresses)
        who.update(looked.found)
        for target, number in looked.calls.items():
            calls[target] = calls.get(target, 0) + number
    differences = tuple(
        replace(one, who=who.get(one.address)) if one.address is not None else one for one in report.differences
    )
    return replace(report, differences=differences, coverage=replace(report.coverage, calls=calls))
