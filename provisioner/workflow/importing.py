"""`import -from-tfstate`: HCL for what a Terraform state holds, and the Terraform code that lets go of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..config.tfstate import read_state, without_keys
from ..lang.writer import Code, NewAttribute, NewBlock, write_items
from ..model.diagnostics import DiagnosticError
from ..sdk.describing import Described, Describing, Foreigner
from .compiling import providers_of
from .discovering import Written, write
from .project import Project

MARK_PREFIX = "provisioner:"


@dataclass(frozen=True, slots=True)
class Imported:
    """Our HCL; Terraform's, that lets go of the same; and what was left out, one line each."""

    written: Written
    terraform: str
    skipped: tuple[str, ...]


def from_tfstate(project: Project, path: Path, names: Sequence[str] = (), every: bool = False) -> Imported:
    """Read a state. `names` picks principals by name; `every` takes those too that do not look like agents.

    Raises DiagnosticError for a file that is no state, and where nothing in it can be taken over.
    """
    state = read_state(path)
    configuration = project.configuration
    found: list[tuple[str, Described]] = []
    let_go: list[str] = []
    skipped: list[str] = []
    for cloud, provider in providers_of(configuration, project.registry).items():
        if not isinstance(provider, Foreigner) or not isinstance(provider, Describing):
            continue
        told = provider.from_terraform(state, every or bool(names))
        skipped += told.skipped
        own = {key: config for key, config in configuration.providers.items() if config.provider == cloud}
        keys = {provider.target(config).id: key for key, config in own.items()}
        for address in told.principals:
            if names and address.name not in names:
                continue
            key = keys.get(address.target)
            if key is None:
                skipped.append(f"{address.name}: no provider block is about {cloud} {address.target}")
                continue
            described = provider.describe(told.resources, address)
            if described is not None:
                found.append((key, described))
                let_go += told.let_go[address]
    missing = sorted(set(names) - {described.address.name for _, described in found})
    if missing or not found:
        raise _nothing(path, missing, skipped)
    written = write(configuration, found, datetime.now(UTC).date())
    return Imported(written, _terraform(let_go), tuple(skipped))


def _terraform(addresses: Sequence[str]) -> str:
    """`removed` blocks, and the provider setting that keeps Terraform from taking our marks off what it still has."""
    items: list[NewAttribute | NewBlock] = [
        NewBlock(
            "removed",
            (),
            (
                NewAttribute("from", Code(address)),
                NewBlock("lifecycle", (), (NewAttribute("destroy", False),)),
            ),
        )
        for address in dict.fromkeys(map(without_keys, addresses))
    ]
    ignore = NewBlock("ignore_tags", (), (NewAttribute("key_prefixes", [MARK_PREFIX]),))
    items.append(NewBlock("provider", ("aws",), (ignore,)))
    return write_items(items)


def _nothing(path: Path, missing: Sequence[str], skipped: Sequence[str]) -> DiagnosticError:
    what = f"{path} holds no {', '.join(missing)} that can be taken over" if missing else f"{path} holds no agent"
    why = f" Left out: {'; '.join(skipped[:5])}{f', and {len(skipped) - 5} more' if len(skipped) > 5 else ''}."
    return DiagnosticError.of(
        "E-TFSTATE-NOTHING",
        what,
        f"Nothing was written.{why if skipped else ''} Name a role with -role NAME, or take all roles with -all.",
    )
