"""Plans: write them with their tasks, change them, look at them, close them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gitbaton.cli.commissions import add_author, describe_usage, following, usage_record
from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import read_bytes, read_text
from gitbaton.cli.last import WORD, resolve_last
from gitbaton.cli.states import describe_edit
from gitbaton.errors import UsageError
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.planfiles import Planned
    from gitbaton.usecases.planlist import TaskList
    from gitbaton.usecases.planmaking import Recipe
    from gitbaton.usecases.planproposing import Asked, Proposed
    from gitbaton.usecases.project import Project

ACTIONS = ("list", "show", "new", "propose", "revise", "split", "close")
_AGENT = ("agent", "model", "tasks_max")
#: What each action takes besides the delivery.
_TAKES: dict[str, tuple[str, ...]] = {
    "list": (), "show": (), "close": ("cancel_rest",),
    "new": ("goal", "text", "subtasks", "workflow", "set", "id", *_AGENT),
    "propose": ("goal", "text", "id", *_AGENT),
    "revise": ("subtasks", "text", *_AGENT), "split": ("subtasks", "text", *_AGENT),
}  # fmt: skip
_FLAGS = {"text": "--from", "cancel_rest": "--cancel-rest", "tasks_max": "--tasks-max"}
_WHAT = {"new": '"TITLE"', "propose": '"TITLE"', "split": "TASK"}


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)")
    p.add_argument("plan", nargs="?", metavar="NAME", help="new, propose: the title; split: a task's id; else a plan's id, or its beginning")  # fmt: skip
    p.add_argument(
        "--subtasks", metavar="FILE", help="YAML list of titles, or of fields of tasks; - is standard input"
    )
    p.add_argument("--from", dest="text", metavar="FILE", help="what is wanted: a text file, or the text itself; - is standard input")  # fmt: skip
    p.add_argument("--workflow", metavar="NAME", help="new: make the tasks of this workflow")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="new: a parameter of the workflow; may be repeated")  # fmt: skip
    p.add_argument("--goal", metavar="TEXT", help="new: what will be true when it is done")
    p.add_argument("--id", metavar="NAME", help="new: its id, instead of one made from the title")
    p.add_argument("--cancel-rest", action="store_true", help="close: cancel the tasks that are still open")
    add_author(p)
    p.add_argument("--tasks-max", type=int, metavar="N", help="the agent may propose so many tasks at most")
    add_delivery(p)


def _plan(a: argparse.Namespace) -> Answer:
    _refuse_strangers(a)
    if a.action == "split" and a.plan == WORD:
        a.plan = resolve_last()
    match a.action:
        case "list":
            return _list()
        case "show":
            return _show(a)
        case "new" | "propose":
            return _new(a)
        case "revise":
            return _revise(a)
        case "split":
            return _split(a)
        case _:
            return _close(a)


def _refuse_strangers(a: argparse.Namespace) -> None:
    """Raises ``UsageError`` for what the action doesn't take, or lacks."""
    usual = dict.fromkeys(name for taken in _TAKES.values() for name in taken)
    strange = [n for n in usual if n not in _TAKES[a.action] and getattr(a, n)]
    if a.action in ("list", "show") and (a.push or a.base or a.propose):
        strange.append("push" if a.push else "base" if a.base else "propose")
    if strange:
        flag = _FLAGS.get(strange[0], f"--{strange[0]}")
        raise UsageError(f"plan {a.action} takes no {flag}", code="usage", hint="baton plan --help")
    if a.action == "list" and a.plan:
        raise UsageError("list takes nothing more", code="usage", hint=f"baton plan show {a.plan}")
    if a.action not in ("list", "show") and not a.plan:
        what = _WHAT.get(a.action, "ID")
        raise UsageError(f"{what} is missing", code="usage", hint=f"baton plan {a.action} {what}")
    if a.action in ("new", "propose", "revise", "split"):
        _refuse_mixture(a)


