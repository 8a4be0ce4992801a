"""Looking: list, show, next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.queue import claimable_in_order
from gitbaton.errors import UsageError
from gitbaton.store.cache import open_cache
from gitbaton.store.git import read_objects
from gitbaton.store.live import list_past
from gitbaton.store.plain import iter_newest_handoffs, read_plain
from gitbaton.store.snapshots import read_source
from gitbaton.usecases.choosing import (
    ANY,
    Choice,
    Filters,
    choose_next,
    find_next,
    keep_view,
    name_local_tasks,
    want,
)
from gitbaton.usecases.project import Project, find_entry, load_view, own_task
from gitbaton.usecases.showing import Shown, choose_notes, glance_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import BrokenRow, Entry


class Listing(NamedTuple):
    """Tasks that passed the filters, and every file that can't be read."""

    entries: list[Entry]
    broken: tuple[BrokenRow, ...]


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
    named = text or own_task(project)
    view = None
    if wanted := want(project):
        found = glance_at(open_cache(project.repo), wanted, named, project.refs.now().timestamp())
        if found.shown:
            return found.shown
        if found.is_plain:
            view = load_view(project, local=False)  # which is all that there is here, too
            if not found.is_indexed:
                keep_view(project, view)
    view = view or load_view(project, local=True)
    entry = find_entry(view, named)
    live = entry.live
    handoffs = iter_newest_handoffs(project.repo, entry.row.id, live.head if live else None)
    note, remarks = choose_notes(read_plain(project.repo, data, path, "handoff") for path, data in handoffs)
    return Shown(entry, read_text(project, entry), list_past(view.tips, entry.row.id), note, remarks)


def read_text(project: Project, entry: Entry) -> dict[str, Any] | None:
    """The whole task document, from this checkout where it differs, else from base."""
    path = entry.row.path
    data: bytes | None = None
    if entry.row.local and (mine := read_source(project.repo.top / path)):
        data = mine.data
    elif project.repo.base.commit:
        data = read_objects(project.repo.git, [f"{project.repo.base.commit}:{path}"])[0]
    return read_plain(project.repo, data, path, "task") if data else None


def next_task(project: Project, wanted: Filters = ANY) -> Choice:
    """What would be claimed next of what is ``wanted``, from base and state refs as of the last fetch. When nothing is ready, the
    reason also says which tasks stand only in this checkout. Inside an attempt: its own task.
    """
    if own := project.own_task:
        entry = load_view(project, local=False).board.entries.get(own)
        return Choice(entry, f"this attempt is at {own}; nothing else can be taken until it ends")
    if chosen := find_next(project, wanted.accept):
        return chosen
    view = load_view(project, local=False)
    keep_view(project, view)
    return name_local_tasks(project, choose_next(view, accept=wanted.accept))
