"""The queue: which tasks of a board may be claimed now, and in what order; the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.scope import globs_overlap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitbaton.domain.board import Board, Entry, TaskRow

_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def order_key(entry: Entry) -> tuple[int, int, int, str, str]:
    """Sort key of the queue: changes requested, retries, priority, how much work it unblocks, age, id."""
    kind = 0 if entry.state == "changes_requested" else 1 if entry.state in ("failed", "stale") else 2
    return (kind, _RANK[entry.row.priority], -entry.depth, entry.row.created or "~", entry.row.id)


def claimable_in_order(board: Board) -> list[Entry]:
    """What may be claimed, best first; entries whose paths overlap work under way are left out."""
    busy = [e for e in board.entries.values() if e.is_busy and e.row.paths]
    free = [e for e in board.entries.values() if e.claimable and find_overlap(e.row, busy) is None]
    return sorted(free, key=order_key)


def find_overlap(row: TaskRow, busy: Iterable[Entry]) -> Entry | None:
    """The first entry under way whose ``paths`` may name the same file; unset paths overlap nothing."""
    if not row.paths:
        return None
    for other in busy:
        if other.row.id != row.id and any(globs_overlap(a, b) for a in row.paths for b in other.row.paths):
            return other
    return None


def explain_reason(entry: Entry) -> str:
    """Why this one is next, for people."""
    parts = []
    if entry.state == "changes_requested":
        parts.append("a reviewer asked for changes")
    elif entry.state == "failed":
        parts.append("a retry is due")
    elif entry.state == "stale":
        parts.append("its claim went stale")
    parts.append(f"{entry.row.priority} priority")
    if entry.depth:
        parts.append(
            "one task waits for it" if entry.depth == 1 else f"a chain of {entry.depth} tasks waits for it"
        )
    parts.append(entry.why if entry.state == "ready" else "")
    return ", ".join(p for p in parts if p)
