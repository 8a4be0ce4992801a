"""Drafts of tasks become files: rendered, checked as ``baton validate`` checks them, written together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.planning import Draft, Ground, draft_tasks
from gitbaton.domain.rules import Finding, Reference, check_names, iter_references, list_unknown
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument
from gitbaton.store.documents import parse_document, render_document
from gitbaton.store.layout import task_path
from gitbaton.store.library import read_shelf
from gitbaton.store.live import render_time
from gitbaton.store.roles import list_role_names
from gitbaton.store.yamledit import RemoveField, SetField
from gitbaton.usecases.adding import creating
from gitbaton.usecases.tasks import edit_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.breakdown import Given
    from gitbaton.store.edits import Edited
    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.project import Project, View

#: More notes than this say nothing new.
_NOTES_MAX = 6


class Planned(NamedTuple):
    """What was written: the plan (None: a task without one was split), its tasks, and the commit. ``notes`` are things
    to know.
    """

    plan: str | None
    path: str | None
    added: tuple[str, ...]
    changed: tuple[str, ...]
    edited: Edited
    notes: tuple[str, ...] = ()


class Files(NamedTuple):
    """What is to be written for drafts, and what to say about it."""

    drafts: Sequence[Draft]
    changes: dict[str, Change]
    notes: tuple[str, ...]

    @property
    def added(self) -> tuple[str, ...]:
        """Ids of new tasks."""
        return tuple(d.id for d in self.drafts if not d.exists)

    @property
    def changed(self) -> tuple[str, ...]:
        """Ids of tasks that were there."""
        return tuple(d.id for d in self.drafts if d.exists)


def ground_of(view: View) -> Ground:
    """What a list of tasks comes to in this repository."""
    taken = {*view.board.entries, *(b.id.lower() for b in view.board.broken), *view.tips.states}
    return Ground({i: e.row for i, e in view.board.entries.items()}, taken)


def draft_files(project: Project, given: Sequence[Given], ground: Ground) -> tuple[Files, list[Finding]]:
    """The files for a list of tasks, and what is wrong with it: then nothing may be written."""
    from gitbaton.domain.ids import make_id

    drafts, findings = draft_tasks(
        given, ground, lambda title, taken: make_id(title, taken, lambda: project.random_id(4))
    )
    return (Files(drafts, {}, ()), findings) if findings else write_drafts(project, drafts, ground)


def write_drafts(project: Project, drafts: Sequence[Draft], ground: Ground) -> tuple[Files, list[Finding]]:
    """The files for drafts whose references are settled, and the names in them that mean nothing."""
    changes: dict[str, Change] = {}
    config, roles = project.repo.config, list_role_names(read_shelf(project.repo, "roles"))
    named: list[Reference] = []
    for n, draft in enumerate(drafts):
        if draft.exists:
            path = ground.rows[draft.id].path
            said = {k: v for k, v in draft.value.items() if v is not None}
            task = Task.model_validate({"title": ground.rows[draft.id].title, **said})
            changes[path] = _changing(project, path, draft)
        else:
            path = task_path(draft.id, config.layout, draft.value.get("plan"))
            text, task = _render(project, draft, path)
            changes[path] = creating(path, text)
        named += [r._replace(field=("tasks", n, *r.field)) for r in iter_references("", task)]
    findings = [f for f in check_names(named, config, roles) if f.code != "unknown-role"]
    slips = {f.field: f.message for f in check_names(named, config, roles)}
    notes = [slips.get(f.field, f.message) for f in list_unknown(named, config, roles)]
    return Files(drafts, changes, tuple(notes[:_NOTES_MAX])), findings


def _render(project: Project, draft: Draft, path: str) -> tuple[bytes, Task]:
    value = {"status": "todo", "created": render_time(project.clock()), **draft.value}
    text = render_document(value, path, "task")
    try:
        return text, parse_document(text, path, Task, "task")
    except InvalidDocument as error:  # what a list may say and a file may not
        error.hint = "nothing was changed; say it in other words"
        raise


def _changing(project: Project, path: str, draft: Draft) -> Change:
    edits = [RemoveField((k,)) if v is None else SetField((k,), v) for k, v in draft.value.items()]
    return lambda old: edit_text(project, old, path, edits) if edits else old
