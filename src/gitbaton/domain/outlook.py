"""Which open tasks will be done when nobody intervenes, and which wait for somebody who never comes. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Board, Entry

OVER = ("done", "cancelled")


class LeftOut(NamedTuple):
    """An open task of which nobody can say when it begins, and why. ``root``: it is itself the reason."""

    task: str
    why: str
    root: bool


class Outlook(NamedTuple):
    """``entries`` are the open tasks that will be done, those before others first; ``goal`` those of them that were
    asked about; ``left_out`` what of the asked for can't be told.
    """

    entries: tuple[Entry, ...]
    goal: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def look_ahead(board: Board, is_wanted: Callable[[Entry], bool]) -> Outlook:
    """Sort the open tasks of ``board``: all of them, because they share lanes with what is wanted."""
    open_ = {task: entry for task, entry in board.entries.items() if entry.state not in OVER}
    why = {task: reason for task, entry in open_.items() if (reason := _find_obstacle(board, entry))}
    roots = set(why)
    ordered, waiting = _order(open_)
    for task in waiting:
        why.setdefault(task, "it waits for itself, around a circle, or for tasks that do")
    for task in ordered:
        lost = next((need for need in find_needs(open_[task]) if need in why), None)
        if lost is not None:
            why.setdefault(task, f"it waits for {lost}")
    left_out = [
        LeftOut(task, said, task in roots) for task, said in sorted(why.items()) if is_wanted(open_[task])
    ]
    entries = tuple(open_[task] for task in ordered if task not in why)
    goal = tuple(entry.row.id for entry in entries if is_wanted(entry))
    return Outlook(entries, goal, tuple(sorted(left_out, key=lambda left: (not left.root, left.task))))


def find_needs(entry: Entry) -> tuple[str, ...]:
    """What must be over before the task can begin; nothing for one that has begun."""
    return entry.blocked_by if entry.state in ("waiting", "ready", "stale", "draft", "held", "failed", "changes_requested") else ()  # fmt: skip


def count_below(board: Board) -> dict[str, int]:
    """For each open task how many open tasks can't be done before it is, directly or by others."""
    open_ = {task: entry for task, entry in board.entries.items() if entry.state not in OVER}
    ordered, waiting = _order(open_)
    place = {task: n for n, task in enumerate(ordered)}
    below = dict.fromkeys(ordered, 0)  # each a set of bits: a thousand tasks are a thousand bits
    for task in reversed(ordered):
        mine = below[task] | (1 << place[task])
        for need in find_needs(open_[task]):
            if need in below:
                below[need] |= mine
    return {task: bits.bit_count() for task, bits in below.items()} | dict.fromkeys(waiting, 0)


def _find_obstacle(board: Board, entry: Entry) -> str | None:
    """Why nobody can say when a task begins, for a reason of its own."""
    if entry.state in ("draft", "held"):
        return entry.why
    dead = [n for n in find_needs(entry) if n not in board.entries or board.entries[n].state == "cancelled"]
    if dead:
        gone = dead[0] not in board.entries
        return f"it waits for {dead[0]}, which {'is not there' if gone else 'was cancelled'}"
    return entry.why if entry.state == "waiting" and not entry.blocked_by else None


def _order(open_: dict[str, Entry]) -> tuple[list[str], list[str]]:
    """Open tasks so that each comes behind all that it needs, and those that never come, for a circle."""
    needs = {
        task: [n for n in dict.fromkeys(find_needs(entry)) if n in open_] for task, entry in open_.items()
    }
    below: dict[str, list[str]] = {task: [] for task in open_}
    for task, wanted in needs.items():
        for need in wanted:
            below[need].append(task)
    unmet = {task: len(wanted) for task, wanted in needs.items()}
    free = deque(sorted(task for task, count in unmet.items() if not count))
    ordered: list[str] = []
    while free:
        task = free.popleft()
        ordered.append(task)
        for other in below[task]:
            unmet[other] -= 1
            if not unmet[other]:
                free.append(other)
    return ordered, sorted(task for task, count in unmet.items() if count)
