"""Commands on milestones: milestone list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.errors import UsageError
from gitbaton.report.records import record, task_record
from gitbaton.report.terminal import Style, align

if TYPE_CHECKING:
    import argparse

    from gitbaton.domain.milestone import Progress

_ACTIONS = ("list", "show")


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=_ACTIONS, nargs="?", default="list", help="what to do (default: list)")
    p.add_argument("name", nargs="?", metavar="NAME", help="name of a milestone")


def _milestone(a: argparse.Namespace) -> Answer:
    if a.action == "show":
        if not a.name:
            raise UsageError("which milestone?", code="usage", hint="see them with: baton milestone list")
        return _show(a.name)
    if a.name:
        raise UsageError("list takes nothing more", code="usage", hint=f"baton milestone show {a.name}")
    return _list()


def _list() -> Answer:
    from gitbaton.usecases.milestones import list_milestones

    found = list_milestones(open_here())
    if not found:
        hint = "no milestones: tasks name one with `milestone`, tasks/config.yaml gives it a date and a goal"
        return Answer(record("milestone", milestones=[]), f"{hint}\nbegin with: baton config set milestones.beta.due 2026-12-31")  # fmt: skip
    rows = [[one.name, _tell_progress(one), _tell_due(one), one.goal or ""] for one in found]
    colors = [
        [None, "green" if one.finished else None, "red" if one.overdue else None, None] for one in found
    ]
    fields = [_record(one) for one in found]
    return Answer(record("milestone", milestones=fields), align(rows, Style(), colors))


def _record(one: Progress) -> dict[str, object]:
    return {
        "name": one.name, "listed": one.listed, "goal": one.goal, "due": one.due, "days": one.days, "overdue": one.overdue,
        "done": one.done, "total": one.total, "finished": one.finished, "left": [entry.row.id for entry in one.left],
        "blockers": [entry.row.id for entry in one.blockers],
    }  # fmt: skip


def _tell_progress(one: Progress) -> str:
    return f"{one.done} of {one.total} done" if one.total else "no tasks"


def _tell_due(one: Progress) -> str:
    if one.due is None:
        return "no date" if one.listed else "not in tasks/config.yaml"
    if one.days is None or one.finished:
        return f"due {one.due}"
    days = f"{abs(one.days)} day{'s' * (abs(one.days) != 1)}"
    when = "today" if one.days == 0 else f"in {days}" if one.days > 0 else f"overdue by {days}"
    return f"due {one.due}, {when}"


def _show(name: str) -> Answer:
    from gitbaton.report.board_text import words
    from gitbaton.usecases.milestones import get_milestone

    one = get_milestone(open_here(), name)
    style = Style()
    lines = [style.paint(one.name, "bold"), f"  {_tell_progress(one)}; {_tell_due(one)}"]
    if one.goal:
        lines += ["", one.goal.strip()]
    for title, entries in (("left to do:", one.left), ("which waits for:", one.blockers)):
        if entries:
            rows = [[f"  {e.row.id}", words(e.state), e.row.title if e.claimable else e.why] for e in entries]
            lines += ["", title, align(rows, style)]
    if one.finished:
        lines += ["", "everything is done"]
    fields = {**_record(one), "tasks": [task_record(entry) for entry in one.tasks]}
    return Answer(record("milestone", **fields), "\n".join(lines))


COMMANDS = {
    "milestone": Command(
        "Show how far each milestone is, when it is due, what is left of it and what that waits for. A task belongs to the "
        "milestone that it names, else to that of its parent, else to that of its plan.",
        _configure, _milestone, ("baton milestone list", "baton milestone show beta"),
    ),
}  # fmt: skip
