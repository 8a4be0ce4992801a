"""A person ends a task by hand, or opens it again: done, cancel, reopen. Each is one edit of the task file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.ids import find_id
from gitbaton.domain.wording import shorten_to_line
from gitbaton.errors import Refusal
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, View, find_entry, refuse_inside
from gitbaton.usecases.tasks import edit_text
from gitbaton.usecases.writing import Written, open_target, write_documents

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry

_FINISHED = ("done", "cancelled")


class Closed(NamedTuple):
    """A task that was ended or opened again. ``freed`` waited for nothing else and are ready once base says so;
    ``stranded`` wait for it, and now for ever; ``warnings`` say what goes on all the same.
    """

    written: Written
    freed: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def finish_by_hand(project: Project, text: str, *, to: Delivery = HERE) -> Closed:
    """Set a task done, because a person says so: nothing is checked, and no handoff is written."""
    refuse_inside(project, "set tasks done")
    project, view, to = open_target(project, to)
    entry = find_entry(view, text)
    task = entry.row.id
    freed = tuple(
        i for i, e in sorted(view.board.entries.items()) if e.state == "waiting" and e.blocked_by == (task,)
    )
    parts = [k for k in view.board.children.get(task, ()) if k in entry.blocked_by]
    warnings = [*_tell_open_work(entry), *([f"its parts are not done: {', '.join(parts)}"] if parts else [])]
    written = _set_status(project, entry, "done", f"Set {task} done", to)
    return Closed(written, freed, (), tuple(warnings))


def cancel_task(project: Project, text: str, reason: str | None = None, *, to: Delivery = HERE) -> Closed:
    """Let nobody do a task any more; ``text`` is its whole id. ``reason`` stands in the commit's message."""
    refuse_inside(project, "cancel tasks")
    project, view, to = open_target(project, to)
    entry = find_whole(view, text)
    task = entry.row.id
    said = f": {shorten_to_line(reason)}" if reason else ""
    written = _set_status(project, entry, "cancelled", f"Cancel {task}{said}", to)
    return Closed(written, (), find_stranded(view, task), tuple(_tell_open_work(entry)))


def reopen_task(project: Project, text: str, *, to: Delivery = HERE) -> Closed:
    """Let a task be done after all, or once more. Work that was merged is not gone on with: the next attempt begins
    anew from base. Raises ``Refusal`` (``not-finished``).
    """
    refuse_inside(project, "reopen tasks")
    project, view, to = open_target(project, to)
    entry = find_entry(view, text)
    task = entry.row.id
    if entry.row.status not in _FINISHED:
        parts = view.board.children.get(task, ())
        merged = entry.state == "done" and not parts
        said = "done by its parts" if parts and entry.state == "done" else entry.state.replace("_", " ")
        raise Refusal(
            f"{task} is not finished in its file: it is {said}",
            code="not-finished",
            hint="fetch what was merged first: baton sync" if merged else f"see why with: baton show {task}",
        )
    return Closed(_set_status(project, entry, "todo", f"Reopen {task}", to))


def find_whole(view: View, text: str) -> Entry:
    """The entry with exactly this id, for what can't be taken back easily. Raises ``Refusal`` as ``find_entry``."""
    known = view.board.entries
    if text.lower() not in known:
        find_entry(view, text)  # a file that can't be read, or no such task: says so
        find_id(text, known, exact=True)
    return find_entry(view, text.lower())


def find_stranded(view: View, task: str) -> tuple[str, ...]:
    """Tasks that can't be done unless ``task`` is: what depends on it, and what depends on that."""
    below: dict[str, list[str]] = {}
    for entry in view.board.entries.values():
        if entry.state not in _FINISHED:
            for need in entry.row.depends_on:
                below.setdefault(need, []).append(entry.row.id)
    found: dict[str, None] = {}
    waiting = [task]
    while waiting:
        for name in below.get(waiting.pop(), ()):
            if name not in found:
                found[name] = None
                waiting.append(name)
    return tuple(sorted(found))


def _tell_open_work(entry: Entry) -> list[str]:
    task, live = entry.row.id, entry.live
    if live is None:
        return []
    if entry.running:
        return [
            f"{live.holder or 'somebody'} is at it (attempt {live.attempt}); to end that: baton stop {task}"
        ]
    if live.status == "in_review":
        where = live.pull_request or f"branch {live.branch}"
        return [f"its review is open ({where}): baton accept {task} merges that, or close it"]
    return []


def _set_status(project: Project, entry: Entry, status: str, message: str, to: Delivery) -> Written:
    row = entry.row

    def change(old: bytes | None) -> bytes:
        return edit_text(project, old, row.path, [SetField(("status",), status)])

    return Written(row.id, row.path, write_documents(project, {row.path: change}, message, to))
