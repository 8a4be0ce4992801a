"""The board of the base branch, kept so that a small change costs little: what every task comes to, in a table that
``next`` reads from the top.

Theory of operation. The index stands at one commit of base and one set of state tips. To move it, git says which files
differ; their tasks are put in anew, and then everything that hangs on them is worked out again by the very rules of
``domain.board``: first what is finished (upwards, from parts to parents), then how much work waits (``settle_depths``),
then the entries. What depends on the time is not kept: tasks with a lease or a back-off are worked out at every look.

Whatever is unusual (two files with one id, a cycle of parents or of dependencies, other settings, a change of plans,
a very large change) raises ``Unusual``: then the whole board is folded anew and the index made from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gitbaton.domain.board import (
    BrokenRow,
    TaskRow,
    find_turn,
    fold_task,
    is_finished,
    is_held,
    is_made_by_parts,
    list_needs,
)
from gitbaton.domain.gates import Gates
from gitbaton.domain.graph import settle_depths
from gitbaton.domain.queue import find_overlap, order_key
from gitbaton.store.cachetable import Node, Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Container, Mapping

    from gitbaton.domain.board import Board, Entry, LiveRow

#: Longer chains of parents are taken for a circle.
_CHAIN_MAX: Final = 100
#: More work than this, and folding everything is quicker.
_STEPS_MAX: Final = 5_000


class Unusual(Exception):
    """The index can't be moved there step by step."""


class Stand(NamedTuple):
    """Where an index stands: at which commit of base, with which settings and plans there."""

    base: str
    attempts_max: int
    tolerance_s: float
    seen_prefix: str
    gates: tuple[tuple[str, ...], ...]
    plans: tuple[str, ...]


class Change(NamedTuple):
    """What is different now, by id of the task: new rows (a broken one, None for a task that is gone), and what
    state tips say that are new or of such a task (None: there is none). ``seen``: the merges that base holds, of all those that tips name.
    """

    rows: Mapping[str, TaskRow | BrokenRow | None]
    lives: Mapping[str, LiveRow | None]
    seen: Container[str]


