"""Who would have to sign a change of a file, as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .escape import escape
from .text import Paint, section, table, title


@dataclass(frozen=True, slots=True)
class Signers:
    """`threshold` people of `signers`, for `owner` and `surface`. `owner` None: nobody owns it alone (OWN-1)."""

    surface: str
    owner: str | None
    signers: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class BlockSigners:
    """A block of the file: its address, the line it starts on, and whose sign-off a change of it could need."""

    address: str
    line: int
    signers: tuple[Signers, ...]


@dataclass(frozen=True, slots=True)
class WhoSigns:
    """Where `blocks` is empty, or the file holds `shared` kinds of block (`locals`), others read it, and `signers` is
    everybody who could be asked."""

    workspace: str
    source: str
    path: str
    blocks: tuple[BlockSigners, ...]
    signers: tuple[Signers, ...]
    shared: tuple[str, ...] = ()


def who_signs_text(found: WhoSigns, width: int = 100, color: bool = False) -> str:
    """Block by block, then the union."""
    paint = Paint(color)
    head = ["provisioner who-signs", f"workspace {escape(found.workspace)}", found.source]
    lines = [*title(head, width, paint), "", f"  {escape(found.path)}", ""]
    if found.blocks:
        rows: list[Sequence[str]] = [("line", "block", "a change of it could need")]
        for block in found.blocks:
            needs = ", ".join(f"{one.surface}: {escape(one.owner or 'NOBODY')}" for one in block.signers)
            rows.append((str(block.line), escape(block.address), needs))
        lines += table(rows, width, flexible=(1, 2))
    if found.shared:
        lines += ["", *section("", f"Others read its {', '.join(found.shared)}: any owner may be asked.", width)]
    elif not found.blocks:
        lines += section("", "It holds nothing with an owner of its own: others read it, so any may be asked.", width)
    lines += ["", paint.style("strong", "SIGN-OFF")]
    rows = [("surface", "owner", "signers", "quorum")]
    for one in found.signers:
        quorum = f"{one.threshold} of {len(one.signers)}"
        rows.append((one.surface, escape(one.owner or "NOBODY"), ", ".join(map(escape, one.signers)), quorum))
    lines += table(rows, width, flexible=(1, 2))
    said = "Only what a plan shows counts: a change that makes no difference in a cloud or in the root needs nobody."
    lines += ["", *section("", said, width)]
    return "\n".join(lines) + "\n"
