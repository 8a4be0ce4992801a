"""Commands on workflows: workflow list, show, run, new, validate."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import read_bytes
from gitbaton.cli.states import describe_edit
from gitbaton.errors import UsageError
from gitbaton.report.records import problem_record, record
from gitbaton.report.terminal import Style, align

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from gitbaton.domain.workflow import Workflow
    from gitbaton.usecases.workflows import Ran, Recipe

_ACTIONS = ("list", "show", "run", "new", "validate")
#: What only ``run`` takes.
_OF_RUN = ("values", "plan", "no_plan", "prefix", "dry_run")
_OF_WRITING = ("push", "base", "propose")


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=_ACTIONS, nargs="?", default="list", help="what to do (default: list)")
    p.add_argument("name", nargs="?", metavar="NAME", help="name of a workflow; for validate also a file")
    p.add_argument(
        "--text", action="store_true", help="show: print its file, to make one of your own from it"
    )
    p.add_argument(
        "--set", dest="values", action="append", default=[], metavar="NAME=VALUE",
        help="run: fill in a parameter; may be repeated",
    )  # fmt: skip
    whose = p.add_mutually_exclusive_group()
    whose.add_argument(
        "--plan",
        metavar="PLAN",
        help="run: the plan they belong to; made if there is none of that id or title",
    )
    whose.add_argument("--no-plan", action="store_true", help="run: they belong to no plan (default)")
    p.add_argument("--prefix", metavar="TEXT", help="run: ids are this and the step, instead of the title")
    p.add_argument(
        "--from",
        dest="like",
        metavar="WORKFLOW",
        help="new: begin as a copy of this one (default: the built-in one of that name)",
    )
    p.add_argument("--dry-run", action="store_true", help="run: say what would be written, and write nothing")
    add_delivery(p)


def _workflow(a: argparse.Namespace) -> Answer:
    alien = [
        *(_OF_RUN if a.action != "run" else ()),
        *(_OF_WRITING if a.action not in ("run", "new") else ()),
        *(("like",) if a.action != "new" else ()),
    ]
    if given := [name for name in alien if getattr(a, name)]:
        flag = {"values": "set", "like": "from"}.get(given[0], given[0]).replace("_", "-")
        raise UsageError(f"{a.action} takes no --{flag}", code="usage", hint="baton workflow --help")
    if a.action in ("show", "run", "new") and not a.name:
        raise UsageError("which workflow?", code="usage", hint="see them with: baton workflow list")
    match a.action:
        case "list" if a.name:
            raise UsageError("list takes nothing more", code="usage", hint=f"baton workflow show {a.name}")
        case "list":
            return _list()
        case "show":
            return _show(a.name)
        case "validate":
            return _validate(a.name)
        case "new":
            return _new(a)
        case _:
            return _run(a)


# -- looking ---------------------------------------------------------------------------------------------------


def _list() -> Answer:
    from gitbaton.usecases.workflows import list_recipes

    found = list_recipes(open_here())
    rows = [[one.name, _tell_source(one), one.workflow.title if one.workflow else ""] for one in found]
    colors = [[None, "red" if one.problems else "dim" if one.builtin else "green", None] for one in found]
    lines = [align(rows, Style(), colors), "see its steps with: baton workflow show NAME"]
    fields = [
        {
            "name": one.name, "title": one.workflow.title if one.workflow else None, "path": one.path, "builtin": one.builtin,
            "replaces": one.replaces, "steps": len(one.workflow.steps) if one.workflow else None,
            "problems": [problem_record(p) for p in one.problems],
        }
        for one in found
    ]  # fmt: skip
    return Answer(record("workflow", workflows=fields), "\n".join(lines))


def _tell_source(recipe: Recipe) -> str:
    if recipe.problems:
        return f"broken: {len(recipe.problems)} problem{'s' * (len(recipe.problems) != 1)}"
    if recipe.builtin:
        return "built in"
    return "yours, in place of the built-in one" if recipe.replaces else "yours"


def _show(name: str) -> Answer:
    from gitbaton.usecases.workflows import get_workflow

    recipe, workflow = get_workflow(open_here(), name)
    fields = {
        "name": recipe.name, "path": recipe.path, "builtin": recipe.builtin, "replaces": recipe.replaces,
        **workflow.model_dump(mode="json", exclude_defaults=True), "notes": [problem_record(n) for n in recipe.notes],
    }  # fmt: skip
    fields.setdefault("parameters", {})
    return Answer(record("workflow", **fields), _describe(recipe, workflow))


def _describe(recipe: Recipe, workflow: Workflow) -> str:
    style = Style()
    lines = [style.paint(f"{recipe.name}: {workflow.title}", "bold"), f"  {_tell_source(recipe)}"]
    if workflow.description:
        lines += ["", *(f"  {line}".rstrip() for line in workflow.description.strip().splitlines())]
    if workflow.parameters:
        rows = [
            [
                f"  {name}",
                "required" if p.required else p.default or "",
                _explain_values(p.description, p.one_of),
            ]
            for name, p in workflow.parameters.items()
        ]
        lines += ["", "parameters, with their defaults:", align(rows, style)]
    steps = [
        [
            f"  {step.id}",
            step.role or "",
            step.title,
            _explain_order(step.depends_on, step.parent, step.when, step.hold),
        ]
        for step in workflow.steps
    ]
    lines += ["", "steps:", align(steps, style)]
    for repeat in workflow.repeat:
        how = f"for each of {repeat.over}" if repeat.over is not None else f"{repeat.times} times"
        order = "all at once" if repeat.at_once else "one round after the other"
        lines.append(f"  {', '.join(repeat.steps)}: {how}, {order}")
    lines += [f"note: {note}" for note in recipe.notes]
    needed = " ".join(f'--set {name}="…"' for name, p in workflow.parameters.items() if p.required)
    lines += ["", f"use it with: baton workflow run {recipe.name} {needed}".rstrip()]
    if recipe.builtin:
        lines.append(f"change it in a copy of your own: baton workflow new {recipe.name}")
    return "\n".join(lines)


def _explain_values(description: str | None, one_of: tuple[str, ...]) -> str:
    words = (description or "").strip()
    return f"{words} ({' or '.join(one_of)})".strip() if one_of else words


def _explain_order(needs: tuple[str, ...], parent: str | None, when: str | None, hold: str | None) -> str:
    said = [
        *([f"after {', '.join(needs)}"] if needs else []),
        *([f"part of {parent}"] if parent else []),
        *([f"if {when}"] if when else []),
        *(["waits for a person"] if hold else []),
    ]
    return "; ".join(said)


def _validate(name: str | None) -> Answer:
    from gitbaton.usecases.workflows import find_recipe, judge_file, list_recipes

    project = open_here()
    if name is None:
        found = list_recipes(project)
    elif "/" in name or name.endswith((".yaml", ".yml")):
        data, _ = read_bytes(name, "a workflow's file")
        found = [judge_file(project, name, data)]
    else:
        found = [find_recipe(project, name)]
    problems = [p for one in found for p in one.problems]
    notes = [n for one in found for n in one.notes]
    lines = [*map(str, problems), *(f"note: {note}" for note in notes)]
    if problems:
        lines.append(f"{len(problems)} problem{'s' * (len(problems) != 1)}")
    elif name is None:
        lines.append("every workflow is valid")
    else:
        lines.append(f"{found[0].name} is valid")
    fields = {
        "workflows": [one.name for one in found],
        "problems": [problem_record(p) for p in problems],
        "notes": [problem_record(n) for n in notes],
    }
    return Answer(record("workflow", **fields), "\n".join(lines), 1 if problems else 0)


def _new(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.workflows import add_workflow

    project = open_here()
    name, path, edited = add_workflow(project, a.name, like=a.like, to=read_delivery(a))
    lines = [
        f"added {path}: change it, then run: baton workflow validate {name}",
        *describe_edit(edited, project),
    ]
    return Answer(record("workflow", name=name, path=path, **delivery_record(edited)), "\n".join(lines))


# -- using one -------------------------------------------------------------------------------------------------


def read_values(pairs: Sequence[str]) -> dict[str, str]:
    """The values of ``--set``. Raises ``UsageError``."""
    values: dict[str, str] = {}
    for said in pairs:
        name, equals, value = said.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"'{said}' sets nothing", code="usage", hint='write --set NAME=VALUE, for example: --set name="password reset"')  # fmt: skip
        if name.strip() in values:
            raise UsageError(f"'{name.strip()}' is set twice", code="usage", hint="a list has commas between: --set parts=a,b")  # fmt: skip
        values[name.strip()] = value
    return values


def _run(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.workflows import run_workflow

    project, values = open_here(), read_values(a.values)
    ran = run_workflow(
        project, a.name, values, plan=a.plan, prefix=a.prefix, dry_run=a.dry_run, to=read_delivery(a)
    )
    fields: dict[str, Any] = {
        "name": ran.name, "dry_run": a.dry_run, "plan": ran.plan, "new_plan": ran.new_plan,
        "tasks": [{"id": t.id, "step": t.step, "path": ran.paths[t.id], **t.fields} for t in ran.tasks],
        "unlisted_milestones": list(ran.unlisted), **delivery_record(ran.edited),
    }  # fmt: skip
    return Answer(
        record("workflow", **fields),
        "\n".join([*_describe_run(ran, dry_run=a.dry_run), *describe_edit(ran.edited, project)]),
    )


def _describe_run(ran: Ran, *, dry_run: bool) -> list[str]:
    count = f"{len(ran.tasks)} task{'s' * (len(ran.tasks) != 1)}"
    whose = "" if ran.plan is None else f" of the {'new ' * ran.new_plan}plan {ran.plan}"
    lines = [f"{ran.name} would give {count}{whose}:" if dry_run else f"{ran.name} gave {count}{whose}:"]
    rows = [
        [f"  {t.id}", t.fields.get("role", ""), _explain_order(tuple(t.fields.get("depends_on", ())), t.fields.get("parent"), None, t.fields.get("hold"))]
        for t in ran.tasks
    ]  # fmt: skip
    lines.append(align(rows, Style()))
    lines += [
        f"the milestone {name} has no date yet: baton config set {shlex.quote(f'milestones.{name}.due')} 2026-12-31"
        for name in ran.unlisted
    ]
    return lines


COMMANDS = {
    "workflow": Command(
        "Make tasks by a recipe: a feature, a bug fix, a release … Its steps become plain tasks in one commit, and nothing hidden "
        "runs later. Recipes of your own stand in tasks/workflows/, and replace built-in ones of the same name.",
        _configure, _workflow,
        (
            "baton workflow list", "baton workflow show feature", 'baton workflow run feature --set name="password reset" --dry-run',
            'baton workflow run bugfix --set what="the login that fails after midnight" --plan login-trouble',
            "baton workflow new release", "baton workflow validate tasks/workflows/release.yaml",
        ),
    ),
}  # fmt: skip
