"""Commands on a task's name and file: rename, rm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.states import ID, describe_edit
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

_SHOWN = 5


def _configure_rename(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", metavar="OLD", help=ID)
    p.add_argument("new", metavar="NEW", help="its new id")
    add_delivery(p)


def _rename(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.naming import rename_task

    project = open_here()
    done = rename_task(project, a.id, a.new, to=read_delivery(a))
    lines = [f"{done.old} is {done.new} now ({done.path})", *_tell_others(done.others)]
    if done.state == "moved":
        lines.append("  its attempts go by the new name, too")
    elif done.state == "waits":
        base = project.repo.base.branch
        lines.append(
            f"  nobody can start it until {base} has this; then run the same command again: its attempts follow"
        )
    fields = {
        "task": {"id": done.new, "path": done.path}, "was": done.old, "changed": list(done.others), "state": done.state,
        **delivery_record(done.edited),
    }  # fmt: skip
    return Answer(record("rename", **fields), "\n".join([*lines, *describe_edit(done.edited, project)]))


def _tell_others(paths: tuple[str, ...]) -> list[str]:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return [f"  changed along: {', '.join(paths[:_SHOWN])}{more}"] if paths else []


def _configure_rm(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="the whole task id")
    p.add_argument(
        "--force", action="store_true", help="also when other tasks name it, which they no longer do then, or its work is in review"
    )  # fmt: skip
    add_delivery(p)


def _rm(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.removing import remove_task

    project = open_here()
    done = remove_task(project, a.id, force=a.force, to=read_delivery(a))
    lines = [f"{done.task} is removed; its history and its handoffs stay", *_tell_others(done.others)]
    fields = {
        "task": {"id": done.task, "path": done.path},
        "changed": list(done.others),
        **delivery_record(done.edited),
    }
    return Answer(record("rm", **fields), "\n".join([*lines, *describe_edit(done.edited, project)]))


COMMANDS = {
    "rename": Command("Give a task another id: its file, what refers to it, its handoffs and its attempts.", _configure_rename, _rename, ("baton rename add-health answer-health-checks", "baton rename add-health answer-health-checks --base")),
    "rm": Command("Remove a task's file. To say that nobody will do it, and keep it, use cancel.", _configure_rm, _rm, ("baton rm add-health", "baton rm add-health --force")),
}  # fmt: skip
