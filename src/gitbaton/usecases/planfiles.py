"""Drafts of tasks become files: rendered, checked as ``baton validate`` checks them, written together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.planning import Draft, Ground, draft_tasks
from gitbaton.domain.rules import Finding, check_names, iter_references
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import parse_document, render_document
from gitbaton.store.git import list_tree
from gitbaton.store.layout import ROLES, task_path
from gitbaton.store.live import render_time
from gitbaton.store.roles import builtin_roles
from gitbaton.store.yamledit import RemoveField, SetField
from gitbaton.usecases.tasks import edit_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gitbaton.domain.breakdown import Given
    from gitbaton.store.edits import Edited
    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.project import Project, View

#: Unknown roles that are named.
_ROLES_NAMED = 6


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
    if findings:
        return Files(drafts, {}, ()), findings
    changes: dict[str, Change] = {}
    config, roles = project.repo.config, list_roles(project)
    unknown: dict[str, None] = {}
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
        references = [r._replace(field=("tasks", n, *r.field)) for r in iter_references("", task)]
        unknown |= {r.name: None for r in references if r.noun == "role" and r.name not in roles}
        named = [f for f in check_names(references, config, roles) if f.code != "unknown-role"]
        findings += named
    return Files(drafts, changes, _tell_roles(list(unknown), roles)), findings


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


def creating(path: str, text: bytes) -> Change:
    """The change that makes a new file. Raises ``Refusal`` (``taken-id``) where there is one."""

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="choose another id")
        return text

    return create


# -- roles -------------------------------------------------------------------------------------------------


def list_roles(project: Project) -> set[str]:
    """Names of the roles that somebody described: built-in, on base, here."""
    repo = project.repo
    found = [e.path for e in list_tree(repo.git, repo.base.commit, ROLES)] if repo.base.commit else []
    here = repo.top / ROLES
    found += [f.name for f in here.iterdir()] if here.is_dir() else []
    names = (f.rpartition("/")[2] for f in found)
    return {*builtin_roles(), *(n.removesuffix(".yaml") for n in names if n.endswith(".yaml"))}


def _tell_roles(unknown: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    from difflib import get_close_matches

    told = []
    for name in unknown[:_ROLES_NAMED]:
        near = get_close_matches(name.lower(), list(known), 1, 0.8)
        hint = f", did you mean '{near[0]}'?" if near else "; agents get no guidance for it"
        told.append(f"nobody described the role '{name}'{hint}")
    return tuple(told)
