"""Bounds on the whole fleet, counted from state tips alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.store.live import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from gitbaton.domain.board import Entry
    from gitbaton.domain.config import Config
    from gitbaton.domain.state import Attempt
    from gitbaton.usecases.project import View

#: Ends that say nothing about whether the world outside the tasks works.
_NO_EVIDENCE = (Outcome.STOPPED, Outcome.LOST_LEASE, Outcome.TAKEN_OVER)


class Reached(NamedTuple):
    """A bound that forbids one more attempt, in words. ``rivals`` are tasks whose claims compete with the
    asker's; of them and the asker together ``room`` may stay, the earliest. ``wait_s``: it passes by itself then.
    """

    words: str
    rivals: tuple[str, ...] = ()
    room: int = 0
    wait_s: float | None = None


def has_bounds(view: View, config: Config) -> bool:
    """Whether anything but the paths of tasks can forbid an attempt now."""
    return any(v is not None for v in config.caps.model_dump().values()) or bool(find_outage(view, config))


def find_reached_cap(
    view: View, config: Config, *, now: datetime, mine: str | None = None, person: bool = False
) -> Reached | None:
    """The first bound that forbids one more attempt, or None. ``mine`` is a task already claimed by the asker:
    bounds then allow it among the others. What a ``person`` does costs no money and needs no model, so
    neither budgets nor the circuit breaker are theirs.
    """
    caps = config.caps
    entries = [e for e in view.board.entries.values() if e.row.id != mine]
    running = [e for e in entries if e.running]
    if caps.running is not None and len(running) >= caps.running:
        words = f"as many attempts run as may (caps.running: {caps.running})"
        return Reached(words, tuple(e.row.id for e in running), caps.running)
    reviews = sum(e.state == "in_review" for e in entries)
    if caps.open_reviews is not None and reviews >= caps.open_reviews:
        return Reached(f"as many tasks wait for review as may (caps.open_reviews: {caps.open_reviews})")
    if person:
        return None
    if caps.cost_per_day_usd is not None:
        spent, budget = _spend_today(view, config, now, mine), config.run.budget_usd or 0.0
        if spent >= caps.cost_per_day_usd or spent + budget > caps.cost_per_day_usd:
            words = f"${spent:.2f} were spent today" + (
                f", and one attempt may cost ${budget:.2f}" if budget else ""
            )
            return Reached(f"{words} (caps.cost_per_day_usd: {caps.cost_per_day_usd})")
    return _judge_outage(view, config, now, [e for e in running if not (e.live and e.live.person)])


def find_spent_budget(view: View, config: Config, task: str) -> str | None:
    """Why money forbids another attempt at ``task``, or None."""
    most = config.caps.cost_per_task_usd
    tip = view.tips.states.get(task)
    if most is None or tip is None:
        return None
    spent = sum(_cost(a, config) for a in tip.state.attempts if a.ended is not None)
    return f"${spent:.2f} were spent on {task} (caps.cost_per_task_usd: {most})" if spent >= most else None


def _spend_today(view: View, config: Config, now: datetime, mine: str | None) -> float:
    """US dollars since midnight UTC; an agent's attempt that still runs counts with its whole budget."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    spent = 0.0
    for task, attempt in _iter_attempts(view):
        own = task == mine or _is_persons(view.board.entries.get(task))
        if (parse_time(attempt.started) or 0.0) >= midnight and not (attempt.ended is None and own):
            spent += _cost(attempt, config)
    return spent


def _iter_attempts(view: View) -> list[tuple[str, Attempt]]:
    return [(task, a) for task, tip in view.tips.states.items() for a in tip.state.attempts]


def _is_persons(entry: Entry | None) -> bool:
    return bool(entry and entry.live and entry.live.person)


def _cost(attempt: Attempt, config: Config) -> float:
    if attempt.usage and attempt.usage.cost_usd is not None:
        return attempt.usage.cost_usd
    return (config.run.budget_usd or 0.0) if attempt.ended is None else 0.0


# -- the circuit breaker ---------------------------------------------------------------------------------------


def find_outage(view: View, config: Config) -> list[Attempt]:
    """The last attempts, oldest first, if so many in a row failed for reasons outside the tasks that the
    circuit breaker is open; else nothing.
    """
    ended = [a for _, a in _iter_attempts(view) if a.ended and a.outcome and a.outcome not in _NO_EVIDENCE]
    last = sorted(ended, key=lambda a: (a.ended or "", a.run))[-config.breaker.failures :]
    failed = [a for a in last if a.outcome and OUTCOMES[a.outcome].infrastructure]
    return last if len(failed) == config.breaker.failures else []


def _judge_outage(view: View, config: Config, now: datetime, running: list[Entry]) -> Reached | None:
    """After the cool-down one attempt probes whether the trouble has passed; the others wait for its end."""
    failed = find_outage(view, config)
    if not failed:
        return None
    left = config.breaker.cooldown - (now.timestamp() - (parse_time(failed[-1].ended) or 0.0))
    if left > 0:
        why = failed[-1].message or failed[-1].outcome
        many = (
            f"{len(failed)} attempts in a row failed for reasons outside the tasks"
            if len(failed) > 1
            else "the last attempt failed for a reason outside the tasks"
        )
        return Reached(
            f"{many} ({why}); the next try is in {left:.0f} s",
            wait_s=left,
        )
    if not running:
        return None
    probing = tuple(e.row.id for e in running)
    return Reached("one attempt probes whether the trouble outside the tasks has passed", probing, 1)