def _refuse_mixture(a: argparse.Namespace) -> None:
    """Raises ``UsageError`` where it isn't clear who is to say what the tasks are."""
    help_hint = "baton plan --help"
    if a.subtasks and a.workflow:
        raise UsageError("give a list or a workflow, not both", code="usage", hint=help_hint)
    if a.set and not a.workflow:
        raise UsageError("--set is for a workflow: --workflow is missing", code="usage", hint=help_hint)
    if a.subtasks and a.text and a.action != "new":
        raise UsageError("give a list, or words for an agent, not both", code="usage", hint=help_hint)
    if not _is_for_agent(a):
        if given := next((n for n in _AGENT if getattr(a, n)), None):
            flag = _FLAGS.get(given, f"--{given}")
            raise UsageError(f"{flag} is for an agent that proposes: --propose is missing, or there is a list", code="usage", hint=help_hint)  # fmt: skip
    elif a.push or a.base:
        raise UsageError(
            "what an agent plans is reviewed first: it takes no --push or --base", code="usage",
            hint=f"baton plan {a.action} {a.plan!r} --propose",
        )  # fmt: skip


def _is_for_agent(a: argparse.Namespace) -> bool:
    """Whether an agent is to say what the tasks are: nobody else does."""
    if a.subtasks or a.workflow:
        return False
    asked = bool(a.propose) or a.action == "propose"
    return asked or (a.action in ("revise", "split") and a.text is not None)


# -- looking -----------------------------------------------------------------------------------------------


def _list() -> Answer:
    from gitbaton.report.plan_text import render_plans, summary_record
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.planview import list_plans

    plans = list_plans(open_here())
    return Answer(record("plans", plans=[summary_record(s) for s in plans]), render_plans(plans, Style()))


def _show(a: argparse.Namespace) -> Answer:
    from gitbaton.report.plan_text import plan_record, render_plan
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.planview import show_plan

    shown = show_plan(open_here(), a.plan)
    return Answer(record("plan", plan=plan_record(shown)), render_plan(shown, Style()))


# -- writing -----------------------------------------------------------------------------------------------


def _new(a: argparse.Namespace) -> Answer:
    project = open_here()
    words = _read_text(a)
    if _is_for_agent(a):
        from gitbaton.usecases.planproposing import propose_plan

        fields = {"title": a.plan, "goal": a.goal}
        with following(is_json=a.json) as follow:
            done = propose_plan(project, fields, words, _asked(a), plan_id=a.id, on_progress=follow)
        return _answer_agent(done, project, f"planned {done.planned.plan} ({done.planned.path})")
    from gitbaton.usecases.planmaking import make_plan

    fields = {"title": a.plan, "goal": a.goal, "description": words}
    recipe = _read_recipe(a)
    planned = make_plan(project, fields, _read_list(a), workflow=recipe, plan_id=a.id, to=read_delivery(a))
    lines = [f"planned {planned.plan} ({planned.path})", *_tell_tasks(planned)]
    if not planned.added:
        lines.append(f"  give it tasks with: baton plan revise {planned.plan} --subtasks FILE")
    return _answer(planned, project, lines)


def _revise(a: argparse.Namespace) -> Answer:
    project = open_here()
    if _is_for_agent(a):
        from gitbaton.usecases.planproposing import propose_revision

        words = _read_text(a)
        if words is None:
            raise UsageError(
                "say what to change", code="usage", hint=f'baton plan revise {a.plan} --from "…"'
            )
        with following(is_json=a.json) as follow:
            done = propose_revision(project, a.plan, words, _asked(a), on_progress=follow)
        return _answer_agent(done, project, f"revised {done.planned.plan}")
    from gitbaton.usecases.planchanging import revise_plan

    tasks = _read_list(a)
    if tasks is None:
        raise UsageError("say what to change", code="usage", hint=f'baton plan revise {a.plan} --subtasks FILE, or: --from "…"')  # fmt: skip
    planned = revise_plan(project, a.plan, tasks, to=read_delivery(a))
    return _answer(planned, project, [f"revised {planned.plan}", *_tell_tasks(planned)])


def _split(a: argparse.Namespace) -> Answer:
    project = open_here()
    if _is_for_agent(a):
        from gitbaton.usecases.planproposing import propose_parts

        with following(is_json=a.json) as follow:
            done = propose_parts(project, a.plan, _read_text(a), _asked(a), on_progress=follow)
        return _answer_agent(done, project, f"split {a.plan} into {len(done.planned.added)}")
    from gitbaton.usecases.planchanging import split_task

    tasks = _read_list(a)
    if tasks is None:
        raise UsageError("into what?", code="usage", hint=f"baton plan split {a.plan} --subtasks FILE, or: --propose")  # fmt: skip
    planned = split_task(project, a.plan, tasks, to=read_delivery(a))
    lines = [f"split {planned.changed[0]} into {len(planned.added)}", *(f"  {t}" for t in planned.added)]
    return _answer(planned, project, lines)


