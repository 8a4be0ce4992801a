"""Taking a task, and giving it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gitbaton.domain.board import fold_task
from gitbaton.domain.lifecycle import IllegalEvent
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.queue import claimable_in_order, explain_reason
from gitbaton.domain.state import Attempt, Holder, State
from gitbaton.errors import Refusal, TryAgain, Unreachable
from gitbaton.store.live import Tip, Tips, render_time, to_live_rows
from gitbaton.store.repository import require_config
from gitbaton.usecases.caps import Reached, find_reached_cap, find_spent_budget
from gitbaton.usecases.choosing import ANY, Choice, Filters, explain_nothing, find_claimable, name_local_tasks
from gitbaton.usecases.contest import (
    draw_wait,
    keep_or_withdraw,
    restore_before_claim,
    withdraw_if_arrived,
)
from gitbaton.usecases.eligibility import (
    explain_unended_run,
    get_claimable,
    refuse_takeover,
    refuse_wrong_clock,
)
from gitbaton.usecases.project import Project, View, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import LeaseLost, advance, read_tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Entry
    from gitbaton.domain.lifecycle import LiveStatus
    from gitbaton.domain.task import TaskRun

_ROUNDS = 4


class Claim(NamedTuple):
    """A task that is ours: as it stood on the board, the state we wrote, the base it was decided on, and as it stands
    on the board now.
    """

    entry: Entry
    tip: Tip
    run: str
    base: str
    reason: str
    held: Entry


def claim_task(
    project: Project,
    wanted: str | None,
    *,
    holder: Holder,
    lease_s: Callable[[Entry], float] | None,
    accept: Callable[[Entry], bool] = lambda _: True,
    check: Callable[[Entry], None] = lambda _: None,
    watch_url: str | None = None,
) -> Claim | Choice:
    """Claim ``wanted`` (an id or prefix) or the next claimable task that ``accept`` likes.

    ``lease_s`` gives the lease in seconds; None for a person's claim, which has none. ``check`` is asked right
    before a claim is written and may raise what stands against it. Returns a ``Choice``
    without entry when nothing is claimable. Raises ``Refusal`` when ``wanted`` can't be claimed, with the
    reason, and what the refs raise.
    """
    refuse_inside(project, "claim tasks")
    reason = ""
    for round_number in range(_ROUNDS):
        project = project.fetched()
        refuse_wrong_clock(project)
        require_config(project.repo)
        person = holder.kind == "person"
        if person and not round_number and (known := _find_known(project, wanted, accept)):
            check(known.entry)
            if claim := _try_claim_alone(project, known, wanted, holder, lease_s, watch_url):
                return claim
            project = project.fetched()  # somebody was quicker: everything is looked at
        view = load_view(project, local=False)
        if cap := _find_cap(project, view, person=person):
            return _capped(wanted, cap.words)
        candidates = (
            [get_claimable(project, view, wanted)]
            if wanted
            else [e for e in claimable_in_order(view.board) if accept(e)]
        )
        if not candidates:
            return Choice(None, reason or explain_nothing(view, accept))
        for entry in candidates:
            if obstacle := _find_obstacle(project, view, entry, wanted, person=person):
                reason = obstacle
                continue
            check(entry)
            claim = _try_claim(project, _take_from(view, entry), holder, lease_s, watch_url)
            if claim is None:
                if wanted:
                    raise _refuse_taken(entry)
                continue
            refused = keep_or_withdraw(project, view, claim)
            if refused is None:
                return claim
            if wanted:
                return _capped(wanted, refused)
            reason = refused
            break
        project.pause(draw_wait(project, round_number))
    return Choice(None, reason or explain_nothing(load_view(project.fetched(), local=False), accept))


class _Known(NamedTuple):
    """What a claim is decided on: the task on the board, and the last event of its state."""

    entry: Entry
    event: str | None


def _take_from(view: View, entry: Entry) -> _Known:
    tip = view.tips.states.get(entry.row.id)
    return _Known(entry, tip.state.event.id if tip else None)


def _find_known(project: Project, wanted: str | None, accept: Callable[[Entry], bool]) -> _Known | None:
    """What a person without caps may claim, without a look at the whole board; None where that must be."""
    if project.repo.config_file.facts.is_capped:
        return None
    found = find_claimable(project, wanted, accept)
    if found is None:
        return None
    entry, oid = found
    tip = read_tip(project, entry.row.id) if oid else None
    if oid and (tip is None or tip.oid != oid):
        return None
    return _Known(entry, tip.state.event.id if tip else None)


def _try_claim_alone(
    project: Project,
    known: _Known,
    wanted: str | None,
    holder: Holder,
    lease_s: Callable[[Entry], float] | None,
    watch_url: str | None,
) -> Claim | None:
    """A person's claim that was decided on without the whole board; None where another task may be taken instead. Raises
    ``Refusal`` for one that was ``wanted``.
    """
    claim = _try_claim(project, known, holder, lease_s, watch_url)
    if claim is None:
        if wanted:
            raise _refuse_taken(known.entry)
        return None
    refused = keep_or_withdraw(project, None, claim)
    if refused is None:
        return claim
    if wanted:
        _capped(wanted, refused)
    return None


def _refuse_taken(entry: Entry) -> Refusal:
    task = entry.row.id
    return Refusal(
        f"somebody else took {task} first", code="already-claimed", hint=f"see who: baton show {task}"
    )


class _Taken(Exception):
    """The tip moved between deciding and claiming."""


def _find_cap(project: Project, view: View, *, person: bool) -> Reached | None:
    """The cap that is reached; the settings are read only as far as that may be."""
    if person and not project.repo.config_file.facts.is_capped:
        return None
    return find_reached_cap(view, project.repo.config, now=project.refs.now(), person=person)


def _find_obstacle(
    project: Project, view: View, entry: Entry, wanted: str | None, *, person: bool
) -> str | None:
    """What forbids this one task to be claimed now, or None. Raises ``Refusal`` for one that was ``wanted``."""
    if not person and (spent := find_spent_budget(view, project.repo.config, entry.row.id)):
        return _capped(wanted, spent).reason
    if (unended := explain_unended_run(project, view, entry)) and wanted:
        raise refuse_takeover(entry, unended)
    return unended


def _capped(wanted: str | None, reason: str) -> Choice:
    if wanted:
        raise Refusal(
            f"{wanted} can't be claimed now: {reason}",
            code="cap-reached",
            hint="wait, or change caps in tasks/config.yaml",
        )
    return Choice(None, reason)


def _try_claim(
    project: Project,
    decided: _Known,
    holder: Holder,
    lease_s: Callable[[Entry], float] | None,
    watch_url: str | None,
) -> Claim | None:
    """The claim, or None when somebody else was first."""
    entry, known = decided
    run = project.random_id(16)  # unique: two identical commits would both be accepted by a server
    base = project.repo.base.commit
    assert base is not None, "an entry on the board stands on a base commit"

    def unchanged(now: State | None) -> None:
        if (now.event.id if now else None) != known:
            raise _Taken

    def change(old: State | None) -> dict[str, Any]:
        now = project.refs.now()
        number = (old.attempt if old else 0) + 1
        attempts = old.attempts if old else ()
        if attempts and attempts[-1].ended is None:  # its machine was lost, or its lease passed
            update = {
                "ended": render_time(now),
                "outcome": Outcome.MACHINE_LOST,
                "message": "never reported back",
            }
            attempts = (*attempts[:-1], attempts[-1].model_copy(update=update))
        started = Attempt(
            number=number,
            run=run,
            agent=holder.name,
            kind="session" if holder.through == "mcp" else holder.kind,
            started=render_time(now),
            base=base,
            guidance=old.guidance if old else (),
        )
        limit = (old and old.attempt_limit) or (
            entry.row.attempts_max or project.repo.config_file.facts.attempts_max
        )
        if old and (old.status == "merged" or (entry.state == "changes_requested" and limit < number)):
            limit = number  # a person asked for this one
        return {
            "run": run, "attempt": number, "attempt_limit": limit, "claimed_by": holder, "claimed_from": _origin(old),
            "lease": render_time(now + timedelta(seconds=lease_s(entry))) if lease_s else None,
            "watch_url": watch_url, "base": base, "retry_at": None, "reason": None, "question": None,
            "branch": f"{project.repo.config_file.facts.prefix}{entry.row.id}",
            "attempts": (*attempts, started),
            **({"head": None, "pull_request": None, "merge": None, "fresh_since": number} if old and old.status == "merged" else {}),
        }  # fmt: skip

    try:
        tip = advance(project, entry.row.id, "claimed", change, expect=unchanged, by=holder.name)
    except (_Taken, IllegalEvent):
        return None
    except TryAgain as error:
        if isinstance(error, Unreachable):
            raise
        return None
    except KeyboardInterrupt:  # in the middle of the push, perhaps: the server may hold the claim
        withdraw_if_arrived(project, entry.row.id, run)
        raise
    return Claim(entry, tip, run, base, explain_reason(entry), _hold(project, entry, tip))


def _hold(project: Project, entry: Entry, tip: Tip) -> Entry:
    """The board's entry with the claim. Only what needs nothing more and has no parts can be claimed, so no other
    task counts.
    """
    task = entry.row.id
    live = to_live_rows(Tips({task: tip}, {}), tolerance_s=project.refs.tolerance_s)[task]
    return fold_task(
        entry.row, live, (), entry.row.depends_on, (), depth=entry.depth, now=project.refs.now().timestamp(),
        attempts_max=project.repo.config_file.facts.attempts_max,
    )  # fmt: skip


def _origin(old: State | None) -> LiveStatus:
    """Where a claim comes from, to return there if it is given back. A claim that is taken over from somebody
    who vanished comes from where theirs came; a task that was reopened after its merge begins anew.
    """
    if old is None or old.status in ("merged", "taken_over"):
        return "open"
    return old.claimed_from or "open" if old.status == "in_progress" else old.status


# -- a person's claim ------------------------------------------------------------------------------------------


def claim_as_person(
    project: Project, wanted: str | None, *, among: Filters = ANY, through: Literal["mcp"] | None = None
) -> Claim | Choice:
    """A person's claim: no lease, given back with ``stop``. ``among`` narrows what is next; ``through`` says that a
    session works for the person.
    """
    holder = Holder(name=project.actor, kind="person", through=through)
    claimed = claim_task(project, wanted, holder=holder, lease_s=None, accept=among.accept)
    return name_local_tasks(project, claimed) if isinstance(claimed, Choice) else claimed


def adopt_task(project: Project, view: View, entry: Entry) -> Claim:
    """The claim of a person who took the task over, so that they end it as every attempt ends. Raises ``Refusal``
    (``already-claimed``) when it is somebody else's by now.
    """
    known = _take_from(view, entry)
    claim = _try_claim(project, known, Holder(name=project.actor, kind="person"), None, None)
    if claim is None:
        raise Refusal(
            f"{entry.row.id} has moved on meanwhile", code="already-claimed", hint=f"see who: baton show {entry.row.id}"
        )  # fmt: skip
    return claim


def stop_task(project: Project, text: str, reason: str | None = None) -> Tip:
    """End what runs on a task. A person's own claim is given back, as if it had never been taken; an agent's
    attempt is stopped (its runner sees it within half a minute and keeps the work).
    """
    refuse_inside(project, "stop tasks")
    project = project.fetched()
    entry = find_entry(load_view(project, local=False), text)
    task = entry.row.id
    if entry.live and entry.live.person and entry.live.status == "in_progress":

        def give_back(old: State | None) -> dict[str, Any]:
            assert old is not None
            if not (old.claimed_by and old.claimed_by.kind == "person"):
                raise LeaseLost(task, None, old.claimed_by.name if old.claimed_by else None)
            update = {"ended": render_time(project.refs.now()), "outcome": Outcome.STOPPED}
            attempts = (*old.attempts[:-1], *(a.model_copy(update=update) for a in old.attempts[-1:]))
            limit = old.attempt_limit + 1 if old.attempt_limit else None  # it doesn't count as a try
            return {
                **restore_before_claim(project, read_tip(project, task)),
                "attempts": attempts,
                "attempt_limit": limit,
            }

        return advance(project, task, "released", give_back)
    if entry.live is None:
        raise Refusal(
            f"nobody is at {task}",
            code="nothing-to-stop",
            hint=f'to keep others away: baton set {task} hold="reason"',
        )
    words = reason or f"stopped by {project.actor}"
    return advance(project, task, "stopped", lambda _: {"reason": words, "lease": None})


def lease_for(project: Project, run: TaskRun | None) -> float:
    """Lease of an agent's attempt in seconds: its time limit, the wait for a machine, and grace."""
    t = project.repo.config.timeouts
    return ((run.timeout if run else None) or t.attempt) + t.queue + t.grace
