"""What the MCP tools answer of a task and what was left about it: whole where there is room, else what must stay told, and
what was cut is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.compaction import CONTEXT_TOKENS, FACT_MIN, choose_forms, find_room, measure
from gitbaton.domain.handoff_prose import say_decision
from gitbaton.domain.wording import cut_text, shorten_to_line
from gitbaton.mcp_answers import (
    Answer,
    AttemptBrief,
    ContextFound,
    Criterion,
    DecisionMade,
    HandoffText,
    TaskText,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task
    from gitbaton.usecases.context import Context
    from gitbaton.usecases.showing import Shown

_MESSAGE_MAX = 300
#: Bytes for what stands around handoffs in an answer: names of fields, what was cut.
_AROUND = 160
#: Of a handoff that is outlined, because there is no room for all of it.
_TEXT_MAX = 300
_ENTRIES_SHOWN = 5


def describe_task(shown: Shown, tokens: int = CONTEXT_TOKENS) -> TaskText:
    """A task with its text, and within ``tokens`` its attempts and what its newest handoff says."""
    entry, task = shown.entry, shown.task
    row, live = entry.row, entry.live
    unfinished = entry.state in ("failed", "stopped", "closed")
    handoffs = [_list_handoff_forms(None, shown.handoff)] if shown.handoff else []
    attempts = [_list_attempt_forms(a) for a in reversed(shown.attempts)]
    told = _choose([*handoffs, *attempts], tokens)
    briefs = [a for a in reversed(told) if isinstance(a, AttemptBrief)]
    return TaskText(
        id=row.id, title=row.title, state=entry.state, why=entry.why, priority=row.priority, path=row.path,
        type=row.type, role=row.role, plan=row.plan, parent=row.parent, milestone=row.milestone,
        depends_on=list(row.depends_on), blocked_by=list(entry.blocked_by), paths=list(row.paths),
        labels=list(row.labels), complexity=row.complexity, hold=row.hold, assignee=row.assignee, local=row.local,
        **_describe_text(task),
        question=live.question if live else None, guidance=list(live.guidance) if live else [],
        branch=live.branch if live and live.head else None, pull_request=live.pull_request if live else None,
        attempts=briefs, attempts_left=entry.attempts_left if unfinished else None,
        handoff=next((h for h in told if isinstance(h, HandoffText)), None),
    )  # fmt: skip


def _describe_text(task: Task | None) -> dict[str, Any]:
    if task is None:
        return {}
    return {
        "description": task.description,
        "acceptance": [Criterion(text=a.text, checked=a.checked) for a in task.acceptance],
        "context": list(task.context),
        "clarifications": [c.text + (f" ({c.who})" if c.who else "") for c in task.clarifications],
        "estimate": task.estimate,
        "working_directory": task.working_directory,
        "result_schema": task.result_schema,
    }


def _list_attempt_forms(attempt: Attempt) -> list[Answer]:
    """An attempt, and the same in less."""
    outcome = attempt.outcome.value if attempt.outcome else None
    return [
        AttemptBrief(number=attempt.number, outcome=outcome, message=cut_text(attempt.message or "", most))
        for most in (_MESSAGE_MAX, FACT_MIN)
    ]


def describe_context(found: Context) -> ContextFound:
    """The handoffs that were found, newest first, within their tokens: the newest whole, older ones as their decisions,
    questions and failures. What was cut is said.
    """
    told = _choose([_list_handoff_forms(path, h) for path, h in found.handoffs], found.tokens)
    handoffs = [h for h in told if isinstance(h, HandoffText)]
    cut = sum(h.shortened for h in handoffs)
    notes = (
        [f"{cut} of {len(handoffs)} shortened to stay within {found.tokens:,} tokens; path has all"]
        if cut
        else []
    )
    notes += ["there are older ones: raise limit"] if found.more else []
    return ContextFound(handoffs=handoffs, note="; ".join(notes) or None)


def _choose(pieces: Sequence[Sequence[Answer]], tokens: int) -> list[Answer]:
    """Of each piece the form that there is room for; the first gives way last."""
    sizes = [[measure(form.model_dump_json()) + 1 for form in forms] for forms in pieces]
    narrowed = [[min(sizes_of[: n + 1]) for n in range(len(sizes_of))] for sizes_of in sizes]
    chosen = choose_forms(narrowed, find_room(tokens) - _AROUND)
    return [
        forms[of.index(of_min[n])]
        for forms, of, of_min, n in zip(pieces, sizes, narrowed, chosen, strict=True)
    ]


def _list_handoff_forms(path: str | None, h: Handoff) -> list[Answer]:
    """A handoff whole; its facts with an outline of the rest; its facts; its facts, each cut."""
    notes = h.data.get("notes", [])
    head: dict[str, Any] = {
        "path": path, "task": h.task, "attempt": h.attempt, "agent": h.agent, "created": h.created,
        "outcome": h.outcome.value if h.outcome else None, "verified": h.verified,
    }  # fmt: skip
    facts: dict[str, Any] = {
        "error": h.error, "decisions": [DecisionMade(decision=d.decision, reason=d.reason) for d in h.decisions],
        "blockers": list(h.blockers), "questions": list(h.questions), "failed_checks": [c.name for c in h.checks if not c.passed],
    }  # fmt: skip
    whole = HandoffText(
        **head, **facts, summary=h.summary, completed=list(h.completed), remaining=list(h.remaining), next_steps=list(h.next_steps),
        artifacts=list(h.artifacts), guidance=h.guidance, notes=[n for n in notes if isinstance(n, str)] if isinstance(notes, list) else [],
    )  # fmt: skip
    outlined = HandoffText(
        **head, **facts, summary=_cut(h.summary), remaining=_cut_all(h.remaining), next_steps=_cut_all(h.next_steps), shortened=True
    )  # fmt: skip
    least = HandoffText(
        **head, shortened=True, error=shorten_to_line(h.error, FACT_MIN) if h.error else None,
        decisions=[DecisionMade(decision=shorten_to_line(say_decision(d.decision, d.reason), FACT_MIN)) for d in h.decisions],
blockers=_cut_facts(h.blockers), questions=_cut_facts(h.questions), failed_checks=_cut_facts(facts["failed_checks"]),
    )  # fmt: skip
    return [whole, outlined, HandoffText(**head, **facts, shortened=True), least]


def _cut_facts(texts: Sequence[str]) -> list[str]:
    return [shorten_to_line(t, FACT_MIN) for t in texts]


def _cut(text: str | None) -> str | None:
    return cut_text(text, _TEXT_MAX) if text else None


def _cut_all(texts: Sequence[str]) -> list[str]:
    shown = [cut_text(t, _TEXT_MAX) for t in texts[:_ENTRIES_SHOWN]]
    rest = len(texts) - len(shown)
    return [*shown, f"and {rest} more"] if rest else shown
