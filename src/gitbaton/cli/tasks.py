"""Commands on tasks: add, list, show, next, set, priority, depend."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, get_args

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import EXIT_NOTHING, Answer, Command, open_here
from gitbaton.cli.filters import add_filters, read_filters
from gitbaton.cli.given import read_text
from gitbaton.domain.choices import PRIORITIES, Type
from gitbaton.errors import UsageError
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.delivery import Delivery
    from gitbaton.usecases.writing import Written


def _configure_add(p: argparse.ArgumentParser) -> None:
    p.add_argument("title", help="what is to be done, in one line")
    p.add_argument(
        "-d",
        "--description",
        metavar="TEXT",
        help="what and why, in Markdown; - reads it from standard input",
    )
    p.add_argument(
        "-F", "--file", metavar="FILE", help="read the description from a file; - is standard input"
    )
    p.add_argument(
        "--needs",
        action="append",
        default=[],
        metavar="ID",
        help="task that must be done first; may be repeated",
    )
    p.add_argument(
        "--accept", action="append", default=[], metavar="TEXT", help="acceptance criterion; may be repeated"
    )
    p.add_argument("--priority", choices=PRIORITIES, help="order among ready tasks (default: medium)")
    p.add_argument("--type", choices=get_args(Type), help="kind of work (default: task)")
    p.add_argument("--role", metavar="NAME", help="specialist who should do it")
    p.add_argument("--plan", metavar="ID", help="plan it belongs to")
    p.add_argument("--parent", metavar="ID", help="task it is a part of")
    p.add_argument(
        "--path", action="append", default=[], metavar="GLOB", help="files it may touch; may be repeated"
    )
    p.add_argument("--label", action="append", default=[], metavar="WORD", help="label; may be repeated")
    p.add_argument("--id", metavar="ID", help="its id, instead of one made from the title")
    p.add_argument("--draft", action="store_true", help="write it as a draft, which nobody starts")
    add_delivery(p)


def _add(a: argparse.Namespace) -> Answer:
    fields = {
        "title": a.title, "description": read_text(a.description, a.file, "add"), "depends_on": a.needs, "acceptance": a.accept,
        "priority": a.priority, "type": a.type, "role": a.role, "plan": a.plan, "parent": a.parent, "paths": a.path,
        "labels": a.label, "status": "draft" if a.draft else None,
    }  # fmt: skip
    from gitbaton.usecases.adding import add_task

    written = add_task(open_here(), fields, task_id=a.id, to=read_delivery(a))
    return _written(written, "added", f"added {written.task} ({written.path})")


def _written(written: Written, kind: str, text: str) -> Answer:
    edited = written.edited
    lines = [text]
    if edited is None:
        lines = [f"proposed {written.task}: the review of this attempt decides on it"]
    elif edited.commit is None and not edited.uncommitted:
        lines = [f"{written.task} says so already; nothing to commit"]
    else:
        lines += describe_delivery(edited)
    fields = {"task": {"id": written.task, "path": written.path}, **delivery_record(edited)}
    return Answer(record(kind, **fields), "\n".join(lines))


def _configure_list(p: argparse.ArgumentParser) -> None:
    p.add_argument("--all", action="store_true", help="finished tasks too")
    p.add_argument(
        "--state",
        action="append",
        default=[],
        metavar="STATE",
        help="only this state (ready, in_review, …); may be repeated",
    )
    p.add_argument("--ready", action="store_true", help="only what could be claimed now, best first")
    p.add_argument("--label", metavar="WORD", help="only tasks with this label")
    p.add_argument("--plan", metavar="ID", help="only tasks of this plan")
    p.add_argument("--role", metavar="NAME", help="only tasks of this role")


def _list(a: argparse.Namespace) -> Answer:
    from gitbaton.report.board_text import render_list
    from gitbaton.report.records import broken_record, task_record
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.board import list_tasks

    found = list_tasks(open_here(), states=a.state, ready=a.ready, label=a.label, plan=a.plan, role=a.role)
    filtered = bool(a.state or a.ready or a.label or a.plan or a.role)
    shown = [e for e in found.entries if a.all or filtered or e.state not in ("done", "cancelled")]
    hidden = len(found.entries) - len(shown)
    text = render_list(shown, () if filtered else found.broken, Style(), hidden=hidden, filtered=filtered)
    return Answer(
        record(
            "list",
            tasks=[task_record(e) for e in found.entries],
            broken=[broken_record(b) for b in found.broken],
        ),
        text,
    )


def _configure_show(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")


def _show(a: argparse.Namespace) -> Answer:
    from gitbaton.cli.glance import describe, render
    from gitbaton.quick import find_board, remember
    from gitbaton.usecases.board import show_task

    project = open_here()
    shown = show_task(project, a.id)
    if find_board(os.environ) is None:
        remember(project)
    return Answer(describe(shown), render(shown))


def _configure_next(p: argparse.ArgumentParser) -> None:
    add_filters(p)


def _next(a: argparse.Namespace) -> Answer:
    from gitbaton.quick import remember
    from gitbaton.report.records import task_record
    from gitbaton.usecases.board import next_task
    from gitbaton.usecases.choosing import ANY

    project = open_here()
    wanted = read_filters(a)
    choice = next_task(project, wanted)
    if choice.entry and wanted == ANY:
        remember(project)
    task = task_record(choice.entry) if choice.entry else None
    text = (
        f"{choice.entry.row.id}: {choice.entry.row.title}\n  {choice.reason}"
        if choice.entry
        else choice.reason
    )
    return Answer(record("next", task=task, reason=choice.reason), text, 0 if choice.entry else EXIT_NOTHING)


def _configure_set(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument(
        "assignments",
        nargs="+",
        metavar="FIELD=VALUE",
        help="FIELD=VALUE sets, FIELD= removes, LIST+=ITEM and LIST-=ITEM change lists",
    )
    add_delivery(p)


def _set(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.setting import set_fields

    written = set_fields(open_here(), a.id, a.assignments, to=read_delivery(a))
    return _written(written, "set", f"set {', '.join(a.assignments)} of {written.task}")


def _configure_priority(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument("level", help=", ".join(PRIORITIES))
    add_delivery(p)


def _priority(a: argparse.Namespace) -> Answer:
    return answer_priority(a.id, a.level, to=read_delivery(a))


def answer_priority(task: str, level: str, *, to: Delivery) -> Answer:
    """Change a task's priority, and say so."""
    from gitbaton.usecases.setting import set_priority

    written = set_priority(open_here(), task, level, to=to)
    return _written(written, "priority", f"{written.task} has {level} priority")


