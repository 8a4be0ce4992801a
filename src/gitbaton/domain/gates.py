"""What a given complexity demands before anybody may claim a task: that a person approved it, that it is split.

Light, because the board asks it for every task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gitbaton.domain.board import TaskRow


class Gates(NamedTuple):
    """The levels that must be approved, those that must be split into parts, and those that had better be."""

    approval: tuple[str, ...] = ("critical",)
    breakdown: tuple[str, ...] = ()
    advised: tuple[str, ...] = ("complex", "critical")


#: What holds where the config says nothing.
GATES = Gates()


class Gate(NamedTuple):
    """What keeps a task from being claimed, and what to do about it."""

    name: str
    words: str
    remedy: str


def needs_approval(row: TaskRow, gates: Gates) -> bool:
    """Whether nobody may start the task before a person approved it."""
    return row.complexity is not None and row.complexity in gates.approval


def find_gates(row: TaskRow, gates: Gates) -> list[Gate]:
    """The gates that are shut for a task without parts."""
    found = []
    if needs_approval(row, gates) and row.approval != "given":
        found.append(Gate("approval", word_approval(row), f"read it, then: baton approve {row.id}"))
    if row.complexity is not None and row.complexity in gates.breakdown:
        words = f"it is {row.complexity}, and must be split into parts first"
        found.append(Gate("breakdown", words, f"baton plan split {row.id}"))
    return found


def judge_split(row: TaskRow, gates: Gates) -> str | None:
    """Whether a task without parts is one to split: ``required``, ``advised`` or None."""
    if row.complexity is None:
        return None
    return (
        "required"
        if row.complexity in gates.breakdown
        else "advised"
        if row.complexity in gates.advised
        else None
    )


def word_approval(row: TaskRow) -> str:
    """How it stands with an approval that isn't there."""
    if row.approval == "outdated":
        return f"it is {row.complexity}, and was changed since a person approved it"
    return f"it is {row.complexity}, and no person has approved it yet"
