"""Changing a plan that there is: more tasks, other ones, parts of one of them, its end. Each is one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.plan import Plan
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import edit_document, parse_document
from gitbaton.store.yamledit import AddItem, Edit, SetField
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.planfiles import Files, Planned, draft_files, ground_of
from gitbaton.usecases.planreading import PlanFile, PlanFiles, find_plan_id, get_plan, list_members
from gitbaton.usecases.project import Project, View, find_entry, refuse_inside
from gitbaton.usecases.tasks import edit_text
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.domain.planning import Ground
    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.planlist import TaskList

#: States of a task that nobody has begun.
FRESH = ("draft", "held", "waiting", "ready")
#: States in which a task may be split: nobody is at it, and nobody reviews it.
_IDLE = (*FRESH, "failed", "stopped", "closed")
_OVER = ("done", "cancelled")
_BUSY = ("in_progress", "in_review", "changes_requested", "needs_input", "taken_over", "stale")
#: What parts have from the task that they are parts of, where they don't say otherwise.
_INHERITED = (
    "plan", "milestone", "priority", "role", "service", "repository", "working_directory", "paths", "assignee",
)  # fmt: skip
_SAID = 6


def is_begun(entry: Entry) -> bool:
    """Whether somebody has worked on it, or finished or cancelled it."""
    return entry.state not in FRESH or bool(entry.live and entry.live.attempt)


def _read(project: Project, to: Delivery) -> PlanFiles:
    """The files that an edit is decided on: as ``open_target`` says."""
    return PlanFiles(project, local=to.where == "here")


# -- revise ------------------------------------------------------------------------------------------------


def revise_plan(
    project: Project, text: str, tasks: TaskList, *, to: Delivery = HERE, by: str = ""
) -> Planned:
    """Add the tasks of a list to a plan; an item with the id of one of its tasks changes that one, as long as nobody
    has begun it. Raises as ``make_plan``, and ``Refusal`` for a plan that is closed.
    """
    refuse_inside(project, "change plans", hint="propose tasks instead: create_task")
    project, view, to = open_target(project, to)
    file, plan = get_plan(project, view, _read(project, to), text)
    refuse_closed(file, plan)
    files, findings = draft_files(project, tasks.given, ground_for_revision(view, file.id))
    tasks.refuse(findings)
    told = {k: v for k, v in tasks.source.value.items() if k != "tasks" and v not in (None, "", [], {})}
    edits: list[Edit] = [SetField((k,), v) for k, v in told.items()]
    edits += [AddItem(("tasks",), task) for task in files.added]
    changes = {**({file.path: _editing(file.path, edits)} if edits else {}), **files.changes}
    words = [f"{len(ids)} {what}" for ids, what in ((files.added, "new"), (files.changed, "changed")) if ids]
    message = f"Revise plan {file.id}: {', '.join(words)}"
    body = _tell_revision(told, files) if to.where == "proposal" else ""
    edited = write_documents(project, changes, f"{message}\n\n{by}".strip(), to, story=body)
    return Planned(file.id, file.path, files.added, files.changed, edited, files.notes)


def refuse_closed(file: PlanFile, plan: Plan) -> None:
    """Raises ``Refusal`` (``plan-closed``)."""
    if plan.status == "closed":
        raise Refusal(f"{file.id} is closed", code="plan-closed", hint=f"to go on with it, set status: active in {file.path}")  # fmt: skip


def ground_for_revision(view: View, plan: str) -> Ground:
    """What a list of changes of a plan comes to: its own tasks may be named, those that were begun stay."""
    members = list_members(view.board, plan)
    fixed = {
        e.row.id: f"{e.row.id} stays as it is: it is {e.state.replace('_', ' ')}"
        if e.state not in FRESH
        else f"{e.row.id} stays as it is: it was tried already"
        for e in members
        if is_begun(e)
    }
    mine = {e.row.id for e in members} - set(fixed)
    return ground_of(view)._replace(plan=plan, mine=mine, fixed=fixed)


def _tell_revision(told: Mapping[str, Any], files: Files) -> str:
    from gitbaton.domain.planstory import tell_plan

    off = [d.id for d in files.drafts if d.value.get("status") == "cancelled"]
    return tell_plan(told, [(d.id, d.value) for d in files.drafts if d.id not in off], cancelled=off)


def _editing(path: str, edits: Sequence[Edit] | Callable[[Plan], Sequence[Edit]]) -> Change:
    """The change of a plan file; ``edits`` may depend on what it says. Raises ``Refusal`` (``not-here``), ``UsageError`` (``bad-value``)."""

    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(f"{path} is not in this checkout", code="not-here", hint="edit it on the base branch with --base, or merge that first")  # fmt: skip
        plan = parse_document(old, path, Plan, "plan")  # what is wrong already is not the edit's fault
        new = edit_document(old, path, "plan", edits(plan) if callable(edits) else edits)
        try:
            parse_document(new, path, Plan, "plan")
        except InvalidDocument as error:
            said = "; ".join(f"{p.field}: {p.message}" for p in error.problems)
            raise UsageError(said, code="bad-value", hint="nothing was changed; give a value that fits") from None  # fmt: skip
        return new

    return change


# -- split -------------------------------------------------------------------------------------------------


def split_task(project: Project, text: str, tasks: TaskList, *, to: Delivery = HERE, by: str = "") -> Planned:
    """Make the tasks of a list parts of a task: it is done once they are, and what waits for it goes on doing so. The
    first of them wait for what it waits for. Raises as ``make_plan``, and ``Refusal`` (``not-splittable``) for a task
    that somebody is at, or that is over.
    """
    refuse_inside(project, "split tasks", hint="propose the parts instead: create_task with parent")
    project, view, to = open_target(project, to)
    entry = find_entry(view, text)
    refuse_busy(entry)
    task = entry.row.id
    ground = ground_for_parts(_read(project, to), view, entry)
    files, findings = draft_files(project, tasks.given, ground)
    tasks.refuse(findings)
    changes = {**_list_in_plan(_read(project, to), view, entry, files), **files.changes}
    count = len(files.drafts)
    body = ""
    if to.where == "proposal":
        from gitbaton.domain.planstory import tell_plan

        body = tell_plan({"title": entry.row.title}, [(d.id, d.value) for d in files.drafts])
    message = f"Split {task} into {count} task{'s' * (count != 1)}"
    edited = write_documents(project, changes, f"{message}\n\n{by}".strip(), to, story=body)
    return Planned(entry.row.plan, None, files.added, (task,), edited, files.notes)


def refuse_busy(entry: Entry) -> None:
    """Raises ``Refusal`` (``not-splittable``) for a task that somebody is at, or that is over."""
    task = entry.row.id
    if entry.running or entry.state not in _IDLE:
        if entry.state in _OVER:
            hint = f"if there is more to do: baton reopen {task}"
        else:
            hint = f"wait for it, or end it first: baton stop {task}"
        raise Refusal(f"{task} can't be split: it is {entry.state.replace('_', ' ')}", code="not-splittable", hint=hint)  # fmt: skip


def ground_for_parts(files: PlanFiles, view: View, entry: Entry) -> Ground:
    """What the parts of a task come to: they have from it what they don't say themselves."""
    value = files.read_values([entry]).get(entry.row.id, {})
    inherited = {name: value[name] for name in _INHERITED if value.get(name)}
    if entry.row.status == "draft":
        inherited["status"] = "draft"
    gate = [n for n in entry.row.depends_on if n in entry.blocked_by]
    return ground_of(view)._replace(parent=entry.row.id, inherited=inherited, gate=gate)


