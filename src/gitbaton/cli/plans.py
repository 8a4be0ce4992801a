"""Plans: write them with their tasks, change them, look at them, close them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.states import describe_edit
from gitbaton.errors import UsageError
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.planfiles import Planned
    from gitbaton.usecases.planlist import TaskList
    from gitbaton.usecases.project import Project

ACTIONS = ("list", "show", "new", "revise", "split", "close")
#: What each action takes besides the delivery.
_TAKES = {
    "list": (), "show": (), "close": ("cancel_rest",),
    "new": ("goal", "text", "subtasks", "id"),
    "revise": ("subtasks", "text"),
    "split": ("subtasks", "text"),
}  # fmt: skip
_FLAGS = {"text": "--from", "cancel_rest": "--cancel-rest"}
_WHAT = {"new": '"TITLE"', "split": "TASK"}


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)")
    p.add_argument("name", nargs="?", metavar="NAME", help="new: the title; split: a task's id; else a plan's id, or its beginning")  # fmt: skip
    p.add_argument(
        "--subtasks", metavar="FILE", help="YAML list of titles, or of fields of tasks; - is standard input"
    )
    p.add_argument("--from", dest="text", metavar="FILE", help="what is wanted, in a text file; - is standard input")  # fmt: skip
    p.add_argument("--goal", metavar="TEXT", help="new: what will be true when it is done")
    p.add_argument("--id", metavar="NAME", help="new: its id, instead of one made from the title")
    p.add_argument("--cancel-rest", action="store_true", help="close: cancel the tasks that are still open")
    add_delivery(p)


def _plan(a: argparse.Namespace) -> Answer:
    _refuse_strangers(a)
    match a.action:
        case "list":
            return _list()
        case "show":
            return _show(a)
        case "new":
            return _new(a)
        case "revise":
            return _revise(a)
        case "split":
            return _split(a)
        case _:
            return _close(a)


def _refuse_strangers(a: argparse.Namespace) -> None:
    """Raises ``UsageError`` for what the action doesn't take, or lacks."""
    usual = {"goal", "text", "subtasks", "id", "cancel_rest"}
    strange = sorted(n for n in usual - set(_TAKES[a.action]) if getattr(a, n))
    if a.action in ("list", "show") and (a.push or a.base or a.propose):
        strange.append("push" if a.push else "base" if a.base else "propose")
    if strange:
        flag = _FLAGS.get(strange[0], f"--{strange[0].replace('_', '-')}")
        raise UsageError(f"plan {a.action} takes no {flag}", code="usage", hint="baton plan --help")
    if a.action == "list" and a.name:
        raise UsageError("list takes nothing more", code="usage", hint=f"baton plan show {a.name}")
    if a.action != "list" and not a.name and a.action != "show":
        what = _WHAT.get(a.action, "ID")
        raise UsageError(f"{what} is missing", code="usage", hint=f"baton plan {a.action} {what}")


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

    shown = show_plan(open_here(), a.name)
    return Answer(record("plan", plan=plan_record(shown)), render_plan(shown, Style()))


# -- writing -----------------------------------------------------------------------------------------------


def _new(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.planmaking import make_plan

    project = open_here()
    fields = {"title": a.name, "goal": a.goal, "description": _read_text(a)}
    done = make_plan(project, fields, _read_list(a), plan_id=a.id, to=read_delivery(a))
    lines = [f"planned {done.plan} ({done.path})", *_tell_tasks(done)]
    if not done.added:
        lines.append(f"  give it tasks with: baton plan revise {done.plan} --subtasks FILE")
    return _answer(done, project, lines)


def _revise(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.planchanging import revise_plan

    project = open_here()
    tasks = _read_list(a)
    if tasks is None:
        raise UsageError("say what to change", code="usage", hint=f"baton plan revise {a.name} --subtasks FILE")  # fmt: skip
    done = revise_plan(project, a.name, tasks, to=read_delivery(a))
    return _answer(done, project, [f"revised {done.plan}", *_tell_tasks(done)])


def _split(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.planchanging import split_task

    project = open_here()
    tasks = _read_list(a)
    if tasks is None:
        raise UsageError("into what?", code="usage", hint=f"baton plan split {a.name} --subtasks FILE")
    done = split_task(project, a.name, tasks, to=read_delivery(a))
    lines = [f"split {done.changed[0]} into {len(done.added)}", *(f"  {task}" for task in done.added)]
    return _answer(done, project, lines)


def _close(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.planchanging import close_plan

    project = open_here()
    done = close_plan(project, a.name, cancel_rest=a.cancel_rest, to=read_delivery(a))
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
    from gitbaton.usecases.planlist import STDIN, read_list

    if a.subtasks == "-":
        if a.text == "-":
            raise UsageError("standard input can't be both", code="usage", hint="give one of them as a file")
        return read_list(sys.stdin.buffer.read(), STDIN)
    try:
        return read_list(Path(a.subtasks).read_bytes(), a.subtasks)
    except OSError as error:
        raise UsageError(f"{a.subtasks} can't be read: {error.strerror}", code="no-file", hint="give the path of a YAML file") from error  # fmt: skip


def _read_text(a: argparse.Namespace) -> str | None:
    from gitbaton.cli.tasks import read_text

    return read_text(None, a.text, "plan")


COMMANDS = {
    "plan": Command(
        "Break a goal down into tasks: write a plan and its tasks in one commit, change it, split a task, see how far it is.\n"
        "A plan counts once it is merged into the base branch: that approves it.",
        _configure, _plan,
        ('baton plan new "Build auth" --subtasks tasks.yaml', 'printf -- "- Draw it\\n- Build it\\n" | baton plan new "Build auth" --subtasks - --propose', "baton plan show build-auth", "baton plan revise build-auth --subtasks more.yaml", "baton plan split add-login --subtasks parts.yaml", "baton plan close build-auth --cancel-rest"),
    ),
}  # fmt: skip
