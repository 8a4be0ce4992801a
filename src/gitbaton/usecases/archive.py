"""``baton archive``: finished tasks go out of the way, to ``tasks/archive/<year>/``, and come back when asked.

An archived file is an ordinary task file in a folder of its own: its id stays taken, what depends on it goes on
counting it as done, and no byte of it changes, so that git follows its history and two branches that archive the
same task agree. The year is the one the task was made in, because the file alone tells it, on every branch alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.board import TaskRow
from gitbaton.errors import LostRace, Refusal
from gitbaton.store.git import list_changed_since, list_entries, read_objects, resolve
from gitbaton.store.layout import TASKS, archive_path, is_archived, task_path
from gitbaton.store.rows import read_row
from gitbaton.store.snapshots import SourceFile
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.moves import Changed, arrive, leave
from gitbaton.usecases.project import Project, find_entry, refuse_inside
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.store.edits import Edited
    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.project import View

#: Tasks that were finished lately are still being looked at.
AGE_DAYS = 30
_FINISHED = ("done", "cancelled")
#: Live states in which somebody may still come back to the task.
_LIVE = ("in_progress", "needs_input", "in_review", "changes_requested", "taken_over")
_YEAR = re.compile(r"\d{4}(?=-)")
_TRIES = 20


class Move(NamedTuple):
    """A task file that goes from one path to another."""

    task: str
    source: str
    target: str


class Archived(NamedTuple):
    """What was moved, in one commit; ``edited`` is None for a dry run and when there was nothing to move.
    ``kept`` says why a finished task stays where it is; ``young`` counts those that were finished lately.
    """

    moves: tuple[Move, ...]
    kept: tuple[tuple[str, str], ...] = ()
    young: int = 0
    edited: Edited | None = None


def archive_tasks(
    project: Project, wanted: Sequence[str] = (), *, days: int | None = AGE_DAYS, dry_run: bool = False, to: Delivery = HERE
) -> Archived:  # fmt: skip
    """Move finished tasks to the archive, in one commit: those ``wanted``, else all that the branch has not
    changed for ``days`` (None: however young). Stays: a task that is somebody's (live), that has changes of
    this checkout, whose parent is not finished (parts are looked at together), and a cancelled one that
    something waits for (a person has to see it). Raises ``Refusal`` (``not-archivable``) when one of ``wanted``
    must stay; then nothing has changed.
    """
    refuse_inside(project, "archive tasks")

    def decide(there: _There) -> Archived:
        if wanted:
            entries = list({(e := find_entry(there.view, text)).row.id: e for text in wanted}.values())
            return _choose_all(there, [e for e in entries if not is_archived(e.row.path)])
        return _choose(there, days)

    return _move(project, decide, "Archive {}", dry_run=dry_run, to=to)


def restore_tasks(
    project: Project, wanted: Sequence[str], *, dry_run: bool = False, to: Delivery = HERE
) -> Archived:
    """Bring archived tasks back to where new ones go, in one commit. Raises ``Refusal`` (``not-archived``)."""
    refuse_inside(project, "restore tasks")

    def decide(there: _There) -> Archived:
        rows = {(row := find_entry(there.view, text).row).id: row for text in wanted}
        moves = []
        for row in rows.values():
            if not is_archived(row.path):
                raise Refusal(
                    f"{row.id} is not in the archive: {row.path}", code="not-archived", hint=f"baton show {row.id}"
                )  # fmt: skip
            target = task_path(row.id, project.repo.config.layout, row.plan)
            moves.append(Move(row.id, row.path, target))
        return Archived(tuple(moves))

    return _move(project, decide, "Restore {} from the archive", dry_run=dry_run, to=to)


class _There(NamedTuple):
    """Where files are moved: the board as it is seen from there, and the commit that the files are read at."""

    project: Project
    view: View
    to: Delivery
    commit: str | None


# -- deciding ------------------------------------------------------------------------------------------------


def _choose_all(there: _There, entries: Sequence[Entry]) -> Archived:
    judged = _judge(there, entries)
    reasons = {task: why for task, why in judged.items() if isinstance(why, str)}
    if reasons:
        said = "; ".join(f"{task}: {why}" for task, why in sorted(reasons.items()))
        raise Refusal(f"can't be archived: {said}", code="not-archivable", hint="leave it out", data=reasons)
    return Archived(tuple(m for m in judged.values() if isinstance(m, Move)))


def _choose(there: _There, days: int | None) -> Archived:
    finished = [
        e for _, e in sorted(there.view.board.entries.items()) if e.state in _FINISHED and not is_archived(e.row.path)
    ]  # fmt: skip
    young: set[str] = set()
    if days is not None and finished and there.commit:
        since = there.project.clock().timestamp() - days * 86400
        young = list_changed_since(there.project.repo.git, there.commit, since, TASKS)
    old = [e for e in finished if e.row.path not in young]
    judged = _judge(there, old)
    return Archived(
        tuple(m for m in judged.values() if isinstance(m, Move)),
        tuple((task, why) for task, why in judged.items() if isinstance(why, str)),
        len(finished) - len(old),
    )


def _judge(there: _There, entries: Sequence[Entry]) -> dict[str, Move | str]:
    """By task: where its file goes, or why it stays."""
    here = _read_rows(there, [e.row.path for e in entries])
    waiting: dict[str, list[str]] = {}
    for entry in there.view.board.entries.values():
        if entry.state not in _FINISHED:
            for need in entry.row.depends_on:
                waiting.setdefault(need, []).append(entry.row.id)
    year = there.project.clock().year
    judged: dict[str, Move | str] = {}
    for entry in entries:
        row = entry.row
        why = _find_reason(there.view, entry, here.get(row.path), waiting.get(row.id, ()))
        made = _YEAR.match(row.created or "")
        judged[row.id] = why or Move(row.id, row.path, archive_path(row.id, int(made[0]) if made else year))
    return judged


def _read_rows(there: _There, paths: Sequence[str]) -> dict[str, TaskRow]:
    """The task files as they are committed there."""
    git = there.project.repo.git
    found = list_entries(git, there.commit, paths) if there.commit and paths else {}
    texts = read_objects(git, (e.oid for e in found.values()))
    rows = (read_row(path, SourceFile(text or b"")) for path, text in zip(found, texts, strict=True))
    return {row.path: row for row in rows if isinstance(row, TaskRow)}


def _find_reason(view: View, entry: Entry, here: TaskRow | None, waiting: Sequence[str]) -> str | None:
    """Why a task must stay where it is, if it must. ``here`` is its file on the branch checked out."""
    row, live = entry.row, entry.live
    if row.id in view.tips.unreadable:
        return "its live state can't be read"
    if entry.state not in _FINISHED:
        return f"it is {entry.state.replace('_', ' ')}"
    if live and live.status in _LIVE:
        return f"its live state is {live.status.replace('_', ' ')}"
    if row.local == "uncommitted":
        return "it has changes that are not committed"
    if here is None or (here.status not in _FINISHED and row.id not in view.board.children):
        return "this branch does not have it as finished yet: merge the base branch first"
    parent = view.board.entries.get(row.parent or "")
    if parent and parent.state not in _FINISHED:
        return f"its parent {parent.row.id} is not finished"
    if row.status == "cancelled" and waiting:
        return f"it was cancelled, and {', '.join(sorted(waiting))} waits for it"
    return None


# -- moving --------------------------------------------------------------------------------------------------


def _move(
    project: Project, decide: Callable[[_There], Archived], message: str, *, dry_run: bool, to: Delivery
) -> Archived:
    """Decide and move; decide anew whenever a file turns out to be another one by now."""
    for _ in range(_TRIES):
        there = _There(*open_target(project, to), None)
        repo = there.project.repo
        there = there._replace(
            commit=resolve(repo.git, "HEAD") if there.to.where == "here" else repo.base.commit
        )
        plan = decide(there)
        if dry_run or not plan.moves:
            return plan
        ids = [m.task for m in plan.moves]
        said = message.format(ids[0] if len(ids) == 1 else f"{len(ids)} tasks") + _list_ids(ids)
        try:
            edited = write_documents(there.project, _make_changes(there, plan.moves), said, there.to)
        except Changed:
            continue
        return plan._replace(edited=edited)
    raise LostRace(["HEAD"])


def _list_ids(ids: Sequence[str]) -> str:
    return "" if len(ids) == 1 else "\n\n" + "".join(f"{i}\n" for i in ids)


def _make_changes(there: _There, moves: Sequence[Move]) -> Mapping[str, Change]:
    git = there.project.repo.git
    tips = list_entries(git, there.commit or "", [m.source for m in moves])
    texts = dict(zip(tips, read_objects(git, (t.oid for t in tips.values())), strict=True))
    changes: dict[str, Change] = {}
    for move in moves:
        text = texts.get(move.source)
        if text is None:
            raise Changed(move.source)
        changes[move.source] = leave(move.source, text)
        changes[move.target] = arrive(move.target, text)
    return changes
