"""Commands that tell what happened: log, diff, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.errors import UsageError
from gitbaton.report.records import record, task_record

if TYPE_CHECKING:
    import argparse

_LAST = 20


def _configure_log(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")


def _log(a: argparse.Namespace) -> Answer:
    from gitbaton.report.history_text import happening_record, render_chronicle
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.chronicle import tell_history

    told = tell_history(open_here(), a.id)
    happenings = [happening_record(h) for h in told.happenings]
    return Answer(record("history", task=task_record(told.entry), history=happenings), render_chronicle(told, Style()))  # fmt: skip


def _configure_diff(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "revisions", nargs="?", metavar="REV..REV",
        help="A..B; A...B: what B changed since both parted; A alone: against this checkout; nothing: what isn't committed",
    )  # fmt: skip


def _diff(a: argparse.Namespace) -> Answer:
    from gitbaton.report.history_text import change_record, render_difference
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.differences import diff_revisions

    found = diff_revisions(open_here(), a.revisions)
    fields = {"from": found.old, "to": found.new, "changes": [change_record(c) for c in found.changes]}
    return Answer(record("diff", **fields), render_difference(found, Style()))


def _configure_changes(p: argparse.ArgumentParser) -> None:
    p.add_argument("--since", metavar="CURSOR", help="where you stopped last time; this command prints it")
    p.add_argument(
        "--last", type=int, default=_LAST, metavar="N", help=f"without --since: how much of the past to tell (default: {_LAST})"
    )  # fmt: skip
    p.add_argument("--fetch", action="store_true", help="ask the remote first")


def _changes(a: argparse.Namespace) -> Answer:
    from gitbaton.report.history_text import news_record, render_news
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.tidings import tell_news

    if a.last < 0:
        raise UsageError("--last is a number of things, or 0", code="usage", hint="baton changes --help")
    project = open_here()
    news = tell_news(project.fetched() if a.fetch else project, a.since, last=a.last)
    return Answer(record("changes", **news_record(news)), render_news(news, Style()))


COMMANDS = {
    "log": Command(
        "Tell a task's whole history: edits of its file, everything that happened to it, attempts with what they cost, handoffs.",
        _configure_log, _log, ("baton log add-health", "baton log add-health --json"),
    ),
    "diff": Command(
        "Say what changed on tasks, plans and settings between two versions, in words.",
        _configure_diff, _diff, ("baton diff", "baton diff HEAD~3", "baton diff main...my-branch", "baton diff v1.0..v2.0 --json"),
    ),
    "changes": Command(
        "Say what people and agents changed since you looked last: files on the base branch and live states.",
        _configure_changes, _changes, ("baton changes", "baton changes --fetch --json", "baton changes --since CURSOR"),
    ),
}  # fmt: skip
