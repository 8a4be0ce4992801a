"""Writing task files: add, set, depend, prioritise. Each is one commit, or one item in the outbox."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from gitbaton.domain.graph import find_cycles
from gitbaton.domain.ids import check_id, find_id, find_similar, make_id
from gitbaton.domain.outbox import Item, ProposedTask
from gitbaton.domain.task import PRIORITIES, Task
from gitbaton.errors import Refusal, UsageError
from gitbaton.store.documents import parse_document
from gitbaton.store.edits import Edited, commit_edits
from gitbaton.store.layout import schema_line, task_path
from gitbaton.store.live import render_time
from gitbaton.store.outbox import write_item
from gitbaton.store.schemas import field_order, read_schema, shape_for
from gitbaton.store.yamledit import AddItem, Edit, RemoveField, RemoveItem, SetField, edit_yaml
from gitbaton.store.yamlwrite import render_yaml
from gitbaton.usecases.project import Project, View, find_row, load_view, refuse_inside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitbaton.domain.board import TaskRow

_ASSIGNMENT = re.compile(r"([A-Za-z_][\w-]*(?:\.[\w-]+)*)\s*(\+=|-=|=)(.*)", re.DOTALL)
_OWN = ("version",)


class Written(NamedTuple):
    """A task that was written, and the commit. ``edited`` is None inside an attempt: the task went to the
    outbox as a proposal.
    """

    task: str
    path: str
    edited: Edited | None


def add_task(
    project: Project, fields: Mapping[str, Any], *, task_id: str | None = None, push: bool | None = None
) -> Written:
    """Write a new task file with ``fields`` (as in the task schema) and commit it. The id comes from the title
    unless given. Raises ``Refusal`` (``bad-id``, ``taken-id``, ``unknown-id`` of something it refers to) and
    ``UsageError`` for fields that don't fit the schema.
    """
    value = {k: v for k, v in fields.items() if v not in (None, [], ())}
    if project.outbox is not None:
        return _propose(project, value, task_id)
    view = load_view(project, local=True)
    taken = {*view.board.entries, *(b.id for b in view.board.broken), *_live_ids(view)}
    if task_id is not None:
        check_id(task_id)
        if task_id in taken:
            raise Refusal(
                f"there is a task '{task_id}' already",
                code="taken-id",
                hint=f"baton show {task_id}, or choose another --id",
            )
    chosen = task_id or make_id(str(value.get("title", "")), taken, lambda: project.random_id(4))
    value.setdefault("created", render_time(project.clock()))
    value.setdefault("status", "todo")
    value = resolve_references(view, chosen, value)
    try:
        Task.model_validate(value)
    except ValidationError as error:
        raise _misfit(error) from None
    path = task_path(chosen)
    text = render_yaml(
        value, order=field_order("task"), header=schema_line("task", path), spaced=("status",)
    ).encode()

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="choose another --id")
        return text

    edited = commit_edits(project.repo, {path: create}, f"Add task {chosen}: {value['title']}")
    return Written(chosen, path, pushed(project, edited, push=push))


def _live_ids(view: View) -> list[str]:
    return list(view.tips.states)


def _propose(project: Project, value: dict[str, Any], task_id: str | None) -> Written:
    assert project.outbox is not None
    known = {k: v for k, v in value.items() if k in ProposedTask.model_fields}
    left_out = sorted(set(value) - set(known) - {"created", "status"})
    if left_out:
        raise Refusal(
            f"a proposed task has no {', '.join(left_out)}",
            code="inside-attempt",
            hint="a person adds that in the review",
        )
    try:
        proposed = ProposedTask.model_validate({**known, "id": task_id} if task_id else known)
    except ValidationError as error:
        raise _misfit(error) from None
    write_item(project.outbox, Item(kind="task", task=proposed))
    chosen = task_id or make_id(proposed.title, (), lambda: "")
    return Written(chosen, task_path(chosen), None)


def _misfit(error: ValidationError) -> UsageError:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(p) for p in first["loc"])
    return UsageError(
        f"{field or 'the task'}: {first['msg'][:1].lower()}{first['msg'][1:]}",
        code="bad-field",
        hint="see the fields with: baton add --help",
    )


def resolve_references(view: View, task: str, value: dict[str, Any]) -> dict[str, Any]:
    """``value`` with the ids it refers to completed and checked: they must exist, and close no cycle."""
    entries = view.board.entries
    out = dict(value)
    if needs := value.get("depends_on"):
        out["depends_on"] = list(dict.fromkeys(find_id(str(n), entries) for n in needs))
        refuse_cycle(view, task, out["depends_on"])
    if parent := value.get("parent"):
        out["parent"] = find_id(str(parent), entries)
        refuse_parent_loop(view, task, out["parent"])
    if plan := value.get("plan"):
        out["plan"] = find_id(str(plan), view.contents.plans, noun="plan")
    return out


def refuse_cycle(view: View, task: str, needs: Sequence[str]) -> None:
    """Raises ``Refusal`` (``dependency-cycle``) with the path when ``task`` needing ``needs`` closes a circle."""
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
    ancestors = find_ancestors(view, task)
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
    project: Project, text: str, edits: Sequence[Edit], message: str, *, push: bool | None = None
) -> Written:
    """Apply ``edits`` to the task that ``text`` names, as one commit. The result must be a valid task."""
    refuse_inside(project, "edit task files")
    row = find_row(load_view(project, local=True), text)
    return _commit_edits(project, row, edits, message.format(task=row.id), push=push)


def _commit_edits(
    project: Project, row: TaskRow, edits: Sequence[Edit], message: str, *, push: bool | None
) -> Written:
    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(
                f"{row.path} is not in this checkout",
                code="not-here",
                hint=f"it is on {project.repo.base.branch}: merge or rebase that first",
            )
        new = edit_yaml(old, row.path, edits, order=field_order("task"), shape=shape_for("task"))
        parse_document(new, row.path, Task, "task")
        return new

    edited = commit_edits(project.repo, {row.path: change}, message)
    return Written(row.id, row.path, pushed(project, edited, push=push))


def set_fields(
    project: Project, text: str, assignments: Sequence[str], *, push: bool | None = None
) -> Written:
    """``FIELD=VALUE``, ``LIST+=ITEM``, ``LIST-=ITEM``, ``FIELD=`` (remove), nested as ``run.model=…``.
    Raises ``UsageError`` for a field that the schema doesn't know or a value that it doesn't take.
    """
    refuse_inside(project, "edit task files")
    view = load_view(project, local=True)
    row = find_row(view, text)
    edits = [edit for a in assignments for edit in parse_assignment(a)]
    _check_references(view, row, edits)
    changed = ", ".join(dict.fromkeys(".".join(str(s) for s in e.field) for e in edits))
    return _commit_edits(project, row, edits, f"Set {changed} of {row.id}", push=push)


def _check_references(view: View, row: TaskRow, edits: Sequence[Edit]) -> None:
    for edit in edits:
        match edit:
            case SetField(("depends_on",), value) if isinstance(value, list):
                resolve_references(view, row.id, {"depends_on": value})
            case AddItem(("depends_on",), item):
                resolve_references(view, row.id, {"depends_on": [*row.depends_on, item]})
            case SetField(("parent" | "plan",) as field, value):
                resolve_references(view, row.id, {str(field[0]): value})
            case _:
                pass


def parse_assignment(text: str) -> list[Edit]:
    """The edits that an assignment on the command line stands for."""
    found = _ASSIGNMENT.fullmatch(text.strip())
    if not found:
        raise UsageError(
            f"'{text}' is no assignment",
            code="bad-assignment",
            hint='write FIELD=VALUE, for example: priority=high, "title=New title", labels+=api',
        )
    field = (
        tuple(found[1].replace("-", "_").split("."))
        if not found[1].startswith("x-")
        else tuple(found[1].split("."))
    )
    schema = find_field_schema(field)
    raw = found[3].strip()
    if found[2] == "=":
        if raw == "":
            return [RemoveField(field)]
        return [SetField(field, parse_value(raw, schema, ".".join(field)))]
    if not _takes(schema, "array"):
        raise UsageError(f"{found[1]} is no list", code="bad-assignment", hint=f"write {found[1]}=VALUE")
    items = parse_value(raw, schema, ".".join(field))
    return [AddItem(field, i) if found[2] == "+=" else RemoveItem(field, i) for i in items]


def find_field_schema(field: tuple[str, ...]) -> dict[str, Any]:
    """The task schema's part for a field, references resolved. Raises ``UsageError`` (``unknown-field``)."""
    schema = read_schema("task")
    node: dict[str, Any] = schema
    for depth, name in enumerate(field):
        options = [_resolve(schema, o) for o in node.get("anyOf", [node])]
        known: dict[str, Any] = {}
        free = False
        for option in options:
            known.update(option.get("properties", {}))
            free = free or option.get("additionalProperties") is True
        if name in known and name not in _OWN:
            node = _resolve(schema, known[name])
        elif free or name.startswith("x-"):
            return {}
        else:
            near = find_similar(name, known, 1)
            shown = ".".join(field[: depth + 1])
            hint = (
                f"did you mean {near[0]}?"
                if near
                else "fields: " + ", ".join(k for k in known if k not in _OWN)
            )
            raise UsageError(f"a task has no field '{shown}'", code="unknown-field", hint=hint)
    return node


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return (
        {**schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], **{k: v for k, v in node.items() if k != "$ref"}}
        if "$ref" in node
        else node
    )


