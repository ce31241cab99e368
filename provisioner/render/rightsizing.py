"""`rightsize` as text: what was used and what was not, what would be written, and what that takes away."""

from __future__ import annotations

from typing import Any

from ..model.rightsizing import Rightsizing, ToolNote
from ..planfile import to_builtins
from .escape import escape
from .text import LABEL, Paint, count, section, title, wrap

_SHOWN = 12


def rightsizing_text(found: Rightsizing, *, written: bool, command: str, width: int = 100, color: bool = False) -> str:
    """The whole report, ending with a newline. `written`: the edits stand in the files already."""
    paint = Paint(color)
    names = ", ".join(f"agent.{escape(name)}" for name in found.agents)
    lines = [*title(["provisioner rightsize", names], width, paint), "", *_windows(found, width)]
    for note in found.tools:
        lines += ["", *_tool(note, width, paint)]
    if not found.tools:
        lines += ["", *wrap("No grant gives these agents a tool.", width, "  ")]
    lines += _beside(found, width)
    if found.compared:
        lines += ["", *section("COMPARED", "every policy that changes is proven to allow no more than before", width)]
    for one in found.compared:
        cannot = f"   can no longer: {'; '.join(map(escape, one.cannot[:3]))}" if one.cannot else ""
        lines += wrap(f"{escape(one.label)}{cannot}", width, f"  {one.effect.upper():<9} ", " " * LABEL)
    for edit in found.edits:
        lines += ["", *(_painted(line, paint) for line in edit.diff.splitlines())]
    return "\n".join([*lines, "", *wrap(_ending(found, written, command), width)]) + "\n"


def _painted(line: str, paint: Paint) -> str:
    """A line of a diff; not wrapped, since it is to be read as it stands."""
    text = escape(line)
    if line.startswith(("---", "+++", "@@")):
        return paint.style("strong", text)
    return paint.style("good", text) if line.startswith("+") else paint.style("bad", text) if line[:1] == "-" else text


def _windows(found: Rightsizing, width: int) -> list[str]:
    lines: list[str] = []
    for place, window in found.windows:
        where = f" in {', '.join(map(escape, window.places[:6]))}" if window.places else ""
        text = f"{escape(place)}: {count(window.records, 'record')}, {window.first[:10]} to {window.last[:10]}{where}"
        lines += section("" if lines else "LOGS", text, width)
    return lines or section("LOGS", "hold no record of any cloud", width)


def _tool(note: ToolNote, width: int, paint: Paint) -> list[str]:
    lines = wrap(f"{escape(note.tool)} in {escape(note.cloud)}   {escape(note.place)}", width)
    lines = [paint.style("strong", line) for line in lines]
    said = [("not used", name) for name in note.unused] + [("part used", text) for text in note.loose]
    said += [("not judged, stays", text) for text in note.kept]
    for word, text in said[:_SHOWN]:
        lines += wrap(f"{word}: {escape(text)}", width, "  ", "    ")
    if len(said) > _SHOWN:
        lines.append(f"  and {len(said) - _SHOWN} more (-json has them all)")
    if note.refused:
        lines += wrap(f"left as it is: {escape(note.refused)}", width, "  ", "    ")
    elif not note.edited:
        lines += wrap("fits what was used: nothing to take away", width, "  ")
    return lines


def _beside(found: Rightsizing, width: int) -> list[str]:
    lines: list[str] = []
    for one in found.denied[:_SHOWN]:
        text = f"{escape(one.name)}, {count(one.count, 'time')}, last {one.last[:10]}: refused, so it counts as no use"
        lines += section("" if lines else "DENIED", text, width)
    if len(found.denied) > _SHOWN:
        lines += section("", f"and {len(found.denied) - _SHOWN} more (-json has them all)", width)
    shown = [f"{escape(name)} ({number})" for name, number in found.unmapped[:_SHOWN]]
    if shown:
        text = f"events of which no permission is known: {', '.join(shown)}; what belongs to these services stays"
        lines += section("UNKNOWN", text, width)
    return ["", *lines] if lines else []


def _ending(found: Rightsizing, written: bool, command: str) -> str:
    files = ", ".join(escape(edit.name) for edit in found.edits)
    if not found.edits:
        return "Nothing to write."
    if written:
        return f"Written: {files}. Next: provisioner plan; the owners sign what gets narrower."
    return f"Nothing is written yet. Write {files}: {escape(command)} -yes"


def rightsizing_document(found: Rightsizing, *, written: bool) -> dict[str, Any]:
    """`rightsizing`, the whole finding; `written`."""
    return {"rightsizing": to_builtins(found), "written": written}
