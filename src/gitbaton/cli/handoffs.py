"""Handoffs: leave one with all that it may say, read one whole, list what was left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from gitbaton.cli.context import add_fields, read_fields
from gitbaton.cli.delivery import delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import count, read_bytes
from gitbaton.cli.last import WORD, resolve_last
from gitbaton.errors import UsageError
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.context import Saved

ACTIONS = ("save", "show", "list")
_LISTED = 20


def _configure(p: argparse.ArgumentParser) -> None:
    from gitbaton.domain.handoff import NextAction

    p.add_argument("action", choices=ACTIONS, help="save one, show one whole, or list them")
    p.add_argument(
        "what", nargs="?", metavar="TASK[/N]", help="the task; to show: its newest, that of attempt N, or a file's path; else: this session, or all"
    )  # fmt: skip
    p.add_argument(
        "--file", metavar="FILE", help="save: read it from a YAML or JSON file; - reads standard input"
    )
    add_fields(p)
    for flag, meaning in (
        ("--blocker", "what stands in the way; may be repeated"), ("--question", "what a person must answer; may be repeated"),
        ("--artifact", "path or link of a result; may be repeated"), ("--note", "a short note; may be repeated"),
    ):  # fmt: skip
        p.add_argument(flag, action="append", default=[], metavar="TEXT", help=meaning)
    p.add_argument("--guidance", metavar="TEXT", help="free words to whoever goes on")
    p.add_argument("--next-action", choices=get_args(NextAction), help="what should happen next")
    p.add_argument("--tests", choices=("pass", "fail"), help="whether the tests pass, as you saw it")
    p.add_argument("--percent", type=int, metavar="N", help="how far it is, from 0 to 100")
    p.add_argument("--limit", type=count, metavar="N", help=f"list: how many (default: {_LISTED})")


def _handoff(a: argparse.Namespace) -> Answer:
    if a.what is not None and not a.what.strip():
        raise UsageError(
            "an empty word names no task", code="no-task", hint="leave it out, or give a task's id"
        )
    a.what = resolve_last() if a.what == WORD else a.what
    said = _read_said(a)
    if a.action == "save":
        if a.limit is not None:
            raise UsageError("save takes no --limit", code="usage", hint="baton handoff --help")
        return _save(a, said)
    if said or a.file or a.push or a.base or a.propose:
        raise UsageError(
            f"{a.action} only reads: what is to be said goes with save", code="usage", hint="baton handoff save TASK --summary TEXT"
        )  # fmt: skip
    return _show(a) if a.action == "show" else _list(a)


def _read_said(a: argparse.Namespace) -> dict[str, Any]:
    """The fields that flags give."""
    fields = {
        **read_fields(a), "blockers": a.blocker, "questions": a.question, "artifacts": a.artifact, "guidance": a.guidance,
        "next_action": a.next_action, "tests_passing": None if a.tests is None else a.tests == "pass", "notes": a.note, "percent": a.percent,
    }  # fmt: skip
    return {k: v for k, v in fields.items() if v not in (None, [])}


def _save(a: argparse.Namespace, said: dict[str, Any]) -> Answer:
    from gitbaton.usecases.context import save_context

    task, fields = a.what, said
    if a.file:
        if said:
            raise UsageError(
                "say it in the file or with flags, not both", code="usage", hint="baton handoff save TASK --file FILE"
            )  # fmt: skip
        task, fields = _read_file(a.file, a.what)
    notes, percent = fields.pop("notes", ()), fields.pop("percent", None)
    if fields.get("questions"):
        fields.setdefault("next_action", "needs_input")
    saved = save_context(
        open_here(), task, fields, note="\n\n".join(notes) or None, percent=percent, to=read_delivery(a)
    )
    return _say_saved(saved)


def _read_file(name: str, what: str | None) -> tuple[str | None, dict[str, Any]]:
    """(task, fields) of a file; the task on the command line must be the one that the file names."""
    from gitbaton.usecases.handoff_text import parse_handoff_text

    data, name = read_bytes(name, "a YAML or JSON file")
    read = parse_handoff_text(data, name)
    if what and read.task and not read.task.startswith(what):
        raise UsageError(
            f"{name} is about {read.task}, not about {what}", code="bad-value", hint=f"baton handoff save {read.task} --file {name}"
        )  # fmt: skip
    return what or read.task, read.fields


def _say_saved(saved: Saved) -> Answer:
    if saved.edited is None:
        lines = ["handed over: the runner keeps it when this attempt ends"]
    else:
        lines = [f"saved as {saved.path}", *describe_delivery(saved.edited)]
        if saved.on_the_way:
            lines.insert(
                1,
                f"marked as left on the way: {saved.task} is still being worked on (attempt {saved.on_the_way})",
            )
    fields = {
        "task": saved.task,
        "path": saved.path,
        "attempt": saved.on_the_way,
        "incomplete": saved.on_the_way is not None,
    }
    return Answer(record("handoff", **fields, **delivery_record(saved.edited)), "\n".join(lines))


def _show(a: argparse.Namespace) -> Answer:
    from gitbaton.report.handoff_text import handoff_record, render_handoff
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.recalling import find_handoff

    if a.limit is not None:
        raise UsageError(
            "show shows one; list takes --limit", code="usage", hint="baton handoff list --limit 3"
        )
    path, handoff = find_handoff(open_here(), a.what)
    fields = {"task": handoff.task, "path": path, "handoff": handoff_record(path, handoff)}
    return Answer(record("handoff", **fields), render_handoff(path, handoff, Style()))


def _list(a: argparse.Namespace) -> Answer:
    from gitbaton.report.handoff_text import handoff_record, render_handoffs
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.recalling import recall_handoffs

    limit = _LISTED if a.limit is None else a.limit
    found = recall_handoffs(open_here(), a.what, limit)
    lines = [render_handoffs(found.left, Style())] if found.left else ["no handoffs yet"]
    lines += [f"{path} can't be read: baton validate" for path in found.broken]
    if found.more:
        lines.append(f"these are the newest {limit}; more with: --limit {limit * 5}")
    rows = [handoff_record(path, h) for path, h in found.left]
    return Answer(
        record("handoffs", task=found.task, handoffs=rows, more=found.more, broken=found.broken),
        "\n".join(lines),
    )


COMMANDS = {
    "handoff": Command(
        "Leave a handoff for whoever goes on, with all that it may say; read one whole; list what was left. One that is saved while "
        "somebody is at the task is marked as left on the way.",
        _configure, _handoff,
        (
            'baton handoff save add-health --summary "The route stands" --decision "plain text" --remaining "tests"',
            "baton handoff save add-health --file handoff.yaml", "baton handoff show add-health", "baton handoff show add-health/2",
            "baton handoff list add-health", "baton handoff list --limit 5",
        ),
    ),
}  # fmt: skip
