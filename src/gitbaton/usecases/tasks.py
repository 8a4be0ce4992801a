"""Writing task files: add, set, depend, prioritise. Each is one commit, or one item in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gitbaton.domain.graph import find_cycles
from gitbaton.domain.ids import check_id, find_id, make_id
from gitbaton.domain.outbox import Item, ProposedTask
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import edit_document, parse_document, render_document
from gitbaton.store.layout import task_path
from gitbaton.store.live import render_time
from gitbaton.store.outbox import read_outbox, write_item
from gitbaton.store.yamledit import AddItem, Edit, RemoveItem, SetField
from gitbaton.usecases.adding import add_task, list_taken
from gitbaton.usecases.assignments import list_edits, parse_assignment
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, View, find_row, refuse_inside
from gitbaton.usecases.setting import set_fields, set_priority
from gitbaton.usecases.writing import Written, open_target, write_documents

__all__ = [
    "Written", "add_any_task", "add_task", "change_dependencies", "change_fields", "edit_task", "edit_text", "set_fields", "set_priority",
    "update_task",
]  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gitbaton.domain.board import TaskRow


def add_any_task(
    project: Project, fields: Mapping[str, Any], *, task_id: str | None = None, to: Delivery = HERE
) -> Written:
    """As ``add_task``, for every field and target."""
    value = {k: v for k, v in fields.items() if v not in (None, [], ())}
    if isinstance(title := value.get("title"), str):
        value["title"] = " ".join(title.split())
    project, view, to = open_target(project, to)
    proposed = [t.id for t in read_outbox(project.outbox).tasks if t.id] if project.outbox else []
    taken = {*list_taken(view), *proposed}
    if task_id is not None and check_id(task_id) in taken:
        raise Refusal(
            f"there is a task '{task_id}' already",
            code="taken-id",
            hint=f"baton show {task_id}, or choose another id",
        )
    chosen = task_id or make_id(str(value.get("title", "")), taken, lambda: project.random_id(4))
    value = resolve_references(view, chosen, value, also=proposed)
    if project.outbox is not None:
        return _propose(project.outbox, chosen, value)
    value.setdefault("created", render_time(project.clock()))
    value.setdefault("status", "todo")
    path = task_path(chosen, project.repo.config.layout, value.get("plan"))
    text = render_document(value, path, "task")
    _refuse_misfit(text, path)

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="choose another id")
        return text

    edited = write_documents(project, {path: create}, f"Add task {chosen}: {value['title']}", to)
    return Written(chosen, path, edited)


def _propose(outbox: Path, task: str, value: dict[str, Any]) -> Written:
    left_out = sorted(set(value) - set(ProposedTask.model_fields) - {"created", "status"})
    if left_out:
        raise Refusal(
            f"a proposed task has no {', '.join(left_out)}",
            code="inside-attempt",
            hint="a person adds that in the review",
        )
    known = {k: v for k, v in value.items() if k in ProposedTask.model_fields}
    try:
        proposed = ProposedTask.model_validate({**known, "id": task})
    except ValidationError as error:
        said = [
            f"{'.'.join(str(p) for p in e['loc'])}: {e['msg'][:1].lower()}{e['msg'][1:]}"
            for e in error.errors()
        ]
        raise UsageError("; ".join(said), code="bad-value", hint="nothing was proposed") from None
    write_item(outbox, Item(kind="task", task=proposed))
    return Written(task, task_path(task), None)


def _refuse_misfit(text: bytes, path: str) -> None:
    """Raises ``UsageError`` (``bad-value``) when what is to be written is no valid task."""
    try:
        parse_document(text, path, Task, "task")
    except InvalidDocument as error:
        said = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in error.problems)
        raise UsageError(said, code="bad-value", hint="nothing was changed; give a value that fits") from None


def resolve_references(
    view: View, task: str, value: dict[str, Any], *, also: Sequence[str] = ()
) -> dict[str, Any]:
    """``value`` with the ids it refers to completed and checked: they must exist (on the board, or in ``also``)
    and close no cycle.
    """
    known = [*view.board.entries, *also]
    out = dict(value)
    if parent := value.get("parent"):
        out["parent"] = find_id(str(parent), known)
        refuse_parent_loop(view, task, out["parent"])
    if needs := value.get("depends_on"):
        out["depends_on"] = list(dict.fromkeys(find_id(str(n), known) for n in needs))
        refuse_cycle(view, task, out["depends_on"], parent=out.get("parent"))
    if plan := value.get("plan"):
        out["plan"] = find_id(str(plan), view.contents.plans, noun="plan")
    return out


def refuse_cycle(view: View, task: str, needs: Sequence[str], *, parent: str | None = None) -> None:
    """Raises ``Refusal`` (``dependency-cycle``) with the path when ``task`` needing ``needs`` closes a circle.
    ``parent`` is a new parent of it.
    """
    edges = {i: list(e.row.depends_on) for i, e in view.board.entries.items()}
    edges[task] = list(needs)
    for cycle in find_cycles(edges):
        if task in cycle:
            raise Refusal(
                "that would be a circle: " + " → ".join(cycle),
                code="dependency-cycle",
                hint="leave one of these dependencies out",
                data={"cycle": cycle},
            )
    ancestors = [parent, *find_ancestors(view, parent)] if parent else find_ancestors(view, task)
    for need in needs:
        if need in ancestors:
            raise Refusal(
                f"{need} is a parent of {task}: it is done only after its parts",
                code="depends-on-ancestor",
                hint="depend on a sibling instead",
            )


def find_ancestors(view: View, task: str) -> list[str]:
    """The parents above a task, nearest first."""
    found: list[str] = []
    entry = view.board.entries.get(task)
    while entry and entry.row.parent and entry.row.parent not in found:
        found.append(entry.row.parent)
        entry = view.board.entries.get(entry.row.parent)
    return found


def refuse_parent_loop(view: View, task: str, parent: str) -> None:
    """Raises ``Refusal`` (``parent-loop``) when ``parent`` is the task itself or below it."""
    if parent == task or task in find_ancestors(view, parent):
        raise Refusal(
            f"{task} can't be a part of {parent}: that would be a loop",
            code="parent-loop",
            hint="choose another parent",
        )


# -- editing --------------------------------------------------------------------------------------------------


def edit_task(
    project: Project, text: str, edits: Sequence[Edit], message: str, *, to: Delivery = HERE
) -> Written:
    """Apply ``edits`` to the task that ``text`` names, as one commit. The result must be a valid task."""
    refuse_inside(project, "edit task files")
    project, view, to = open_target(project, to)
    row = find_row(view, text)
    return _commit_edits(project, row, edits, message.format(task=row.id), to=to)


def _commit_edits(
    project: Project, row: TaskRow, edits: Sequence[Edit], message: str, *, to: Delivery
) -> Written:
    def change(old: bytes | None) -> bytes:
        return edit_text(project, old, row.path, edits)

    return Written(row.id, row.path, write_documents(project, {row.path: change}, message, to))


def edit_text(project: Project, old: bytes | None, path: str, edits: Sequence[Edit]) -> bytes:
    """A task file's text after ``edits``. Raises ``Refusal`` (``not-here``), ``InvalidDocument`` for a file that was
    wrong before, and ``UsageError`` (``bad-value``).
    """
    if old is None:
        raise Refusal(
            f"{path} is not in this checkout",
            code="not-here",
            hint=f"it is on {project.repo.base.branch}: edit it there with --base, or merge that first",
        )
    parse_document(old, path, Task, "task")  # what is wrong already is not the edit's fault
    new = edit_document(old, path, "task", edits)
    _refuse_misfit(new, path)
    return new


def change_fields(project: Project, text: str, assignments: Sequence[str], *, to: Delivery = HERE) -> Written:
    """As ``set_fields``, for every field and file."""
    return _update(project, text, [edit for a in assignments for edit in parse_assignment(a)], to=to)


def update_task(
    project: Project,
    text: str,
    *,
    fields: Mapping[str, Any] | None = None,
    add: Mapping[str, Sequence[Any]] | None = None,
    remove: Mapping[str, Sequence[Any]] | None = None,
    to: Delivery = HERE,
) -> Written:
    """Change a task as one commit. ``fields`` gives fields a value (None removes one), ``add`` and ``remove``
    change the items of lists; names are those of the task schema, with dots inside (``run.model``).
    Raises ``UsageError`` for a field that the schema doesn't know, ``Refusal`` for an id that there is not or
    a circle, ``InvalidDocument`` for values that the schema doesn't take.
    """
    return _update(project, text, list_edits(fields or {}, add or {}, remove or {}), to=to)


def _update(project: Project, text: str, edits: Sequence[Edit], *, to: Delivery) -> Written:
    refuse_inside(project, "edit task files")
    if not edits:
        raise UsageError("there is nothing to change", code="no-changes", hint="name a field and its value")
    project, view, to = open_target(project, to)
    row = find_row(view, text)
    found = [_with_whole_ids(view, row, edit) for edit in edits]
    changed = ", ".join(dict.fromkeys(".".join(str(s) for s in e.field) for e in found))
    return _commit_edits(project, row, found, f"Set {changed} of {row.id}", to=to)


def _with_whole_ids(view: View, row: TaskRow, edit: Edit) -> Edit:
    """``edit`` with the ids that it refers to completed and checked."""
    match edit:
        case SetField(("depends_on" | "parent" | "plan",) as field, value) if value and isinstance(
            value, str | list
        ):
            name = str(field[0])
            return SetField(field, resolve_references(view, row.id, {name: value})[name])
        case AddItem(("depends_on",) as field, item):
            need = find_id(str(item), view.board.entries)
            refuse_cycle(view, row.id, [*row.depends_on, need])
            return AddItem(field, need)
        case RemoveItem(("depends_on",) as field, item):
            return RemoveItem(field, find_id(str(item), row.depends_on, noun="dependency"))
        case _:
            return edit


def change_dependencies(
    project: Project, text: str, *, on: Sequence[str] = (), off: Sequence[str] = (), to: Delivery = HERE
) -> Written:
    """Add and remove dependencies. Raises ``Refusal`` for a circle, or for one that isn't there."""
    refuse_inside(project, "edit task files")
    project, view, to = open_target(project, to)
    row = find_row(view, text)
    added = [find_id(o, view.board.entries) for o in on]
    removed = [find_id(name, row.depends_on, noun="dependency") for name in off]
    refuse_cycle(view, row.id, [n for n in (*row.depends_on, *added) if n not in removed])
    edits: list[Edit] = [
        *(AddItem(("depends_on",), a) for a in added),
        *(RemoveItem(("depends_on",), r) for r in removed),
    ]
    words = " and ".join(
        w
        for w in (
            f"need {', '.join(added)}" if added else "",
            f"no longer need {', '.join(removed)}" if removed else "",
        )
        if w
    )
    return _commit_edits(project, row, edits, f"Let {row.id} {words}", to=to)
