"""A graph as DOT, Mermaid, JSON data or SVG. Pure; every label is escaped for its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from html import escape as html
from typing import Any

from ..model.graph import Edge, EdgeKind, Graph, Node, NodeKind
from .escape import escape

FORMATS = ("text", "dot", "mermaid", "svg", "json")

_WORDS = {
    EdgeKind.BECOMES: "becomes",
    EdgeKind.HOLDS: "may use",
    EdgeKind.DELEGATES: "is delegated",
    EdgeKind.ESCALATES: "could become",
}
_COLUMN = {NodeKind.WORKLOAD: 0, NodeKind.AGENT: 1, NodeKind.TOOL: 2, NodeKind.PRINCIPAL: 2}
_ROW, _BOX, _GAP, _TOP = 34, 24, 150, 44
_WIDTHS = (330, 220, 300)
_LABEL = (46, 28, 40)


def graph_text(graph: Graph) -> str:
    """One line an edge, and under it the escalation paths: the picture in words."""
    lines = [f"{len(graph.nodes)} nodes, {len(graph.edges)} edges"]
    names = {node.id: node for node in graph.nodes}
    for edge in graph.edges:
        lines.append(f"  {escape(_says(edge, names))}")
    for path in graph.paths:
        new = "NEW " if (path.agent, path.technique, path.target) in graph.fresh else ""
        lines.append(f"{new}ESCALATION  agent.{escape(path.agent)} {path.title}: it then is {escape(path.becomes)}")
        lines += [f"    {escape(s.permission)} on {escape(s.resource)}   {escape(s.origin)}" for s in path.steps]
    return "\n".join(lines) + "\n"


def graph_json(graph: Graph) -> dict[str, Any]:
    """JSON data: `nodes`, `edges`, `paths`."""
    return {
        "nodes": [asdict(node) for node in graph.nodes],
        "edges": [asdict(edge) for edge in graph.edges],
        "paths": [
            {
                "agent": path.agent,
                "technique": path.technique,
                "becomes": path.becomes,
                "target": path.target,
                "target_agent": path.target_agent,
                "certain": path.certain,
                "new": (path.agent, path.technique, path.target) in graph.fresh,
                "steps": [asdict(step) for step in path.steps],
                "source": path.source,
            }
            for path in graph.paths
        ],
    }


def graph_dot(graph: Graph) -> str:
    """For Graphviz."""
    shapes = {NodeKind.AGENT: "box", NodeKind.TOOL: "component", NodeKind.WORKLOAD: "ellipse"}
    lines = ["digraph authority {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for node in graph.nodes:
        shape = shapes.get(node.kind, "octagon")
        lines.append(f'  "{_dot(node.id)}" [label="{_dot(node.label)}", shape={shape}];')
    for edge in graph.edges:
        style = "dashed" if not edge.declared else "dotted" if edge.change == "gone" else "solid"
        label = _dot(" ".join(filter(None, (edge.change, _WORDS[edge.kind], edge.label))))
        lines.append(f'  "{_dot(edge.source)}" -> "{_dot(edge.target)}" [label="{label}", style={style}];')
    return "\n".join([*lines, "}"]) + "\n"


def graph_mermaid(graph: Graph) -> str:
    """For Markdown that draws Mermaid."""
    ids = {node.id: f"n{at}" for at, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        left, right = {NodeKind.WORKLOAD: ("([", "])"), NodeKind.TOOL: ("[[", "]]")}.get(node.kind, ("[", "]"))
        lines.append(f'  {ids[node.id]}{left}"{_mermaid(node.label)}"{right}')
    for edge in graph.edges:
        arrow = "-->" if edge.declared else "-.->"
        label = _mermaid(" ".join(filter(None, (edge.change, _WORDS[edge.kind], edge.label))))
        lines.append(f'  {ids[edge.source]} {arrow}|"{label}"| {ids[edge.target]}')
    return "\n".join(lines) + "\n"


def graph_svg(graph: Graph, styled: bool = True) -> str:
    """One self-contained picture: workloads, agents and tools in columns, no script and nothing from outside.

    `styled` False leaves the colours to the page that the picture stands in.
    """
    places = _places(graph)
    rows = max((place[2] for place in places.values()), default=0) + 1
    width = sum(_WIDTHS) + 2 * _GAP + 40
    height = _TOP + rows * _ROW + 30
    names = {node.id: node for node in graph.nodes}
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="graph-title graph-desc">',
        '<title id="graph-title">Who can become or call whom</title>',
        f'<desc id="graph-desc">{html(_described(graph, names))}</desc>',
        *([f"<style>{_STYLE}</style>"] if styled else []),
    ]
    for at, word in enumerate(("who becomes an agent", "agents", "tools and other principals")):
        out.append(f'<text class="head" x="{_left(at)}" y="22">{word}</text>')
    out += [_line(edge, places, names) for edge in graph.edges]
    out += [_box(node, *places[node.id]) for node in graph.nodes]
    out.append("</svg>")
    return "\n".join(out) + "\n"


_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1b1f24}.head{font-weight:600;fill:#57606a}"
    "rect{fill:#f6f8fa;stroke:#57606a}.agent rect{fill:#ddf4ff;stroke:#0969da}.principal rect{fill:#ffebe9;"
    "stroke:#cf222e}path{fill:none;stroke:#8c959f}path.new,path.wider{stroke:#9a6700;stroke-width:2.5}"
    "path.gone{stroke-dasharray:2 4}path.undeclared{stroke:#cf222e;stroke-dasharray:6 3;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.head{fill:#9198a1}rect{fill:#151b23;stroke:#9198a1}"
    ".agent rect{fill:#121d2f;stroke:#4493f8}.principal rect{fill:#25171c;stroke:#f85149}path{stroke:#656c76}}"
)


def _places(graph: Graph) -> dict[str, tuple[int, int, int]]:
    """Left edge, middle and row of each node. Within a column, a node stands near those that it is joined to."""
    columns: dict[int, list[Node]] = {0: [], 1: [], 2: []}
    for node in graph.nodes:
        columns[_COLUMN[node.kind]].append(node)
    rows = {node.id: at for at, node in enumerate(columns[1])}
    joined: dict[str, list[int]] = {}
    for edge in graph.edges:
        for one, other in ((edge.source, edge.target), (edge.target, edge.source)):
            if other in rows:
                joined.setdefault(one, []).append(rows[other])
    places: dict[str, tuple[int, int, int]] = {}
    for at, column in columns.items():
        if at != 1:
            column.sort(key=lambda node: (_mean(joined.get(node.id, ())), node.id))
        for row, node in enumerate(column):
            places[node.id] = (_left(at), _TOP + row * _ROW + _BOX // 2, row)
    return places


def _mean(values: Iterable[int]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _left(column: int) -> int:
    return 20 + sum(_WIDTHS[:column]) + _GAP * column


def _box(node: Node, left: int, middle: int, row: int) -> str:
    column = _COLUMN[node.kind]
    label = node.label if len(node.label) <= _LABEL[column] else node.label[: _LABEL[column] - 1] + "…"
    return (
        f'<g class="{node.kind.value}"><title>{html(escape(node.label))}</title>'
        f'<rect x="{left}" y="{middle - _BOX // 2}" width="{_WIDTHS[column]}" height="{_BOX}" rx="4"/>'
        f'<text x="{left + 8}" y="{middle + 4}">{html(escape(label))}</text></g>'
    )


def _line(edge: Edge, places: Mapping[str, tuple[int, int, int]], names: Mapping[str, Node]) -> str:
    source, target = places[edge.source], places[edge.target]
    from_width = _WIDTHS[_COLUMN[names[edge.source].kind]]
    start = source[0] + from_width
    if source[0] == target[0]:  # between agents: a bow on the right of their column
        bow = start + 60 + abs(source[2] - target[2]) % 5 * 12
        way = f"M{start} {source[1]}C{bow} {source[1]} {bow} {target[1]} {start} {target[1]}"
    else:
        half = (start + target[0]) // 2
        way = f"M{start} {source[1]}C{half} {source[1]} {half} {target[1]} {target[0]} {target[1]}"
    classes = " ".join(filter(None, (edge.kind.value, edge.change, "" if edge.declared else "undeclared")))
    return f'<path class="{classes}" d="{way}"><title>{html(escape(_says(edge, names)))}</title></path>'


def _says(edge: Edge, names: Mapping[str, Node]) -> str:
    words = [names[edge.source].label, _WORDS[edge.kind], names[edge.target].label]
    if edge.label:
        words.append(f"({edge.label})")
    if not edge.declared:
        words.append("UNDECLARED")
    if edge.change:
        words.append(edge.change.upper())
    return " ".join(words)


def _described(graph: Graph, names: Mapping[str, Node]) -> str:
    """The text equivalent, as long as a reader would follow; the rest is counted."""
    said = [escape(_says(edge, names)) for edge in graph.edges[:200]]
    more = len(graph.edges) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def _dot(text: str) -> str:
    return escape(text).replace("\\", "\\\\").replace('"', '\\"')


def _mermaid(text: str) -> str:
    """Mermaid takes HTML entities with `#` in labels; everything that could end or mark up a label becomes one."""
    return "".join(c if c.isalnum() or c in " .,:;/-_*@()=…→" else f"#{ord(c)};" for c in escape(text))
