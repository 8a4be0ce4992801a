"""One live state to the next: legal by the table, fenced by the run id, published by compare-and-swap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.lifecycle import TABLE, EventName, LiveStatus, apply_event
from gitbaton.domain.state import Event, State
from gitbaton.errors import LostRace, Refusal
from gitbaton.ports import RefUpdate
from gitbaton.store.live import Tip, read_tips, render_time, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.usecases.project import Project

_TRIES = 12


class LeaseLost(Refusal):
    """The claim belongs to another run now: whoever raises this must publish nothing."""

    def __init__(self, task: str, run: str | None, holder: str | None) -> None:
        super().__init__(
            f"{task} is not ours any more" + (f": {holder} holds it" if holder else ""),
            code="lease-lost",
            hint=f"see who has it with: baton show {task}",
            data={"task": task, "run": run},
        )


def read_tip(project: Project, task: str) -> Tip | None:
    """The task's tip as of the last fetch. Raises ``Refusal`` (``bad-state``) when it can't be read."""
    tips = read_tips(project.repo, [task])
    if tips.problems:
        raise Refusal(
            f"the live state of {task} can't be read",
            code="bad-state",
            hint=f"look at it with: git show {project.repo.seen_prefix}{task}",
            problems=tips.problems,
        )
    return tips.states.get(task)


def advance(
    project: Project,
    task: str,
    event: EventName,
    change: Callable[[State | None], dict[str, Any]],
    *,
    run: str | None = None,
    expect: Callable[[State | None], None] | None = None,
    also: Callable[[State | None], Sequence[RefUpdate]] = lambda _: (),
    by: str | None = None,
    event_id: str | None = None,
) -> Tip:
    """Make ``event`` happen to ``task`` and publish it together with the ref updates ``also`` gives.

    ``change`` returns the fields that differ from the state before; status and event are set here. ``run`` is
    the fence: needed for fenced events, and checked where given. ``expect`` may raise to refuse. If the tip
    moved meanwhile, everything is decided anew on the new one. Raises ``IllegalEvent``, ``LeaseLost``,
    ``LostRace`` (after many tries, or when one of ``also`` moved), and what ``Refs.swap`` raises.
    """
    rule = TABLE[event]
    for _ in range(_TRIES):
        tip = read_tip(project, task)
        old = tip.state if tip else None
        status: LiveStatus = old.status if old else "open"
        if rule.fenced and (old is None or old.run != run):
            raise LeaseLost(task, run, old.claimed_by.name if old and old.claimed_by else None)
        if expect:
            expect(old)
        new_status = apply_event(task, status, event, before=old.claimed_from if old else None)
        happened = Event(
            name=event,
            id=event_id or project.random_id(12),
            at=render_time(project.refs.now()),
            by=by or project.actor,
        )
        fields: dict[str, Any] = {"status": new_status, "event": happened, **change(old)}
        new = old.model_copy(update=fields) if old else State(task=task, **fields)
        ref = project.repo.state_prefix + task
        extra = list(also(old))
        oid = write_state(project.repo, new, tip.oid if tip else None)
        try:
            project.refs.swap([RefUpdate(ref, oid, tip.oid if tip else None), *extra])
        except LostRace as lost:
            if ref not in lost.data["refs"]:  # type: ignore[operator] # LostRace always carries a list
                raise
            project.refs.fetch()
            continue
        return Tip(oid, new)
    raise LostRace([project.repo.state_prefix + task])
