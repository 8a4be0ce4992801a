"""What the state refs of a server tell: every commit one event, every event legal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.lifecycle import TABLE, apply_event
from gitbaton.domain.state import State
from gitbaton.store.documents import parse_document
from support.hermetic_git import git

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.lifecycle import EventName


def read_history(repository: Path, task: str) -> list[State]:
    """All states of ``task`` in ``repository``, oldest first, after checking them against the table: each
    event may happen from the state before it and leads to the state it is in; a fenced one kept the run id.
    """
    ref = f"refs/baton/tasks/{task}"
    commits = git(repository, "rev-list", "--reverse", "--first-parent", ref).splitlines()
    history: list[State] = []
    for commit in commits:
        assert git(repository, "ls-tree", "--name-only", commit) == "state.yaml"
        text = git(repository, "show", f"{commit}:state.yaml") + "\n"
        state = parse_document(text.encode(), f"{task}@{commit[:8]}", State, "state")
        assert state.task == task
        before = history[-1] if history else None
        event = state.event.name
        came_from = before.claimed_from if before else None
        status = apply_event(task, before.status if before else "open", event, before=came_from)
        assert state.status == status, f"{event} of {task} led to {state.status}"
        if TABLE[event].fenced:
            assert before is not None
            assert state.run == before.run or state.run is None
        assert [a.number for a in state.attempts] == list(range(1, state.attempt + 1))
        history.append(state)
    ids = [state.event.id for state in history]
    assert len(set(ids)) == len(ids), "an event was made twice"
    return history


def read_events(repository: Path, task: str) -> list[EventName]:
    """The events of ``task``, oldest first, checked as ``read_history`` does."""
    return [state.event.name for state in read_history(repository, task)]


def list_tasks_with_state(repository: Path) -> list[str]:
    """Tasks that have a state ref."""
    out = git(repository, "for-each-ref", "--format=%(refname)", "refs/baton/tasks")
    return [line.removeprefix("refs/baton/tasks/") for line in out.splitlines()]
