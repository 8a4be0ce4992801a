"""Records: the JSON side of every answer. Field names are a contract for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.errors import BatonError, Problem

VERSION = 1


def record(kind: str, **fields: Any) -> dict[str, Any]:
    """An answer: one object with ``kind`` and ``version``."""
    return {"kind": kind, "version": VERSION, **fields}


def task_record(entry: Entry) -> dict[str, Any]:
    """A task on the board. The first eight fields are always there; the others where they say something."""
    row, live = entry.row, entry.live
    always = {
        "id": row.id, "title": row.title, "status": row.status, "state": entry.state, "priority": row.priority,
        "depends_on": list(row.depends_on), "blocked_by": list(entry.blocked_by), "path": row.path,
    }  # fmt: skip
    more: dict[str, Any] = {
        "type": row.type, "claimable": entry.claimable, "why": entry.why, "role": row.role, "plan": row.plan,
        "parent": row.parent, "milestone": row.milestone, "labels": list(row.labels), "paths": list(row.paths),
        "assignee": row.assignee, "complexity": row.complexity, "approval": row.approval or ("needed" if entry.gate == "approval" else None),
        "split": entry.split, "service": row.service, "hold": row.hold,
        "created": row.created, "local": row.local, "attempts_left": entry.attempts_left,
    }  # fmt: skip
    if live:
        more |= {
            "attempt": live.attempt, "claimed_by": live.holder, "branch": live.branch, "pull_request": live.pull_request,
            "question": live.question, "guidance": list(live.guidance), "outcome": live.outcome, "reason": live.reason,
            "cost_usd": round(live.cost_usd, 4) or None, "since": live.since,
        }  # fmt: skip
    return always | {k: v for k, v in more.items() if v not in (None, [], "")}


def describe_next(entry: Entry) -> tuple[str, str]:
    """The answer to what comes next: as text, and as one JSON object."""
    import json

    from gitbaton.domain.queue import explain_reason

    reason = explain_reason(entry)
    fields = record("next", task=task_record(entry), reason=reason)
    return f"{entry.row.id}: {entry.row.title}\n  {reason}", json.dumps(fields, ensure_ascii=False)


def detail_record(
    entry: Entry, text: Mapping[str, Any] | None, past: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A task with its whole text and its attempts, both as plain values."""
    return {**(text or {}), **task_record(entry), **({"attempts": list(past)} if past else {})}


def problem_record(problem: Problem) -> dict[str, Any]:
    """A problem of a file."""
    return problem._asdict()


def broken_record(row: BrokenRow) -> dict[str, Any]:
    """A file that can't be read."""
    return {"id": row.id, "path": row.path, "problems": [problem_record(p) for p in row.problems]}


def error_record(error: BatonError) -> dict[str, Any]:
    """An error, as it goes to stderr."""
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "problems": [problem_record(p) for p in error.problems],
    }
    return record("error", **fields, **({"data": error.data} if error.data else {}))
