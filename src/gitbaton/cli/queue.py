"""The queue: list it, and move, hold and drop what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.states import answer_cancel, answer_hold, describe_edit
from gitbaton.cli.tasks import answer_priority
from gitbaton.errors import UsageError
from gitbaton.report.records import record, task_record

if TYPE_CHECKING:
    import argparse
    from typing import Literal

ACTIONS = ("list", "first", "last", "priority", "hold", "drop")
_SHOWN = 3


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)")
    p.add_argument(
        "id", nargs="?", help="task id, or an unambiguous beginning of one; the whole one to drop it"
    )
    p.add_argument("value", nargs="?", metavar="VALUE", help="the priority; why it is held or dropped")
    add_delivery(p)


def _queue(a: argparse.Namespace) -> Answer:
    if a.action == "list":
        if a.id or a.push or a.base or a.propose:
            raise UsageError("list takes nothing more", code="usage", hint="baton queue --help")
        return _list()
    if not a.id:
        raise UsageError("which task?", code="no-task", hint=f"baton queue {a.action} ID")
    match a.action:
        case "priority":
            if not a.value:
                raise UsageError("which priority?", code="usage", hint=f"baton queue priority {a.id} high")
            return answer_priority(a.id, a.value, to=read_delivery(a))
        case "hold":
            if a.push or a.base or a.propose:
                raise UsageError(
                    "a hold counts at once, for everybody: it takes no --push, --base or --propose",
                    code="usage",
                    hint=f"baton queue hold {a.id}",
                )
            return answer_hold(a.id, a.value)
        case "drop":
            return answer_cancel(a.id, a.value, to=read_delivery(a))
        case _ if a.value:
            raise UsageError(
                f"{a.action} takes one task", code="usage", hint=f"baton queue {a.action} {a.id}"
            )
        case _:
            return _move(a, a.action)


def _list() -> Answer:
    from gitbaton.report.board_text import words
    from gitbaton.report.terminal import Style, align
    from gitbaton.usecases.queueing import list_queue

    queue = list_queue(open_here())
    rows = [[f"{n}.", e.row.id, words(e.state), reason] for n, (e, reason) in enumerate(queue.ready, 1)]
    lines = [align(rows, Style())] if rows else []
    lines += [f"{e.row.id} waits: {other} touches the same paths" for e, other in queue.blocked]
    if queue.rest:
        lines.append(f"not ready: {queue.rest}" if rows else queue.rest)
    fields = {
        "tasks": [{**task_record(e), "reason": reason} for e, reason in queue.ready],
        "blocked": [{"id": e.row.id, "by": other} for e, other in queue.blocked], "reason": queue.rest,
    }  # fmt: skip
    return Answer(record("queue", **fields), "\n".join(lines))


def _move(a: argparse.Namespace, where: Literal["first", "last"]) -> Answer:
    from gitbaton.usecases.queueing import move_task

    project = open_here()
    moved = move_task(project, a.id, where, to=read_delivery(a))
    edited = moved.written.edited if moved.written else None
    lines = [f"{moved.task} has {moved.level} priority" + ("" if moved.written else " already")]
    if moved.before:
        names = ", ".join(moved.before[:_SHOWN]) + (" …" if len(moved.before) > _SHOWN else "")
        side = "before" if where == "first" else "after"
        verb = "comes" if len(moved.before) == 1 else "come"
        lines.append(f"  {names} {verb} {side} it all the same: see why with: baton queue")
    if moved.why:
        lines.append(f"  it is not in the queue yet: {moved.why}")
    fields = {
        "task": {"id": moved.task}, "priority": moved.level, where: not moved.before, "others": list(moved.before),
        **delivery_record(edited),
    }  # fmt: skip
    return Answer(record("queue", **fields), "\n".join([*lines, *describe_edit(edited, project)]))


COMMANDS = {
    "queue": Command(
        "List what is claimed next, in order, and why; or change it: first and last set the priority that does it, priority sets\n"
        "one, hold keeps everybody away, drop cancels.",
        _configure, _queue,
        ("baton queue", "baton queue first add-health", "baton queue priority add-health high", 'baton queue hold add-health "the design is not settled"', "baton queue drop add-health"),
    ),
}  # fmt: skip
