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

    def claim(number: int) -> list[Sequence[str]]:
        return [(stage.baton, "claim", ready[number % len(ready)])]

    def push(number: int) -> list[Sequence[str]]:
        commit = (
            run(("git", "commit-tree", "HEAD^{tree}", "-m", f"A state {number}"), top, stage.env)
            .decode()
            .strip()
        )
        return [("git", "push", "--quiet", "origin", f"{commit}:refs/bench/{number}")]

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
    ),
)
