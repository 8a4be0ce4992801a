"""Rows that read: ``next``, ``list``, ``show``."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from generate import Form
from measure import Side, Spread, peak_memory, run
from row import Figure, Row, Stage, change_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from generate import Repository

#: What a program does that keeps its tasks in YAML and has no cache: PyYAML's C loader over every file.
_LOAD = """
import os, yaml
for folder, _, names in os.walk("tasks"):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            yaml.load(file.read(), Loader=yaml.CSafeLoader)
"""
_COMMIT = ("git", "commit", "--quiet", "--all", "--message", "Change")


def _reading(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout)


def _by_hand(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout, handwritten=True)


def _open(stage: Stage, form: Form) -> Repository:
    """A repository whose cache is warm, and whose answer was seen to be right."""
    repository = stage.repository(form)
    if not stage.is_first(form):
        return repository
    answer = json.loads(run((stage.baton, "next", "--json"), repository.top, stage.env))
    if answer["task"]["id"] not in repository.ready:
        raise RuntimeError(f"next is {answer['task']['id']}, which is not ready")
    return repository


def _warm(*words: str) -> Callable[[Stage, int], Figure]:
    """A command on a warm cache; ``ID`` stands for a task."""

    def measure(stage: Stage, tasks: int) -> Figure:
        repository = _open(stage, _reading(stage, tasks))
        command = [stage.baton, *(repository.ready[0] if word == "ID" else word for word in words)]
        return stage.compare(Side(repository.top, [command]), stage.floor(repository.top))

    return measure


def _with_past(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout, past=True)


def _tell(*words: str) -> Callable[[Stage, int], Figure]:
    """A command that tells of the past, on a warm cache."""

    def measure(stage: Stage, tasks: int) -> Figure:
        repository = _open(stage, _with_past(stage, tasks))
        told = json.loads(run((stage.baton, "stats", "--json"), repository.top, stage.env))
        if told["total"]["good"] != int(tasks * 0.6):
            raise RuntimeError(f"stats counts {told['total']['good']} attempts")
        return stage.compare(Side(repository.top, [(stage.baton, *words)]), stage.floor(repository.top))

    return measure


def _complete(stage: Stage, tasks: int) -> Figure:
    repository = _open(stage, _reading(stage, tasks))
    half = repository.ready[0][: len(repository.ready[0]) // 2]
    command = (stage.baton, "__complete", "bash", f"baton show {half}")
    if repository.ready[0] not in run(command, repository.top, stage.env).decode().split():
        raise RuntimeError(f"{half} is not completed to {repository.ready[0]}")
    return stage.compare(Side(repository.top, [command]), stage.floor(repository.top))


def _changed(stage: Stage, tasks: int) -> Figure:
    repository = _open(stage, _reading(stage, tasks))

    def commit(number: int) -> None:
        change_line(repository, repository.ready[-1 - number % len(repository.ready)], number)
        run(_COMMIT, repository.top, stage.env)

    return stage.compare(
        Side(repository.top, [(stage.baton, "next", "--json")], commit), stage.floor(repository.top)
    )


def _cold(form: Callable[[Stage, int], Form]) -> Callable[[Stage, int], Figure]:
    def measure(stage: Stage, tasks: int) -> Figure:
        repository = _open(stage, form(stage, tasks))

        def forget(_: int) -> None:
            shutil.rmtree(repository.top / ".git" / "baton", ignore_errors=True)

        return stage.compare(
            Side(repository.top, [(stage.baton, "next", "--json")], forget),
            Side(repository.top, [(stage.installed.python, "-c", _LOAD)]),
        )

    return measure


def _memory(stage: Stage, tasks: int) -> Figure:
    repository = _open(stage, _reading(stage, tasks))
    peak = peak_memory((stage.baton, "next", "--json"), repository.top, stage.env)
    return Figure(Spread.of([peak / 1e6]), "warm", memory=peak)


ROWS = (
    Row(
        "next.warm",
        "next --json, nothing changed since the last command ÷ floor",
        "×",
        _warm("next", "--json"),
        lambda stage, tasks: [_reading(stage, tasks)],
        goals={10_000: 2.5, 100_000: 3},
    ),
    Row(
        "next.changed",
        "next --json, one task file changed by a commit since ÷ floor",
        "×",
        _changed,
        lambda stage, tasks: [_reading(stage, tasks)],
        goals={10_000: 4, 100_000: 4},
        cause="git is asked which files differ and for the changed text, two processes, and the modules are loaded that work out what hangs on it",
    ),
    Row(
        "next.cold",
        "next --json without any cache ÷ PyYAML's C loader over the same files",
        "×",
        _cold(_reading),
        lambda stage, tasks: [_reading(stage, tasks)],
        goals={10_000: 0.5},
        cause="a third goes into keeping rows and board in SQLite, an eighth each into the pattern that reads and into judging each path three times, a tenth into models for settings and states",
    ),
    Row(
        "next.cold.by-hand",
        "the same with files that people wrote, in no form of ours",
        "×",
        _cold(_by_hand),
        lambda stage, tasks: [_by_hand(stage, tasks)],
    ),
    Row(
        "forecast",
        "forecast --json of the two fifths that are open, with the past of the others ÷ floor",
        "×",
        _tell("forecast", "--json"),
        lambda stage, tasks: [_with_past(stage, tasks)],
        most=10_000,
    ),
    Row(
        "stats",
        "stats --by week --json, an attempt at each task that is done ÷ floor",
        "×",
        _tell("stats", "--by", "week", "--json"),
        lambda stage, tasks: [_with_past(stage, tasks)],
        most=10_000,
    ),
    Row(
        "help",
        "--help, the overview ÷ floor",
        "×",
        _warm("--help"),
        lambda stage, tasks: [_reading(stage, tasks)],
        goals={10_000: 2},
    ),
    Row(
        "help.command",
        "show --help, which builds a parser ÷ floor",
        "×",
        _warm("show", "--help"),
        lambda stage, tasks: [_reading(stage, tasks)],
    ),
    Row(
        "complete",
        "a Tab behind `show ID`, half of the id typed ÷ floor",
        "×",
        _complete,
        lambda stage, tasks: [_reading(stage, tasks)],
        goals={10_000: 3},
    ),
    Row(
        "next.memory",
        "peak memory of next --json",
        "MB",
        _memory,
        lambda stage, tasks: [_reading(stage, tasks)],
        goals={100_000: 60},
    ),
    Row(
        "list.warm",
        "list, nothing changed since the last command ÷ floor",
        "×",
        _warm("list"),
        lambda stage, tasks: [_reading(stage, tasks)],
    ),
    Row(
        "show.warm",
        "show ID, nothing changed since the last command ÷ floor",
        "×",
        _warm("show", "ID"),
        lambda stage, tasks: [_reading(stage, tasks)],
    ),
)
