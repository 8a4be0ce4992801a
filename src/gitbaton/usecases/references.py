"""Where a task's id stands in other documents, and the edits that give it another one there, or take it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.plan import Plan
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import edit_document, parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import plan_path
from gitbaton.store.yamledit import RemoveField, RemoveItem, SetField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.domain.board import TaskRow
    from gitbaton.store.yamledit import Edit
    from gitbaton.usecases.project import Project, View

    Change = Callable[[bytes | None], bytes | None]


def find_referring(view: View, task: str) -> list[TaskRow]:
    """The tasks that depend on ``task`` or are a part of it, finished ones too, by id."""
    rows = (e.row for _, e in sorted(view.board.entries.items()))
    return [row for row in rows if task in row.depends_on or row.parent == task]


def change_references(
    project: Project, view: View, commit: str | None, task: str, new: str | None
) -> dict[str, Change]:
    """The changes that let every task and plan say ``new`` for ``task``, or (None) no longer name it. ``commit`` is
    what they are made on.
    """
    changes: dict[str, Change] = {
        row.path: _change_task(project, row.path, task, new) for row in find_referring(view, task)
    }
    for path in _find_plans(project, view, commit, task):
        changes[path] = _change_plan(path, task, new)
    return changes


def _change_task(project: Project, path: str, task: str, new: str | None) -> Change:
    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(
                f"{path}, which names {task}, is not in this checkout",
                code="not-here",
                hint=f"merge {project.repo.base.branch} first, or edit it there with --base",
            )
        said = parse_document(old, path, Task, "task")
        edits: list[Edit] = _replace_item("depends_on", said.depends_on, task, new)
        if said.parent == task:
            edits.append(SetField(("parent",), new) if new else RemoveField(("parent",)))
        return edit_document(old, path, "task", edits) if edits else old

    return change


def _change_plan(path: str, task: str, new: str | None) -> Change:
    def change(old: bytes | None) -> bytes | None:
        if old is None:
            return None
        edits = _replace_item("tasks", parse_document(old, path, Plan, "plan").tasks, task, new)
        return edit_document(old, path, "plan", edits) if edits else old

    return change


def _replace_item(field: str, items: Sequence[str], task: str, new: str | None) -> list[Edit]:
    if task not in items:
        return []
    if new is None:
        return [RemoveItem((field,), task)]
    return [SetField((field,), list(dict.fromkeys(new if i == task else i for i in items)))]


def _find_plans(project: Project, view: View, commit: str | None, task: str) -> list[str]:
    """The plan files that can be read and list ``task``."""
    paths = [plan_path(plan) for plan in sorted(view.contents.plans)]
    texts = (
        read_objects(project.repo.git, [f"{commit}:{p}" for p in paths]) if commit else [None] * len(paths)
    )
    found = []
    for path, text in zip(paths, texts, strict=True):
        try:
            if text and task in parse_document(text, path, Plan, "plan").tasks:
                found.append(path)
        except InvalidDocument:
            continue  # `validate` names it
    return found
