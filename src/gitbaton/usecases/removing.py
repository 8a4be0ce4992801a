"""``baton rm``: a task's file goes. Its history, its handoffs and its live state stay: attempts and money are counted
from them for ever, and no other task gets its id by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import LostRace, Refusal
from gitbaton.store.git import read_objects, resolve
from gitbaton.store.layout import doc_path
from gitbaton.usecases.closing import find_whole
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.moves import Changed, find_doc, leave
from gitbaton.usecases.project import Project, refuse_inside
from gitbaton.usecases.references import change_references, find_referring
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.store.edits import Edited

_TRIES = 12
_IN_REVIEW = ("in_review", "changes_requested", "needs_input", "taken_over")


class Removed(NamedTuple):
    """A task whose file is gone. ``others`` are the files that no longer name it."""

    task: str
    path: str
    others: tuple[str, ...]
    edited: Edited


def remove_task(project: Project, text: str, *, force: bool = False, to: Delivery = HERE) -> Removed:
    """Delete the file of a task; ``text`` is its whole id. ``force``: also where others depend on it or are parts of
    it (they no longer name it then), and where its work is in review. Raises ``Refusal``: ``somebody-else`` (an
    attempt lives), ``needed``, ``open-work``, ``dirty-files``, ``not-here``.
    """
    refuse_inside(project, "remove tasks")
    project = project.fetched()
    for _ in range(_TRIES):
        project, view, to = open_target(project, to)
        entry = find_whole(view, text)
        row = entry.row
        _refuse_live(entry, force=force)
        naming = [r.id for r in find_referring(view, row.id)]
        if naming and not force:
            raise Refusal(
                f"{', '.join(naming)} {'names' if len(naming) == 1 else 'name'} it as dependency or parent",
                code="needed",
                hint=f"cancel it instead: baton cancel {row.id}; or take it out there, too: baton rm {row.id} --force",
                data={"named_by": naming},
            )
        if row.local == "uncommitted":
            raise Refusal(
                f"{row.path} has changes that are not committed: they would be gone",
                code="dirty-files",
                hint=f"commit them, or remove it yourself: rm {row.path}",
            )
        commit = resolve(project.repo.git, "HEAD") if to.where == "here" else project.repo.base.commit
        old = read_objects(project.repo.git, [f"{commit}:{row.path}"])[0] if commit else None
        if old is None:
            raise Refusal(
                f"{row.path} is not in this checkout", code="not-here",
                hint=f"it is on {project.repo.base.branch}: remove it there with --base, or merge that first",
            )  # fmt: skip
        changes = change_references(project, view, commit, row.id, None)
        changes[row.path] = leave(row.path, old)
        if notes := find_doc(project, commit, row.id):
            changes[doc_path(row.id)] = leave(doc_path(row.id), notes)
        try:
            edited = write_documents(project, changes, f"Remove {row.id}: {row.title}", to)
        except Changed:
            continue
        return Removed(row.id, row.path, tuple(p for p in edited.paths if p != row.path), edited)
    raise LostRace(["HEAD"])


def _refuse_live(entry: Entry, *, force: bool) -> None:
    task, live = entry.row.id, entry.live
    if live is None:
        return
    if live.status == "in_progress":
        raise Refusal(
            f"{live.holder or 'somebody'} is at {task} (attempt {live.attempt})",
            code="somebody-else",
            hint=f"end that first: baton stop {task}",
        )
    if live.status in _IN_REVIEW and not force:
        raise Refusal(
            f"{task} is {live.status.replace('_', ' ')}: its work stands on {live.branch}",
            code="open-work",
            hint=f"decide on that first, or leave it there: baton rm {task} --force",
        )
