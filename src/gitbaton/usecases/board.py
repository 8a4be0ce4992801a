"""Looking: list, show, next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.board import claimable_in_order
from gitbaton.domain.wording import is_note
from gitbaton.errors import UsageError
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
)
from gitbaton.usecases.project import Project, find_entry, load_view, own_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task

_REMARKS_SHOWN = 20


class Listing(NamedTuple):
    """Tasks that passed the filters, and every file that can't be read."""

    entries: list[Entry]
    broken: tuple[BrokenRow, ...]


class Shown(NamedTuple):
    """One task in full, as plain values: its text (None where it can't be read), its attempts, its newest handoff, and
    notes that were left since, newest first. Whoever needs the models of these gets them from them.
    """

    entry: Entry
    text: dict[str, Any] | None
    past: list[dict[str, Any]]
    note: dict[str, Any] | None
    remarks: tuple[dict[str, Any], ...] = ()

    @property
    def task(self) -> Task | None:
        """The task's text."""
        from gitbaton.domain.task import Task

        return Task.model_validate(self.text) if self.text is not None else None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts at it."""
        from gitbaton.domain.state import Attempt

        return tuple(Attempt.model_validate(past) for past in self.past)

    @property
    def handoff(self) -> Handoff | None:
        """Its newest handoff."""
        from gitbaton.domain.handoff import Handoff

        return Handoff.model_validate(self.note) if self.note is not None else None


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
    live = entry.live
    handoffs = iter_newest_handoffs(project.repo, entry.row.id, live.head if live else None)
    note, remarks = _choose_notes(read_plain(project.repo, data, path, "handoff") for path, data in handoffs)
    return Shown(entry, _read_text(project, entry), list_past(view.tips, entry.row.id), note, remarks)


def _choose_notes(
    newest: Iterable[dict[str, Any] | None],
) -> tuple[dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """The newest handoff that says more than a note, and the notes since."""
    remarks: list[dict[str, Any]] = []
    for handoff in newest:
        if handoff is None:
            continue
        if not is_note(handoff):
            return handoff, tuple(remarks)
        remarks.append(handoff)
        if len(remarks) == _REMARKS_SHOWN:
            break
    return None, tuple(remarks)


def _read_text(project: Project, entry: Entry) -> dict[str, Any] | None:
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