class BoardIndex:
    """The index in ``db``; its caller holds a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._table = Table(db)

    def read_stand(self) -> Stand | None:
        """Where it stands; None if there is none."""
        found = self._table.get("stand")
        return Stand(*found) if found else None

    def read_tips(self) -> dict[str, str]:
        """The ids of the state tips that it was made from, by task."""
        return dict(self._table.get("tips") or {})

    def list_merges(self) -> list[str]:
        """The merges because of which tasks may be done."""
        return [merge for _, merge in self._table.list_merges()]

    def find_path(self, task: str) -> str | None:
        """Where a task stands; None if there is none of that id."""
        return self._table.find(task).path

    # -- made from a whole board ------------------------------------------------------------------------------

    def build(self, stand: Stand, board: Board, tips: Mapping[str, str]) -> None:
        """Put in a whole board of base. Nothing is kept of a board with two files of one id, or with a file
        that can't be read and may be a part of something.
        """
        self._table.clear()
        broken = {row.id.lower(): row.path for row in board.broken}
        if len(broken) < len(board.broken) or any(task in broken for task in board.entries):
            return
        if any(row.parents for row in board.broken):
            return
        nodes: list[tuple[Node, Entry | None]] = [(_revive(entry), entry) for entry in board.entries.values()]
        for task, path in broken.items():
            node = Node(task)
            node.path = path
            nodes.append((node, None))
        self._table.fill(nodes)
        self._table.write_needs((n, e.row.id) for e in board.entries.values() for n in e.row.depends_on)
        depths = {node.id: node.depth for node, _ in nodes if node.depth is not None}
        for node, _ in nodes:  # in a circle, and behind one, no depth is one more than the next
            if node.row and node.depth is not None:
                needs = list_needs(node.row, board.children.get(node.id, ()))
                if any(depths.get(need, node.depth + 1) <= node.depth for need in needs):
                    self._table.put("knots", True)
                    break
        self._stand(stand, tips)

    def _stand(self, stand: Stand, tips: Mapping[str, str] | None) -> None:
        self._table.put("stand", tuple(stand))
        if tips is not None:
            self._table.put("tips", dict(tips))

    # -- moved step by step -----------------------------------------------------------------------------------

    def move(self, stand: Stand, change: Change, tips: Mapping[str, str] | None) -> None:
        """Stand at ``stand`` with ``tips`` (None: as before), where ``change`` is all that differs. Raises ``Unusual``;
        then the caller rolls back.
        """
        table = self._table
        rewired: set[str] = set()  # tasks of which what they need, or who needs them, may be different
        around: set[str] = set()
        parents: set[str] = set()
        touched = {*change.rows, *change.lives}
        for task in touched:
            node = table.find(task)
            before, was_part_of = node.row, node.parent
            if task in change.rows:
                new = change.rows[task]
                if isinstance(new, BrokenRow) and new.parents:
                    raise Unusual
                node.path = new.path if new else None
                node.row = new if isinstance(new, TaskRow) else None
                table.write_edges(node, before)
            if task in change.lives:
                node.live = change.lives[task]
            parents |= {p for p in (was_part_of, node.parent) if p}
            was, now = (set(row.depends_on) if row else set() for row in (before, node.row))
            if was != now or was_part_of != node.parent or (before is None) != (node.row is None):
                rewired.add(task)
                around |= was | now
        closed = self._settle_finished(
            {*touched, *parents, *(t for t, _ in table.list_merges())}, change.seen
        )
        opened = {t for t in touched if table.find(t).is_open != (table.find(t).depth is not None)}
        self._settle_depths(rewired | opened | closed, around)
        affected = parents | touched | closed
        for task in touched | closed:
            affected |= set(table.list_waiters(task))
            if parent := table.find(task).parent:
                affected.add(parent)
        for node in [table.find(task) for task in affected]:
            if node.path is not None:
                table.write(node, self._fold(node, stand, 0.0) if node.row else None)
        self._stand(stand, tips)

    def _settle_finished(self, start: set[str], seen: Container[str]) -> set[str]:
        """Work out what is finished, from parts to parents; the tasks for which it changed."""
        table = self._table
        for task in start:
            self._refuse_rings(task)
        queue, changed = list(start), set()
        while queue:
            node = table.find(queue.pop())
            finished = node.row is not None and is_finished(node.row, node.live, seen)
            if node.row and not finished and (kids := table.list_kids(node.id)):
                finished = is_made_by_parts(node.row, kids, *table.weigh(kids))
            if finished != node.finished:
                node.finished = finished
                changed.add(node.id)
                if node.parent:
                    queue.append(node.parent)
        return changed

    def _refuse_rings(self, task: str) -> None:
        """In a circle of parents nobody is finished by its parts, and no order of looking finds that out."""
        for _ in range(_CHAIN_MAX):
            parent = self._table.find(task).parent
            if parent is None:
                return
            task = parent
        raise Unusual

    def _settle_depths(self, rewired: set[str], around: set[str]) -> None:
        """Work out how much work waits, where that may have changed."""
        if not rewired:
            return
        table = self._table
        if table.get("knots"):
            raise Unusual
        start = set(around)
        for task in rewired:
            node = table.find(task)
            if node.is_open != (node.depth is not None):
                node.depth = 0 if node.is_open else None
            start |= {task, *table.list_needs(task), *table.list_kids(task)}
        depths = _Depths(table)
        changed = settle_depths(
            start,
            depths,
            waiters_of=table.list_waiters_and_parent,
            needs_of=table.list_needs,
            limit=_STEPS_MAX,
        )
        if changed is None:
            raise Unusual
        for task in changed:
            table.write_depth(task, depths[task])

    # -- asked ------------------------------------------------------------------------------------------------

    def choose(
        self, stand: Stand, now: float, accept: Callable[[Entry], bool] = lambda _: True
    ) -> tuple[Entry | None, float | None]:
        """The best entry that may be claimed at ``now`` and is accepted, and until when that is so if nothing moves
        (None: for ever).
        """
        table = self._table
        watched = self._list_watched(stand, now)
        busy = [e for e in watched if e.is_busy and e.row.paths]
        lives = [node.live for node in table.list_watched()]
        turns = [turn for live in lives if (turn := find_turn(live)) is not None and turn > now]
        queue = (self._fold(table.find(task), stand, now) for task in table.iter_queue())

        def is_free(entry: Entry) -> bool:
            return entry.claimable and accept(entry) and find_overlap(entry.row, busy) is None

        free = [e for e in watched if is_free(e)]
        first = next((e for e in queue if is_free(e)), None)
        return min([*free, *([first] if first else [])], key=order_key, default=None), min(
            turns, default=None
        )

    def look(self, task: str, stand: Stand, now: float) -> Entry | None:
        """A task on the board; None where there is none that can be read."""
        node = self._table.find(task)
        return self._fold(node, stand, now) if node.row else None

    def find(self, text: str, stand: Stand, now: float) -> Entry | None:
        """The task that ``text`` names, as ``ids.find_id`` finds it; None where that is none that can be read, or more than one."""
        whole = self.look(text, stand, now) or self.look(text.lower(), stand, now)
        if whole or not text or self._table.find(text.lower()).path is not None:  # which can't be read
            return whole
        starting = self._table.list_starting(text.lower())
        return self.look(starting[0], stand, now) if len(starting) == 1 else None

    def list_busy(self, stand: Stand, now: float) -> list[Entry]:
        """The tasks that occupy paths at ``now``."""
        return [e for e in self._list_watched(stand, now) if e.is_busy and e.row.paths]

    def _list_watched(self, stand: Stand, now: float) -> list[Entry]:
        """Watched tasks that may be claimed at ``now`` or occupy paths: there may be many others that are just worked at."""
        nodes = self._table.list_watched()
        return [
            self._fold(n, stand, now)
            for n in nodes
            if n.row and (n.row.paths or not (n.live and is_held(n.live, now)))
        ]

    def _fold(self, node: Node, stand: Stand, now: float) -> Entry:
        assert node.row is not None, node.id
        kids = self._table.list_kids(node.id)
        finished, off = self._table.weigh([node.id, *list_needs(node.row, kids)])
        return fold_task(
            node.row, node.live, kids, finished, off, depth=node.depth or 0, now=now, attempts_max=stand.attempts_max,
            plans=stand.plans, gates=Gates(*stand.gates),
        )  # fmt: skip


class _Depths(dict[str, "int | None"]):
    """Depths by task, read when they are first asked for."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, task: str) -> int | None:
        self[task] = depth = self._table.find(task).depth
        return depth


def _revive(entry: Entry) -> Node:
    """A task of a folded board. Done is what is finished, unless it was cancelled."""
    node = Node(entry.row.id)
    node.path, node.row, node.live = entry.row.path, entry.row, entry.live
    node.finished = entry.state == "done"
    node.depth = entry.depth if node.is_open else None
    return node
