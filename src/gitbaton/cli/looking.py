"""Commands that show where things stand: status, board, explain, graph."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.errors import UsageError
from gitbaton.report.records import record, task_record

if TYPE_CHECKING:
    import argparse

_EVERY_S = 10


def _height() -> int | None:
    """Lines of the terminal; None where there is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def _configure_status(p: argparse.ArgumentParser) -> None:
    p.add_argument("--fetch", action="store_true", help="ask the remote first")


def _status(a: argparse.Namespace) -> Answer:
    from gitbaton.report.status_text import render_status, status_record
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.survey import survey_project

    seen = survey_project(open_here(), fetch=a.fetch)
    height = _height()
    text = render_status(seen, Style(), height=height and height - 1)
    return Answer(record("status", **status_record(seen)), text)


def _configure_board(p: argparse.ArgumentParser) -> None:
    p.add_argument("--fetch", action="store_true", help="ask the remote first")
    p.add_argument(
        "--watch",
        action="store_true",
        help="stay, and redraw whenever something changes; q or Ctrl-C ends it",
    )
    p.add_argument(
        "--every", type=int, default=_EVERY_S, metavar="SECONDS",
        help=f"with --watch: how often to ask the remote (default: {_EVERY_S}; 0: never)",
    )  # fmt: skip


def _board(a: argparse.Namespace) -> Answer | int:
    from gitbaton.report.board_view import board_record, render_board_view
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.survey import survey_project

    if a.every < 0:
        raise UsageError("--every is a number of seconds, or 0", code="usage", hint="baton board --help")
    project = open_here()
    if a.watch and sys.stdout.isatty() and not a.json:
        from gitbaton.cli.watching import watch_board

        return watch_board(project, every_s=a.every)
    seen = survey_project(project, fetch=a.fetch, checkup=False)
    return Answer(record("board", **board_record(seen)), render_board_view(seen, Style()))


def _configure_explain(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")


def _explain(a: argparse.Namespace) -> Answer:
    from gitbaton.report.explain_text import explanation_record, render_explanation
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.explaining import explain_task

    said = explain_task(open_here(), a.id)
    fields = record("explanation", task=task_record(said.entry), **explanation_record(said))
    return Answer(fields, render_explanation(said, Style()))


def _configure_graph(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", nargs="?", help="only what hangs on this task; without one: all tasks")
    p.add_argument(
        "--format", choices=("text", "mermaid", "dot"), default="text",
        help="text for people, mermaid for pages on GitHub, dot for Graphviz (default: text)",
    )  # fmt: skip
    p.add_argument("--up", action="store_true", help="with an id: only what must be done before it")
    p.add_argument("--down", action="store_true", help="with an id: only what waits for it")
    p.add_argument("--plan", metavar="ID", help="only tasks of this plan")
    p.add_argument("--open", action="store_true", help="leave out what is over")


def _graph(a: argparse.Namespace) -> Answer:
    from gitbaton.report.graph_text import graph_record, render_dot, render_mermaid, render_tree
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.graphing import draw_graph

    if (a.up or a.down) and not a.id:
        raise UsageError("--up and --down start from a task", code="usage", hint="baton graph ID --up")
    both = a.up == a.down
    graph = draw_graph(open_here(), a.id, up=a.up or both, down=a.down or both, plan=a.plan, only_open=a.open)
    if a.format == "text":
        text = render_tree(graph, Style())
    else:
        text = render_mermaid(graph) if a.format == "mermaid" else render_dot(graph)
    return Answer(record("graph", **graph_record(graph)), text)


COMMANDS = {
    "status": Command(
        "Show the project on one screen: who is at what, what needs a person, what is next, what waits for what, what is wrong.",
        _configure_status, _status, ("baton status", "baton status --fetch", "baton status --json"),
    ),
    "board": Command(
        "Show all tasks in columns (a list where the terminal is narrow): ready, running, in review, needing a person, waiting, done.",
        _configure_board, _board, ("baton board", "baton board --watch", "baton board --json"),
    ),
    "explain": Command(
        "Say why a task can't be claimed now, or where it stands in the queue: every condition, and the next command.",
        _configure_explain, _explain, ("baton explain add-health", "baton explain add-health --json"),
    ),
    "graph": Command(
        "Show what depends on what, with states: as text, or drawn by Mermaid or Graphviz.",
        _configure_graph, _graph,
        ("baton graph --open", "baton graph add-health --down", "baton graph --format mermaid", "baton graph --plan accounts --format dot"),
    ),
}  # fmt: skip
