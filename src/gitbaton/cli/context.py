"""Commands on context: complete, context save, context get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.report.records import record
from gitbaton.usecases.context import complete_task, get_context, save_context

if TYPE_CHECKING:
    import argparse

    from gitbaton.domain.handoff import Handoff
    from gitbaton.usecases.context import Saved


def add_fields(p: argparse.ArgumentParser) -> None:
    """What an author says in a handoff, and where it goes."""
    p.add_argument("--summary", metavar="TEXT", help="what was done, in a few sentences")
    p.add_argument(
        "--decision",
        action="append",
        default=[],
        metavar="TEXT",
        help="a choice that was made; may be repeated",
    )
    p.add_argument(
        "--done",
        action="append",
        default=[],
        metavar="TEXT",
        help="something that is finished; may be repeated",
    )
    p.add_argument(
        "--remaining",
        action="append",
        default=[],
        metavar="TEXT",
        help="something that is not; may be repeated",
    )
    p.add_argument(
        "--next-step", action="append", default=[], metavar="TEXT", help="what to do next; may be repeated"
    )
    add_delivery(p)


def read_fields(a: argparse.Namespace) -> dict[str, Any]:
    """What those options say."""
    return {
        "summary": a.summary,
        "decisions": a.decision,
        "completed": a.done,
        "remaining": a.remaining,
        "next_steps": a.next_step,
    }


def _configure_complete(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "id", nargs="?", help="task id, or an unambiguous beginning of one; optional inside an attempt"
    )
    add_fields(p)


def _complete(a: argparse.Namespace) -> Answer:
    saved = complete_task(open_here(), a.id, read_fields(a), to=read_delivery(a))
    text = (
        f"{saved.task} is done (unverified: no check was run)"
        if saved.edited
        else "handed over: the runner checks it when you end"
    )
    return _saved("complete", saved, text)


def _saved(kind: str, saved: Saved, text: str) -> Answer:
    lines = [text, *(describe_delivery(saved.edited) if saved.edited else ())]
    return Answer(
        record(kind, task=saved.task, path=saved.path, **delivery_record(saved.edited)), "\n".join(lines)
    )


def _configure_context(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=("save", "get"), help="save a handoff, or get the newest ones")
    p.add_argument("id", nargs="?", help="task it is about; without one: this session, or all")
    p.add_argument("--note", metavar="TEXT", help="a short note")
    p.add_argument("--question", metavar="TEXT", help="what a person must answer")
    p.add_argument("--limit", type=int, default=5, metavar="N", help="how many to get (default: 5)")
    add_fields(p)


def _context(a: argparse.Namespace) -> Answer:
    if a.action == "save":
        saved = save_context(
            open_here(), a.id, read_fields(a), note=a.note, question=a.question, to=read_delivery(a)
        )
        return _saved("context", saved, f"saved as {saved.path}" if saved.path else "handed over")
    found = get_context(open_here(), a.id, limit=a.limit)
    rows = [{"path": path, **h.model_dump(mode="json", exclude_defaults=True)} for path, h in found.handoffs]
    text = "\n\n".join(_describe(path, h) for path, h in found.handoffs) or "no handoffs yet"
    return Answer(record("context", task=found.task, handoffs=rows), text)


def _describe(path: str, h: Handoff) -> str:
    head = f"{h.created or ''}  {h.task or 'session'}  by {h.agent or 'somebody'}" + (
        f"  {h.outcome.value.replace('_', ' ')}" if h.outcome else ""
    )
    lines = [head.strip(), f"  {path}"]
    if h.summary:
        lines += [f"  {x}" for x in h.summary.strip().splitlines()]
    for title, items in (
        ("decided", [d.decision for d in h.decisions]),
        ("remaining", h.remaining),
        ("questions", h.questions),
        ("next", h.next_steps),
    ):
        lines += [f"  {title}: {i}" for i in items]
    return "\n".join(lines)


COMMANDS = {
    "complete": Command("Mark a task done and leave a handoff, in one commit. Nothing is checked, and the handoff says so.", _configure_complete, _complete, ('baton complete add-health --summary "GET /health answers 200"',)),
    "context": Command("Leave a handoff for the next session or attempt, or read the newest ones.", _configure_context, _context, ('baton context save add-health --summary "The route stands" --remaining "tests"', "baton context get add-health", "baton context get --limit 3")),
}  # fmt: skip