def _takes(node: dict[str, Any], kind: str) -> bool:
    options = node.get("anyOf", [node])
    return any(kind == o.get("type") or kind in (o.get("type") or ()) for o in options)


def parse_value(raw: str, node: dict[str, Any], field: str) -> Any:
    """A value from the command line: text as it is, lists by comma or as JSON, the rest as JSON."""
    if _takes(node, "array"):
        if raw.startswith("["):
            try:
                return json.loads(raw)
            except ValueError:
                raw = raw.strip("[]")
        return [part.strip() for part in raw.split(",") if part.strip()]
    if _takes(node, "string"):
        return raw
    try:
        return json.loads(raw)
    except ValueError:
        if not node:
            return raw
        raise UsageError(
            f"{field} takes a number, true, false or JSON, not '{raw}'",
            code="bad-value",
            hint=f"see: baton show --fields, or {field}=…",
        ) from None


def set_priority(project: Project, text: str, level: str, *, push: bool | None = None) -> Written:
    """Set a task's priority. Raises ``UsageError`` for a level that there is not."""
    if level not in PRIORITIES:
        near = find_similar(level, PRIORITIES, 1)
        raise UsageError(
            f"there is no priority '{level}'",
            code="bad-value",
            hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(PRIORITIES)}",
        )
    return edit_task(
        project, text, [SetField(("priority",), level)], f"Set priority of {{task}} to {level}", push=push
    )


