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

STATES = "refs/baton/tasks/"


def check_step(before: State | None, after: State) -> None:
    """``after`` follows ``before`` by the table: the event may happen there and leads where it stands; a fenced
    one kept the run id; only a claim makes an attempt, with the next number, and only a withdrawal takes it back;
    what is told of an attempt that ended stays, and so do the words for the next one until good work used them.
    """
    task, event = after.task, after.event.name
    assert before is None or before.task == task or event == "hold_released", (
        "only a rename gives another name"
    )
    came_from = before.claimed_from if before else None
    status = apply_event(task, before.status if before else "open", event, before=came_from)
    assert after.status == status, f"{event} of {task} led to {after.status}"
    if TABLE[event].fenced:
        assert before is not None
        assert after.run == before.run or after.run is None
    assert [a.number for a in after.attempts] == list(range(1, after.attempt + 1))
    known = before.attempts if before else ()
    step = {"claimed": 1, "withdrawn": -1}.get(event, 0)
    assert after.attempt == (before.attempt if before else 0) + step, f"{event} of {task}"
    if event == "claimed":
        assert after.run
        assert after.run not in {a.run for a in known}, "a run id was used again"
        assert after.attempts[-1].run == after.run
        assert all(a.ended for a in after.attempts[:-1]), "two attempts run at once"
    if before and event not in ("published", "merged"):  # only good work uses up what people said
        assert set(before.guidance) <= set(after.guidance), f"{event} of {task} forgot what was said"
    for old, new in zip(known, after.attempts, strict=False):
        assert new.run == old.run
        assert old.ended is None or new == old, f"{event} of {task} rewrote attempt {old.number}"


def read_history(repository: Path, task: str) -> list[State]:
    """All states of ``task`` in ``repository``, oldest first, each checked as ``check_step`` does."""
    history: list[State] = []
    for _, state in read_states(repository, task, f"{STATES}{task}"):
        check_step(history[-1] if history else None, state)
        history.append(state)
    assert history[-1].task == task
    ids = [state.event.id for state in history]
    assert len(set(ids)) == len(ids), "an event was made twice"
    return history


def read_states(repository: Path, task: str, *revisions: str) -> list[tuple[str, State]]:
    """(commit, state) of what ``rev-list`` finds for ``revisions``, oldest first. Each tree holds the state alone."""
    commits = git(repository, "rev-list", "--reverse", "--first-parent", *revisions).splitlines()
    found = []
    for commit in commits:
        assert git(repository, "ls-tree", "--name-only", commit) == "state.yaml"
        text = git(repository, "show", f"{commit}:state.yaml") + "\n"
        state = parse_document(text.encode(), f"{task}@{commit[:8]}", State, "state")
        found.append((commit, state))
    return found


def read_events(repository: Path, task: str) -> list[EventName]:
    """The events of ``task``, oldest first, checked as ``read_history`` does."""
    return [state.event.name for state in read_history(repository, task)]


def read_refs(repository: Path, prefix: str) -> dict[str, str]:
    """Full ref name → object id below ``prefix``."""
    out = git(repository, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return dict(line.split(" ", 1) for line in out.splitlines())


def list_tasks_with_state(repository: Path) -> list[str]:
    """Tasks that have a state ref."""
    return [ref.removeprefix(STATES) for ref in read_refs(repository, STATES.rstrip("/"))]
