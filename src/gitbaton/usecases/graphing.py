"""What depends on what: the whole graph of tasks, or what hangs on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.ids import find_id
from gitbaton.usecases.project import Project, find_entry, load_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gitbaton.domain.board import Board, Entry

_FINISHED = ("done", "cancelled")


class Edge(NamedTuple):
    """``after`` can only be done once ``before`` is: it depends on it, or ``before`` is a part of it."""

    before: str
    after: str
    kind: Literal["needs", "part"]


class Node(NamedTuple):
    """A task of the graph; one without ``entry`` is named by others, but its file is gone or can't be read."""

    id: str
    entry: Entry | None

    @property
    def state(self) -> str:
        """Its state on the board."""
        return self.entry.state if self.entry else "broken"

    @property
    def title(self) -> str:
        """Its title."""
        return self.entry.row.title if self.entry else "its file is gone or can't be read"


class Graph(NamedTuple):
    """Tasks by id, in the order of their ids, and what stands between them. ``focus`` is the task it was drawn
    around.
    """

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    focus: str | None = None


def draw_graph(
    project: Project,
    text: str | None = None,
    *,
    up: bool = True,
    down: bool = True,
    plan: str | None = None,
    only_open: bool = False,
) -> Graph:
    """The graph of all tasks of this checkout's board, or around the task that ``text`` names: ``up`` what must be
    done before it, ``down`` what waits for it. Only tasks of ``plan``, if one is given. ``only_open`` leaves out what
    is over, except for what was cancelled and still holds something up. Raises ``Refusal``.
    """
    view = load_view(project, local=True)
    board = view.board
    focus = find_entry(view, text).row.id if text else None
    if plan is not None:
        known = {*view.contents.plans, *(e.row.plan for e in board.entries.values() if e.row.plan)}
        plan = find_id(plan, known, noun="plan")
    edges = list_edges(board)
    ids = set(board.entries) | {b.id for b in board.broken} | {i for edge in edges for i in edge[:2]}
    if focus:
        ids = {focus} | (_follow(focus, edges, forwards=False) if up else set()) | (_follow(focus, edges, forwards=True) if down else set())  # fmt: skip
    if plan is not None:
        ids = {i for i in ids if i == focus or (i in board.entries and board.entries[i].row.plan == plan)}
    if only_open:
        shut = {i for i in ids if i in board.entries and board.entries[i].state in _FINISHED and i != focus}
        holding = {n for i in ids - shut for n in (board.entries[i].blocked_by if i in board.entries else ())}
        ids -= shut - holding
    nodes = {i: Node(i, board.entries.get(i)) for i in sorted(ids)}
    return Graph(nodes, tuple(e for e in edges if e.before in nodes and e.after in nodes), focus)


def list_edges(board: Board) -> list[Edge]:
    """All dependencies and parts, sorted. A part that its whole depends on, too, is a dependency."""
    needs = {(n, e.row.id) for e in board.entries.values() for n in e.row.depends_on}
    parts = {
        (kid, parent) for parent, kids in board.children.items() for kid in kids if (kid, parent) not in needs
    }
    return sorted([Edge(a, b, "needs") for a, b in needs] + [Edge(a, b, "part") for a, b in parts])


def _follow(start: str, edges: Iterable[Edge], *, forwards: bool) -> set[str]:
    """What can be reached from ``start``."""
    steps: dict[str, list[str]] = {}
    for edge in edges:
        one, other = (edge.before, edge.after) if forwards else (edge.after, edge.before)
        steps.setdefault(one, []).append(other)
    return _reach(start, steps)


def _reach(start: str, steps: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        new: Collection[str] = [i for i in steps.get(todo.pop(), ()) if i not in found]
        found.update(new)
        todo += new
    return found
