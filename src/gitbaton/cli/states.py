"""Commands by which a person says where a task stands: hold, release, clarify, note, done, cancel, reopen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import read_text
from gitbaton.report.board_text import words
from gitbaton.report.records import record, task_record

if TYPE_CHECKING:
    import argparse

    from gitbaton.domain.board import Entry
    from gitbaton.store.edits import Edited
    from gitbaton.usecases.closing import Closed
    from gitbaton.usecases.delivery import Delivery
    from gitbaton.usecases.holding import Said
    from gitbaton.usecases.project import Project

ID = "task id, or an unambiguous beginning of one"


def find_now(project: Project, task: str, *, local: bool = True) -> Entry:
    """The task as it stands after a command; not ``local``: as everybody sees it."""
    from gitbaton.usecases.project import find_entry, load_view

    return find_entry(load_view(project.reread(), local=local), task)


def describe_edit(edited: Edited | None, project: Project) -> list[str]:
    """Where an edit went, and what is missing until others see it."""
    if edited is None:
        return []
    lines = describe_delivery(edited)
    if edited.commit and not edited.pushed and not edited.off_base and project.repo.remote:
        lines.append(f"committed here: others see it once it is pushed to {project.repo.remote}")
    return lines


# -- hold, release, clarify ----------------------------------------------------------------------------------


def _said(kind: str, project: Project, said: Said, first: str, now: Entry | None = None) -> Answer:
    fields = {
        "task": task_record(now or find_now(project, said.task)), "text": said.text, "event": said.event, "heard_by": said.heard,
        **delivery_record(said.edited),
    }  # fmt: skip
    return Answer(record(kind, **fields), "\n".join([first, *describe_edit(said.edited, project)]))


def _configure_hold(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    p.add_argument("reason", nargs="?", metavar="REASON", help="why nobody should start it")


def _hold(a: argparse.Namespace) -> Answer:
    return answer_hold(a.id, a.reason)


def answer_hold(task: str, reason: str | None) -> Answer:
    """Hold a task, and say so."""
    from gitbaton.usecases.holding import hold_task

    project = open_here()
    said = hold_task(project, task, reason)
    first = f"{said.task} is on hold: {said.text}"
    if said.heard:
        first += f"\n  {said.heard} is at it and goes on; to end that, too: baton stop {said.task}"
    elif not said.event and said.edited is None:
        first = f"{said.task} is on hold already: {said.text}"
    return _said("hold", project, said, f"{first}\n  lift it with: baton release {said.task}")


def _configure_release(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    add_delivery(p)


def _release(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.holding import release_task

    project = open_here()
    said = release_task(project, a.id, to=read_delivery(a))
    now = find_now(project, said.task)
    return _said("release", project, said, f"{said.task} is released; {words(now.state)}: {now.why}", now)


def _configure_clarify(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    p.add_argument("text", metavar="TEXT", help="what was settled; - reads it from standard input")
    add_delivery(p)


def _clarify(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.holding import clarify_task

    project = open_here()
    said = clarify_task(project, a.id, read_text(a.text, None, "clarify") or "", to=read_delivery(a))
    if said.heard:
        first = f"{said.heard} is at {said.task} and is told; later briefings tell it, too"
    elif said.event:
        first = f"the attempt at {said.task} has just ended; the next one heeds it"
    else:
        first = f"{said.task} is clarified: its next briefing tells it"
    return _said("clarify", project, said, first)


# -- note ----------------------------------------------------------------------------------------------------


def _configure_note(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    p.add_argument(
        "text", nargs="?", metavar="TEXT", help="what there is to know; - reads it from standard input"
    )
    p.add_argument("--percent", type=int, metavar="N", help="how far it is, from 0 to 100")
    add_delivery(p)


def _note(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.context import save_context

    project = open_here()
    text = (read_text(a.text, None, "note") or "").strip() or None
    saved = save_context(project, a.id, {}, note=text, percent=a.percent, to=read_delivery(a))
    fields = {"task": {"id": saved.task}, "path": saved.path, **delivery_record(saved.edited)}
    first = f"noted in {saved.path}" if saved.path else "handed over with this attempt"
    return Answer(record("note", **fields), "\n".join([first, *describe_edit(saved.edited, project)]))


# -- done, cancel, reopen ------------------------------------------------------------------------------------


def _closed(kind: str, project: Project, closed: Closed, first: str, more: list[str]) -> Answer:
    written, edited = closed.written, closed.written.edited
    assert edited is not None, "nothing is closed inside an attempt"
    if edited.commit is None and not edited.uncommitted:
        first = f"{written.task} says so already; nothing to commit"
    lines = [first, *more, *(f"warning: {w}" for w in closed.warnings), *describe_edit(edited, project)]
    fields: dict[str, Any] = {
        "task": {"id": written.task, "path": written.path}, "ready": list(closed.freed),
        "waiting_for_ever": list(closed.stranded), "warnings": list(closed.warnings), **delivery_record(edited),
    }  # fmt: skip
    return Answer(record(kind, **fields), "\n".join(lines))


def _configure_done(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    add_delivery(p)


def _done(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.closing import finish_by_hand

    project = open_here()
    closed = finish_by_hand(project, a.id, to=read_delivery(a))
    more = [f"  that frees: {', '.join(closed.freed)}"] if closed.freed else []
    return _closed("done", project, closed, f"{closed.written.task} is done, because you say so", more)


def _configure_cancel(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="the whole task id")
    p.add_argument("--reason", metavar="TEXT", help="why; it stands in the commit's message")
    add_delivery(p)


def _cancel(a: argparse.Namespace) -> Answer:
    return answer_cancel(a.id, a.reason, to=read_delivery(a))


def answer_cancel(wanted: str, reason: str | None, *, to: Delivery) -> Answer:
    """Cancel a task, and say so."""
    from gitbaton.usecases.closing import cancel_task

    project = open_here()
    closed = cancel_task(project, wanted, reason, to=to)
    task, waiting = closed.written.task, closed.stranded
    more = []
    if waiting:
        verb = "waits" if len(waiting) == 1 else "wait"
        more = [
            f"  {', '.join(waiting)} {verb} for it, and now for ever",
            f"  to free one that needs it: baton depend {waiting[0]} --off {task}",
        ]
    return _closed(
        "cancel", project, closed, f"{task} is cancelled; to open it again: baton reopen {task}", more
    )


def _reopen(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.closing import reopen_task

    project = open_here()
    to = read_delivery(a)
    closed = reopen_task(project, a.id, to=to)
    task = closed.written.task
    first = f"{task} is open again"
    if to.where == "here":
        now = find_now(project, task)
        first += f"; {words(now.state)}: {now.why}"
    return _closed("reopen", project, closed, first, [])


COMMANDS = {
    "hold": Command("Keep everybody from starting a task until it is released. It counts at once, for everybody.", _configure_hold, _hold, ('baton hold add-health "the new client comes first"', "baton hold add-health")),
    "release": Command("Lift a hold.", _configure_release, _release, ("baton release add-health", "baton release add-health --base")),
    "clarify": Command("Settle something about a task. Whoever is at it hears of it now, whoever comes next reads it in the briefing.", _configure_clarify, _clarify, ('baton clarify add-health "503 while the database is down"', 'baton clarify add-health "port 8080" --base')),
    "note": Command("Leave a note on a task: how far it is, what there is to know. show and the next briefing tell it.", _configure_note, _note, ('baton note add-health "waiting for the new certificate" --percent 60', "baton note add-health --percent 90")),
    "done": Command("Set a task done by hand. Nothing is checked; to leave a handoff, too, use complete.", _configure_done, _done, ("baton done add-health", "baton done add-health --base")),
    "cancel": Command("Let nobody do a task any more. Names the tasks that wait for it.", _configure_cancel, _cancel, ('baton cancel add-health --reason "the platform does it now"', "baton cancel add-health --propose")),
    "reopen": Command("Open a task again that is done or cancelled.", _configure_done, _reopen, ("baton reopen add-health", "baton reopen add-health --base")),
}  # fmt: skip
