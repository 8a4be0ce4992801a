"""The tables of the board's index: one row for each task, and who needs whom."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any, Final

from gitbaton.domain.board import LiveRow, TaskRow, find_turn, is_off, list_needs
from gitbaton.domain.queue import order_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.board import Entry

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS board (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (
  id TEXT PRIMARY KEY, path TEXT, row BLOB, live BLOB, parent TEXT, merge TEXT, finished INT, depth INT,
  kind INT, rank INT, age TEXT, claimable INT, busy INT, turns INT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tasks_parent ON tasks (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_merge ON tasks (merge) WHERE merge IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_queue ON tasks (kind, rank, depth DESC, age, id) WHERE claimable;
CREATE INDEX IF NOT EXISTS tasks_now ON tasks (id) WHERE busy OR turns;
CREATE TABLE IF NOT EXISTS needs (need TEXT, id TEXT, PRIMARY KEY (need, id)) WITHOUT ROWID;
"""
_INSERT: Final = f"INSERT OR REPLACE INTO tasks VALUES ({', '.join('?' * 14)})"
_NODE: Final = "path, row, live, finished, depth"


class Node:
    """A task of the index in memory. One without ``path`` isn't there; one without ``row`` can't be read."""

    __slots__ = ("depth", "finished", "id", "live", "path", "row")

    def __init__(self, task: str) -> None:
        self.id = task
        self.path: str | None = None
        self.row: TaskRow | None = None
        self.live: LiveRow | None = None
        self.finished = False
        self.depth: int | None = None

    @property
    def parent(self) -> str | None:
        """The task that it is a part of."""
        return self.row.parent if self.row and self.row.parent != self.id else None

    @property
    def is_open(self) -> bool:
        """Whether it is work to be done."""
        return self.row is not None and not self.finished and not is_off(self.row)


