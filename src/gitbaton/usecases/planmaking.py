"""``baton plan new``: a plan and its tasks, written together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.ids import check_id, make_id
from gitbaton.domain.plan import Plan
from gitbaton.domain.planning import Draft
from gitbaton.errors import InvalidDocument, Problem, Refusal, UsageError
from gitbaton.store.documents import parse_document, render_document
from gitbaton.store.layout import plan_path
from gitbaton.store.live import render_time
from gitbaton.usecases.adding import creating
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.planfiles import Files, Planned, draft_files, ground_of, write_drafts
from gitbaton.usecases.project import Project, View, refuse_inside
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.usecases.planlist import TaskList


def check_plan(project: Project, view: View, fields: Mapping[str, Any], plan_id: str | None) -> None:
    """Raises what ``make_plan`` would raise for the plan itself, before anybody works on its tasks."""
    value = {k: v for k, v in fields.items() if v not in (None, "", [], ())}
    value["title"] = " ".join(str(value.get("title", "")).split())
    chosen, _ = _choose_id(project, view, plan_id, value["title"])
    _render(project, value, plan_path(chosen))


class Recipe(NamedTuple):
    """A workflow, by name, with the values of its parameters."""

    name: str
    values: Mapping[str, str]


def make_plan(
    project: Project,
    fields: Mapping[str, Any],
    tasks: TaskList | None = None,
    *,
    workflow: Recipe | None = None,
    plan_id: str | None = None,
    to: Delivery = HERE,
    by: str = "",
) -> Planned:
    """Write a plan with ``fields`` (as in the plan schema), and its tasks (of a list, or those that a workflow gives), as
    one commit. The id comes from the title unless given; what a list says about the plan counts where ``fields`` say nothing. ``by`` says who
    proposed it. Raises ``Refusal`` (``bad-id``, ``taken-id``), ``InvalidDocument`` with everything that is
    wrong with the list, ``UsageError`` for fields that don't fit; then nothing is written.
    """
    refuse_inside(project, "write plans", hint="propose tasks instead: create_task")
    project, view, to = open_target(project, to)
    value = {**_told(tasks), **{k: v for k, v in fields.items() if v not in (None, "", [], ())}}
    value["title"] = " ".join(str(value.get("title", "")).split())
    chosen, notes = _choose_id(project, view, plan_id, value["title"])
    files = Files((), {}, ())
    if workflow is not None:
        files, name = _use_workflow(project, view, to, workflow, chosen)
        value["workflow"] = name
    elif tasks is not None:
        files, findings = draft_files(project, tasks.given, ground_of(view)._replace(plan=chosen))
        tasks.refuse(findings)
    path = plan_path(chosen)
    value |= {"tasks": list(files.added)} if files.drafts else {}
    text = _render(project, value, path)
    changes = {path: creating(path, text), **files.changes}
    count = len(files.drafts)
    said = f"Plan {chosen}: {value['title']}" + (f" ({count} task{'s' * (count != 1)})" if count else "")
    told = _tell(value, files) if to.where == "proposal" else ""
    edited = write_documents(project, changes, f"{said}\n\n{by}".strip(), to, story=told)
    return Planned(chosen, path, files.added, (), edited, (*notes, *files.notes))


def _use_workflow(project: Project, view: View, to: Delivery, wanted: Recipe, plan: str) -> tuple[Files, str]:
    """The files that a workflow gives, and its whole name. Raises as ``get_workflow`` and ``instantiate``."""
    from gitbaton.domain.instantiate import instantiate
    from gitbaton.usecases.workflows import get_workflow

    recipe, found = get_workflow(project, wanted.name, None if to.where == "here" else project.repo.base.commit)  # fmt: skip
    ground = ground_of(view)
    made = instantiate(
        found, wanted.values, plan=plan, taken={*ground.taken},
        make_id=lambda title, taken: make_id(title, taken, lambda: project.random_id(4)),
    )  # fmt: skip
    files, findings = write_drafts(project, [Draft(task.id, dict(task.fields)) for task in made], ground)
    if findings:
        problems = [Problem(recipe.path, 1, 1, "", f.code, f.message) for f in dict.fromkeys(findings)]
        raise InvalidDocument(problems, hint=f"nothing was changed; fix it, then run: baton workflow validate {recipe.name}")  # fmt: skip
    return files, recipe.name


def _told(tasks: TaskList | None) -> dict[str, Any]:
    """What a list says about its plan."""
    if tasks is None:
        return {}
    return {k: v for k, v in tasks.source.value.items() if k != "tasks" and v not in (None, "", [], {})}


def _choose_id(project: Project, view: View, wanted: str | None, title: str) -> tuple[str, tuple[str, ...]]:
    """A free id for the plan, and what to say about it."""
    known = {p.lower() for p in view.contents.plans}
    if wanted is not None:
        if check_id(wanted) in known:
            raise Refusal(
                f"there is a plan '{wanted}' already", code="taken-id",
                hint=f"change it with: baton plan revise {wanted}, or choose another id",
            )  # fmt: skip
        return wanted, ()
    chosen = make_id(title, known, lambda: project.random_id(4))
    usual = make_id(title, (), lambda: "")
    if chosen == usual:
        return chosen, ()
    return chosen, (f"there is a plan {usual}, too; to change that one: baton plan revise {usual}",)


def _render(project: Project, value: Mapping[str, Any], path: str) -> bytes:
    """The text of the plan's file. Raises ``UsageError`` for fields that don't fit."""
    whole = {"status": "active", "created": render_time(project.clock()), **value}
    text = render_document(whole, path, "plan")
    try:
        parse_document(text, path, Plan, "plan")
    except InvalidDocument as error:
        said = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in error.problems)
        raise UsageError(said, code="bad-value", hint="nothing was changed; give a value that fits") from None
    return text


def _tell(value: Mapping[str, Any], files: Files) -> str:
    from gitbaton.domain.planstory import tell_plan

    return tell_plan(value, [(d.id, d.value) for d in files.drafts])
