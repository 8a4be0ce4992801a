"""Approving a task before anybody starts it. The approval stands in the task file, bound to what the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.approval import digest_wanted
from gitbaton.domain.gates import Gates, needs_approval
from gitbaton.domain.task import Task
from gitbaton.errors import Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.live import render_time
from gitbaton.store.snapshots import read_source
from gitbaton.store.yamledit import RemoveField, SetField
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, find_entry, refuse_inside
from gitbaton.usecases.tasks import edit_task
from gitbaton.usecases.writing import open_target

if TYPE_CHECKING:
    from gitbaton.domain.board import TaskRow
    from gitbaton.store.edits import Edited
    from gitbaton.store.yamledit import Edit


class Approved(NamedTuple):
    """A task that was approved, or whose approval was withdrawn; ``edited`` None: nothing had to change. ``before`` is
    how it stood: ``given``, ``outdated`` or None.
    """

    task: str
    before: str | None
    edited: Edited | None


def approve_task(project: Project, text: str, *, to: Delivery = HERE) -> Approved:
    """Write down that a person approved the task as it stands where ``to`` says. Raises ``Refusal``
    (``needs-no-approval``, ``already-finished``, ``uncommitted``).
    """
    refuse_inside(project, "approve tasks", hint="say in your handoff what waits for a person to approve it")
    project, row, to = _find(project, text, to)
    if not needs_approval(row, Gates(*project.repo.config_file.facts.gates)):
        level = f"is {row.complexity}" if row.complexity else "has no complexity"
        raise Refusal(
            f"{row.id} {level}, so it needs no approval", code="needs-no-approval",
            hint=f"if it does: baton set {row.id} complexity=critical; see what it would get: baton route {row.id}",
        )  # fmt: skip
    if row.approval == "given":
        return Approved(row.id, row.approval, None)
    digest = digest_wanted(_read_approved(project, row, to))
    said = {"by": project.actor, "when": render_time(project.clock()), "of": digest}
    return _write(project, row, SetField(("approved",), said), "Approve {task}", to)


def withdraw_approval(project: Project, text: str, *, to: Delivery = HERE) -> Approved:
    """Take an approval back. Whoever is at the task goes on; nobody starts it again."""
    refuse_inside(project, "withdraw approvals")
    project, row, to = _find(project, text, to)
    if row.approval is None:
        return Approved(row.id, None, None)
    return _write(project, row, RemoveField(("approved",)), "Withdraw the approval of {task}", to)


def _write(project: Project, row: TaskRow, edit: Edit, message: str, to: Delivery) -> Approved:
    return Approved(row.id, row.approval, edit_task(project, row.id, [edit], message, to=to).edited)


def _find(project: Project, text: str, to: Delivery) -> tuple[Project, TaskRow, Delivery]:
    project, view, to = open_target(project, to)
    entry = find_entry(view, text)
    task = entry.row.id
    if entry.state in ("done", "cancelled"):
        raise Refusal(
            f"{task} is {entry.state} already", code="already-finished", hint=f"to open it again: baton reopen {task}"
        )  # fmt: skip
    return project, entry.row, to


def _read_approved(project: Project, row: TaskRow, to: Delivery) -> Task:
    """The text that is approved: the committed one, because that is what an agent gets. Raises ``Refusal`` where
    whoever looks at the file here sees something else.
    """
    repo = project.repo
    here = to.where == "here"
    commit = "HEAD" if here else repo.base.commit
    committed = read_objects(repo.git, [f"{commit}:{row.path}"])[0]
    working = read_source(repo.top / row.path) if here else None
    texts = [text for text in (committed, working.data if working else None) if text is not None]
    tasks = [parse_document(text, row.path, Task, "task") for text in texts]
    if not tasks:
        raise Refusal(
            f"{row.path} is not in this checkout", code="not-here",
            hint=f"it is on {repo.base.branch}: approve it there: baton approve {row.id} --base",
        )  # fmt: skip
    if digest_wanted(tasks[0]) != digest_wanted(tasks[-1]):
        raise Refusal(
            f"{row.path} has changes that are not committed: which text is approved?", code="uncommitted",
            hint=f"commit or undo them, then: baton approve {row.id}",
        )  # fmt: skip
    return tasks[0]
