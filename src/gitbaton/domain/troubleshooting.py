"""Recovery: an attempt at a task that failed before, for reasons of its own, begins with a search for the cause. Pure.

What was tried and what came of it stands at the head of the briefing, with the guidance of the troubleshooter role, so
that the same way isn't gone again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.outcome import OUTCOMES, Outcome, is_own_failure
from gitbaton.domain.wording import shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.role import Role
    from gitbaton.domain.state import Attempt

ROLE = "troubleshooter"
#: So many failures in a row, and the cause is looked for first; an agent that asks for a revision is believed at once.
_FAILURES_MIN = 2
_SHOWN, _LINE_MAX, _LIST_MAX = 5, 400, 4


class Failure(NamedTuple):
    """An attempt that failed for reasons of its own, and its handoff if it left one."""

    attempt: Attempt
    handoff: Handoff | None


class Recovery(NamedTuple):
    """What an attempt must know that is to recover: the failures in a row before it, oldest first, and the role that it
    begins with (None: nobody described it).
    """

    failures: tuple[Failure, ...]
    role: Role | None

    @property
    def is_asked_for(self) -> bool:
        """Whether the last agent itself asked for a revision."""
        return self.failures[-1].attempt.outcome is Outcome.NEEDS_REVISION


def find_failures(
    attempts: Sequence[Attempt], earlier: Sequence[Handoff], *, fresh_since: int = 1
) -> tuple[Failure, ...]:
    """The failures in a row after which the next attempt is a recovery; none if it isn't. What has nothing to do with
    the task (a lost machine, a stop) neither counts nor ends the row; good work and what a person settled end it.
    """
    handoffs = {h.attempt: h for h in earlier if h.attempt is not None}
    row: list[Failure] = []
    for attempt in reversed(attempts):
        if attempt.number < fresh_since or attempt.outcome is None:
            break
        if OUTCOMES[attempt.outcome].good or attempt.outcome in (Outcome.NEEDS_INPUT, Outcome.BLOCKED):
            break
        if is_own_failure(attempt.outcome):
            row.append(Failure(attempt, handoffs.get(attempt.number)))
    row.reverse()
    is_needed = len(row) >= _FAILURES_MIN or (row and row[-1].attempt.outcome is Outcome.NEEDS_REVISION)
    return tuple(row) if is_needed else ()


def render_recovery(recovery: Recovery) -> str:
    """The section of the briefing."""
    count = len(recovery.failures)
    if recovery.is_asked_for:
        why = "The last attempt ended by saying itself that its work needs revision."
        if count > 1:
            why += f" It was the last of {count} that failed in a row."
    else:
        why = (
            f"The last {count} attempts failed, each for a reason of its own making and not of the machine's."
        )
    skipped = count - _SHOWN
    told = [_describe(failure) for failure in recovery.failures[-_SHOWN:]]
    parts = [
        "## Recover: find the cause first",
        f"{why} Doing the same once more would fail once more. This is what was tried:",
        *([f"({skipped} before these are left out.)"] if skipped > 0 else []),
        "\n".join(told),
        *_guide(recovery.role),
        (
            "Begin by reproducing what failed, and find its cause before you change anything. If the earlier work stands on "
            "the wrong idea, take it out and begin again. Go a way that none of those above went, and say in your summary "
            "what the cause was and why this way works. If the cause lies outside of what you may change, end with "
            "`next_action: blocked` and say what must happen."
        ),
    ]
    return "\n\n".join(parts)


def _describe(failure: Failure) -> str:
    attempt, handoff = failure
    assert attempt.outcome is not None, "only ended attempts have failed"
    words = shorten_to_line(attempt.message or OUTCOMES[attempt.outcome].words, _LINE_MAX)
    lines = [f"- **Attempt {attempt.number}** ended with {attempt.outcome.value.replace('_', ' ')}: {words}"]
    if handoff:
        if handoff.summary:
            lines.append(f"  - It had done: {shorten_to_line(handoff.summary, _LINE_MAX)}")
        lines += [
            f"  - Handed back to it on the way: {shorten_to_line(r, _LINE_MAX)}"
            for r in handoff.rounds[-_LIST_MAX:]
        ]
        lines += [f"  - It left open: {shorten_to_line(r, _LINE_MAX)}" for r in handoff.remaining[:_LIST_MAX]]
        if handoff.guidance:
            lines.append(f"  - It advises: {shorten_to_line(handoff.guidance, _LINE_MAX)}")
    if attempt.guidance:
        lines += [
            f"  - A person had told it: {shorten_to_line(g, _LINE_MAX)}"
            for g in attempt.guidance[-_LIST_MAX:]
        ]
    return "\n".join(lines)


def _guide(role: Role | None) -> list[str]:
    if role is None:
        return ["Begin as a troubleshooter, before you work in your own role."]
    purpose = f" {role.purpose.strip()}" if role.purpose else ""
    parts = [f"Begin in this role, before your own:\n\n**{role.title or ROLE}.**{purpose}"]
    if role.guidance:
        parts.append(role.guidance.strip())
    if role.definition_of_done:
        done = "\n".join("- " + d.strip().replace("\n", "\n  ") for d in role.definition_of_done)
        parts.append(f"It is recovered when:\n\n{done}")
    return parts
