"""Taking a task, and giving it back."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.board import Entry, claimable_in_order, explain_reason, find_overlap
from gitbaton.domain.lifecycle import IllegalEvent
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.state import Attempt, Holder, State
from gitbaton.errors import BatonError, LostRace, Refusal
from gitbaton.store.live import Tip, render_time
from gitbaton.store.repository import require_config
from gitbaton.usecases.caps import find_reached_cap
from gitbaton.usecases.project import Project, View, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import LeaseLost, advance

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.task import TaskRun

_ROUNDS = 4


class Claim(NamedTuple):
    """A task that is ours: as it stood on the board, the state we wrote, and the base it was decided on."""

    entry: Entry
    tip: Tip
    run: str
    base: str
    reason: str


class Choice(NamedTuple):
    """What ``next`` answers: an entry or none, and why."""

    entry: Entry | None
    reason: str


def choose_next(view: View, *, accept: Callable[[Entry], bool] = lambda _: True) -> Choice:
    """The best claimable task, from base and state refs alone."""
    found = next((e for e in claimable_in_order(view.board) if accept(e)), None)
    return Choice(found, explain_reason(found) if found else explain_nothing(view))


def explain_nothing(view: View) -> str:
    """Why nothing is ready, counted by state."""
    entries = view.board.entries.values()
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    open_states = {s: n for s, n in counts.items() if s not in ("done", "cancelled")}
    if not entries and not view.board.broken:
        return "there are no tasks on the base branch yet"
    words = ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in sorted(open_states.items()))
    broken = f"; {len(view.board.broken)} broken" if view.board.broken else ""
    if not open_states:
        return "all tasks are done" + broken
    return f"no task is ready: {words}{broken}"


def claim_task(
    project: Project,
    wanted: str | None,
    *,
    holder: Holder,
    lease_s: Callable[[Entry], float] | None,
    accept: Callable[[Entry], bool] = lambda _: True,
    watch_url: str | None = None,
) -> Claim | Choice:
    """Claim ``wanted`` (an id or prefix) or the next claimable task that ``accept`` likes.

    ``lease_s`` gives the lease in seconds; None for a person's claim, which has none. Returns a ``Choice``
    without entry when nothing is claimable. Raises ``Refusal`` when ``wanted`` can't be claimed, with the
    reason, and what the refs raise.
    """
    refuse_inside(project, "claim tasks")
    reason = ""
    for round_number in range(_ROUNDS):
        project = project.fetched()
        require_config(project.repo)
        view = load_view(project, local=False)
        if cap := find_reached_cap(view, project.repo.config, now=project.refs.now()):
            return _capped(wanted, cap)
        candidates = (
            [_checked(view, wanted, project)]
            if wanted
            else [e for e in claimable_in_order(view.board) if accept(e)]
        )
        if not candidates:
            return Choice(None, reason or explain_nothing(view))
        for entry in candidates:
            try:
                claim = _try_claim(project, view, entry, holder, lease_s, watch_url)
            except (LostRace, IllegalEvent, _Taken):
                if wanted:
                    raise Refusal(
                        f"somebody else took {entry.row.id} first",
                        code="already-claimed",
                        hint=f"see who: baton show {entry.row.id}",
                    ) from None
                continue
            try:
                refused = _refuse_after(project, claim)
            except BaseException:  # Ctrl-C or the network: nobody would hear of a claim that stayed
                with contextlib.suppress(BatonError):
                    _withdraw(project, claim)
                raise
            if refused:
                _withdraw(project, claim)
                if wanted:
                    return _capped(wanted, refused)
                reason = refused
                break
            return claim
        project.pause(_jitter(project, round_number))
    return Choice(None, reason or explain_nothing(load_view(project.fetched(), local=False)))


class _Taken(Exception):
    """The tip moved between deciding and claiming."""


def _capped(wanted: str | None, reason: str) -> Choice:
    if wanted:
        raise Refusal(
            f"{wanted} can't be claimed now: {reason}",
            code="cap-reached",
            hint="wait, or change caps in tasks/config.yaml",
        )
    return Choice(None, reason)


def _jitter(project: Project, round_number: int) -> float:
    """Seconds to wait before trying again: random, so that those who met here part."""
    return 0.05 * 2.0**round_number * (1 + int(project.random_id(3), 36) / 36**3)


def _checked(view: View, wanted: str, project: Project) -> Entry:
    try:
        entry = find_entry(view, wanted)
    except Refusal as error:
        local = load_view(project, local=True).board.entries
        if error.code == "unknown-id" and any(i == wanted or i.startswith(wanted) for i in local):
            raise Refusal(
                f"{wanted} is only in this checkout: it can be claimed once it is on {project.repo.base.branch}"
                + (f" of {project.repo.remote}" if project.repo.remote else ""),
                code="only-local", hint="commit it and push it, or merge it, first",
            ) from None  # fmt: skip
        raise
    if not entry.claimable:
        raise Refusal(f"{entry.row.id} is {entry.state.replace('_', ' ')}: {entry.why}", code="not-claimable", hint=_hint(entry), data={"state": entry.state, "blocked_by": list(entry.blocked_by)})  # fmt: skip
    busy = [e for e in view.board.entries.values() if e.state in ("in_progress", "in_review")]
    if other := find_overlap(entry.row, busy):
        raise Refusal(f"{entry.row.id} touches the same paths as {other.row.id}, which is {other.state.replace('_', ' ')}", code="paths-overlap", hint=f"wait for {other.row.id}, or narrow paths")  # fmt: skip
    return entry


def _hint(entry: Entry) -> str:
    task = entry.row.id
    match entry.state:
        case "failed" if entry.attempts_left == 0:
            return f'say what to do better: baton retry {task} --guidance "…"'
        case "failed" | "stopped" | "closed":
            return f"start over with: baton retry {task}"
        case "in_progress":
            return f"end it with: baton stop {task}"
        case "in_review":
            return f"look at it with: baton review {task}"
        case "draft":
            return f"baton set {task} status=todo"
        case "waiting":
            return f"do first: {', '.join(entry.blocked_by)}" if entry.blocked_by else f"baton show {task}"
        case _:
            return f"baton show {task}"


def _try_claim(
    project: Project,
    view: View,
    entry: Entry,
    holder: Holder,
    lease_s: Callable[[Entry], float] | None,
    watch_url: str | None,
) -> Claim:
    run = project.random_id(16)  # unique: two identical commits would both be accepted by a server
    base = project.repo.base.commit
    assert base is not None, "an entry on the board stands on a base commit"
    known = view.tips.states.get(entry.row.id)

    def unchanged(now: State | None) -> None:
        if (now.event.id if now else None) != (known.state.event.id if known else None):
            raise _Taken

    def change(old: State | None) -> dict[str, Any]:
        now = project.refs.now()
        number = (old.attempt if old else 0) + 1
        attempts = old.attempts if old else ()
        if attempts and attempts[-1].ended is None:  # its machine was lost, or its lease passed
            lost = attempts[-1].model_copy(
                update={
                    "ended": render_time(now),
                    "outcome": Outcome.MACHINE_LOST,
                    "message": "never reported back",
                }
            )
            attempts = (*attempts[:-1], lost)
        started = Attempt(
            number=number,
            run=run,
            agent=holder.name,
            started=render_time(now),
            base=base,
            guidance=old.guidance if old else (),
        )
        limit = (old and old.attempt_limit) or (
            entry.row.attempts_max or project.repo.config.retries.attempts
        )
        if old and (old.status == "merged" or (entry.state == "changes_requested" and limit < number)):
            limit = number  # a person asked for this one
        return {
            "run": run, "attempt": number, "attempt_limit": limit, "claimed_by": holder,
            "claimed_from": old.status if old and old.status not in ("in_progress", "merged") else "open",
            "lease": render_time(now + timedelta(seconds=lease_s(entry))) if lease_s else None,
            "watch_url": watch_url, "base": base, "retry_at": None, "reason": None, "question": None,
            "branch": f"{project.repo.config.prefix}{entry.row.id}",
            "attempts": (*attempts, started),
            **({"head": None, "pull_request": None, "merge": None} if old and old.status == "merged" else {}),
        }  # fmt: skip

    tip = advance(project, entry.row.id, "claimed", change, expect=unchanged, by=holder.name)
    return Claim(entry, tip, run, base, explain_reason(entry))


def _refuse_after(project: Project, claim: Claim) -> str | None:
    """Caps and overlaps are checked again after the claim, because only then all claimers see one another."""
    config = project.repo.config
    if not (claim.entry.row.paths or any(v is not None for v in config.caps.model_dump().values())):
        return None
    project.refs.fetch()
    view = load_view(project.reread(), local=False)
    mine = view.board.entries.get(claim.entry.row.id)
    if mine is None:
        return "its file is gone from the base branch"
    if cap := find_reached_cap(view, config, now=project.refs.now(), mine=claim.entry.row.id):
        return cap
    busy = [
        e
        for e in view.board.entries.values()
        if e.state in ("in_progress", "in_review") and e.row.id != mine.row.id
    ]
    other = find_overlap(mine.row, busy)
    return f"{mine.row.id} touches the same paths as {other.row.id}" if other else None


def _withdraw(project: Project, claim: Claim) -> None:
    def change(old: State | None) -> dict[str, Any]:
        assert old is not None
        return {
            "run": None, "claimed_by": None, "lease": None, "claimed_from": None, "attempt": old.attempt - 1,
            "attempts": old.attempts[:-1], "watch_url": None,
        }  # fmt: skip

    advance(project, claim.entry.row.id, "withdrawn", change, run=claim.run)


def claim_as_person(
    project: Project, wanted: str | None, *, label: str | None = None, plan: str | None = None
) -> Claim | Choice:
    """A person's claim: no lease, given back with ``stop``. ``label`` and ``plan`` narrow what is next."""
    holder = Holder(name=project.actor, kind="person")
    accept = accept_only(label, plan)
    return claim_task(project, wanted, holder=holder, lease_s=None, accept=accept)


def accept_only(label: str | None, plan: str | None) -> Callable[[Entry], bool]:
    """Whether an entry has ``label`` and belongs to ``plan``; None: any."""
    return lambda e: (not label or label in e.row.labels) and (not plan or e.row.plan == plan)


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
            ended = (
                old.attempts[-1].model_copy(
                    update={"ended": render_time(project.refs.now()), "outcome": Outcome.STOPPED}
                )
                if old.attempts
                else None
            )
            limit = old.attempt_limit + 1 if old.attempt_limit else None  # it doesn't count as a try
            return {
                "run": None, "claimed_by": None, "claimed_from": None, "attempt_limit": limit,
                "attempts": (*old.attempts[:-1], ended) if ended else (),
            }  # fmt: skip

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
