"""The command ``answer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import read_text
from gitbaton.report.records import record, task_record

if TYPE_CHECKING:
    import argparse


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument("text", nargs="?", metavar="TEXT", help="the answer; - is standard input")
    p.add_argument("-F", "--file", metavar="FILE", help="read the answer from a file; - is standard input")


def _answer(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.answering import answer_task
    from gitbaton.usecases.board import show_task

    project = open_here()
    answered = answer_task(project, a.id, read_text(a.text, a.file, "answer") or "")
    task = answered.tip.state.task
    entry = show_task(project.reread(), task).entry
    if entry.claimable:
        text = f"answered; {task} goes on with: baton run {task}"
    else:
        text = f"answered; {task} goes on once it can: {entry.why}"
    return Answer(record("answer", task=task_record(entry), question=answered.question), text)


COMMANDS = {
    "answer": Command(
        "Answer what an agent asked. The next attempt goes on with the answer: in the same session where that is still\n"
        "on this machine, otherwise from what the agent had left. Asking and answering costs the task no attempt.",
        _configure, _answer,
        ('baton answer add-health "on port 8080"', "baton answer add-health --file answer.md"),
    ),
}  # fmt: skip
