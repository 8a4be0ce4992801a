"""What the MCP tools answer: small typed objects. Fields that have nothing to say are left out, because a model
pays for every one of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from gitbaton.domain.wording import cut_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.store.edits import Edited
    from gitbaton.usecases.board import Listing

#: A list's reply stays below this many bytes for each task asked for; then the rest comes with the next page.
BYTES_PER_TASK = 220
_TITLE_MAX = 120
_IDS_SHOWN = 5
_BROKEN_SHOWN = 3


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
    next_action: str | None = None
    artifacts: list[str] = []
    reviewer_wants: list[str] = []
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
