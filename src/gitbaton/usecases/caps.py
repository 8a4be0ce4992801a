"""Bounds on the whole fleet, counted from state tips alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.outcome import OUTCOMES
from gitbaton.store.live import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from gitbaton.domain.config import Config
    from gitbaton.domain.state import Attempt
    from gitbaton.usecases.project import View


def find_reached_cap(view: View, config: Config, *, now: datetime, mine: str | None = None) -> str | None:
    """The first bound that forbids one more attempt, in words, or None. ``mine`` is a task already claimed by
    the asker: bounds then allow it among the others.
    """
    own = 1 if mine else 0
    states = [e.state for e in view.board.entries.values()]
    caps = config.caps
    running = states.count("in_progress") - own
    if caps.running is not None and running >= caps.running:
        return f"{running} attempts run already (caps.running: {caps.running})"
    reviews = states.count("in_review")
    if caps.open_reviews is not None and reviews >= caps.open_reviews:
        return f"{reviews} tasks wait for review (caps.open_reviews: {caps.open_reviews})"
    attempts = [(task, a) for task, tip in view.tips.states.items() for a in tip.state.attempts]
    if caps.cost_per_day_usd is not None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        spent = sum(
            _cost(a, config)
            for task, a in attempts
            if (parse_time(a.started) or 0) >= midnight and not (task == mine and a.ended is None)
        )
        if spent >= caps.cost_per_day_usd:
            return f"${spent:.2f} were spent today (caps.cost_per_day_usd: {caps.cost_per_day_usd})"
    if mine and caps.cost_per_task_usd is not None:
        spent = sum(_cost(a, config) for task, a in attempts if task == mine and a.ended is not None)
        if spent >= caps.cost_per_task_usd:
            return f"${spent:.2f} were spent on {mine} (caps.cost_per_task_usd: {caps.cost_per_task_usd})"
    return _breaker(attempts, config, now, mine)


def _cost(attempt: Attempt, config: Config) -> float:
    """What an attempt cost; one that still runs counts with its whole budget."""
    if attempt.usage and attempt.usage.cost_usd is not None:
        return attempt.usage.cost_usd
    return (config.run.budget_usd or 0.0) if attempt.ended is None else 0.0


def _breaker(
    attempts: list[tuple[str, Attempt]], config: Config, now: datetime, mine: str | None
) -> str | None:
    """The circuit breaker: open after N infrastructure failures in a row, one probe after the cool-down."""
    ended = sorted((a for _, a in attempts if a.ended and a.outcome), key=lambda a: (a.ended or "", a.run))
    last = ended[-config.breaker.failures :]
    if len(last) < config.breaker.failures or not all(
        a.outcome and OUTCOMES[a.outcome].infrastructure for a in last
    ):
        return None
    since = now.timestamp() - (parse_time(last[-1].ended) or 0.0)
    if since < config.breaker.cooldown:
        return f"{len(last)} attempts in a row failed for reasons outside the tasks ({last[-1].message or last[-1].outcome}); the next try is in {config.breaker.cooldown - since:.0f} s"
    probing = any(a.ended is None and task != mine for task, a in attempts)
    return "one attempt probes whether the trouble outside the tasks has passed" if probing else None
