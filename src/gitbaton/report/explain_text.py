"""Why a task can or can't be claimed, one line for each condition."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from gitbaton.report.board_text import words
from gitbaton.report.terminal import STATE_COLORS, printable

if TYPE_CHECKING:
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.explaining import Explanation


def render_explanation(said: Explanation, style: Style) -> str:
    """The verdict, all conditions, and the next command."""
    entry, task = said.entry, said.entry.row.id
    state = style.paint(words(entry.state), STATE_COLORS.get(entry.state))
    lines = [f"{style.paint(task, 'bold')} is {state}: {printable(judge(said))}", ""]
    yes, no = style.symbol("✓ yes", "yes"), style.symbol("✗ no", "no")
    wide = max(len(c.name) for c in said.conditions)
    for c in said.conditions:
        mark = style.paint((yes if c.met else no).ljust(len(yes)), "green" if c.met else "red")
        first, *rest = textwrap.wrap(printable(c.words), max(20, style.width - wide - len(yes) - 5)) or [""]
        lines.append(f"{mark}  {c.name.ljust(wide)}  {style.paint(first, 'dim' if c.met else None)}")
        lines += [" " * (len(yes) + wide + 4) + line for line in rest]
    lines.append("")
    arrow = style.symbol("→", "->")
    lines += [printable(f"{arrow} {c.remedy}") for c in said.obstacles if c.remedy]
    if said.claimable:
        lines.append(f"{arrow} take it yourself: baton claim {task}; or let an agent: baton run {task}")
    return "\n".join(lines).rstrip()


def judge(said: Explanation) -> str:
    """The verdict in a sentence."""
    count = len(said.obstacles)
    if count:
        return f"{count} thing{'s' if count != 1 else ''} in the way"
    if said.place == 1:
        return f"nothing in the way, and it is next: {said.reason}"
    return f"nothing in the way; it is number {said.place} of {said.queue} in the queue: {said.reason}"


def explanation_record(said: Explanation) -> dict[str, Any]:
    """The same for programs, without the task."""
    conditions = [
        {"name": c.name, "met": c.met, "words": c.words, **({"remedy": c.remedy} if c.remedy else {})}
        for c in said.conditions
    ]
    return {
        "claimable": said.claimable, "place": said.place, "queue": said.queue, "reason": judge(said), "conditions": conditions,
    }  # fmt: skip