def _configure_depend(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument(
        "--on", action="append", default=[], metavar="ID", help="let it wait for this task; may be repeated"
    )
    p.add_argument(
        "--off",
        action="append",
        default=[],
        metavar="ID",
        help="don't let it wait for this task; may be repeated",
    )
    add_delivery(p)


def _depend(a: argparse.Namespace) -> Answer:
    if not a.on and not a.off:
        raise UsageError("say what to change: --on ID or --off ID", code="usage", hint="baton depend --help")
    from gitbaton.usecases.tasks import change_dependencies

    written = change_dependencies(open_here(), a.id, on=a.on, off=a.off, to=read_delivery(a))
    return _written(written, "depend", f"changed what {written.task} depends on")


COMMANDS = {
    "add": Command(
        "Write a new task file and commit it.", _configure_add, _add,
        ('baton add "Add a health endpoint" --accept "GET /health answers 200"', 'baton add "Write the guide" --needs add-a-health-endpoint --role documenter', "baton add \"Import orders\" -F prd.md --priority high --path 'src/orders/**'"),
    ),
    "list": Command("List tasks with their states, as folded from the base branch, the live state and this checkout.", _configure_list, _list, ("baton list", "baton list --ready", "baton list --state in_review --json")),
    "show": Command("Show one task: its state and why, its text, its attempts.", _configure_show, _show, ("baton show add-health", "baton show add-h --json")),
    "next": Command("Say which task is next, and why. Claims nothing. Exit code 3: nothing is ready.", _configure_next, _next, ("baton next", "baton next --json")),
    "set": Command("Change fields of a task, as one commit.", _configure_set, _set, ("baton set add-health priority=high labels+=api", 'baton set add-health "title=Add /health" run.timeout=30m', "baton set add-health hold=", "baton set add-health status=todo")),
    "priority": Command("Change a task's priority.", _configure_priority, _priority, ("baton priority add-health critical",)),
    "depend": Command("Change what a task depends on.", _configure_depend, _depend, ("baton depend write-guide --on add-health", "baton depend write-guide --off add-health")),
}  # fmt: skip
