"""The row that claims, over a file:// remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generate import Form
from measure import Side, run
from row import Figure, Row, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence


def _form(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout, remote=True, use="claim")


def _claim(stage: Stage, tasks: int) -> Figure:
    repository = stage.repository(_form(stage, tasks))
    top, ready = repository.top, repository.ready
    run((stage.baton, "next"), top, stage.env)  # whoever claims has looked before

    def claim(number: int) -> list[Sequence[str]]:
        return [(stage.baton, "claim", ready[number % len(ready)])]

    def push(number: int) -> list[Sequence[str]]:
        blob = ask(f"number: {number}\n", "hash-object", "-w", "--stdin")
        tree = ask(f"100644 blob {blob}\tstate.yaml\n", "mktree")
        commit = ask("A state\n", "commit-tree", tree)
        return [("git", "push", "--quiet", "origin", f"{commit}:refs/bench/{number}")]

    def ask(given: str, *words: str) -> str:
        return run(("git", *words), top, stage.env, given.encode()).decode().strip()

    return stage.compare(
        Side(top, [], claim), Side(top, [], push), stage.floor(top),
        combine=lambda walls: (walls[0] - walls[2]) / walls[1],
    )  # fmt: skip


ROWS = (
    Row(
        "claim",
        "claim ID over file://, less the floor ÷ a bare git push of a new ref",
        "×",
        _claim,
        lambda stage, tasks: [_form(stage, tasks)],
        goal=2,
        cause="it is two exchanges with the server, a fetch and a push, where the other side is one; and the model of states and the YAML reader are loaded to check what is written",
    ),
)
