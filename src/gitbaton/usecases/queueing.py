"""The queue: what is claimed next, in order, and why; and moving a task in it, by its priority alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.choices import PRIORITIES
from gitbaton.domain.queue import claimable_in_order, explain_reason, find_overlap, order_key
from gitbaton.usecases.choosing import explain_nothing, name_gated, name_local_tasks
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.setting import set_priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from gitbaton.domain.board import Entry
    from gitbaton.usecases.writing import Written


class Queue(NamedTuple):
    """``ready`` are (entry, reason), best first; ``blocked`` are ready, too, but touch what somebody is at: (entry,
    that task). ``rest`` says what else there is, or why nothing is ready.
    """

    ready: tuple[tuple[Entry, str], ...]
    blocked: tuple[tuple[Entry, str], ...]
    rest: str


class Moved(NamedTuple):
    """A task that goes first or last. ``level`` is its priority now; ``written`` None: it had that already. ``before``
    come before it (after it, for the last) all the same; ``why`` it isn't in the queue yet, where it isn't.
    """

    task: str
    level: str
    written: Written | None
    before: tuple[str, ...]
    why: str | None


def list_queue(project: Project) -> Queue:
    """What would be claimed next, from base and state refs as of the last fetch."""
    view = load_view(project, local=False)
    ready = claimable_in_order(view.board)
    busy = [e for e in view.board.entries.values() if e.is_busy and e.row.paths]
    overlapping = sorted(
        (e for e in view.board.entries.values() if e.claimable and e not in ready), key=order_key
    )
    blocked = []
    for entry in overlapping:
        other = find_overlap(entry.row, busy)
        blocked.append((entry, other.row.id if other else ""))
    if ready:
        counts: dict[str, int] = {}
        for entry in view.board.entries.values():
            if not entry.claimable and entry.state not in ("done", "cancelled"):
                state = "to be approved" if entry.gate == "approval" else entry.state
                counts[state] = counts.get(state, 0) + 1
        rest = ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in sorted(counts.items()))
        rest += name_gated(view.board.entries.values())
    else:
        from gitbaton.usecases.choosing import Choice

        rest = name_local_tasks(project, Choice(None, explain_nothing(view))).reason
    return Queue(tuple((e, explain_reason(e)) for e in ready), tuple(blocked), rest)


def move_task(project: Project, text: str, where: Literal["first", "last"], *, to: Delivery = HERE) -> Moved:
    """Let a task be claimed before all others, or after all, as far as its priority can do that: the least change
    of it that does, else the highest or the lowest.
    """
    refuse_inside(project, "reorder the queue")
    view = load_view(project, local=to.where == "here")
    entry = find_entry(view, text)
    others = [e for e in claimable_in_order(view.board) if e.row.id != entry.row.id]
    now = PRIORITIES.index(entry.row.priority)
    levels = PRIORITIES[now::-1] if where == "first" else PRIORITIES[now:]
    level = next((p for p in levels if not _find_wrong(entry, p, others, where)), levels[-1])
    wrong = _find_wrong(entry, level, others, where)
    written = None
    if level != entry.row.priority:
        written = set_priority(project, entry.row.id, level, to=to)
    why = None if entry.claimable or entry.row.local else entry.why
    return Moved(entry.row.id, level, written, tuple(e.row.id for e in wrong), why)


def _find_wrong(entry: Entry, level: str, others: Sequence[Entry], where: str) -> list[Entry]:
    """Those on the wrong side of ``entry`` if it had that priority."""
    key = order_key(entry._replace(row=entry.row._replace(priority=level)))
    return [e for e in others if (order_key(e) < key if where == "first" else order_key(e) > key)]
