"""Which task comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.board import claimable_in_order, explain_reason
from gitbaton.usecases.project import load_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Entry
    from gitbaton.usecases.project import Project, View

_LOCAL_SHOWN = 5


class Choice(NamedTuple):
    """What ``next`` answers: an entry or none, and why."""

    entry: Entry | None
    reason: str


def choose_next(view: View, *, accept: Callable[[Entry], bool] = lambda _: True) -> Choice:
    """The best claimable task, from base and state refs alone."""
    found = next((e for e in claimable_in_order(view.board) if accept(e)), None)
    return Choice(found, explain_reason(found) if found else explain_nothing(view))


def explain_nothing(view: View) -> str:
    """Why nothing is ready, counted by state."""
    entries = view.board.entries.values()
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    open_states = {s: n for s, n in counts.items() if s not in ("done", "cancelled")}
    if not entries and not view.board.broken:
        return "there are no tasks on the base branch yet"
    words = ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in sorted(open_states.items()))
    broken = f"; {len(view.board.broken)} broken" if view.board.broken else ""
    if not open_states:
        return "all tasks are done" + broken
    return f"no task is ready: {words}{broken}"


def name_local_tasks(project: Project, choice: Choice) -> Choice:
    """``choice``; where it is none, with the tasks that only this checkout has: nobody can claim those yet."""
    if choice.entry is not None:
        return choice
    rows = [entry.row for entry in load_view(project, local=True).board.entries.values()]
    local = sorted(row.id for row in rows if row.local and row.status == "todo")
    if not local:
        return choice
    where = project.repo.base.branch + (f" on {project.repo.remote}" if project.repo.remote else "")
    shown = ", ".join(local[:_LOCAL_SHOWN]) + (" …" if len(local) > _LOCAL_SHOWN else "")
    said = f"{choice.reason}; only in this checkout: {shown} (commit and push, or merge, to {where})"
    return Choice(None, said)


def accept_only(label: str | None, plan: str | None) -> Callable[[Entry], bool]:
    """Whether an entry has ``label`` and belongs to ``plan``; None: any."""
    return lambda e: (not label or label in e.row.labels) and (not plan or e.row.plan == plan)
