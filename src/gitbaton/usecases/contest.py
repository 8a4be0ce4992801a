"""After a claim: whether it may stand beside the others, and what it takes back if not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from gitbaton.domain.queue import find_overlap
from gitbaton.errors import BatonError, Refusal
from gitbaton.usecases.caps import Reached, find_reached_cap, has_bounds
from gitbaton.usecases.choosing import is_alone
from gitbaton.usecases.project import load_view
from gitbaton.usecases.transitions import advance, read_tip

if TYPE_CHECKING:
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project, View

#: How often a claimer looks whether those who claimed later make room.
_LOOKS = 6


def draw_wait(project: Project, round_number: int) -> float:
    """Seconds to wait before trying again: random, so that those who met here part."""
    return 0.05 * 2.0**round_number * (1 + int(project.random_id(3), 36) / 36**3)


def keep_or_withdraw(project: Project, view: View | None, claim: Claim) -> str | None:
    """None when the claim stands; else it was withdrawn, and this is why. ``view`` is what it was decided on; None for
    a person's that was decided on without the whole board.
    """
    if not (claim.entry.row.paths or _may_be_bounded(project, view, claim)):
        return None
    try:
        refused = _find_objection(project, claim)
    except BaseException:  # Ctrl-C or the network: nobody would hear of a claim that stayed
        with contextlib.suppress(BatonError):
            _withdraw(project, claim.entry.row.id, claim.run)
        raise
    if refused:
        with contextlib.suppress(Refusal):  # somebody stopped it, or took it over: it isn't ours to give back
            _withdraw(project, claim.entry.row.id, claim.run)
    return refused


def _may_be_bounded(project: Project, view: View | None, claim: Claim) -> bool:
    """Whether anything but paths can speak against it; only caps on numbers are for people, too."""
    if view is None or (claim.held.live and claim.held.live.person):
        return project.repo.config_file.facts.is_capped
    return has_bounds(view, project.repo.config)


def withdraw_if_arrived(project: Project, task: str, run: str) -> None:
    """Take a claim back whose push was cut off, if it arrived all the same. Best effort: else its lease ends it."""
    with contextlib.suppress(BatonError):
        project.refs.fetch()
        tip = read_tip(project, task)
        if tip and tip.state.run == run:
            _withdraw(project, task, run)


def _find_objection(project: Project, claim: Claim) -> str | None:
    """Caps and overlaps are checked again after the claim, because only then all claimers see one another.
    Nobody stays who sees a bound passed. But if all who meet here withdrew, nobody would get through: so
    whoever is among the earliest looks again for a while whether the later ones make room.
    """
    objection = None
    for look in range(_LOOKS):
        if look:
            project.pause(draw_wait(project, look - 1))
        project.refs.fetch()
        now = project.reread()
        if _is_free(now, claim):
            return None
        view = load_view(now, local=False)
        objection = _judge(project, view, claim)
        if objection is None:
            return None
        earlier = sum(_rank(view, rival) < _rank(view, claim.entry.row.id) for rival in objection.rivals)
        if earlier >= objection.room:
            break
    return objection.words if objection else None


def _is_free(project: Project, claim: Claim) -> bool:
    """Whether nothing speaks against a person's claim, as far as that can be told without folding the board."""
    live = claim.held.live
    is_bounded = not (live and live.person) or project.repo.config_file.facts.is_capped
    return not is_bounded and is_alone(project, claim.entry.row.id)


def _judge(project: Project, view: View, claim: Claim) -> Reached | None:
    task, holder = claim.entry.row.id, claim.tip.state.claimed_by
    person = holder is not None and holder.kind == "person"
    mine = view.board.entries.get(task)
    if mine is None:
        return Reached("its file is gone from the base branch")
    if cap := find_reached_cap(view, project.repo.config, now=project.refs.now(), mine=task, person=person):
        return cap
    busy = [e for e in view.board.entries.values() if e.is_busy and e.row.id != task]
    other = find_overlap(mine.row, busy)
    return Reached(f"{task} touches the same paths as {other.row.id}", (other.row.id,), 1) if other else None


def _rank(view: View, task: str) -> tuple[str, str]:
    """Who claimed earlier; the same on every machine, whatever their clocks say."""
    tip = view.tips.states.get(task)
    last = tip.state.attempts[-1] if tip and tip.state.attempts else None
    return (last.started, last.run) if last else ("", "")


def _withdraw(project: Project, task: str, run: str) -> None:
    def change(old: State | None) -> dict[str, Any]:
        assert old is not None
        tip = read_tip(project, task)
        return {
            **restore_before_claim(project, tip),
            "attempt": old.attempt - 1,
            "attempts": old.attempts[:-1],
        }

    advance(project, task, "withdrawn", change, run=run)


def restore_before_claim(project: Project, tip: Tip | None) -> dict[str, Any]:
    """The fields that a claim changes, as they were before the present one."""
    before = project.ledger.read_before_claim(project.repo, tip) if tip else None
    kept = (
        "attempt_limit",
        "base",
        "branch",
        "fresh_since",
        "head",
        "merge",
        "pull_request",
        "question",
        "reason",
        "retry_at",
    )
    gone = ("claimed_by", "claimed_from", "lease", "run", "watch_url")
    return {**{name: getattr(before, name, None) for name in kept}, **dict.fromkeys(gone)}