def change_dependencies(
    project: Project, text: str, *, on: Sequence[str] = (), off: Sequence[str] = (), push: bool | None = None
) -> Written:
    """Add and remove dependencies. Raises ``Refusal`` for a circle, or for one that isn't there."""
    refuse_inside(project, "edit task files")
    view = load_view(project, local=True)
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
    return _commit_edits(project, row, edits, f"Let {row.id} {words}", push=push)


def pushed(project: Project, edited: Edited, *, push: bool | None) -> Edited:
    """Push the branch of an edit where asked to, or where the config says ``push: auto``."""
    from gitbaton.ports import RefUpdate

    wanted = push if push is not None else project.repo.config.push == "auto"
    if not wanted or edited.commit is None or edited.branch is None or project.repo.remote is None:
        return edited
    ref = f"refs/heads/{edited.branch}"
    project.refs.fetch_branch(edited.branch)
    known = project.refs.read(ref).get(ref)
    if known and not _is_ahead(project, edited.commit, known):
        raise Refusal(
            f"committed here, but not pushed: {project.repo.remote}/{edited.branch} has commits that this branch lacks",
            code="not-pushed", hint=f"git pull --rebase {project.repo.remote} {edited.branch} && git push", data={"commit": edited.commit},
        )  # fmt: skip
    project.refs.swap([RefUpdate(ref, edited.commit, known)])
    return edited


def _is_ahead(project: Project, commit: str, known: str) -> bool:
    from gitbaton.store.git import is_ancestor

    return is_ancestor(project.repo.git, known, commit)
