"""Workflows: what there is, and making tasks of one."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.ids import check_id, explain_bad_id, find_id, make_id, make_slug
from gitbaton.domain.instantiate import instantiate
from gitbaton.domain.plan import Plan
from gitbaton.domain.recipe import check_workflow, list_unused
from gitbaton.domain.rules import check_names, iter_references, list_unknown
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow
from gitbaton.errors import InvalidDocument, Problem, Refusal, UsageError
from gitbaton.store.documents import edit_document, judge_document, parse_document
from gitbaton.store.layout import WORKFLOWS, plan_path, schema_line
from gitbaton.store.library import Volume, read_builtin, read_shelf
from gitbaton.store.roles import list_role_names
from gitbaton.store.schemas import shape_for
from gitbaton.store.yamledit import AddItem
from gitbaton.store.yamlfile import field_name, parse_yaml
from gitbaton.usecases.adding import (
    NewDocument,
    add_documents,
    find_new_problems,
    list_taken,
    render_documents,
)
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, View, refuse_inside
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gitbaton.domain.instantiate import NewTask
    from gitbaton.domain.rules import Finding
    from gitbaton.store.edits import Edited
    from gitbaton.store.threetexts import Change
    from gitbaton.store.yamlfile import YamlFile


class Recipe(NamedTuple):
    """A workflow by name. ``workflow`` is None for a file that can't be read; ``replaces``: it stands in place of a
    built-in one.
    """

    name: str
    path: str
    text: bytes
    builtin: bool
    replaces: bool
    workflow: Workflow | None
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


class Ran(NamedTuple):
    """What a workflow gave: tasks with the paths of their files, and the plan they belong to. ``edited`` is None for a
    dry run; ``unlisted`` are milestones that the config doesn't know.
    """

    name: str
    tasks: tuple[NewTask, ...]
    paths: Mapping[str, str]
    plan: str | None
    new_plan: bool
    unlisted: tuple[str, ...]
    edited: Edited | None


# -- what there is ---------------------------------------------------------------------------------------------


def list_recipes(project: Project, commit: str | None = None) -> list[Recipe]:
    """Every workflow by name: of this checkout as it is, or at ``commit``."""
    roles = list_role_names(read_shelf(project.repo, "roles", commit))
    shelf = read_shelf(project.repo, "workflows", commit)
    return [judge_recipe(project, name, volume, roles) for name, volume in shelf.items()]


def find_recipe(project: Project, name: str, commit: str | None = None) -> Recipe:
    """The workflow that ``name`` means, broken or not. Raises ``Refusal`` (``unknown-id``, ``ambiguous-id``)."""
    shelf = read_shelf(project.repo, "workflows", commit)
    plain = "-".join(name.lower().replace("_", " ").split())
    try:
        known = name if name in shelf else find_id(plain, shelf, noun="workflow")
    except Refusal as refusal:
        if refusal.code == "unknown-id" and not refusal.data.get("similar"):
            refusal.hint = f"there is: {', '.join(shelf)}"
        raise
    return judge_recipe(
        project, known, shelf[known], list_role_names(read_shelf(project.repo, "roles", commit))
    )


def get_workflow(project: Project, name: str, commit: str | None = None) -> tuple[Recipe, Workflow]:
    """The same, for use. Raises ``InvalidDocument`` with every problem of its file, too."""
    recipe = find_recipe(project, name, commit)
    if recipe.problems or recipe.workflow is None:
        raise InvalidDocument(
            recipe.problems, hint=f"fix the file, then run: baton workflow validate {recipe.name}"
        )
    return recipe, recipe.workflow


def judge_file(project: Project, path: str, text: bytes) -> Recipe:
    """A workflow from any file."""
    name = path.rpartition("/")[2].removesuffix(".yaml")
    return judge_recipe(project, name, Volume(path, text), list_role_names(read_shelf(project.repo, "roles")))


def judge_recipe(project: Project, name: str, volume: Volume, roles: Mapping[str, str]) -> Recipe:
    """A workflow with all that is wrong with it."""
    replaces = not volume.builtin and name in read_builtin("workflows")
    recipe = Recipe(name, volume.path, volume.text, volume.builtin, replaces, None, (), ())
    try:
        source = parse_yaml(volume.text, volume.path, shape_for("workflow"))
    except InvalidDocument as error:
        return recipe._replace(problems=error.problems)
    document, found = judge_document(source, "workflow")
    if not isinstance(document, Workflow):
        return recipe._replace(problems=tuple(found))

    config = project.repo.config
    references = list(iter_references(volume.path, document))
    wrong = chain(check_workflow(volume.path, document), check_names(references, config, roles))
    notes = chain(list_unused(volume.path, document), list_unknown(references, config, roles))
    problems = sorted((*found, *place_findings(source, wrong)))
    told = {problem.field for problem in problems}
    return recipe._replace(
        workflow=document,
        problems=tuple(problems),
        notes=tuple(n for n in place_findings(source, notes) if n.field not in told),
    )


def place_findings(source: YamlFile, findings: Iterable[Finding]) -> list[Problem]:
    """Findings with line and column."""
    return [
        Problem(f.path, *source.position(f.field), field_name(f.field), f.code, f.message)
        for f in dict.fromkeys(findings)
    ]


# -- using one -------------------------------------------------------------------------------------------------


def run_workflow(
    project: Project,
    name: str,
    values: Mapping[str, str],
    *,
    plan: str | None = None,
    prefix: str | None = None,
    dry_run: bool = False,
    to: Delivery = HERE,
) -> Ran:
    """Make tasks of a workflow, in one commit; with ``plan`` they belong to it, and it is made if there is none of
    that name. Nothing but these files comes of it.

    Raises ``UsageError`` (``bad-parameters``) that says which there are, ``InvalidDocument`` for a workflow with
    problems, ``Refusal`` (``bad-documents``) where the tasks would not be valid, and what writing raises.
    """
    refuse_inside(project, "use a workflow", hint="propose tasks one by one with create_task")
    project, view, to = open_target(project, to)
    recipe, workflow = get_workflow(project, name, None if to.where == "here" else project.repo.base.commit)
    plan_id, title = _name_plan(plan, workflow, values)
    made = instantiate(
        workflow, values, prefix=prefix, plan=plan_id, taken=list_taken(view),
        make_id=lambda text, taken: make_id(text, taken, lambda: project.random_id(4)),
    )  # fmt: skip
    documents = [NewDocument("task", task.id, task.fields) for task in made]
    also: dict[str, Change] = {}
    new_plan = plan_id is not None and plan_id not in view.contents.plans
    if plan_id is not None and new_plan:
        fields = {"title": title, "workflow": recipe.name, "tasks": [task.id for task in made]}
        documents.append(NewDocument("plan", plan_id, fields))
    elif plan_id is not None:
        also[plan_path(plan_id)] = _append_tasks(plan_path(plan_id), [task.id for task in made])
    texts = render_documents(project, documents)
    unlisted = _judge_names(project, view, texts)
    paths = {task.id: path for task, path in zip(made, texts, strict=False)}
    ran = Ran(recipe.name, made, paths, plan_id, new_plan, unlisted, None)
    if dry_run:
        return ran
    subject = f"Add {len(made)} task{'s' * (len(made) != 1)} by the workflow {recipe.name}"
    message = "\n".join([subject, "", *(f"- {task.id}: {task.fields['title']}" for task in made)])
    return ran._replace(edited=add_documents(project, view, documents, message, to=to, also=also))


def _name_plan(plan: str | None, workflow: Workflow, values: Mapping[str, str]) -> tuple[str | None, str]:
    """Id and title. What is no id is taken for a title."""
    if plan is None:
        return None, ""
    if explain_bad_id(plan) is not None:
        if not plan.strip() or "/" in plan:
            raise UsageError(
                f"'{plan}' names no plan", code="bad-value", hint="give an id, or a title in quotes"
            )
        return make_slug(plan), " ".join(plan.split())
    first = next((name for name, p in workflow.parameters.items() if p.required), None)
    said = " ".join(values.get(first or "", "").split())
    return plan, (said[:1].upper() + said[1:])[:200] or workflow.title


def _append_tasks(path: str, ids: Sequence[str]) -> Change:
    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(
                f"{path} is not in this checkout", code="not-here", hint="merge it first, or use --base"
            )
        plan = parse_document(old, path, Plan, "plan")
        if plan.status == "closed":
            raise Refusal(
                f"{path} is closed",
                code="closed-plan",
                hint="choose another plan, or set its status to active",
            )
        return edit_document(old, path, "plan", [AddItem(("tasks",), i) for i in ids if i not in plan.tasks])

    return change


def _judge_names(project: Project, view: View, texts: Mapping[str, bytes]) -> tuple[str, ...]:
    """The milestones that nobody listed. Raises ``Refusal`` for what `validate` would refuse."""
    problems = list(find_new_problems(view, texts))
    named: dict[str, None] = {}
    roles = list_role_names(read_shelf(project.repo, "roles"))
    for path, text in texts.items() if not problems else ():
        source = parse_yaml(text, path, shape_for("task"))
        document = judge_document(source, "task")[0] if "/plans/" not in path else None
        if not isinstance(document, Task):
            continue
        references = list(iter_references(path, document))
        problems += place_findings(source, check_names(references, project.repo.config, roles))
        if document.milestone and document.milestone not in project.repo.config.milestones:
            named[document.milestone] = None
    if problems:
        said = (
            str(problems[0]) if len(problems) == 1 else f"{len(problems)} problems in what would be written"
        )
        hint = "nothing was written; give values that fit"
        raise Refusal(said, code="bad-documents", hint=hint, problems=problems)
    return tuple(named)


# -- one of one's own ------------------------------------------------------------------------------------------

_SKETCH = """title: What it is good for, in one line
parameters:
  name:
    description: What to fill in wherever a text says {{name}}
    required: true