def _asked(a: argparse.Namespace) -> Asked:
    from gitbaton.usecases.planproposing import Asked

    return Asked(a.agent, a.model, *(() if a.tasks_max is None else (a.tasks_max,)))


def _answer_agent(done: Proposed, project: Project, first: str) -> Answer:
    """What an agent proposed, with what that took."""
    used = describe_usage(done.work.usage)
    lines = [first + (f"  [{used}]" if used else ""), *_tell_tasks(done.planned)]
    if rounds := len(done.work.rounds):
        lines.append(f"  what it handed in was sent back {rounds} time{'s' * (rounds != 1)}")
    answer = _answer(done.planned, project, lines)
    more = {"rounds": list(done.work.rounds), "usage": usage_record(done.work.usage), "log": done.work.log}
    return answer._replace(record={**answer.record, **more})


def _close(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.planchanging import close_plan

    project = open_here()
    done = close_plan(project, a.plan, cancel_rest=a.cancel_rest, to=read_delivery(a))
    lines = [f"closed {done.plan}" if done.edited.commit else f"{done.plan} is closed already"]
    lines += [f"  cancelled {task}" for task in done.changed]
    lines.append(f"write down what came of it with: baton synthesize {done.plan}")
    return _answer(done, project, lines)


def _tell_tasks(done: Planned) -> list[str]:
    return [*(f"  {task}" for task in done.added), *(f"  changed {task}" for task in done.changed)]


def _answer(done: Planned, project: Project, lines: list[str]) -> Answer:
    lines += [f"note: {note}" for note in done.notes]
    fields = {
        "plan": done.plan, "path": done.path, "added": list(done.added), "changed": list(done.changed), "notes": list(done.notes),
        **delivery_record(done.edited),
    }  # fmt: skip
    return Answer(record("planned", **fields), "\n".join([*lines, *describe_edit(done.edited, project)]))


def _read_list(a: argparse.Namespace) -> TaskList | None:
    """The list of tasks that was named. Raises ``UsageError`` for a file that can't be read."""
    if a.subtasks is None:
        return None
    from gitbaton.usecases.planlist import read_list

    if a.subtasks == a.text == "-":
        raise UsageError("standard input can't be both", code="usage", hint="give one of them as a file")
    return read_list(*read_bytes(a.subtasks, "a YAML file"))


def _read_recipe(a: argparse.Namespace) -> Recipe | None:
    """The workflow that was named, with its values. Raises ``UsageError``."""
    if a.workflow is None:
        return None
    from gitbaton.cli.workflows import read_values
    from gitbaton.usecases.planmaking import Recipe

    return Recipe(a.workflow, read_values(a.set))


def _read_text(a: argparse.Namespace) -> str | None:
    """What is wanted: the text of a file, of standard input, or the words themselves, which have a blank."""
    is_file = a.text and os.path.exists(a.text)  # noqa: PTH110 words may be longer than any name can be
    if a.text and " " in a.text.strip() and not is_file:
        return str(a.text)
    return read_text(None, a.text, "plan")


COMMANDS = {
    "plan": Command(
        "Break a goal down into tasks: write a plan and its tasks in one commit, change it, split a task, see how far it is.\n"
        "A plan counts once it is merged into the base branch: that approves it. Without a list, --propose lets an agent\n"
        "(role architect) read the repository and propose the tasks, for review.",
        _configure, _plan,
        ('baton plan new "Build auth" --subtasks tasks.yaml', 'printf -- "- Draw it\\n- Build it\\n" | baton plan new "Build auth" --subtasks - --propose', 'baton plan new "Build auth" --from prd.md --propose --model opus', 'baton plan new "Fix login" --workflow bugfix --set what=login', "baton plan show build-auth", "baton plan revise build-auth --subtasks more.yaml", 'baton plan revise build-auth --from "Do without mail"', "baton plan split add-login --subtasks parts.yaml", "baton plan close build-auth --cancel-rest"),
    ),
}  # fmt: skip
