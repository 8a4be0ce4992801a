"""Looking: list, show, next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.board import claimable_in_order
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, UsageError
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.snapshots import read_worktree
from gitbaton.usecases.claim import Choice, accept_only, choose_next, name_local_tasks
from gitbaton.usecases.material import find_newest_handoffs
from gitbaton.usecases.project import Project, View, find_entry, load_view, own_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import Attempt


class Listing(NamedTuple):
    """Tasks that passed the filters, and every file that can't be read."""

    entries: list[Entry]
    broken: tuple[BrokenRow, ...]


class Shown(NamedTuple):
    """One task in full. ``handoff`` is its newest."""

    entry: Entry
    task: Task | None
    attempts: tuple[Attempt, ...]
    handoff: Handoff | None


def list_tasks(
    project: Project, *, states: Sequence[str] = (), ready: bool = False, label: str | None = None, plan: str | None = None,
    role: str | None = None,
) -> Listing:  # fmt: skip
    """The board, filtered. With ``ready`` in the order of the queue, else by id. Raises ``UsageError`` for a
    state that there is not.
    """
    from typing import get_args

    from gitbaton.domain.board import EffectiveState

    known = get_args(EffectiveState)
    wanted = [s.replace("-", "_").replace(" ", "_") for s in states]
    for state in wanted:
        if state not in known:
            raise UsageError(
                f"there is no state '{state}'", code="bad-value", hint=f"one of: {', '.join(known)}"
            )
    view = load_view(project, local=True)
    entries = (
        claimable_in_order(view.board)
        if ready
        else sorted(view.board.entries.values(), key=lambda e: e.row.id)
    )
    found = [
        e for e in entries
        if (not wanted or e.state in wanted) and (not label or label in e.row.labels) and (not plan or e.row.plan == plan)
        and (not role or e.row.role == role)
    ]  # fmt: skip
    return Listing(found, view.board.broken)


def show_task(project: Project, text: str | None) -> Shown:
    """One task, as this checkout has it; None: the attempt's own. Raises ``Refusal``."""
    view = load_view(project, local=True)
    entry = find_entry(view, text or own_task(project))
    tip = view.tips.states.get(entry.row.id)
    newest = find_newest_handoffs(project, view, entry.row.id, 1)
    handoff = newest[0][1] if newest else None
    return Shown(entry, read_task_text(project, view, entry), tip.state.attempts if tip else (), handoff)


def read_task_text(project: Project, view: View, entry: Entry) -> Task | None:  # noqa: ARG001 kept beside its callers' view
    """The whole task document, from this checkout where it differs, else from base."""
    path = entry.row.path
    data: bytes | None = None
    if entry.row.local and (mine := read_worktree(project.repo).get(path)):
        data = mine.data
    elif project.repo.base.commit:
        data = read_objects(project.repo.git, [f"{project.repo.base.commit}:{path}"])[0]
    try:
        return parse_document(data, path, Task, "task") if data else None
    except InvalidDocument:
        return None


def next_task(project: Project, *, label: str | None = None, plan: str | None = None) -> Choice:
    """What would be claimed next, from base and state refs as of the last fetch. When nothing is ready, the
    reason also says which tasks stand only in this checkout. Inside an attempt: its own task.
    """
    if own := project.own_task:
        entry = load_view(project, local=False).board.entries.get(own)
        return Choice(entry, f"this attempt is at {own}; nothing else can be taken until it ends")
    choice = choose_next(load_view(project, local=False), accept=accept_only(label, plan))
    return name_local_tasks(project, choice)