steps:
  - id: build
    title: Build {{name}}
    role: implementer
    acceptance:
      - What must hold when it is done
  - id: review
    title: Review {{name}}
    role: reviewer
    type: review
    depends_on: [build]
"""


def add_workflow(
    project: Project, name: str, *, like: str | None = None, to: Delivery = HERE
) -> tuple[str, str, Edited]:
    """Write the file of a workflow of the repository's own, and commit it; its name and path. It begins as a copy of
    ``like``, else of the built-in one of that name, else as a sketch. Raises ``Refusal`` (``taken-id``, ``bad-id``,
    ``unknown-id``).
    """
    refuse_inside(project, "write workflows")
    if to.where != "here":
        project = project.fetched()
    commit = None if to.where == "here" else project.repo.base.commit
    chosen = check_id(name.lower().replace("_", "-"))
    path = f"{WORKFLOWS}/{chosen}.yaml"
    shelf = read_shelf(project.repo, "workflows", commit)
    if chosen in shelf and not shelf[chosen].builtin:
        raise Refusal(f"{path} exists already", code="taken-id", hint="edit it, or choose another name")
    wanted = like or (chosen if chosen in shelf else None)
    text = find_recipe(project, wanted, commit).text if wanted else _SKETCH.encode()
    if not text.startswith(b"# yaml-language-server:"):
        text = f"{schema_line('workflow', path)}\n".encode() + text

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="edit it, or choose another name")
        return text

    return chosen, path, write_documents(project, {path: create}, f"Add workflow {chosen}", to)
