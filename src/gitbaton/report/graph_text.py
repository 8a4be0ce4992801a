"""The graph of tasks as text for people, as Mermaid (GitHub draws it) and as DOT (Graphviz draws it)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.report.board_text import words
from gitbaton.report.terminal import STATE_COLORS, fit, measure, printable

if TYPE_CHECKING:
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.graphing import Edge, Graph, Node

_FINISHED = ("done", "cancelled")
#: Colours of states where pictures are drawn: filling, border.
_FILLS = {
    "ready": ("#d3f9d8", "#2b8a3e"), "in_progress": ("#d0ebff", "#1864ab"), "in_review": ("#e5dbff", "#5f3dc4"),
    "changes_requested": ("#fff3bf", "#e67700"), "needs_input": ("#fff3bf", "#e67700"), "stale": ("#fff3bf", "#e67700"),
    "held": ("#fff3bf", "#e67700"), "failed": ("#ffe3e3", "#c92a2a"), "stopped": ("#ffe3e3", "#c92a2a"),
    "closed": ("#ffe3e3", "#c92a2a"), "broken": ("#ffe3e3", "#c92a2a"), "taken_over": ("#d0ebff", "#1864ab"),
    "waiting": ("#ffffff", "#868e96"), "draft": ("#ffffff", "#868e96"), "done": ("#e9ecef", "#868e96"),
    "cancelled": ("#e9ecef", "#868e96"),
}  # fmt: skip
#: Characters that mean nothing to Mermaid inside of quotes.
_HARMLESS = frozenset(" abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:!?-_/+='()")


# -- a tree for people -------------------------------------------------------------------------------------------


def render_tree(graph: Graph, style: Style) -> str:
    """What is done first stands first; what waits for it stands below it, indented. A task that waits for several is
    spelt out below the first of them and only named below the others.
    """
    if not graph.nodes:
        return "no task matches"
    below: dict[str, list[Edge]] = {}
    behind = set()
    for edge in graph.edges:
        below.setdefault(edge.before, []).append(edge)
        behind.add(edge.after)
    for edges in below.values():
        edges.sort(key=lambda e: (graph.nodes[e.after].state in _FINISHED, e.after))
    starts = sorted(
        graph.nodes, key=lambda i: (i in behind, i not in below, graph.nodes[i].state in _FINISHED, i)
    )
    lines: list[str] = []
    told: set[str] = set()
    for start in starts:
        if start not in told:  # what stands on a circle is behind something, and still has to be told
            _tell(graph, start, below, told, style, lines)
    return "\n".join(lines)


def _tell(
    graph: Graph, start: str, below: dict[str, list[Edge]], told: set[str], style: Style, lines: list[str]
) -> None:
    """The tree of one task, without recursion: chains are as long as people make them."""
    fork, last, rail, gap = (
        style.symbol(nice, plain)
        for nice, plain in (("├─ ", "|- "), ("└─ ", "`- "), ("│  ", "|  "), ("   ", "   "))
    )
    stack: list[tuple[str, str, str, str, tuple[str, ...]]] = [(start, "", "", "", ())]
    while stack:
        task, lead, indent, label, path = stack.pop()
        node = graph.nodes[task]
        repeated = task in told
        mark = ""
        if task in path:
            mark = style.symbol(" ↺ a circle", " (a circle)")
        elif repeated and below.get(task):
            mark = style.symbol(" ↑ see above", " (see above)")
        lines.append(_line(node, lead + label, mark, style, bold=task == graph.focus, short=repeated))
        if repeated:
            continue
        told.add(task)
        edges = below.get(task, [])
        for n, edge in reversed(list(enumerate(edges))):
            is_last = n == len(edges) - 1
            lead_of = indent + (last if is_last else fork)
            stack.append((edge.after, lead_of, indent + (gap if is_last else rail), "whole: " if edge.kind == "part" else "", (*path, task)))  # fmt: skip


def _line(node: Node, lead: str, mark: str, style: Style, *, bold: bool, short: bool) -> str:
    state = words(node.state)
    used = measure(lead) + len(node.id) + 2 + len(state) + measure(mark)
    left = style.width - used - 2
    title = "" if short or left < 8 else "  " + fit(printable(node.title), left)
    name = style.paint(node.id, "bold") if bold else node.id
    color = STATE_COLORS.get(node.state, "red" if node.state == "broken" else None)
    return f"{lead}{name}  {style.paint(state, color)}{style.paint(mark + title, 'dim')}"


# -- pictures ------------------------------------------------------------------------------------------------------


def render_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart: an arrow leads to what waits, a dotted one from a part to its whole."""
    names = {task: f"t{n}" for n, task in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for task, node in graph.nodes.items():
        label = "<br/>".join(map(_escape, (task, printable(node.title), words(node.state))))
        lines.append(f'  {names[task]}["{label}"]:::{node.state}')
    for edge in graph.edges:
        arrow = "-->" if edge.kind == "needs" else "-. part of .->"
        lines.append(f"  {names[edge.before]} {arrow} {names[edge.after]}")
    for state in sorted({node.state for node in graph.nodes.values()}):
        fill, stroke = _FILLS[state]
        lines.append(f"  classDef {state} fill:{fill},stroke:{stroke},color:#212529")
    if graph.focus:
        lines.append(f"  style {names[graph.focus]} stroke-width:3px")
    return "\n".join(lines)


def _escape(text: str) -> str:
    """Mermaid's own entities for whatever could mean something to it, or to the HTML that it makes."""
    return "".join(c if c in _HARMLESS or (ord(c) > 0x7F and c.isalnum()) else f"#{ord(c)};" for c in text)


def render_dot(graph: Graph) -> str:
    """A digraph for Graphviz, as ``render_mermaid``."""
    lines = [
        "digraph tasks {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for task, node in graph.nodes.items():
        fill, stroke = _FILLS[node.state]
        label = "\\n".join(_quote(part) for part in (task, printable(node.title), words(node.state)))
        width = ", penwidth=3" if task == graph.focus else ""
        lines.append(f'  "{_quote(task)}" [label="{label}", fillcolor="{fill}", color="{stroke}"{width}];')
    for edge in graph.edges:
        more = "" if edge.kind == "needs" else ' [style=dashed, label="part of"]'
        lines.append(f'  "{_quote(edge.before)}" -> "{_quote(edge.after)}"{more};')
    return "\n".join([*lines, "}"])


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def graph_record(graph: Graph) -> dict[str, Any]:
    """The same for programs."""
    return {
        "focus": graph.focus,
        "nodes": [{"id": n.id, "title": n.title, "state": n.state} for n in graph.nodes.values()],
        "edges": [edge._asdict() for edge in graph.edges],
    }