class Table:
    """The tables in ``db``. Tasks that were looked at stay in memory; ``write`` writes those that are given."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._nodes: dict[str, Node] = {}

    # -- asked --------------------------------------------------------------------------------------------

    def get(self, key: str) -> Any:
        """A value that concerns the whole index, or None."""
        found = self._db.execute("SELECT value FROM board WHERE key = ?", (key,)).fetchone()
        return marshal.loads(found[0]) if found else None

    def find(self, task: str) -> Node:
        """The task of that id, there or not."""
        node = self._nodes.get(task)
        if node is None:
            found = self._db.execute(f"SELECT {_NODE} FROM tasks WHERE id = ?", (task,)).fetchone()
            node = self._revive(task, found)
        return node

    def _revive(self, task: str, found: Sequence[Any] | None) -> Node:
        node = self._nodes[task] = Node(task)
        if found:
            node.path, row, live, finished, node.depth = found
            node.row = TaskRow(*marshal.loads(row)) if row else None
            node.live = LiveRow(*marshal.loads(live)) if live else None
            node.finished = bool(finished)
        return node

    def list_merges(self) -> list[tuple[str, str]]:
        """(task, merge) of those that may be done because of one."""
        return self._db.execute("SELECT id, merge FROM tasks WHERE merge IS NOT NULL").fetchall()

    def list_watched(self) -> list[Node]:
        """Tasks that occupy paths, or whose state the time may change; read at once, because there may be many."""
        found = self._db.execute(f"SELECT id, {_NODE} FROM tasks WHERE busy OR turns").fetchall()
        return [self._nodes.get(task) or self._revive(task, columns) for task, *columns in found]

    def list_starting(self, start: str) -> list[str]:
        """Two of the tasks that can be read whose ids begin so, or all if there are fewer."""
        found = self._db.execute(
            "SELECT id FROM tasks WHERE id >= ? AND id < ? AND row IS NOT NULL LIMIT 2",
            (start, f"{start}\U0010ffff"),
        )
        return [task for (task,) in found]

    def iter_queue(self) -> Iterable[str]:
        """The other tasks that may be claimed, best first."""
        queue = self._db.execute(
            "SELECT id FROM tasks WHERE claimable ORDER BY kind, rank, depth DESC, age, id"
        )
        return (task for (task,) in queue)

    def list_kids(self, task: str) -> list[str]:
        """The parts of a task."""
        return [t for (t,) in self._db.execute("SELECT id FROM tasks WHERE parent = ? ORDER BY id", (task,))]

    def list_needs(self, task: str) -> tuple[str, ...]:
        """What must be over before a task can be."""
        row = self.find(task).row
        return list_needs(row, self.list_kids(task)) if row else ()

    def list_waiters(self, task: str) -> list[str]:
        """The tasks that depend on one."""
        return [t for (t,) in self._db.execute("SELECT id FROM needs WHERE need = ?", (task,))]

    def list_waiters_and_parent(self, task: str) -> list[str]:
        """The tasks that need one."""
        parent = self.find(task).parent
        waiters = self.list_waiters(task)
        return [*waiters, parent] if parent and parent not in waiters else waiters

    def weigh(self, tasks: Sequence[str]) -> tuple[set[str], set[str]]:
        """Which of these tasks are finished, and which are off."""
        nodes = [self.find(task) for task in tasks]
        return {n.id for n in nodes if n.finished}, {n.id for n in nodes if n.row and is_off(n.row)}

    # -- told ---------------------------------------------------------------------------------------------

    def put(self, key: str, value: Any) -> None:
        """Keep a value that concerns the whole index."""
        self._db.execute("INSERT OR REPLACE INTO board VALUES (?, ?)", (key, marshal.dumps(value)))

    def clear(self) -> None:
        """Begin anew."""
        for table in ("board", "tasks", "needs"):
            self._db.execute(f"DELETE FROM {table}")
        self._nodes.clear()

    def fill(self, nodes: Iterable[tuple[Node, Entry | None]]) -> None:
        """Put in all tasks at once, with what they come to."""
        self._db.executemany(_INSERT, (_columns(node, entry) for node, entry in nodes))

    def write_needs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Note (need, task) pairs."""
        self._db.executemany("INSERT OR IGNORE INTO needs VALUES (?, ?)", pairs)

    def write_edges(self, node: Node, before: TaskRow | None) -> None:
        """Write what questions are asked of: what a task needs now, and what it is a part of."""
        if before:
            pairs = [(need, node.id) for need in before.depends_on]
            self._db.executemany("DELETE FROM needs WHERE need = ? AND id = ?", pairs)
        if node.row:
            self.write_needs((need, node.id) for need in node.row.depends_on)
        if node.path is None:
            self._db.execute("DELETE FROM tasks WHERE id = ?", (node.id,))
            return
        self._db.execute("INSERT OR IGNORE INTO tasks (id) VALUES (?)", (node.id,))
        self._db.execute(
            "UPDATE tasks SET parent = ?, path = ? WHERE id = ?", (node.parent, node.path, node.id)
        )

    def write(self, node: Node, entry: Entry | None) -> None:
        """Write a task that is there, and what it comes to (None: it can't be read)."""
        self._db.execute(_INSERT, _columns(node, entry))

    def write_depth(self, task: str, depth: int | None) -> None:
        """Write how much work waits for a task."""
        self.find(task).depth = depth
        self._db.execute("UPDATE tasks SET depth = ? WHERE id = ?", (depth, task))


def _columns(node: Node, entry: Entry | None) -> tuple[Any, ...]:
    """A task as it is written. What the time may change is neither in the queue nor busy: it is looked at each time."""
    if entry is None or node.row is None:
        return (node.id, node.path, None, None, None, None, 0, *[None] * 7)
    row, live = entry.row, entry.live
    kind, rank, _, age, _ = order_key(entry)
    turns = find_turn(live) is not None
    merge = live.merge if live and live.status == "merged" and row.status == "todo" else None
    return (
        row.id, row.path, marshal.dumps(tuple(row)), live and marshal.dumps(tuple(live)), node.parent, merge,
        node.finished, node.depth, kind, rank, age, entry.claimable and not turns,
        bool(entry.is_busy and row.paths and not turns), turns,
    )  # fmt: skip