def _list_in_plan(plans: PlanFiles, view: View, entry: Entry, files: Files) -> dict[str, Change]:
    """The change that lists parts in the plan of their task, if it has one that can be read and says its order."""
    if entry.row.plan is None or entry.row.plan not in view.contents.plans:
        return {}
    found = plans.find_plan(entry.row.plan)
    if found.plan is None or not found.plan.tasks:
        return {}

    def list_parts(plan: Plan) -> list[Edit]:
        listed = list(plan.tasks)
        at = listed.index(entry.row.id) + 1 if entry.row.id in listed else len(listed)
        return [SetField(("tasks",), [*listed[:at], *files.added, *listed[at:]])]

    return {found.path: _editing(found.path, list_parts)}


# -- close -------------------------------------------------------------------------------------------------


def close_plan(project: Project, text: str, *, cancel_rest: bool = False, to: Delivery = HERE) -> Planned:
    """Say that a plan is over. Raises ``Refusal``: ``open-tasks`` while some are open, unless the rest is to be
    cancelled; ``busy-tasks`` while somebody is at one, or reviews it.
    """
    refuse_inside(project, "close plans")
    project, view, to = open_target(project, to)
    file = _read(project, to).find_plan(find_plan_id(project, view, text))
    rest = [e for e in list_members(view.board, file.id) if e.state not in _OVER]
    _refuse_rest(file, rest, cancel_rest=cancel_rest)
    changes = {file.path: _editing(file.path, [SetField(("status",), "closed")])}
    for entry in rest:
        changes[entry.row.path] = _cancelling(project, entry)
    message = f"Close plan {file.id}" + (f", cancel {len(rest)}" if rest else "")
    edited = write_documents(project, changes, message, to)
    return Planned(file.id, file.path, (), tuple(e.row.id for e in rest), edited)


def _cancelling(project: Project, entry: Entry) -> Change:
    path = entry.row.path
    return lambda old: edit_text(project, old, path, [SetField(("status",), "cancelled")])


def _refuse_rest(file: PlanFile, rest: Sequence[Entry], *, cancel_rest: bool) -> None:
    busy = [e.row.id for e in rest if e.running or e.state in _BUSY]
    if busy and cancel_rest:
        raise Refusal(
            f"somebody is at {_name(busy)}", code="busy-tasks", hint=f"look first: baton show {busy[0]}; to end it: baton stop {busy[0]}",
            data={"tasks": busy},
        )  # fmt: skip
    if rest and not cancel_rest:
        ids = [e.row.id for e in rest]
        verb = "is" if len(ids) == 1 else "are"
        raise Refusal(
            f"{_name(ids)} {verb} not done", code="open-tasks", hint=f"cancel what is left, too: baton plan close {file.id} --cancel-rest",
            data={"tasks": ids},
        )  # fmt: skip


def _name(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SAID]) + (f" and {len(ids) - _SAID} more" if len(ids) > _SAID else "")
