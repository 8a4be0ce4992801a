"""Commands on context: complete; context with its actions show, save and get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import count
from gitbaton.cli.last import WORD, resolve_last
from gitbaton.domain.ids import find_similar
from gitbaton.errors import Refusal, UsageError
from gitbaton.report.records import record
from gitbaton.usecases.context import complete_task, get_context, save_context

if TYPE_CHECKING:
    import argparse

    from gitbaton.domain.handoff import Handoff
    from gitbaton.usecases.context import Saved

ACTIONS = ("show", "save", "get")
#: About one screen of what is said of a project.
PROJECT_TOKENS = 1_500


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
    p.add_argument(
        "action", nargs="?", metavar="|".join(ACTIONS), help="show where things stand (default: a task instead of this word is shown, too), save a short handoff, get the newest ones"
    )  # fmt: skip
    p.add_argument("id", nargs="?", help="one task; without it: everything, or to save: this session")
    p.add_argument(
        "--budget", type=int, metavar="N",
        help=f"show: in at most N tokens of 3.5 bytes (default: {PROJECT_TOKENS:,}; for a task run.context_tokens)",
    )  # fmt: skip
    p.add_argument("--fetch", action="store_true", help="show: ask the remote first")
    p.add_argument("--note", metavar="TEXT", help="save: a short note")
    p.add_argument("--question", metavar="TEXT", help="save: what a person must answer")
    p.add_argument("--limit", type=count, metavar="N", help="get: how many (default: 5)")
    add_fields(p)


def _context(a: argparse.Namespace) -> Answer:
    action, task = _read_action(a)
    said = {
        name
        for name, value in (("--note", a.note), ("--question", a.question), *read_fields(a).items())
        if value
    }
    if action != "save" and (said or a.push or a.base or a.propose):
        raise UsageError(
            f"{action} only reads: what is to be said goes with save", code="usage", hint="baton context save TASK --summary TEXT"
        )  # fmt: skip
    if action != "show" and (a.budget is not None or a.fetch):
        raise UsageError(
            f"{action} takes no --budget and no --fetch", code="usage", hint="baton context --help"
        )
    if action != "get" and a.limit is not None:
        raise UsageError(f"{action} takes no --limit", code="usage", hint="baton context get --limit 3")
    if action == "save":
        saved = save_context(
            open_here(), task, read_fields(a), note=a.note, question=a.question, to=read_delivery(a)
        )
        return _saved("context", saved, f"saved as {saved.path}" if saved.path else "handed over")
    if action == "show":
        return _show(a, task)
    found = get_context(open_here(), task, limit=5 if a.limit is None else a.limit)
    rows = [{"path": path, **h.model_dump(mode="json", exclude_defaults=True)} for path, h in found.handoffs]
    text = "\n\n".join(_describe(path, h) for path, h in found.handoffs) or "no handoffs yet"
    return Answer(record("context", task=found.task, handoffs=rows), text)


def _read_action(a: argparse.Namespace) -> tuple[str, str | None]:
    """(action, task): the word may be a task, because to show is what is meant without an action."""
    if a.action in ACTIONS:
        return a.action, a.id
    if a.id is None:
        return "show", resolve_last() if a.action == WORD else a.action
    near = find_similar(a.action, ACTIONS, 1)
    raise UsageError(
        f"context takes no '{a.action}'", code="bad-value", hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(ACTIONS)}"
    )  # fmt: skip


def _show(a: argparse.Namespace, task: str | None) -> Answer:
    from gitbaton.report.context_text import (
        BUDGET_MIN,
        render_standing,
        render_task_standing,
        standing_record,
        task_standing_record,
    )
    from gitbaton.report.records import detail_record
    from gitbaton.usecases.standing import describe_standing, describe_task_standing

    if a.budget is not None and a.budget < BUDGET_MIN:
        raise UsageError(
            f"--budget is at least {BUDGET_MIN} tokens",
            code="bad-value",
            hint=f"baton context --budget {PROJECT_TOKENS}",
        )
    project = open_here()
    task = task or project.own_task
    if task is None:
        seen = describe_standing(project, fetch=a.fetch)
        text = render_standing(seen, a.budget or PROJECT_TOKENS)
        return Answer(
            record("standing", budget=a.budget or PROJECT_TOKENS, **standing_record(seen, text)), text
        )
    try:
        told = describe_task_standing(project, task, fetch=a.fetch)
    except Refusal as refusal:
        near = find_similar(task, ACTIONS, 1) if refusal.code == "unknown-id" else []
        if near and not refusal.data.get("similar"):
            raise UsageError(
                f"context takes no '{task}'", code="bad-value", hint=f"did you mean {near[0]}?"
            ) from refusal
        raise
    tokens = a.budget or told.tokens
    text = render_task_standing(told, tokens, limit=f"{tokens:,} tokens (`--budget`)" if a.budget else None)
    plain = told.task.model_dump(mode="json", exclude_defaults=True) if told.task else None
    return Answer(
        record("standing", budget=tokens, task=detail_record(told.entry, plain, ()), **task_standing_record(told, text)), text
    )  # fmt: skip


def _describe(path: str, h: Handoff) -> str:
    head = f"{h.created or ''}  {h.task or 'session'}  by {h.agent or 'somebody'}" + (
        f"  {h.outcome.value.replace('_', ' ')}" if h.outcome else ""
    )
    lines = [head.strip(), f"  {path}"]
    notes = h.data.get("notes")
    if isinstance(notes, list):
        lines += [f"  {x}" for note in notes for x in str(note).strip().splitlines()]
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
    "context": Command(
        "Tell where things stand, for a person or an agent who starts now: the whole project, or one task with all that was left "
        "about it. save and get leave and read short handoffs; for whole ones there is baton handoff.",
        _configure_context, _context,
        ("baton context", "baton context add-health", "baton context add-health --budget 2000",
         'baton context save add-health --summary "The route stands" --remaining "tests"', "baton context get add-health", "baton context get --limit 3"),
    ),
}  # fmt: skip
