"""What the MCP tools answer: small typed objects. Fields that have nothing to say are left out, because a model
pays for every one of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from gitbaton.domain.compaction import CONTEXT_TOKENS, FACT_MIN, choose_forms, find_room, measure
from gitbaton.domain.history import say_decision
from gitbaton.domain.wording import cut_text, shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task
    from gitbaton.store.edits import Edited
    from gitbaton.usecases.board import Listing
    from gitbaton.usecases.context import Context
    from gitbaton.usecases.showing import Shown

#: A list's reply stays below this many bytes for each task asked for; then the rest comes with the next page.
BYTES_PER_TASK = 220
_TITLE_MAX = 120
_IDS_SHOWN = 5
_BROKEN_SHOWN = 3
_MESSAGE_MAX = 300
#: Of a handoff that is outlined, because there is no room for all of it.
_TEXT_MAX = 300
_ENTRIES_SHOWN = 5


class Answer(BaseModel):
    """Something a tool says. Only fields without a default are always there."""

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            k: v
            for k, v in handler(self).items()
            if fields[k].is_required() or (v != fields[k].default and v not in (None, "", [], {}))
        }


class TaskBrief(Answer):
    """One line of a list."""

    id: str
    title: str
    state: str
    priority: str
    blocked_by: list[str] = []


class NextTask(Answer):
    """Which task is next, and why; without ``task`` nothing is."""

    task: TaskBrief | None = None
    reason: str
    claimed: bool = False
    note: str | None = None


class TaskList(Answer):
    """A page of tasks. ``more`` counts those that follow; ``after`` is the id to go on from."""

    tasks: list[TaskBrief]
    more: int = 0
    after: str | None = None
    broken: list[str] = []
    note: str | None = None


class Criterion(Answer):
    """An acceptance criterion."""

    text: str
    checked: bool = False


class AttemptBrief(Answer):
    """How an attempt ended."""

    number: int
    outcome: str | None = None
    message: str | None = None


class DecisionMade(Answer):
    """A choice, and why."""

    decision: str
    reason: str | None = None


class HandoffText(Answer):
    """What somebody left for whoever goes on. ``shortened``: the file at ``path`` says more."""

    path: str | None = None
    task: str | None = None
    attempt: int | None = None
    agent: str | None = None
    created: str | None = None
    outcome: str | None = None
    verified: bool | None = None
    error: str | None = None
    summary: str | None = None
    completed: list[str] = []
    remaining: list[str] = []
    decisions: list[DecisionMade] = []
    blockers: list[str] = []
    questions: list[str] = []
    next_steps: list[str] = []
    artifacts: list[str] = []
    failed_checks: list[str] = []
    guidance: str | None = None
    notes: list[str] = []
    shortened: bool = False


class TaskText(Answer):
    """A task in full."""

    id: str
    title: str
    state: str
    why: str
    priority: str
    path: str
    type: str | None = None
    role: str | None = None
    plan: str | None = None
    parent: str | None = None
    milestone: str | None = None
    description: str | None = None
    acceptance: list[Criterion] = []
    depends_on: list[str] = []
    blocked_by: list[str] = []
    paths: list[str] = []
    labels: list[str] = []
    context: list[str] = []
    clarifications: list[str] = []
    complexity: str | None = None
    estimate: str | None = None
    hold: str | None = None
    assignee: str | None = None
    working_directory: str | None = None
    result_schema: dict[str, Any] | None = None
    local: str | None = None
    question: str | None = None
    guidance: list[str] = []
    branch: str | None = None
    pull_request: str | None = None
    attempts: list[AttemptBrief] = []
    attempts_left: int | None = None
    handoff: HandoffText | None = None


class Written(Answer):
    """What was written, and where."""

    id: str | None = None
    path: str | None = None
    commit: str | None = None
    branch: str | None = None
    note: str | None = None


class ContextFound(Answer):
    """Handoffs, newest first."""

    handoffs: list[HandoffText]
    note: str | None = None


# -- translating ---------------------------------------------------------------------------------------------


def describe_next(record: str) -> NextTask:
    """The answer of ``baton next --json``, for a model."""
    said = json.loads(record)
    task = said["task"]
    title = cut_text(task["title"], _TITLE_MAX)
    return NextTask(
        task=TaskBrief(id=task["id"], title=title, state=task["state"], priority=task["priority"]),
        reason=said["reason"],
    )


def brief(entry: Entry) -> TaskBrief:
    """A task on the board in one line."""
    ids = list(entry.blocked_by)
    if len(ids) > _IDS_SHOWN:
        ids = [*ids[:_IDS_SHOWN], f"and {len(ids) - _IDS_SHOWN} more"]
    row = entry.row
    return TaskBrief(
        id=row.id,
        title=cut_text(row.title, _TITLE_MAX),
        state=entry.state,
        priority=row.priority,
        blocked_by=ids,
    )


def page(found: Listing, *, limit: int, after: str, note: str | None) -> TaskList | None:
    """The tasks behind the one with id ``after`` (empty: from the start): ``limit`` of them at most, fewer where
    they take much room. None when ``after`` is not in the list.
    """
    entries = found.entries
    if after:
        at = next((n for n, e in enumerate(entries) if e.row.id == after), None)
        if at is None:
            return None
        entries = entries[at + 1 :]
    broken = [] if after else _list_broken(found.broken)
    room = limit * BYTES_PER_TASK - sum(len(b.encode()) for b in broken)
    shown: list[TaskBrief] = []
    for entry in entries[:limit]:
        line = brief(entry)
        room -= len(line.model_dump_json().encode()) + 1
        if room < 0 and shown:
            break
        shown.append(line)
    more = len(entries) - len(shown)
    return TaskList(
        tasks=shown,
        more=more,
        after=shown[-1].id if more else None,
        broken=broken,
        note=note,
    )


def _list_broken(rows: Sequence[BrokenRow]) -> list[str]:
    shown = [
        cut_text(str(row.problems[0]) if row.problems else row.path, 300) for row in rows[:_BROKEN_SHOWN]
    ]
    rest = len(rows) - len(shown)
    return [*shown, f"and {rest} more files that can't be read"] if rest else shown


def describe_task(shown: Shown, tokens: int = CONTEXT_TOKENS) -> TaskText:
    """A task with its text, and within ``tokens`` its attempts and what its newest handoff says."""
    entry, task = shown.entry, shown.task
    row, live = entry.row, entry.live
    unfinished = entry.state in ("failed", "stopped", "closed")
    handoffs = [_list_forms(None, shown.handoff)] if shown.handoff else []
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


def _list_attempt_forms(attempt: Attempt) -> list[AttemptBrief]:
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
    told = _choose([_list_forms(path, h) for path, h in found.handoffs], found.tokens)
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
    chosen = choose_forms(narrowed, find_room(tokens))
    return [
        forms[of.index(of_min[n])]
        for forms, of, of_min, n in zip(pieces, sizes, narrowed, chosen, strict=True)
    ]


def _list_forms(path: str | None, h: Handoff) -> list[HandoffText]:
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


def describe_write(task: str | None, path: str | None, edited: Edited | None, *, handed_over: str) -> Written:
    """What an edit came to; ``handed_over`` is what to say when it went to the outbox of an attempt."""
    if edited is None:
        return Written(id=task, note=handed_over)
    note = None
    if edited.uncommitted:
        note = f"{', '.join(edited.uncommitted)} is not in git yet: changed on disk, nothing committed"
    elif edited.commit is None:
        note = "nothing changed: it said so already"
    elif edited.off_base:
        note = f"others see it once {edited.branch} is merged"
    note = "; ".join(filter(None, [note, edited.note])) or None
    return Written(id=task, path=path, commit=edited.commit, branch=edited.branch, note=note)
