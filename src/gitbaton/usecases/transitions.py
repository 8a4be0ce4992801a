"""One live state to the next: legal by the table, fenced by the run id, published by compare-and-swap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.lifecycle import TABLE, EventName, apply_event
from gitbaton.domain.state import Event, State
from gitbaton.errors import LostRace, Refusal, Unreachable
from gitbaton.ports import RefUpdate
from gitbaton.store.live import Tip, render_time

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
    tips = project.ledger.read_tips(project.repo, task)
    if task in tips.unreadable:
        raise Refusal(
            f"the live state of {task} can't be read",
            code="bad-state",
            hint=f"look at it with: git show {project.repo.seen_prefix}{task}",
            problems=tips.unreadable[task],
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
    patience: int = 0,
    heard: str | None = None,
    event_id: str | None = None,
) -> Tip:
    """Make ``event`` happen to ``task`` and publish it together with the ref updates ``also`` gives.

    ``change`` returns the fields that differ from the state before; status and event are set here. ``run`` is
    the fence: needed for fenced events, and checked where given. ``expect`` may raise to refuse. If the tip
    moved meanwhile, everything is decided anew on the new one; an event that had arrived although its answer
    was lost is not made twice. ``patience`` is how often a remote that can't be reached is tried again, with
    growing waits. ``heard`` is the event's id as whoever tells of it names it: where the history has it already,
    nothing happens, and the tip is returned as it is. ``event_id`` is an id that the caller looks for itself. Raises
    ``IllegalEvent``, ``LeaseLost``, ``LostRace`` (after many tries, or when one of ``also`` moved), and what
    ``Refs.swap`` raises.
    """
    ref = project.repo.state_prefix + task
    event_id = heard or event_id or project.random_id(12)
    pushed: list[str] = []
    waits = 0
    for _ in range(_TRIES):
        try:
            if pushed:
                project.refs.fetch()
            tip = read_tip(project, task)
            if tip and any(project.ledger.contains(project.repo, tip.oid, oid) for oid in pushed):
                return tip
            if heard and tip and project.ledger.has_event(project.repo, tip, heard):
                return tip
            new = _next_state(
                project, task, tip, event, change, run=run, expect=expect, by=by, event_id=event_id
            )
            extra = list(also(tip.state if tip else None))
            oid = project.ledger.write_state(project.repo, new, tip.oid if tip else None)
            pushed.append(oid)
            project.refs.swap([RefUpdate(ref, oid, tip.oid if tip else None), *extra])
        except LostRace as lost:
            if ref not in lost.data["refs"]:  # type: ignore[operator] # LostRace always carries a list
                raise
        except Unreachable:
            if waits >= patience:
                raise
            project.pause(2.0**waits * (0.5 + draw_chance(project)))
            waits += 1
        else:
            return Tip(oid, new)
    raise LostRace([ref])


def _next_state(
    project: Project,
    task: str,
    tip: Tip | None,
    event: EventName,
    change: Callable[[State | None], dict[str, Any]],
    *,
    run: str | None,
    expect: Callable[[State | None], None] | None,
    by: str | None,
    event_id: str,
) -> State:
    old = tip.state if tip else None
    if (TABLE[event].fenced or run is not None) and (old is None or old.run != run):
        raise LeaseLost(task, run, old.claimed_by.name if old and old.claimed_by else None)
    if expect:
        expect(old)
    status = apply_event(task, old.status if old else "open", event, before=old.claimed_from if old else None)
    happened = Event(name=event, id=event_id, at=render_time(project.refs.now()), by=by or project.actor)
    fields: dict[str, Any] = {"status": status, "event": happened, **change(old)}
    return old.model_copy(update=fields) if old else State(task=task, **fields)


def draw_chance(project: Project) -> float:
    """A number from 0 up to 1, for waits."""
    return int(project.random_id(2), 36) / 36**2
